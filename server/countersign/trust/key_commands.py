"""Signing keys as their organization rules over them: add and mark compromised by two persons, retire by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from countersign.kit import access, events
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import parse_public_id, public_id
from countersign.organizations import approvals
from countersign.organizations.approvals import Propose
from countersign.organizations.events import Approved, TiesChanged
from countersign.organizations.rules_approvals import Action
from countersign.trust import history, rules
from countersign.trust.addresses import Addresses
from countersign.trust.events import KeyCompromised
from countersign.trust.signer import Signer

TAG = "key"


@dataclass(frozen=True, slots=True)
class MarkCompromised:
    """Which key is not to be believed any more, and since when it may have been in other hands (now unless told)."""

    key_id: UUID
    since: datetime | None = None
    motive: str = ""


async def propose_key(tx: Tx, actor: Actor, motive: str = "") -> UUID:
    """Propose a new signing key, which takes the place of the present one; an admin only. Answers the approval.

    Raises NotAllowed, TooLong, AlreadyProposed.
    """
    access.require(actor, Permission.MANAGE_KEYS)
    return await approvals.propose(tx, actor, Propose(_own(actor), Action.ADD_SIGNING_KEY, motive=motive))


async def propose_compromise(tx: Tx, actor: Actor, command: MarkCompromised) -> UUID:
    """Propose that a key be marked as compromised; an admin only. Answers the approval.

    Raises NotAllowed, NotFound, Invalid (`since` in the future or before the key), InvalidState, AlreadyProposed.
    """
    access.require(actor, Permission.MANAGE_KEYS)
    row = await _load(tx, actor, command.key_id)
    rules.mark_compromised(_state(row))
    now = await tx.now()
    since = rules.compromised_since(command.since, created_at=row["created_at"], now=now)
    figures = {"since": since.isoformat()}
    subject = public_id(TAG, command.key_id)
    wanted = Propose(row["organization_id"], Action.MARK_KEY_COMPROMISED, subject, figures, command.motive)
    return await approvals.propose(tx, actor, wanted)


async def retire(tx: Tx, actor: Actor, addresses: Addresses, key_id: UUID) -> UUID:
    """Sign no more with a key; what it signed stays good. An admin only, alone: it takes nothing from anyone.

    Raises NotAllowed, NotFound, InvalidState.
    """
    access.require(actor, Permission.MANAGE_KEYS)
    row = await _load(tx, actor, key_id)
    rules.retire(_state(row))
    await tx.execute("update signing_keys set retired_at = $2 where id = $1", key_id, await tx.now())
    await history.keep(tx, addresses, row["organization_id"], key_id)
    await tx.emit("key.retired", f"org_{row['organization_id']}", key=row["name"])
    return key_id


def on_approved(signer: Signer) -> Callable[[Tx, Approved], Awaitable[None]]:
    """What happens to keys when a second person has approved it; `app` registers it."""

    async def happen(tx: Tx, event: Approved) -> None:
        match event.action:
            case Action.ADD_SIGNING_KEY:
                await signer.add_key(tx, event.organization_id)
                await events.publish(tx, TiesChanged((event.organization_id,)))
            case Action.MARK_KEY_COMPROMISED:
                await _mark(tx, signer, event)
            case _:
                return

    return happen


async def _mark(tx: Tx, signer: Signer, event: Approved) -> None:
    found = parse_public_id(event.subject)
    key_id = found[1] if found else None
    row = await tx.fetchrow(
        "select k.id, k.name, k.retired_at, k.compromised_at, o.handle"
        " from signing_keys k join organizations o on o.id = k.organization_id"
        " where k.id = $1 and k.organization_id = $2 for update of k",
        *(key_id, event.organization_id),
    )
    if row is None:
        raise NotFound(what="signing key")
    rules.mark_compromised(_state(row))
    since = datetime.fromisoformat(event.parameters["since"])
    now = await tx.now()
    await tx.execute(
        "update signing_keys set compromised_at = $2, retired_at = coalesce(retired_at, $3) where id = $1",
        *(row["id"], since, now),
    )
    await history.keep(tx, signer.addresses, event.organization_id, row["id"])
    # Status lists are signed by the organization too, and must be, above all now.
    if row["retired_at"] is None:
        await signer.add_key(tx, event.organization_id)
    # The published lists carry the signature of the lost key; the next who asks gets one that is signed anew.
    await tx.execute(
        "update status_lists set revision = revision + 1 where organization_id = $1", event.organization_id
    )
    method = f"{signer.addresses.did(row['handle'])}#{row['name']}"
    await events.publish(tx, KeyCompromised(event.organization_id, row["id"], method, since))
    await tx.emit("key.compromised", f"org_{event.organization_id}", key=row["name"])


async def _load(tx: Tx, actor: Actor, key_id: UUID) -> asyncpg.Record:
    row = await tx.fetchrow(
        "select id, organization_id, name, created_at, retired_at, compromised_at from signing_keys"
        " where id = $1 for update",
        key_id,
    )
    if row is None or (not actor.system and row["organization_id"] != actor.organization_id):
        raise NotFound(what="signing key", path=("signingKeyId",))
    return row


def _state(row: asyncpg.Record) -> rules.KeyState:
    return rules.key_state(retired_at=row["retired_at"], compromised_at=row["compromised_at"])


def _own(actor: Actor) -> UUID:
    if actor.organization_id is None:
        raise NotAllowed(why="Only a member of an organization adds a key to it")
    return actor.organization_id
