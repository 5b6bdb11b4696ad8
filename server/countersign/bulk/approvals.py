"""Exports of what only members see wait for a second person."""

from __future__ import annotations

from uuid import UUID

from countersign.bulk import queue
from countersign.bulk.rules import RESULT_LIFE, State
from countersign.kit.db import Tx
from countersign.kit.ids import parse_public_id
from countersign.organizations.events import Approved, Rejected
from countersign.organizations.rules_approvals import Action


async def on_approved(tx: Tx, event: Approved) -> None:
    """An approved export takes its place in the queue."""
    if event.action is Action.BULK_EXPORT:
        await _move(tx, _operation(event), State.QUEUED)


async def on_rejected(tx: Tx, event: Rejected) -> None:
    """An export that nobody approved never happens."""
    if event.action is Action.BULK_EXPORT:
        await _move(tx, _operation(event), State.CANCELED)


def _operation(event: Approved | Rejected) -> UUID:
    found = parse_public_id(event.subject)
    if found is None:
        raise LookupError("an export's approval names its operation")
    return found[1]


async def _move(tx: Tx, operation: UUID, after: State) -> None:
    """Only what still waits is moved: who started it may have stopped it meanwhile."""
    now = await tx.now()
    over = after is State.CANCELED
    moved = await tx.execute(
        "update bulk_operations set state = $2, finished_at = $3, expires_at = $4"
        " where id = $1 and state = 'awaiting_approval'",
        *(operation, after.value, *((now, now + RESULT_LIFE) if over else (None, None))),
    )
    if moved:
        await tx.emit(queue.TOPIC, f"bulk_{operation}", state=after.value)
