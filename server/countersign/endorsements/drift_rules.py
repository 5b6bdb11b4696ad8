"""When a tool drifts away from what was endorsed, and what may happen to the alarm. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from countersign.endorsements import ranges
from countersign.endorsements.evidence_checks import says_something
from countersign.endorsements.ranges import Agreement
from countersign.kit.errors import Code, InvalidState, Refusal, Required, TooLong

SOON: Final = timedelta(days=90)
"""How long before the end of support the alarm comes."""
NOTE_LIMIT: Final = 2_000


class State(enum.StrEnum):
    """Where an alarm stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    """Who was told says what they did about it."""
    CLEARED = "cleared"
    """Its cause is gone by itself, or another alarm took its place."""


class Act(enum.StrEnum):
    """What can be done to an alarm."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    CLEAR = "clear"
    RAISE = "raise"


class Party(enum.StrEnum):
    """Who acts on an alarm."""

    CONCERNED = "concerned"
    """The organization whose answer it awaits: the school for a version, the endorser for an endorsement."""
    STRANGER = "stranger"
    WATCH = "watch"
    """The job that looks at toolchains and dates."""


_CONCERNED: Final = frozenset({Party.CONCERNED})
_WATCH: Final = frozenset({Party.WATCH})

MOVES: Final[Mapping[tuple[State, Act], tuple[frozenset[Party], State]]] = MappingProxyType(
    {
        (State.OPEN, Act.ACKNOWLEDGE): (_CONCERNED, State.ACKNOWLEDGED),
        (State.OPEN, Act.RESOLVE): (_CONCERNED, State.RESOLVED),
        (State.OPEN, Act.CLEAR): (_WATCH, State.CLEARED),
        (State.ACKNOWLEDGED, Act.RESOLVE): (_CONCERNED, State.RESOLVED),
        (State.ACKNOWLEDGED, Act.CLEAR): (_WATCH, State.CLEARED),
        (State.CLEARED, Act.RAISE): (_WATCH, State.OPEN),
    }
)
"""Every move of an alarm. What was resolved stays so: the same finding raises it no more."""


class NotYourAlarm(Refusal):
    """This alarm awaits an answer of another organization."""

    code = Code.NOT_ALLOWED


def move(state: State, act: Act, party: Party) -> State:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYourAlarm)."""
    found = MOVES.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, of in MOVES if of is act)
        raise InvalidState(what="alarm", state=state.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party not in allowed:
        raise NotYourAlarm
    return after


def check_note(note: str) -> None:
    """Refuse to resolve without saying what was done, or in more than 2,000 characters."""
    if not says_something(note):
        raise Required(what="What you did about it", path=("note",))
    if len(note) > NOTE_LIMIT:
        raise TooLong(what="The note", limit=NOTE_LIMIT, path=("note",))


class Cause(enum.StrEnum):
    """Why an alarm is raised."""

    SUPPORT_ENDING = "support_ending"
    SUPPORT_ENDED = "support_ended"
    TOOL_DROPPED = "tool_dropped"
    VERSION_CHANGED = "version_changed"


@dataclass(frozen=True, slots=True)
class Cycle:
    """A release cycle of a tool and the last day of its support; None while none is announced."""

    cycle: str
    supported_until: date | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one tool; `fact` tells findings of one cause apart."""

    cause: Cause
    tool: str
    versions: str
    fact: str
    supported_until: date | None = None
    newer_versions: str | None = None


Toolchain = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of tools: the own key by each name, the cycles by own key."""

    same: Mapping[str, str]
    cycles: Mapping[str, Sequence[Cycle]]

    def supported_until(self, tool: str, versions: str) -> date | None:
        """The last day on which some version of the range has support; None: not announced, or nothing is known.

        As long as one cycle of the range is supported, so is the range: who uses 15 or later can use 17.
        """
        key = ranges.key_of(tool)
        of_tool = self.cycles.get(self.same.get(key, key), ())
        met = [cycle.supported_until for cycle in of_tool if ranges.overlap(versions, cycle.cycle)]
        return max((day for day in met if day is not None), default=None) if None not in met else None


def of_support(tool: str, versions: str, known: Known, today: date) -> Iterator[Finding]:
    """Whether the support of a tool's versions has ended, or ends within 90 days."""
    until = known.supported_until(tool, versions)
    if until is None or until - today > SOON:
        return
    cause = Cause.SUPPORT_ENDED if until < today else Cause.SUPPORT_ENDING
    yield Finding(cause, tool, versions, until.isoformat(), supported_until=until)


def of_toolchain(toolchain: Toolchain, known: Known, today: date) -> Iterator[Finding]:
    """What a version teaches that its maker supports no more, or soon no more."""
    for tool in toolchain:
        yield from of_support(str(tool["name"]), str(tool.get("version") or ""), known, today)


def of_confirmation(
    confirmed: Toolchain, taught: Toolchain, newer: tuple[UUID, Toolchain] | None, known: Known, today: date
) -> Iterator[Finding]:
    """What an endorser confirmed (`name`, `versions`) that drifts: support that ends, a newer version that leaves it.

    `newer` is the newest published version after the endorsed one. What cannot be compared raises nothing.
    """
    for tool in confirmed:
        name, versions = str(tool["name"]), str(tool.get("versions") or "")
        yield from of_support(name, versions, known, today)
        before = ranges.find(name, taught, known.same)
        if newer is None or before is None:
            continue
        identity, toolchain = newer
        after = ranges.find(name, toolchain, known.same)
        if after is None:
            yield Finding(Cause.TOOL_DROPPED, name, versions, str(identity))
        elif _left(versions, before.get("version"), after.get("version")):
            yield Finding(
                Cause.VERSION_CHANGED, name, versions, str(identity), newer_versions=str(after.get("version"))
            )


def _left(confirmed: str, before: Any, after: Any) -> bool:
    """Whether what is taught has left what was confirmed, wholly or further than before."""
    match ranges.agreement(confirmed, after):
        case Agreement.DIFFERENT:
            return True
        case Agreement.PARTLY:
            return ranges.agreement(confirmed, before) is Agreement.CONFIRMED
        case _:
            return False


_FAMILY: Final = MappingProxyType(
    {
        Cause.SUPPORT_ENDING: "support",
        Cause.SUPPORT_ENDED: "support",
        Cause.TOOL_DROPPED: "teaching",
        Cause.VERSION_CHANGED: "teaching",
    }
)


def concern(mark: str) -> str:
    """What a finding is about, whatever is found of it by now: the thing, the tool, its support or its teaching.

    An alarm that is found no more, while another of the same concern is, was overtaken: nothing is in order again.
    """
    thing, cause, _ = mark.rsplit("/", 2)
    return f"{thing}/{_FAMILY[Cause(cause)]}"


def mark(of: str, finding: Finding) -> str:
    """The name of a finding about a thing (`version_…`, `end_…`): the same finding has the same name."""
    return f"{of}/{ranges.key_of(finding.tool)}/{finding.cause.value}/{finding.fact}"
