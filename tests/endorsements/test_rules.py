"""The rules of endorsements: every state × act × party, validity, independence, quorum."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.endorsements.rules import (
    EXPIRING_WITHIN,
    MOVES,
    Act,
    BadValidity,
    NotEndorsable,
    NotTheEndorser,
    Party,
    StaleVersion,
    Standing,
    State,
    Unverified,
    check_authority,
    check_kind,
    check_reason,
    check_statement,
    check_version,
    months_after,
    move,
    standing,
    valid_until,
)
from countersign.endorsements.rules_co_validation import Countersignature, Range, co_validated
from countersign.endorsements.rules_quorum import DEFAULT_POLICY, QuorumPolicy
from countersign.kit.errors import InvalidState, NotAllowed, Required, TooLong
from countersign.specs.rules import State as SpecState

NOW = datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=UTC)
DAY = timedelta(days=1)

SIGNATORY = {Party.SIGNATORY}
EXPECTED: dict[State, dict[Act, tuple[set[Party], State]]] = {
    State.PROPOSED: {
        Act.APPROVE: (SIGNATORY, State.APPROVED),
        Act.REFUSE: (SIGNATORY | {Party.SIGNER}, State.REFUSED),
        Act.WITHDRAW: ({Party.PROPOSER}, State.WITHDRAWN),
    },
    State.APPROVED: {
        Act.TAKE: (SIGNATORY, State.SIGNING),
        Act.REFUSE: (SIGNATORY | {Party.SIGNER}, State.REFUSED),
        Act.WITHDRAW: ({Party.PROPOSER}, State.WITHDRAWN),
    },
    State.SIGNING: {Act.SIGN: ({Party.SIGNER}, State.IN_FORCE), Act.REFUSE: ({Party.SIGNER}, State.REFUSED)},
    State.IN_FORCE: {
        Act.SUSPEND: (SIGNATORY, State.SUSPENDED),
        Act.REVOKE: (SIGNATORY, State.REVOKED),
        Act.RENEW: (SIGNATORY, State.IN_FORCE),
        Act.REAFFIRM: (SIGNATORY, State.IN_FORCE),
        Act.SUPERSEDE: ({Party.SIGNER}, State.SUPERSEDED),
        Act.EXPIRE: ({Party.CLOCK}, State.EXPIRED),
    },
    State.SUSPENDED: {
        Act.RESUME: (SIGNATORY, State.IN_FORCE),
        Act.REVOKE: (SIGNATORY, State.REVOKED),
        Act.RENEW: (SIGNATORY, State.SUSPENDED),
        Act.SUPERSEDE: ({Party.SIGNER}, State.SUPERSEDED),
        Act.EXPIRE: ({Party.CLOCK}, State.EXPIRED),
    },
    State.EXPIRED: {Act.RENEW: (SIGNATORY, State.EXPIRED)},
    State.SUPERSEDED: {},
    State.REVOKED: {},
    State.REFUSED: {},
    State.WITHDRAWN: {},
}


@pytest.mark.parametrize(("state", "act", "party"), list(itertools.product(State, Act, Party)))
def test_every_state_act_and_party_does_what_the_table_says(state: State, act: Act, party: Party) -> None:
    expected = EXPECTED[state].get(act)
    if expected is None:
        with pytest.raises(InvalidState) as refused:
            move(state, act, party)
        assert "_" not in refused.value.message, "a refusal is read by people"
    elif party not in expected[0]:
        with pytest.raises(NotTheEndorser):
            move(state, act, party)
    else:
        assert move(state, act, party) is expected[1]


def test_the_school_may_do_nothing_to_an_endorsement() -> None:
    assert not [parties for parties, _ in MOVES.values() if parties & {Party.SCHOOL, Party.STRANGER, Party.REVIEWER}]


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_standing_and_only_in_force_is_live(state: State) -> None:
    lasting = Range(NOW - DAY, NOW + 2 * EXPIRING_WITHIN)
    assert (standing(state, lasting, NOW) is Standing.LIVE) == (state is State.IN_FORCE)


def test_an_endorsement_expires_by_time_without_a_job() -> None:
    ends = NOW + EXPIRING_WITHIN + DAY
    lasting = Range(NOW, ends)
    assert standing(State.IN_FORCE, lasting, NOW) is Standing.LIVE
    assert standing(State.IN_FORCE, lasting, NOW + DAY) is Standing.EXPIRING
    assert standing(State.IN_FORCE, lasting, ends - timedelta(microseconds=1)) is Standing.EXPIRING
    assert standing(State.IN_FORCE, lasting, ends) is Standing.OVER


@pytest.mark.parametrize(
    ("state", "endorsable"),
    [
        (SpecState.SUBMITTED, True),
        (SpecState.IN_REVIEW, True),
        (SpecState.PUBLISHED, True),
        (SpecState.DEPRECATED, False),
        (SpecState.RETIRED, False),
        (SpecState.WITHDRAWN, False),
    ],
)
def test_a_version_is_endorsable_from_submission_until_deprecation(state: SpecState, endorsable: bool) -> None:
    if endorsable:
        check_version(state, "aa", "aa")
    else:
        with pytest.raises(NotEndorsable) as caught:
            check_version(state, "aa", "aa")
        assert caught.value.path == ("specVersionId",)


def test_another_digest_than_the_one_seen_is_stale() -> None:
    with pytest.raises(StaleVersion) as caught:
        check_version(SpecState.PUBLISHED, "aa", "bb")
    assert caught.value.path == ("expectedDigest",)


@pytest.mark.parametrize("verification", ["unverified", "domain_verified", "suspended"])
def test_an_organization_that_is_not_verified_cannot_sign(verification: str) -> None:
    check_authority("verified")
    with pytest.raises(Unverified):
        check_authority(verification)


@pytest.mark.parametrize("kind", ["school", "platform"])
def test_a_school_never_endorses(kind: str) -> None:
    check_kind("employer")
    check_kind("agency")
    with pytest.raises(NotAllowed):
        check_kind(kind)


def test_a_statement_and_a_reason_say_something_within_limits() -> None:
    check_statement("We interview every holder.")
    check_reason("The tool is gone.")
    for check, longest in ((check_statement, 5_000), (check_reason, 2_000)):
        for nothing in (" \n", "\u200b", "\u202e \u200f"):
            with pytest.raises(Required):
                check(nothing)
        check("x" * longest)
        with pytest.raises(TooLong):
            check("x" * (longest + 1))


def test_validity_is_twelve_months_by_default_in_whole_seconds() -> None:
    assert valid_until(None, NOW) == datetime(2027, 11, 22, 12, tzinfo=UTC)


def test_validity_ends_in_the_future_and_within_twenty_four_months() -> None:
    longest = datetime(2028, 11, 22, 12, tzinfo=UTC)
    assert valid_until(longest, NOW) == longest
    assert valid_until(NOW + DAY, NOW) == datetime(2026, 11, 23, 12, tzinfo=UTC)
    for refused in (NOW, NOW - DAY, longest + timedelta(seconds=1)):
        with pytest.raises(BadValidity):
            valid_until(refused, NOW)


def test_months_end_on_a_day_that_exists() -> None:
    assert months_after(datetime(2028, 2, 29, tzinfo=UTC), 12) == datetime(2029, 2, 28, tzinfo=UTC)
    assert months_after(datetime(2026, 12, 31, tzinfo=UTC), 2) == datetime(2027, 2, 28, tzinfo=UTC)
    assert months_after(datetime(2026, 1, 31, tzinfo=UTC), 12) == datetime(2027, 1, 31, tzinfo=UTC)


def signed(group: int, start: datetime | None = NOW - DAY, end: datetime = NOW + DAY) -> Countersignature:
    return Countersignature(UUID(int=group), Range(start, end) if start else None)


SCHOOL_GROUP = UUID(int=1)


@pytest.mark.parametrize(
    ("countersignatures", "expected"),
    [
        ([], False),
        ([signed(2)], False),
        ([signed(2), signed(2)], False),
        ([signed(2), signed(3)], True),
        ([signed(2), signed(1)], False),
        ([signed(2), signed(3, NOW + DAY / 2)], False),
        ([signed(2), signed(3, end=NOW)], False),
        ([signed(2), signed(3, start=None)], False),
    ],
)
def test_co_validated_counts_independent_control_groups_in_force(
    countersignatures: list[Countersignature], expected: bool
) -> None:
    assert co_validated(countersignatures, SCHOOL_GROUP, DEFAULT_POLICY, NOW) is expected


def test_endorsed_then_and_endorsed_now_are_two_answers() -> None:
    earned, revoked = NOW - 2 * DAY, NOW - DAY
    history = [signed(2, NOW - 9 * DAY), signed(3, NOW - 9 * DAY, end=revoked)]
    assert co_validated(history, SCHOOL_GROUP, DEFAULT_POLICY, earned)
    assert not co_validated(history, SCHOOL_GROUP, DEFAULT_POLICY, NOW)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(0, 5)), max_size=8),
    st.integers(0, 5),
    st.integers(1, 3),
)
def test_co_validation_ignores_order_and_never_shrinks_by_one_more_endorsement(
    drawn: list[tuple[int, int, int]], at: int, groups: int
) -> None:
    policy = QuorumPolicy(groups=groups)
    all_signed = [signed(group, NOW + a * DAY, NOW + b * DAY) for group, a, b in drawn]
    instant = NOW + at * DAY
    whole = co_validated(all_signed, SCHOOL_GROUP, policy, instant)
    assert co_validated(reversed(all_signed), SCHOOL_GROUP, policy, instant) is whole
    if co_validated(all_signed[:-1], SCHOOL_GROUP, policy, instant):
        assert whole
