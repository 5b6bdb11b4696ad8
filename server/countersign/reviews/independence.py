"""Ties between two organizations: who is too near to judge. Pure.

Checked when a review is asked for and again when an endorsement is taken and signed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID

from countersign.kit.errors import Code, Refusal


class ConflictOfInterest(Refusal):
    """{who} is not independent of the school: {why}."""

    code = Code.CONFLICT_OF_INTEREST


class Tie(enum.StrEnum):
    """Why two organizations are not independent."""

    SAME_ORGANIZATION = "they are the same organization"
    PARENT = "one of them owns the other"
    CONTROL_GROUP = "they are under the same control"
    DOMAIN = "they share a domain"
    PERSON = "a person has a role in both"


@dataclass(frozen=True, slots=True)
class Side:
    """An organization as the conflict rule sees it; `chain` is itself and everything above it."""

    organization: UUID
    control_group: UUID
    chain: frozenset[UUID]
    domains: frozenset[str] = frozenset()
    people: frozenset[UUID] = frozenset()


def ties(one: Side, other: Side) -> tuple[Tie, ...]:
    """Every tie between two organizations, strongest first; none means independent."""
    found = {
        Tie.SAME_ORGANIZATION: one.organization == other.organization,
        Tie.PARENT: one.organization in other.chain or other.organization in one.chain,
        Tie.CONTROL_GROUP: one.control_group == other.control_group,
        Tie.DOMAIN: bool(one.domains & other.domains),
        Tie.PERSON: bool(one.people & other.people),
    }
    return tuple(tie for tie, holds in found.items() if holds)


def check_independence(judge: Side, school: Side, *, who: str, path: tuple[str | int, ...] = ()) -> None:
    """Refuse a reviewer's or endorser's organization with a tie to the school, naming every tie."""
    found = ties(judge, school)
    if found:
        raise ConflictOfInterest(who=who, why="; ".join(tie.value for tie in found), path=path)
