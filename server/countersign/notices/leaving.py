"""What goes with a person: nobody keeps the notices of who has left, or was erased."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit.db import Tx
from countersign.organizations.events import MembershipEnded
from countersign.privacy.events import LearnersErased

_STANDS: Final = (
    "exists (select from memberships m where m.organization_id = $1 and m.person_id = $2 and m.valid_from <= $3"
    " and (m.valid_until is null or m.valid_until > $3))"
)


async def after_membership(tx: Tx, event: MembershipEnded) -> None:
    """Delete what is kept for a person in an organization, once they have no role there any more."""
    if await tx.fetchval(f"select {_STANDS}", event.organization_id, event.person_id, event.at):
        return
    await forget(tx, event.organization_id, event.person_id)


async def forget(tx: Tx, organization_id: UUID, person_id: UUID) -> None:
    """Delete a person's notices, choices, letters and address in an organization."""
    whose = (organization_id, person_id)
    await tx.execute("delete from notices where organization_id = $1 and person_id = $2", *whose)
    for table in ("mails", "notice_choices"):
        await tx.execute(
            f"delete from {table} where mailbox_id in"
            " (select id from mailboxes where organization_id = $1 and person_id = $2)",
            *whose,
        )
    await tx.execute("delete from mailboxes where organization_id = $1 and person_id = $2", *whose)


async def after_erasure(tx: Tx, event: LearnersErased) -> None:
    """Delete the notices of learners who have themselves erased."""
    await tx.execute("delete from notices where learner_id = any($1::bigint[])", list(event.learner_ids))
