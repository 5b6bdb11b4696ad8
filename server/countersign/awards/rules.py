"""What an award must say, and when it may be revoked."""

from __future__ import annotations

import enum
from datetime import date
from typing import Final
from uuid import UUID

from countersign.kit.errors import Conflict, Invalid, InvalidState, Required, TooLong

REASON_LIMIT: Final = 500
EARLIEST: Final = date(1990, 1, 1)
PAYLOAD_LENGTH: Final = 24


class Mode(enum.Enum):
    """How the learner came to it: by study, or by recognition of prior learning."""

    STUDY = "study"
    PRIOR_LEARNING = "prior_learning"


class AwardState(enum.Enum):
    """Where an award stands; revoked and expired are final."""

    ISSUED = "issued"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


REVOCABLE: Final = frozenset({AwardState.ISSUED, AwardState.SUSPENDED})


class AlreadyHolds(Conflict):
    """The learner holds a valid award of this version; revoke that one first."""


def awarded_on_problem(awarded_on: date, today: date) -> str | None:
    """What is wrong with the day of an award, in words, or None."""
    if awarded_on > today:
        return "is in the future"
    return f"is before {EARLIEST.isoformat()}" if awarded_on < EARLIEST else None


def check_awarded_on(awarded_on: date, today: date) -> None:
    """Refuse a day in the future or absurdly long ago. `today` is the UTC date."""
    problem = awarded_on_problem(awarded_on, today)
    if problem:
        raise Invalid(problem=f"The day of the award {problem}", path=("earnedOn",))


def check_revocation(state: AwardState, reason: str) -> None:
    """Refuse to revoke what is not valid, or without a reason. Raises InvalidState, Required, TooLong."""
    if state not in REVOCABLE:
        raise InvalidState(what="award", state=state.value, verb="revoking", needed="issued or suspended")
    if not reason.strip():
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))


def route(learner_id: int, award_id: UUID) -> bytes:
    """What a sealed award id holds: the learner (8 bytes), so that the look-up knows its shard, and the award (16)."""
    return learner_id.to_bytes(8, "big") + award_id.bytes


def read_route(payload: bytes) -> tuple[int, UUID]:
    """The learner and the award of `route`; ValueError for anything else."""
    if len(payload) != PAYLOAD_LENGTH:
        raise ValueError("an award's route has 24 bytes")
    return int.from_bytes(payload[:8], "big"), UUID(bytes=payload[8:])
