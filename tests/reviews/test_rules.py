"""The rules of review requests and reviews: every state × act × party, and what a review must say."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from countersign.kit.errors import InvalidState, Refusal, Refusals, Required, TooLong
from countersign.reviews.rubric import CRITERIA, DEFAULT, RUBRIC
from countersign.reviews.rules import (
    LEASE,
    MOVES,
    Act,
    Decision,
    EvidenceNeeded,
    Interest,
    InterestDisclosed,
    Leased,
    LeaseLost,
    NotYours,
    OutOfScale,
    Party,
    Recommendation,
    Request,
    RequestState,
    Score,
    ScoredTwice,
    ScoresMissing,
    UnknownCriterion,
    check,
    claim,
    decide,
    decline,
    move,
    score_faults,
    voids,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNA = UUID(int=1)
BORIS = UUID(int=2)

OPEN, CLAIMED, DECIDED, DECLINED, EXPIRED, CANCELLED = RequestState
TERMINAL = (DECLINED, EXPIRED, CANCELLED)

# state → act → (who may, what it becomes); written out again so that a changed table is noticed.
EXPECTED = {
    OPEN: {
        Act.CLAIM: (Party.REVIEWER, CLAIMED),
        Act.DECLINE: (Party.REVIEWER, DECLINED),
        Act.CANCEL: (Party.SCHOOL, CANCELLED),
        Act.EXPIRE: (Party.CLOCK, EXPIRED),
    },
    CLAIMED: {
        Act.CLAIM: (Party.REVIEWER, CLAIMED),
        Act.DECIDE: (Party.REVIEWER, DECIDED),
        Act.DECLINE: (Party.REVIEWER, DECLINED),
        Act.CANCEL: (Party.SCHOOL, CANCELLED),
        Act.EXPIRE: (Party.CLOCK, EXPIRED),
        Act.RELEASE: (Party.DEPARTURE, OPEN),
        Act.RETURN: (Party.REVIEWER, OPEN),
        Act.LAPSE: (Party.CLOCK, OPEN),
    },
    DECIDED: {Act.RELEASE: (Party.DEPARTURE, OPEN)},
    **{state: {} for state in TERMINAL},
}


@pytest.mark.parametrize(("state", "act", "party"), list(itertools.product(RequestState, Act, Party)))
def test_every_state_act_and_party_does_what_the_table_says(state: RequestState, act: Act, party: Party) -> None:
    expected = EXPECTED[state].get(act)
    if expected is None:
        with pytest.raises(InvalidState):
            move(Request(state), act, party)
    elif expected[0] is not party:
        with pytest.raises(NotYours):
            move(Request(state), act, party)
    else:
        assert move(Request(state), act, party) is expected[1]


def test_nothing_leaves_a_terminal_state_and_a_decision_falls_only_with_its_reviewer() -> None:
    assert not [state for state, _ in MOVES if state in TERMINAL]
    assert [act for state, act in MOVES if state is DECIDED] == [Act.RELEASE]


@pytest.mark.parametrize("recommendation", Recommendation)
def test_an_unsigned_decision_falls_with_its_reviewer_unless_it_is_dissent_whose_day_has_passed(
    recommendation: Recommendation,
) -> None:
    today = NOW.date()
    assert voids(recommendation, today, today)
    assert voids(recommendation, today + timedelta(days=1), today)
    assert voids(recommendation, today - timedelta(days=1), today) is (recommendation is Recommendation.ENDORSE)


def full(recommendation: Recommendation = Recommendation.ENDORSE, **changes: object) -> Decision:
    facts: dict[str, object] = {
        "interest": Interest.NONE,
        "declaration": "",
        "scores": tuple(Score(c.code, 3, "Seen in the assessment brief") for c in RUBRIC),
        "comment": "Matches our work.",
        "recommendation": recommendation,
    }
    return Decision(**(facts | changes))  # type: ignore[arg-type]


def places(decision: Decision) -> set[tuple[type[Refusal], tuple[str | int, ...]]]:
    with pytest.raises(Refusals) as caught:
        check(decision)
    return {(type(r), r.path) for r in caught.value.refusals}


def test_the_rubric_has_eleven_criteria_with_five_anchors_each() -> None:
    assert list(CRITERIA) == [f"R{n}" for n in range(1, 12)]
    assert all(len(c.anchors) == 5 and all(c.anchors) and c.question.endswith("?") for c in RUBRIC)


def test_a_claim_is_a_lease_that_its_holder_may_extend() -> None:
    first = claim(Request(OPEN), ANNA, NOW)
    assert first == Request(CLAIMED, ANNA, NOW + LEASE)
    later = NOW + timedelta(days=2)
    assert claim(first, ANNA, later).claimed_until == later + LEASE


def test_another_reviewer_claims_only_after_the_lease_has_run_out() -> None:
    first = claim(Request(OPEN), ANNA, NOW)
    with pytest.raises(Leased, match=r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$"):
        claim(first, BORIS, NOW + LEASE - timedelta(microseconds=1))
    assert claim(first, BORIS, NOW + LEASE).claimed_by == BORIS


def test_only_the_holder_of_a_running_lease_decides() -> None:
    claimed = claim(Request(OPEN), ANNA, NOW)
    assert decide(claimed, ANNA, full(), NOW) is DECIDED
    with pytest.raises(LeaseLost):
        decide(claimed, BORIS, full(), NOW)
    with pytest.raises(LeaseLost):
        decide(claimed, ANNA, full(), NOW + LEASE)


def test_another_reviewer_cannot_decline_a_leased_request() -> None:
    claimed = claim(Request(OPEN), ANNA, NOW)
    with pytest.raises(Leased):
        decline(claimed, BORIS, "Not our field", NOW)
    assert decline(claimed, ANNA, "Not our field", NOW) is DECLINED


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_declining_needs_a_reason(reason: str) -> None:
    with pytest.raises(Required):
        decline(Request(OPEN), ANNA, reason, NOW)


def test_the_declaration_is_asked_for_before_any_score_is_read() -> None:
    with pytest.raises(Required) as caught:
        check(full(interest=None, scores=(Score("R99", 7),)))
    assert caught.value.path == ("interest",)


def test_a_disclosed_interest_needs_words_and_bars_from_recommending_to_endorse() -> None:
    with pytest.raises(Required):
        check(full(interest=Interest.DISCLOSED))
    with pytest.raises(InterestDisclosed):
        check(full(interest=Interest.DISCLOSED, declaration="I taught there in 2024."))
    check(full(Recommendation.COMMENT, interest=Interest.DISCLOSED, declaration="I taught there in 2024."))


@pytest.mark.parametrize("value", range(5))
def test_a_score_of_three_or_four_needs_evidence(value: int) -> None:
    decision = full(Recommendation.COMMENT, scores=(Score("R1", value),))
    if value >= 3:
        assert places(decision) == {(EvidenceNeeded, ("scores", 0, "evidence"))}
    else:
        check(decision)


def test_every_faulty_score_is_named_with_its_place() -> None:
    scores = (Score("R1", 5), Score("R12", 1), Score("R2", 1), Score("R2", 2), Score("R3", -1))
    assert places(full(Recommendation.COMMENT, scores=scores)) == {
        (OutOfScale, ("scores", 0, "value")),
        (UnknownCriterion, ("scores", 1, "criterion")),
        (ScoredTwice, ("scores", 3, "criterion")),
        (OutOfScale, ("scores", 4, "value")),
    }


def test_recommending_to_endorse_needs_every_criterion_scored() -> None:
    check(full())
    with pytest.raises(Refusals) as caught:
        check(full(scores=tuple(Score(c.code, 1) for c in RUBRIC if c.code not in {"R10", "R2"})))
    (missing,) = caught.value.refusals
    assert isinstance(missing, ScoresMissing)
    assert missing.message.endswith("missing: R2, R10.")


@pytest.mark.parametrize("recommendation", [r for r in Recommendation if r is not Recommendation.ENDORSE])
def test_any_other_recommendation_needs_a_comment(recommendation: Recommendation) -> None:
    check(full(recommendation, scores=()))
    assert places(full(recommendation, scores=(), comment=" ")) == {(Required, ("comment",))}


def test_words_have_a_limit() -> None:
    assert places(full(comment="x" * 10_001)) == {(TooLong, ("comment",))}


def test_a_flood_of_scores_is_one_short_refusal() -> None:
    flood = [Score("x" * 100_000, 9) for _ in range(101)]
    (refusal,) = score_faults(flood, DEFAULT, evidence=True)
    assert refusal.path == ("scores",)
    for value, faults in ((9, 299), (3, 299)):
        unknown = score_faults([Score("x" * 100_000, value)] * 100, DEFAULT, evidence=True)
        assert len(unknown) == faults
        assert max(len(each.message) for each in unknown) < 200
