"""Trying again: pauses that grow, and when to give up. For letters and for webhooks alike."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LEASE: Final = timedelta(minutes=5)
"""How long one try may take before somebody else tries: who died in between has left it so."""

NO_WISH: Final = timedelta(0)
MAIL_PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1440))


UNWRITABLE: Final = 501
"""What stands for a letter that cannot be written, as if the server had refused its syntax."""


class Outcome(enum.Enum):
    """What came of a try."""

    DONE = "done"
    LATER = "later"
    NEVER = "never"


class After(enum.Enum):
    """What a letter or a delivery is after a try."""

    SETTLED = "settled"
    WAITING = "waiting"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Next:
    """What it is now, and when it is tried again."""

    after: After
    due_at: datetime


def after(
    outcome: Outcome, attempts: int, pauses: Sequence[timedelta], now: datetime, asked: timedelta = NO_WISH
) -> Next:
    """What follows from the outcome of try number `attempts` (the first is 1).

    What can never succeed is given up at once, what fails for now after the last of the pauses. Nobody is tried again
    before the pause that they `asked` for is over.
    """
    if outcome is Outcome.DONE:
        return Next(After.SETTLED, now)
    if outcome is Outcome.NEVER or attempts > len(pauses):
        return Next(After.GIVEN_UP, now)
    return Next(After.WAITING, now + max(pauses[attempts - 1], asked))
