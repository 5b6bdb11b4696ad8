"""Who sees a thing: declared once beside its view, printed into the schema, enforced in its SQL."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countersign.kit.access import Permission


class Tie(enum.Enum):
    """What ties an actor to a thing that they may see."""

    EVERYONE = "nothing is asked"
    PARENT = "the thing is part of another one, which they see"
    CALLER = "it tells them of themselves"
    MEMBER = "they act for its organization"
    HOLDER = "they act for its organization and hold a permission"
    LEARNER = "they are its learner"
    OTHER = "what the SQL says"


@dataclass(frozen=True, slots=True)
class Sight:
    """One way of being allowed to see a row: in words for the schema, and as a predicate over `{t}`.

    `column` is the row's column that is compared, where it is one column; `permission` what a holder must hold.
    """

    tie: Tie
    who: str
    when: str = "true"
    column: str | None = None
    permission: Permission | None = None


EVERYONE: Final = Sight(Tie.EVERYONE, "everyone")
WITH_PARENT: Final = Sight(Tie.PARENT, "who sees what it is part of")
CALLER: Final = Sight(Tie.CALLER, "the caller, of themselves")
THROUGH: Final = Sight(Tie.PARENT, "who may use the field that leads to it")


def caller(when: str) -> Sight:
    """The caller, of themselves, when there is something to tell."""
    return Sight(Tie.CALLER, CALLER.who, when)


def members(column: str = "organization_id", *, of: str = "its organization") -> Sight:
    """Whoever acts for the organization in a column, in whatever role."""
    return Sight(Tie.MEMBER, f"members of {of}", f"{{t}}.{column} = {{actor_organization}}", column)


def holders(permission: Permission, column: str = "organization_id", *, of: str = "its organization") -> Sight:
    """Whoever acts for the organization in a column and holds a permission there."""
    when = f"{{t}}.{column} = {{actor_holding:{permission.value}}}"
    return Sight(Tie.HOLDER, f"who may {permission.value} for {of}", when, column, permission)


def learner(column: str = "learner_id") -> Sight:
    """The learner in a column."""
    return Sight(Tie.LEARNER, "its learner", f"{{t}}.{column} = {{actor_learner}}", column)


def told(who: str, when: str) -> Sight:
    """A way of its own: who it is in words, and the predicate over `{t}`."""
    return Sight(Tie.OTHER, who, when)


def predicate(seen: Sequence[Sight]) -> str:
    """The SQL of being seen in one of the ways; nobody sees what has none."""
    parts = [sight.when for sight in seen]
    if "true" in parts:
        return "true"
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})" if parts else "false"
