"""Suspend an endorsement and resume it: the endorser's own doing; and what a lost key does to the word it signed.

While it is suspended it counts nowhere: not now, and not in what was true in that time. Its place in the list of
suspensions is set in the same transaction, and cleared at resumption.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from countersign.log.sources import enter, enter_many
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
    await _pause(tx, [row], [after], command.reason, actor)
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
    states = {row["id"]: service.present_state(row, now) for row in rows}
    live = [row for row in rows if states[row["id"]] is not rules.State.EXPIRED]
    late = [row for row in live if row["signed_at"] >= event.since]
    early = [row for row in live if row["signed_at"] < event.since]
    await _revoke(tx, late, [rules.move(states[row["id"]], rules.Act.REVOKE, rules.Party.SIGNATORY) for row in late])
    standing = [row for row in early if states[row["id"]] is rules.State.IN_FORCE]
    after = [rules.move(rules.State.IN_FORCE, rules.Act.SUSPEND, rules.Party.SIGNATORY) for _ in standing]
    await tx.execute(
        "update endorsement_suspensions set reason = $2 where endorsement_id = any($1) and resumed_at is null",
        *([row["id"] for row in early], KEY_LOST),
    )
    await _pause(tx, standing, after, KEY_LOST, SYSTEM)
    await co_validation.settle(tx, [row["spec_version_id"] for row in rows])


_STATES: Final = "from unnest($1::uuid[], $2::text[]) u(id, state) where e.id = u.id"


async def _revoke(tx: Tx, rows: Sequence[asyncpg.Record], after: Sequence[rules.State]) -> None:
    """Revoke what was signed by somebody else, however many of it, by sets."""
    if not rows:
        return
    await tx.execute(
        f"update endorsements e set state = u.state, revoked_at = $3, revocation_reason = $4, {service.CLOSE}"
        f" {_STATES}",
        *([row["id"] for row in rows], [state.value for state in after], await tx.now(), SIGNED_BY_ANOTHER),
    )
    await trust.revoke_many(tx, [(row["status_list_id"], row["status_index"]) for row in rows])
    ids = [row["id"] for row in rows]
    await enter_many(
        *(tx, service.LOGGED, [(key,) for key in ids]), action="endorsement.revoked", reason=SIGNED_BY_ANOTHER
    )
    await tx.emit_all(("endorsement.revoked", f"end_{key}", {}) for key in ids)


async def _pause(
    tx: Tx, rows: Sequence[asyncpg.Record], after: Sequence[rules.State], reason: str, actor: Actor
) -> None:
    if not rows:
        return
    ids, now = [row["id"] for row in rows], await tx.now()
    await tx.execute(f"update endorsements e set state = u.state {_STATES}", ids, [state.value for state in after])
    await tx.insert(
        *(
            EndorsementSuspension(id=new_id(), endorsement_id=key, reason=reason, suspended_at=now, resumed_at=None)
            for key in ids
        )
    )
    await trust.suspend_many(tx, [(row["status_list_id"], row["status_index"]) for row in rows])
    await enter_many(
        *(tx, service.LOGGED, [(key,) for key in ids]), actor=actor, action="endorsement.suspended", reason=reason
    )
    await tx.emit_all(("endorsement.suspended", f"end_{key}", {}) for key in ids)


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
