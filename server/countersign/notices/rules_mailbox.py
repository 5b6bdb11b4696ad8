"""What may be sent to an address: it is confirmed by a link before anything else is, and ends by one click."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from countersign.kit.errors import InvalidState

CONFIRMATION: Final = timedelta(hours=24)
"""How long the link of a confirmation is good."""
MOST_CONFIRMATIONS: Final = 5
"""Letters of confirmation that a person may cause in a day, and that an address may get."""


class State(enum.Enum):
    """Where the address of a mailbox stands."""

    NONE = "none"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"


class Act(enum.Enum):
    """What is done to it: by its owner, by who has a link, by the mail server."""

    SET = "set"
    REMOVE = "remove"
    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"


MOVES: Final[Mapping[tuple[State, Act], State]] = MappingProxyType(
    {
        **{(state, Act.SET): State.PENDING for state in State},
        **{(state, Act.REMOVE): State.NONE for state in State},
        (State.PENDING, Act.CONFIRM): State.CONFIRMED,
        (State.CONFIRMED, Act.CONFIRM): State.CONFIRMED,
        # Whoever says so before confirming never asked for anything: the address is forgotten.
        (State.PENDING, Act.UNSUBSCRIBE): State.NONE,
        (State.CONFIRMED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
        (State.BOUNCED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
        (State.UNSUBSCRIBED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
        (State.PENDING, Act.BOUNCE): State.BOUNCED,
        (State.CONFIRMED, Act.BOUNCE): State.BOUNCED,
    }
)
"""Every step; a pair that is not here is refused. Links may be opened twice, so what they do may be done twice."""


def move(state: State, act: Act) -> State:
    """The state after an act. Raises InvalidState."""
    after = MOVES.get((state, act))
    if after is None:
        needed = " or ".join(sorted(before.value for before, possible in MOVES if possible is act))
        raise InvalidState(what="address", state=state.value, verb=act.value, needed=needed)
    return after


def confirmable(until: datetime | None, now: datetime) -> bool:
    """Whether the link of a confirmation is still good."""
    return until is not None and now < until
