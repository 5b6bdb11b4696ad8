"""What needs two persons, and who the second may be. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from countersign.kit.errors import Conflict, InvalidState, NotAllowed, Required, TooLong

LIFE: Final = timedelta(days=3)
"""How long a proposal waits for the second person."""
REASON_LIMIT: Final = 2_000


class SamePerson(NotAllowed):
    """Another person must approve this: whoever proposed it does not approve it."""


class AlreadyProposed(Conflict):
    """The same is proposed already and waits for another person."""


class Action(enum.StrEnum):
    """What two persons must want."""

    ADD_SIGNING_KEY = "add_signing_key"
    MARK_KEY_COMPROMISED = "mark_key_compromised"
    BULK_EXPORT = "bulk_export"


class State(enum.StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules need to know of a proposal; `proposed_by` is None for the operator."""

    state: State
    proposed_by: UUID | None
    expires_at: datetime


def present(proposal: Proposal, now: datetime) -> State:
    """The state at this moment: what waited too long has expired, without a job."""
    expired = proposal.state is State.PROPOSED and proposal.expires_at <= now
    return State.EXPIRED if expired else proposal.state


def check_motive(motive: str) -> None:
    """Refuse a motive of more than 2,000 characters."""
    if len(motive) > REASON_LIMIT:
        raise TooLong(what="The motive", limit=REASON_LIMIT, path=("motive",))


def approve(proposal: Proposal, person: UUID | None, now: datetime) -> State:
    """The state after an approval. Refuses one that is decided or expired, and whoever proposed it."""
    _open(proposal, now, "Approving")
    if person == proposal.proposed_by:
        raise SamePerson(why="Another person must approve this: whoever proposed it does not approve it")
    return State.APPROVED


def reject(proposal: Proposal, reason: str, now: datetime) -> State:
    """The state after a rejection, by anyone who might approve, the proposer too. Refuses one without a reason."""
    _open(proposal, now, "Rejecting")
    if not reason.strip():
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))
    return State.REJECTED


def _open(proposal: Proposal, now: datetime, verb: str) -> None:
    state = present(proposal, now)
    if state is not State.PROPOSED:
        raise InvalidState(what="proposal", state=state.value, verb=verb, needed="proposed")
