"""Whether a school shows an endorsement on its page. It counts and verifies either way. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from countersign.endorsements.rules import Party
from countersign.kit.errors import Code, InvalidState, Refusal


class Display(enum.StrEnum):
    """Whether an endorsement stands on the page of what it is about."""

    SHOWN = "shown"
    HIDDEN = "hidden"


class Act(enum.StrEnum):
    """What the school may do to it."""

    HIDE = "hide"
    SHOW = "show"


class NotTheSchool(Refusal):
    """Only the school whose version it is may {verb} this endorsement on its page."""

    code = Code.NOT_ALLOWED


MOVES: Final[Mapping[tuple[Display, Act], tuple[frozenset[Party], Display]]] = MappingProxyType(
    {
        (Display.SHOWN, Act.HIDE): (frozenset({Party.SCHOOL}), Display.HIDDEN),
        (Display.HIDDEN, Act.SHOW): (frozenset({Party.SCHOOL}), Display.SHOWN),
    }
)
"""Every move of the display: from where, by which act, by whom, to where. What is not here is refused."""


def move(display: Display, act: Act, party: Party) -> Display:
    """The display after the act. Refuses a wrong state (InvalidState) and a wrong party (NotTheSchool)."""
    found = MOVES.get((display, act))
    if found is None:
        needed = " or ".join(before.value for before, of in MOVES if of is act)
        raise InvalidState(what="endorsement", state=display.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party not in allowed:
        raise NotTheSchool(verb=act.value)
    return after
