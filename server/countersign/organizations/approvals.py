"""Four eyes: one person proposes, another approves, and only then it happens, in the approval's own transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.kit import access, events
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.kit.waiting import now_and_then
from countersign.organizations import rules_approvals
from countersign.organizations.events import Approved, MembershipEnded, Rejected
from countersign.organizations.rules_approvals import LIFE, Action, Proposal, State
from countersign.organizations.tables import Approval

PAUSE: Final = 60.0
LEFT: Final = "Whoever proposed it has lost a role in the organization"


@dataclass(frozen=True, slots=True)
class Propose:
    """What is to happen, to which thing (a public id, or nothing), and with which figures: no secrets, no names."""

    organization_id: UUID
    action: Action
    subject: str = ""
    parameters: Mapping[str, Any] | None = None
    motive: str = ""
    """Why, for the person who approves."""


async def propose(tx: Tx, actor: Actor, command: Propose) -> UUID:
    """Keep a proposal for another person. The caller has asked whether the actor may propose it.

    Raises NotAllowed for who is neither a person of the organization nor the operator, TooLong, and AlreadyProposed.
    """
    if not actor.system and (actor.person_id is None or actor.organization_id != command.organization_id):
        raise NotAllowed(why="Only a person of the organization proposes this")
    rules_approvals.check_motive(command.motive)
    now = await tx.now()
    # What has waited too long stands in nobody's way.
    await tx.execute(
        "update approvals set state = 'expired' where organization_id = $1 and action = $2 and object = $3"
        " and state = 'proposed' and expires_at <= $4",
        *(command.organization_id, command.action.value, command.subject, now),
    )
    row = Approval(
        id=new_id(),
        organization_id=command.organization_id,
        action=command.action.value,
        object=command.subject,
        parameters=dict(command.parameters or {}),
        motive=command.motive,
        state=State.PROPOSED.value,
        proposed_by=actor.person_id,
        proposed_at=now,
        expires_at=now + LIFE,
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise rules_approvals.AlreadyProposed(
            problem="The same is proposed already and waits for another person"
        ) from None
    await tx.emit("approval.proposed", f"apr_{row.id}", action=command.action.value)
    return row.id


async def approve(tx: Tx, actor: Actor, approval_id: UUID) -> UUID:
    """Approve what another person proposed: it happens now. An admin of the organization, or the operator.

    Raises NotAllowed, NotFound, SamePerson, InvalidState, and whatever the deed itself refuses; then nothing happened.
    """
    row, proposal = await _load(tx, actor, approval_id)
    after = rules_approvals.approve(proposal, actor.person_id, await tx.now())
    await _decide(tx, actor, approval_id, after, None)
    await events.publish(tx, Approved(*_told(row), proposed_by=row["proposed_by"], approved_by=actor.person_id))
    await tx.emit("approval.approved", f"apr_{approval_id}")
    return approval_id


async def reject(tx: Tx, actor: Actor, approval_id: UUID, reason: str) -> UUID:
    """Reject a proposal with a reason; an admin of the organization, whoever proposed it too.

    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    row, proposal = await _load(tx, actor, approval_id)
    after = rules_approvals.reject(proposal, reason, await tx.now())
    await _decide(tx, actor, approval_id, after, reason)
    await events.publish(tx, Rejected(*_told(row)))
    await tx.emit("approval.rejected", f"apr_{approval_id}")
    return approval_id


async def after_membership(tx: Tx, event: MembershipEnded) -> None:
    """What somebody proposed in a role that they have lost is rejected: it was proposed for the organization."""
    rows = await tx.fetch(
        "update approvals set state = 'rejected', decided_at = $3, reason = $4"
        " where organization_id = $1 and proposed_by = $2 and state = 'proposed'"
        " returning organization_id, id, action, object, parameters",
        *(event.organization_id, event.person_id, event.at, LEFT),
    )
    for row in rows:
        await events.publish(tx, Rejected(*_told(row)))


async def lapse(db: Database, limit: int = 100) -> int:
    """Close what has waited too long, and tell those who wait for it; how many."""
    async with db.writer() as tx:
        rows = await tx.fetch(
            "update approvals set state = 'expired' where id in (select id from approvals"
            " where state = 'proposed' and expires_at <= $1 order by expires_at limit $2 for update skip locked)"
            " returning organization_id, id, action, object, parameters",
            *(await tx.now(), limit),
        )
        for row in rows:
            await events.publish(tx, Rejected(*_told(row)))
    return len(rows)


async def run(db: Database, stop: asyncio.Event) -> None:
    """Close what has waited too long, each minute until told to stop."""
    await now_and_then(lambda: lapse(db), PAUSE, stop, "no look for proposals that have expired")


async def _load(tx: Tx, actor: Actor, approval_id: UUID) -> tuple[asyncpg.Record, Proposal]:
    access.require(actor, Permission.APPROVE)
    row = await tx.fetchrow("select * from approvals where id = $1 for update", approval_id)
    if row is None or (not actor.system and row["organization_id"] != actor.organization_id):
        raise NotFound(what="proposal", path=("approvalId",))
    return row, Proposal(State(row["state"]), row["proposed_by"], row["expires_at"])


async def _decide(tx: Tx, actor: Actor, approval_id: UUID, after: State, reason: str | None) -> None:
    await tx.execute(
        "update approvals set state = $2, decided_by = $3, decided_at = $4, reason = $5 where id = $1",
        *(approval_id, after.value, actor.person_id, await tx.now(), reason),
    )


def _told(row: asyncpg.Record) -> tuple[UUID, UUID, Action, str, Mapping[str, Any]]:
    return row["organization_id"], row["id"], Action(row["action"]), row["object"], row["parameters"]
