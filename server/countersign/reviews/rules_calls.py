"""Open calls for reviewers: what may happen to one, who is meant by it, how many places it has. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final
from uuid import UUID

from countersign.kit.errors import Conflict, Invalid, InvalidState, Refusal, Required
from countersign.reviews.sectors import Sector

MOST_PLACES: Final = 20
MOST_SKILLS: Final = 100


class CallState(enum.StrEnum):
    """Where a call stands."""

    OPEN = "open"
    CLOSED = "closed"
    LAPSED = "lapsed"


class CallAct(enum.StrEnum):
    """What can be done to a call."""

    TAKE = "take"
    CLOSE = "close"
    LAPSE = "lapse"


class Caller(enum.StrEnum):
    """Who acts on a call: the school that made it, a reviewer whom it means, or time."""

    SCHOOL = "school"
    REVIEWER = "reviewer"
    CLOCK = "clock"


CALL_MOVES: Final[Mapping[tuple[CallState, CallAct], tuple[Caller, CallState]]] = MappingProxyType(
    {
        (CallState.OPEN, CallAct.TAKE): (Caller.REVIEWER, CallState.OPEN),
        (CallState.OPEN, CallAct.CLOSE): (Caller.SCHOOL, CallState.CLOSED),
        (CallState.OPEN, CallAct.LAPSE): (Caller.CLOCK, CallState.LAPSED),
    }
)
"""Every move of a call. What is not here is refused."""


class NotTheirs(Refusal):
    """Only the {who} may {verb} a call."""


class CallFull(Conflict):
    """All {places} places of this call are taken; one may come back."""


class AlreadyTaken(Conflict):
    """Your organization has a place in this call already."""


class CallStands(Conflict):
    """There is an open call for this version; close it before you make another."""


def move(state: CallState, act: CallAct, party: Caller) -> CallState:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotTheirs)."""
    found = CALL_MOVES.get((state, act))
    if found is None:
        raise InvalidState(what="call", state=state.value, verb=f"to {act.value} it", needed=CallState.OPEN.value)
    allowed, after = found
    if party is not allowed:
        raise NotTheirs(who=allowed.value, verb=act.value)
    return after


def check_places(taken: int, places: int) -> None:
    """Refuse when no place is left."""
    if taken >= places:
        raise CallFull(places=places, path=("reviewCallId",))


def check_call(skills: AbstractSet[UUID], sectors: AbstractSet[Sector], places: int) -> None:
    """Refuse a call that means nobody in particular, or everybody with a hundred skills, or for no or many places."""
    if not skills and not sectors:
        raise Required(what="A skill or a sector", path=("skillIds",))
    check_skills(skills)
    if not 1 <= places <= MOST_PLACES:
        raise Invalid(problem=f"A call has 1 to {MOST_PLACES} places", path=("places",))


def check_skills(skills: AbstractSet[UUID]) -> None:
    """Refuse more skills than one can mean."""
    if len(skills) > MOST_SKILLS:
        raise Invalid(problem=f"At most {MOST_SKILLS} skills are named", path=("skillIds",))


def means(
    call: tuple[AbstractSet[UUID], AbstractSet[Sector]], offer: tuple[AbstractSet[UUID], AbstractSet[Sector]]
) -> bool:
    """Whether a call (skills, sectors) means an organization that offers to review (skills, sectors).

    One of the call's skills must be offered, and one of its sectors; what a call does not name, it does not ask.
    """
    return all(not wanted or not wanted.isdisjoint(offered) for wanted, offered in zip(call, offer, strict=True))
