"""Suspend an endorsement and resume it: the endorser's own doing; and what a lost key does to the word it signed.

While it is suspended it counts nowhere: not now, and not in what was true in that time. Its place in the list of
suspensions is set in the same transaction, and cleared at resumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from countersign.endorsements import co_validation, rules, service
from countersign.endorsements.tables import EndorsementSuspension
from countersign.kit import access
from countersign.kit.access import SYSTEM, Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import members
from countersign.trust import service as trust
from countersign.trust.events import KeyCompromised

KEY_LOST: Final = "The key that signed it was compromised: endorse again to sign it with the present one"
SIGNED_BY_ANOTHER: Final = "It was signed after its key was lost"


class KeyLost(Conflict):
    """The key that signed this endorsement was compromised: endorse again instead."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """A pause of an endorsement, with the reason that everyone may read."""

    endorsement_id: UUID
    reason: str


async def suspend(tx: Tx, actor: Actor, command: Suspend) -> UUID:
    """Pause an endorsement of the own organization; a signatory only. It counts nowhere until it is resumed.

    Raises NotAllowed, NotFound, Required and TooLong (reason), NotTheEndorser, InvalidState (not in force).
    """
    access.require(actor, Permission.REVOKE_ENDORSEMENT)
    rules.check_reason(command.reason)
    await members.hold(tx, actor, Role.SIGNATORY)
    row, after = await _step(tx, actor, command.endorsement_id, rules.Act.SUSPEND)
    await _pause(tx, row, after, command.reason, actor)
    await co_validation.settle(tx, [row["spec_version_id"]])
    return command.endorsement_id


async def resume(tx: Tx, actor: Actor, endorsement_id: UUID) -> UUID:
    """End the pause of an endorsement of the own organization; a signatory only.

    Raises NotAllowed, NotFound, NotTheEndorser, InvalidState (not suspended, or over meanwhile), and KeyLost.
    """
    access.require(actor, Permission.REVOKE_ENDORSEMENT)
    await members.hold(tx, actor, Role.SIGNATORY)
    row, after = await _step(tx, actor, endorsement_id, rules.Act.RESUME)
    reason = await tx.fetchval(
        "select reason from endorsement_suspensions where endorsement_id = $1 and resumed_at is null", endorsement_id
    )
    if reason == KEY_LOST:
        raise KeyLost(problem=KEY_LOST, path=("endorsementId",))
    now = await tx.now()
    await tx.execute("update endorsements set state = $2 where id = $1", endorsement_id, after.value)
    await tx.execute(
        "update endorsement_suspensions set resumed_at = $2 where endorsement_id = $1 and resumed_at is null",
        *(endorsement_id, now),
    )
    await trust.resume(tx, row["status_list_id"], row["status_index"])
    await enter(tx, service.LOGGED, endorsement_id, actor=actor, action="endorsement.resumed")
    await tx.emit("endorsement.resumed", f"end_{endorsement_id}")
    await co_validation.settle(tx, [row["spec_version_id"]])
    return endorsement_id


async def follow_lost_key(tx: Tx, event: KeyCompromised) -> None:
    """A key is not believed any more: what it signed since it was lost is revoked, what it signed before is paused.

    No signature by it verifies from now on, so none of it may count; the signatory endorses again what is still true.
    """
    rows = await tx.fetch(
        "select e.id, e.spec_version_id, e.state, e.in_force, e.status_list_id, e.status_index, s.signed_at"
        " from endorsements e join endorsement_signatures s on s.endorsement_id = e.id"
        " where e.organization_id = $1 and e.state in ('in_force', 'suspended')"
        " and convert_from(s.credential, 'UTF8')::jsonb -> 'proof' ->> 'verificationMethod' = $2"
        " order by e.id for update of e",
        *(event.organization_id, event.verification_method),
    )
    now = await tx.now()
    for row in rows:
        state = service.present_state(row, now)
        if state is rules.State.EXPIRED:
            continue
        if row["signed_at"] >= event.since:
            after = rules.move(state, rules.Act.REVOKE, rules.Party.SIGNATORY)
            await tx.execute(
                f"update endorsements set state = $2, revoked_at = $3, revocation_reason = $4, {service.CLOSE}"
                " where id = $1",
                *(row["id"], after.value, now, SIGNED_BY_ANOTHER),
            )
            await trust.revoke(tx, row["status_list_id"], row["status_index"])
            await enter(tx, service.LOGGED, row["id"], action="endorsement.revoked", reason=SIGNED_BY_ANOTHER)
            await tx.emit("endorsement.revoked", f"end_{row['id']}")
        elif state is rules.State.IN_FORCE:
            after = rules.move(state, rules.Act.SUSPEND, rules.Party.SIGNATORY)
            await _pause(tx, row, after, KEY_LOST, SYSTEM)
        else:
            await tx.execute(
                "update endorsement_suspensions set reason = $2 where endorsement_id = $1 and resumed_at is null",
                *(row["id"], KEY_LOST),
            )
    await co_validation.settle(tx, [row["spec_version_id"] for row in rows])


async def _pause(tx: Tx, row: asyncpg.Record, after: rules.State, reason: str, actor: Actor) -> None:
    await tx.execute("update endorsements set state = $2 where id = $1", row["id"], after.value)
    await tx.insert(
        EndorsementSuspension(
            id=new_id(), endorsement_id=row["id"], reason=reason, suspended_at=await tx.now(), resumed_at=None
        )
    )
    await trust.suspend(tx, row["status_list_id"], row["status_index"])
    await enter(tx, service.LOGGED, row["id"], actor=actor, action="endorsement.suspended", reason=reason)
    await tx.emit("endorsement.suspended", f"end_{row['id']}")


async def _step(tx: Tx, actor: Actor, endorsement_id: UUID, act: rules.Act) -> tuple[asyncpg.Record, rules.State]:
    row = await tx.fetchrow(
        "select id, organization_id, spec_version_id, state, in_force, status_list_id, status_index from endorsements"
        " where id = $1 for update",
        endorsement_id,
    )
    if row is None or (row["organization_id"] != actor.organization_id and row["in_force"] is None):
        raise NotFound(what="endorsement", path=("endorsementId",))
    party = rules.Party.SIGNATORY if row["organization_id"] == actor.organization_id else rules.Party.STRANGER
    return row, rules.move(service.present_state(row, await tx.now()), act, party)
