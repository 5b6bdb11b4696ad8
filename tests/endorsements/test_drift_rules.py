"""Drift: every state, act and party of an alarm; what is found of a tool, and what is not."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from countersign.endorsements.drift_rules import (
    MOVES,
    SOON,
    Act,
    Cause,
    Cycle,
    Finding,
    Known,
    NotYourAlarm,
    Party,
    State,
    concern,
    mark,
    move,
    of_confirmation,
    of_support,
    of_toolchain,
)
from countersign.kit.errors import InvalidState

TODAY = date(2026, 11, 22)
NEWER = UUID(int=7)
KNOWN = Known(
    {"postgresql": "postgresql", "postgres": "postgresql", "python": "python"},
    {
        "python": (Cycle("3.9", date(2025, 10, 31)), Cycle("3.13", date(2029, 10, 31))),
        "postgresql": (
            Cycle("13", date(2025, 11, 13)),
            Cycle("14", TODAY - timedelta(days=10)),
            Cycle("15", TODAY + SOON),
            Cycle("19", None),
        ),
    },
)
EXPECTED = {
    (State.OPEN, Act.ACKNOWLEDGE): (Party.CONCERNED, State.ACKNOWLEDGED),
    (State.OPEN, Act.RESOLVE): (Party.CONCERNED, State.RESOLVED),
    (State.OPEN, Act.CLEAR): (Party.WATCH, State.CLEARED),
    (State.ACKNOWLEDGED, Act.RESOLVE): (Party.CONCERNED, State.RESOLVED),
    (State.ACKNOWLEDGED, Act.CLEAR): (Party.WATCH, State.CLEARED),
    (State.CLEARED, Act.RAISE): (Party.WATCH, State.OPEN),
}
"""What may happen to an alarm, said a second time."""


@pytest.mark.parametrize("party", Party)
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_every_state_act_and_party_of_an_alarm_is_decided(state: State, act: Act, party: Party) -> None:
    expected = EXPECTED.get((state, act))
    if expected is None:
        with pytest.raises(InvalidState):
            move(state, act, party)
    elif party is not expected[0]:
        with pytest.raises(NotYourAlarm):
            move(state, act, party)
    else:
        assert move(state, act, party) is expected[1]


def test_the_table_of_moves_of_alarms_says_nothing_else() -> None:
    assert set(EXPECTED) == set(MOVES)


@pytest.mark.parametrize(
    ("tool", "versions", "cause"),
    [
        ("Python", "3.9", Cause.SUPPORT_ENDED),
        ("python", "3.9.7", Cause.SUPPORT_ENDED),
        ("Python", ">=3.9", None),
        ("Python", "3.13", None),
        ("Python", "3.10", None),
        ("Postgres", "14", Cause.SUPPORT_ENDED),
        ("PostgreSQL", "13 or 14", Cause.SUPPORT_ENDED),
        ("PostgreSQL", "14 or 15", Cause.SUPPORT_ENDING),
        ("PostgreSQL", "15", Cause.SUPPORT_ENDING),
        ("PostgreSQL", ">=15", None),
        ("PostgreSQL", "19", None),
        ("Figma", "web, September 2026", None),
        ("Python", "", None),
        ("Midjourney", "6.1", None),
    ],
)
def test_a_range_has_support_as_long_as_one_of_its_cycles(tool: str, versions: str, cause: Cause | None) -> None:
    assert [found.cause for found in of_support(tool, versions, KNOWN, TODAY)] == ([] if cause is None else [cause])


def test_the_alarm_comes_ninety_days_before_and_turns_the_day_after() -> None:
    last = TODAY + SOON

    def causes(day: date) -> list[Cause]:
        return [found.cause for found in of_support("PostgreSQL", "15", KNOWN, day)]

    assert causes(TODAY - timedelta(days=1)) == []
    assert causes(TODAY) == causes(last) == [Cause.SUPPORT_ENDING]
    assert causes(last + timedelta(days=1)) == [Cause.SUPPORT_ENDED]


def test_a_version_is_told_of_everything_that_it_teaches() -> None:
    toolchain = [{"name": "Python", "version": "3.9"}, {"name": "Postgres", "version": "15"}, {"name": "Figma"}]
    found = list(of_toolchain(toolchain, KNOWN, TODAY))
    assert [(f.tool, f.cause) for f in found] == [
        ("Python", Cause.SUPPORT_ENDED),
        ("Postgres", Cause.SUPPORT_ENDING),
    ]


@pytest.mark.parametrize(
    ("confirmed", "before", "after", "cause"),
    [
        ("3.13", "3.13", "3.13", None),
        ("3.13", "3.13", "3.14", Cause.VERSION_CHANGED),
        (">=3.12", "3.13", "3.14", None),
        ("3.13", "3.13", ">=3.12", Cause.VERSION_CHANGED),
        ("3.13", ">=3.12", ">=3.11", None),
        ("3.13", "3.13", None, None),
        ("3.13", "3.13", "nightly", None),
        ("", "3.13", "3.14", None),
        ("3.13", None, "3.14", Cause.VERSION_CHANGED),
    ],
)
def test_a_newer_version_that_leaves_what_was_confirmed_is_found(
    confirmed: str, before: str | None, after: str | None, cause: Cause | None
) -> None:
    taught, newer = [{"name": "Python", "version": before}], (NEWER, [{"name": "python", "version": after}])
    found = list(of_confirmation([{"name": "Python", "versions": confirmed}], taught, newer, KNOWN, TODAY))
    assert [f.cause for f in found] == ([] if cause is None else [cause])


def test_a_tool_that_is_taught_no_more_is_found_once_and_one_that_never_was_is_not() -> None:
    confirmed = [{"name": "Postgres", "versions": "19"}, {"name": "SciPy", "versions": "1.11"}]
    taught, newer = [{"name": "PostgreSQL", "version": "19"}], (NEWER, [{"name": "Python", "version": "3.13"}])
    found = list(of_confirmation(confirmed, taught, newer, KNOWN, TODAY))
    assert [(f.cause, f.tool, f.fact) for f in found] == [(Cause.TOOL_DROPPED, "Postgres", str(NEWER))]
    assert list(of_confirmation(confirmed, taught, None, KNOWN, TODAY)) == []


def test_another_date_or_another_version_is_another_finding() -> None:
    finding = Finding(Cause.SUPPORT_ENDED, "Node.js", "20", "2026-04-30")
    assert mark("end_1", finding) == "end_1/nodejs/support_ended/2026-04-30"
    later = Finding(Cause.SUPPORT_ENDED, "Node.js", "20", "2026-10-30")
    assert mark("end_1", later) != mark("end_1", finding) != mark("version_1", finding)
    assert concern(mark("end_1", later)) == concern(mark("end_1", finding)) == "end_1/nodejs/support"


def test_support_and_what_is_taught_are_two_concerns_and_each_cause_is_of_one() -> None:
    concerns = {cause: concern(mark("end_1", Finding(cause, "Node.js", "20", "x"))) for cause in Cause}
    assert set(concerns.values()) == {"end_1/nodejs/support", "end_1/nodejs/teaching"}
    assert concerns[Cause.TOOL_DROPPED] == concerns[Cause.VERSION_CHANGED]
