"""Pledges: every state, act and party; where a pledge stands; how kept promises are counted."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from countersign.endorsements.pledge_rules import (
    MOVES,
    SETTLING,
    Act,
    Figures,
    NotOpaque,
    NotYourPart,
    Party,
    Promise,
    State,
    check_reference,
    kept,
    move,
    state_of,
)
from countersign.kit.errors import InvalidState

TODAY = date(2026, 11, 22)
PLEDGE = Figures(5, TODAY, TODAY + timedelta(days=100))
EXPECTED = {
    State.OFFERED: {
        Act.OPEN: ({Party.LEDGER}, State.OPEN),
        Act.LAPSE: ({Party.LEDGER}, State.LAPSED),
        Act.REDEEM: ({Party.ENDORSER}, State.OFFERED),
        Act.RELEASE: ({Party.SCHOOL, Party.ENDORSER}, State.OFFERED),
        Act.WITHDRAW: ({Party.ENDORSER}, State.WITHDRAWN),
    },
    State.OPEN: {
        Act.RESERVE: ({Party.SCHOOL}, State.OPEN),
        Act.EXHAUST: ({Party.LEDGER}, State.EXHAUSTED),
        Act.REDEEM: ({Party.ENDORSER}, State.OPEN),
        Act.RELEASE: ({Party.SCHOOL, Party.ENDORSER}, State.OPEN),
        Act.LAPSE: ({Party.LEDGER}, State.LAPSED),
        Act.WITHDRAW: ({Party.ENDORSER}, State.WITHDRAWN),
    },
    State.EXHAUSTED: {
        Act.REDEEM: ({Party.ENDORSER}, State.EXHAUSTED),
        Act.RELEASE: ({Party.SCHOOL, Party.ENDORSER}, State.OPEN),
        Act.LAPSE: ({Party.LEDGER}, State.LAPSED),
        Act.WITHDRAW: ({Party.ENDORSER}, State.WITHDRAWN),
    },
    State.LAPSED: {
        Act.REDEEM: ({Party.ENDORSER}, State.LAPSED),
        Act.RELEASE: ({Party.SCHOOL, Party.ENDORSER}, State.LAPSED),
    },
    State.WITHDRAWN: {
        Act.REDEEM: ({Party.ENDORSER}, State.WITHDRAWN),
        Act.RELEASE: ({Party.SCHOOL, Party.ENDORSER}, State.WITHDRAWN),
    },
}
"""What may happen to a pledge, said a second time."""


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_every_state_act_and_party_of_a_pledge_is_decided(state: State, act: Act, party: Party) -> None:
    if act not in EXPECTED[state]:
        with pytest.raises(InvalidState):
            move(state, act, party)
        return
    parties, after = EXPECTED[state][act]
    if party not in parties:
        with pytest.raises(NotYourPart):
            move(state, act, party)
        return
    assert move(state, act, party) is after


def test_the_table_of_moves_says_nothing_else() -> None:
    assert {(state, act) for state, acts in EXPECTED.items() for act in acts} == set(MOVES)


def figures(**changes: object) -> Figures:
    return Figures(**{**{name: getattr(PLEDGE, name) for name in PLEDGE.__slots__}, **changes})


@pytest.mark.parametrize(
    ("pledge", "promise", "day", "state"),
    [
        (PLEDGE, Promise.GIVEN, TODAY, State.OPEN),
        (PLEDGE, Promise.PENDING, TODAY, State.OFFERED),
        (PLEDGE, Promise.PAUSED, TODAY, State.OFFERED),
        (PLEDGE, Promise.ENDED, TODAY, State.WITHDRAWN),
        (PLEDGE, Promise.GIVEN, TODAY - timedelta(days=1), State.OFFERED),
        (PLEDGE, Promise.GIVEN, PLEDGE.closes_on, State.OPEN),
        (PLEDGE, Promise.GIVEN, PLEDGE.closes_on + timedelta(days=1), State.LAPSED),
        (PLEDGE, Promise.PENDING, PLEDGE.closes_on + timedelta(days=1), State.LAPSED),
        (figures(reserved=5), Promise.GIVEN, TODAY, State.EXHAUSTED),
        (figures(reserved=5, redeemed=5), Promise.GIVEN, TODAY, State.EXHAUSTED),
        (figures(reserved=5, returned=1), Promise.GIVEN, TODAY, State.OPEN),
        (figures(reserved=6, broken=1), Promise.GIVEN, TODAY, State.EXHAUSTED),
        (figures(reserved=5, withdrawn=True), Promise.GIVEN, TODAY, State.WITHDRAWN),
        (figures(withdrawn=True), Promise.GIVEN, PLEDGE.closes_on + timedelta(days=1), State.WITHDRAWN),
    ],
)
def test_where_a_pledge_stands_follows_from_its_figures_its_promise_and_the_day(
    pledge: Figures, promise: Promise, day: date, state: State
) -> None:
    assert state_of(pledge, promise, day) is state


@pytest.mark.parametrize("reference", ["H-2026-014", "a", "0199a1f0-0000-7000-8000-000000000001", "x" * 64, "a.b:c_d"])
def test_an_opaque_reference_is_taken(reference: str) -> None:
    check_reference(reference)


@pytest.mark.parametrize(
    "reference",
    ["", " ", "Anna Schmidt", "anna@example.com", "Анна", "x" * 65, "-a", "a\n", "a\x00b", "\u202eanna", "a/b"],
)
def test_a_reference_that_could_name_somebody_is_refused(reference: str) -> None:
    with pytest.raises(NotOpaque) as caught:
        check_reference(reference)
    assert caught.value.path == ("reference",)


def test_seats_that_were_given_back_or_never_asked_for_count_for_nothing() -> None:
    found = kept([figures(seats=100), figures(reserved=4, returned=4)], TODAY)
    assert (found.kept, found.broken, found.pending, found.rate) == (0, 0, 0, None)


def test_below_five_known_outcomes_there_are_counts_and_no_rate() -> None:
    found = kept([figures(reserved=5, redeemed=3, broken=1)], TODAY)
    assert (found.kept, found.broken, found.pending) == (3, 1, 1)
    assert (found.rate, found.low, found.high) == (None, None, None)


def test_a_rate_comes_with_its_interval() -> None:
    found = kept([figures(seats=20, reserved=10, redeemed=8, broken=2)], TODAY)
    # Wilson 1927, 8 of 10 at 95 %: 0.490 to 0.943.
    assert (found.rate, found.low, found.high) == (Decimal("0.800"), Decimal("0.490"), Decimal("0.943"))


def test_who_keeps_every_promise_has_an_interval_that_ends_at_one() -> None:
    found = kept([figures(seats=20, reserved=5, redeemed=5)], TODAY)
    assert (found.rate, found.high) == (Decimal("1.000"), Decimal("1.000"))
    assert found.low is not None
    assert found.low < Decimal("0.6")


def test_a_seat_that_is_never_answered_is_not_kept_thirty_days_after_the_window() -> None:
    pledge = figures(reserved=5, redeemed=4)
    last = pledge.closes_on + SETTLING
    assert kept([pledge], last).pending == 1
    overdue = kept([pledge], last + timedelta(days=1))
    assert (overdue.kept, overdue.broken, overdue.pending) == (4, 1, 0)
    assert overdue.rate == Decimal("0.800")


def test_a_withdrawn_pledge_counts_like_all_others() -> None:
    found = kept([figures(reserved=5, redeemed=1, broken=4, withdrawn=True)], TODAY)
    assert found.rate == Decimal("0.200")
