"""Ties between organizations: who is too near to judge, and who counts as one. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from countersign.kit.errors import Code, Conflict, Invalid, InvalidState, NotAllowed, Path, Refusal

MOST_LINKS: Final = 100


class ConflictOfInterest(Refusal):
    """{who} is not independent of the school: {why}."""

    code = Code.CONFLICT_OF_INTEREST


class LinkStands(Conflict):
    """This link stands already."""


class TooManyLinks(Conflict):
    """An organization declares at most {limit} links."""


class Tie(enum.StrEnum):
    """Why two organizations are not independent."""

    SAME_ORGANIZATION = "they are the same organization"
    PARENT = "one of them owns the other"
    CONTROLS = "one of them controls the other"
    SAME_OWNER = "they have the same owner"
    DECLARED = "one of them has declared that they belong together"
    KEY = "they sign with the same key"
    DOMAIN = "they share a domain"
    PERSON = "a person has a role in both"
    GROUP = "they belong to one control group"
    RECIPROCAL = "they endorse in a ring"
    SPONSOR = "one of them pays the other"
    SUPPLIER = "it makes a tool that the version uses"
    INTEREST = "a reviewer of it has disclosed an interest"


class LinkKind(enum.StrEnum):
    """What an ownership link says."""

    CONTROLS = "controls"
    SAME_OWNER = "same_owner"


class LinkState(enum.StrEnum):
    """Where an ownership link stands."""

    DECLARED = "declared"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Side(enum.Enum):
    """Who acts on a link."""

    DECLARER = "who declared it"
    OTHER = "the other organization of the link"
    OPERATOR = "the operator"


class Act(enum.StrEnum):
    """What can be done to a link."""

    CONFIRM = "confirm"
    END = "end"


MOVES: Final[Mapping[tuple[LinkState, Act], tuple[frozenset[Side], LinkState]]] = MappingProxyType(
    {
        (LinkState.DECLARED, Act.CONFIRM): (frozenset({Side.OTHER, Side.OPERATOR}), LinkState.CONFIRMED),
        (LinkState.DECLARED, Act.END): (frozenset(Side), LinkState.ENDED),
        (LinkState.CONFIRMED, Act.END): (frozenset({Side.OPERATOR}), LinkState.ENDED),
    }
)
"""Every move of a link. Two who are tied cannot untie themselves in time for a signature: only the operator can."""


def move(state: LinkState, act: Act, side: Side) -> LinkState:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong side (NotAllowed)."""
    found = MOVES.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, of in MOVES if of is act)
        raise InvalidState(what="link", state=state.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if side not in allowed:
        who = " or ".join(sorted(each.value for each in allowed))
        raise NotAllowed(why=f"Only {who} may {act.value} a link that is {state.value}")
    return after


def check_two(one: UUID, other: UUID, path: Path) -> None:
    """Refuse a link of an organization with itself."""
    if one == other:
        raise Invalid(problem="A link is between two organizations", path=path)


@dataclass(frozen=True, slots=True)
class Step:
    """One tie between two organizations; it holds in both directions."""

    here: UUID
    there: UUID
    tie: Tie


def groups(members: Iterable[UUID], steps: Iterable[Step]) -> dict[UUID, UUID]:
    """The control group of each organization: all that are tied, over however many steps, have the same.

    A group is named after the least id in it, so that it has the same name whoever works it out.
    """
    above: dict[UUID, UUID] = {member: member for member in members}

    def top(of: UUID) -> UUID:
        while above.setdefault(of, of) != of:
            above[of] = above[above[of]]
            of = above[of]
        return of

    for step in steps:
        one, other = sorted((top(step.here), top(step.there)))
        above[other] = one
    return {member: top(member) for member in above}
