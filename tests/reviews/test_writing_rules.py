"""The rules of reviews that are written over time: every state × act × party, and what is missing until the end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from countersign.kit.errors import Invalid, InvalidState, Refusal, Refusals, Required, TooLong
from countersign.reviews.rubric import DEFAULT, RUBRIC, Criterion, Rubric
from countersign.reviews.rules import (
    EvidenceNeeded,
    Interest,
    InterestDisclosed,
    OutOfScale,
    Party,
    Recommendation,
    Score,
    ScoresMissing,
    UnknownCriterion,
)
from countersign.reviews.rules_anchors import Anchor, Misquoted, NoSuchField
from countersign.reviews.rules_rubrics import Wanted, build, from_json, to_json
from countersign.reviews.rules_threads import (
    SUGGESTIONS,
    THREADS,
    NotYourPart,
    SuggestionAct,
    SuggestionState,
    ThreadAct,
    ThreadState,
    speak,
    take,
)
from countersign.reviews.rules_writing import (
    MOST_COMMENTS,
    MOST_SUGGESTIONS,
    MOVES,
    Draft,
    DraftAct,
    DraftComment,
    DraftState,
    DraftSuggestion,
    NothingChanged,
    NotViewed,
    check_declaration,
    check_edit,
    move,
    sections_of,
    submit,
)
from countersign.specs import reading
from countersign.specs.content import Content
from countersign.specs.sections import FIELDS, Section
from tests.reviews.support import PROPOSALS, REMARKS, SCORES
from tests.specs.samples import COMPLETE

CONTENT: dict[str, Any] = reading.to_json(reading.parse(COMPLETE))

# state → act → (who may, what it becomes); written out again so that a changed table is noticed.
DRAFTS = {
    DraftState.DRAFT: {
        DraftAct.WRITE: (Party.REVIEWER, DraftState.DRAFT),
        DraftAct.SUBMIT: (Party.REVIEWER, DraftState.SUBMITTED),
        DraftAct.DISCARD: (Party.REVIEWER, DraftState.VOIDED),
        DraftAct.FALL: (Party.DEPARTURE, DraftState.VOIDED),
        DraftAct.CLOSE: (Party.CLOCK, DraftState.VOIDED),
    },
    DraftState.SUBMITTED: {},
    DraftState.VOIDED: {},
}
TALKS = {
    ThreadState.OPEN: {
        ThreadAct.ANSWER: (Party.SCHOOL, ThreadState.ANSWERED),
        ThreadAct.REPLY: (Party.REVIEWER, ThreadState.OPEN),
        ThreadAct.RESOLVE: (Party.REVIEWER, ThreadState.RESOLVED),
    },
    ThreadState.ANSWERED: {
        ThreadAct.ANSWER: (Party.SCHOOL, ThreadState.ANSWERED),
        ThreadAct.REPLY: (Party.REVIEWER, ThreadState.OPEN),
        ThreadAct.RESOLVE: (Party.REVIEWER, ThreadState.RESOLVED),
    },
    ThreadState.RESOLVED: {ThreadAct.REOPEN: (Party.REVIEWER, ThreadState.OPEN)},
}
WORDS = {
    SuggestionState.OPEN: {
        SuggestionAct.ACCEPT: (Party.SCHOOL, SuggestionState.ACCEPTED),
        SuggestionAct.DECLINE: (Party.SCHOOL, SuggestionState.DECLINED),
    },
    SuggestionState.ACCEPTED: {},
    SuggestionState.DECLINED: {SuggestionAct.ACCEPT: (Party.SCHOOL, SuggestionState.ACCEPTED)},
}
MACHINES: list[tuple[Any, Any, Any, Any, Any]] = [
    (DraftState, DraftAct, move, DRAFTS, MOVES),
    (ThreadState, ThreadAct, speak, TALKS, THREADS),
    (SuggestionState, SuggestionAct, take, WORDS, SUGGESTIONS),
]


@pytest.mark.parametrize(("states", "acts", "step", "expected", "table"), MACHINES)
def test_every_state_act_and_party_does_what_is_written(
    states: Any, acts: Any, step: Any, expected: Any, table: Any
) -> None:
    tried = 0
    for state, act, party in itertools.product(states, acts, Party):
        tried += 1
        found = expected[state].get(act)
        if found is None:
            with pytest.raises(InvalidState):
                step(state, act, party)
        elif party is not found[0]:
            with pytest.raises(NotYourPart):
                step(state, act, party)
        else:
            assert step(state, act, party) is found[1]
    assert tried == len(states) * len(acts) * len(Party)
    assert len(table) == sum(len(moves) for moves in expected.values())


def whole(**changes: Any) -> Draft:
    """A draft that can be submitted, but for `changes`."""
    complete = Draft(
        interest=Interest.NONE,
        declaration="",
        scores=SCORES,
        comment="Good.",
        recommendation=Recommendation.ENDORSE,
        comments=(),
        suggestions=(),
        sections=frozenset(Section),
        viewed=frozenset(Section),
    )
    return replace(complete, **changes)


def refusals(draft: Draft, rubric: Rubric = DEFAULT) -> list[tuple[type[Refusal], tuple[str | int, ...]]]:
    with pytest.raises(Refusals) as caught:
        submit(draft, rubric)
    return [(type(one), one.path) for one in caught.value.refusals]


def test_a_whole_draft_makes_its_decision() -> None:
    for recommendation in Recommendation:
        decision = submit(whole(recommendation=recommendation), DEFAULT)
        assert (decision.recommendation, decision.scores) == (recommendation, SCORES)


def test_every_reason_is_told_at_once() -> None:
    lacking = whole(viewed=frozenset({Section.OUTCOMES}), recommendation=None, scores=SCORES[:1], comment="")
    assert refusals(lacking) == [
        (NotViewed, ("viewedSections",)),
        (Required, ("recommendation",)),
        (ScoresMissing, ("scores",)),
        (Required, ("comment",)),
    ]


@pytest.mark.parametrize("section", Section)
def test_one_section_that_was_not_viewed_is_named(section: Section) -> None:
    with pytest.raises(Refusals) as caught:
        submit(whole(viewed=frozenset(Section) - {section}), DEFAULT)
    (one,) = caught.value.refusals
    assert one.message == f"Look at every section before you submit; not viewed yet: {section.value}."


def test_only_what_must_be_viewed_is_asked_for() -> None:
    submit(whole(sections=frozenset({Section.SKILLS}), viewed=frozenset({Section.SKILLS})), DEFAULT)


@pytest.mark.parametrize("recommendation", Recommendation)
def test_the_rubric_must_be_complete_unless_one_only_comments(recommendation: Recommendation) -> None:
    lacking = whole(recommendation=recommendation, scores=SCORES[1:])
    if recommendation is Recommendation.COMMENT:
        submit(lacking, DEFAULT)
    else:
        assert refusals(lacking) == [(ScoresMissing, ("scores",))]


def test_evidence_is_asked_for_from_the_rubrics_level_on() -> None:
    bare = tuple(Score(criterion.code, 3) for criterion in RUBRIC)
    assert refusals(whole(scores=bare)) == [(EvidenceNeeded, ("scores", n, "evidence")) for n in range(len(RUBRIC))]
    submit(whole(scores=bare), replace(DEFAULT, evidence_from=4))
    low = tuple(Score(criterion.code, 1) for criterion in RUBRIC)
    assert len(refusals(whole(scores=low), replace(DEFAULT, evidence_from=1))) == len(RUBRIC)
    high = tuple(Score(criterion.code, 4) for criterion in RUBRIC)
    submit(whole(scores=high), replace(DEFAULT, evidence_from=5))


def test_who_has_disclosed_an_interest_does_not_recommend_to_endorse() -> None:
    disclosed = {"interest": Interest.DISCLOSED, "declaration": "My brother teaches there"}
    assert refusals(whole(**disclosed)) == [(InterestDisclosed, ("recommendation",))]
    submit(whole(**disclosed, recommendation=Recommendation.COMMENT), DEFAULT)


@pytest.mark.parametrize(
    ("interest", "declaration", "kind"),
    [
        (None, "", Required),
        (Interest.DISCLOSED, "", Required),
        (Interest.DISCLOSED, " \n", Required),
        (Interest.DISCLOSED, "x" * 2_001, TooLong),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(
    interest: Interest | None, declaration: str, kind: type[Refusal]
) -> None:
    with pytest.raises(kind):
        check_declaration(interest, declaration)
    assert check_declaration(Interest.NONE, "") is Interest.NONE


def test_sections_are_asked_of_what_the_version_says() -> None:
    assert sections_of(Content()) == frozenset()
    assert sections_of(Content(title="A")) == {Section.OVERVIEW}
    assert sections_of(reading.parse(COMPLETE)) == frozenset(Section)
    keys = {name for names in FIELDS.values() for name in names}
    assert len(keys) == sum(len(names) for names in FIELDS.values()) == len(fields(Content))


def told(act: Callable[[], object]) -> list[Refusal]:
    """What is refused, one by one."""
    try:
        act()
    except Refusal as one:
        return [one]
    except Refusals as several:
        return several.refusals
    return []


def edit_refusals(**given: Any) -> list[tuple[type[Refusal], tuple[str | int, ...]]]:
    return [(type(one), one.path) for one in told(lambda: check_edit(CONTENT, DEFAULT, **given))]


def test_a_draft_holds_what_the_frozen_text_says() -> None:
    check_edit(CONTENT, DEFAULT, scores=SCORES, comments=REMARKS, suggestions=PROPOSALS, comment="x" * 10_000)


def test_each_fault_of_an_edit_is_told_with_its_place() -> None:
    assert edit_refusals(
        scores=(Score("R1", 4), Score("D9", 2), Score("R2", 7)),
        comments=(DraftComment(Anchor("nowhere"), "Hm"), DraftComment(Anchor(), " ")),
        suggestions=(
            DraftSuggestion(Anchor("summary", 0, 4, "Five"), "Six"),
            DraftSuggestion(Anchor("summary", 0, 4, "Four"), "Four"),
            DraftSuggestion(Anchor("summary"), "Six"),
        ),
        comment="x" * 10_001,
    ) == [
        (UnknownCriterion, ("scores", 1, "criterion")),
        (OutOfScale, ("scores", 2, "value")),
        (NoSuchField, ("comments", 0, "path")),
        (Required, ("comments", 1, "body")),
        (Misquoted, ("suggestions", 0, "quoted")),
        (NothingChanged, ("suggestions", 1, "replacement")),
        (Required, ("suggestions", 2, "path")),
        (TooLong, ("comment",)),
    ]


def test_a_review_has_an_end() -> None:
    remark = DraftComment(Anchor(), "Hm")
    check_edit(CONTENT, DEFAULT, comments=[remark] * MOST_COMMENTS)
    assert edit_refusals(comments=[remark] * (MOST_COMMENTS + 1)) == [(Invalid, ("comments",))]
    assert edit_refusals(suggestions=[PROPOSALS[0]] * (MOST_SUGGESTIONS + 1)) == [(Invalid, ("suggestions",))]
    assert edit_refusals(comments=[DraftComment(Anchor(), "x" * 4_001)]) == [(TooLong, ("comments", 0, "body"))]


ANCHORS = ("None", "Some", "Enough", "Much", "All")
OWN = Wanted("D1", "Depth", "Is it deep?", ANCHORS)


def test_a_rubric_mixes_own_criteria_with_the_platforms() -> None:
    made = build("Ours", [OWN, Wanted("R3")], 2)
    assert made == Rubric((Criterion("D1", "Depth", "Is it deep?", ANCHORS), RUBRIC[2]), 2)
    assert from_json(to_json(made), 2) == made


@pytest.mark.parametrize(
    ("title", "wanted", "evidence_from", "paths"),
    [
        ("", [OWN], 3, [("title",)]),
        ("x" * 201, [OWN], 3, [("title",)]),
        ("Ours", [], 3, [("criteria",)]),
        ("Ours", [OWN] * 31, 3, [("criteria",)]),
        ("Ours", [OWN], 0, [("evidenceFrom",)]),
        ("Ours", [OWN], 6, [("evidenceFrom",)]),
        ("Ours", [OWN, OWN], 3, [("criteria", 1, "code")]),
        ("Ours", [replace(OWN, code="R1")], 3, [("criteria", 0, "code")]),
        ("Ours", [replace(OWN, code="r99")], 3, [("criteria", 0, "code")]),
        ("Ours", [replace(OWN, code="Д1")], 3, [("criteria", 0, "code")]),
        ("Ours", [replace(OWN, title="", question=" ")], 3, [("criteria", 0, "title"), ("criteria", 0, "question")]),
        ("Ours", [replace(OWN, anchors=ANCHORS[:4])], 3, [("criteria", 0, "anchors")]),
        ("Ours", [replace(OWN, anchors=(*ANCHORS, "More"))], 3, [("criteria", 0, "anchors")]),
        ("Ours", [replace(OWN, anchors=(*ANCHORS[:4], ""))], 3, [("criteria", 0, "anchors", 4)]),
        ("Ours", [Wanted("D2")], 3, [("criteria", 0, n) for n in ("title", "question", "anchors")]),
    ],
)
def test_a_rubric_that_leaves_a_score_without_meaning_is_refused(
    title: str, wanted: list[Wanted], evidence_from: int, paths: list[tuple[str | int, ...]]
) -> None:
    assert [one.path for one in told(lambda: build(title, wanted, evidence_from))] == paths
