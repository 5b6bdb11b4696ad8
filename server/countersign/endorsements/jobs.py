"""The signer's own transaction: what was taken is checked once more, signed, and put in force; or refused and kept."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import structlog

from countersign.conflicts import service as conflicts
from countersign.endorsements import co_validation, disclosing, four_eyes, reaffirming, rules, service, successors
from countersign.endorsements.tables import EndorsementSignature
from countersign.kit import audit
from countersign.kit.access import SYSTEM, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Code, Refusal
from countersign.log.sources import enter
from countersign.organizations import members
from countersign.specs import service as specs
from countersign.trust.canonical_codes import sha256_hex
from countersign.trust.signer import Signer

PAUSE = 5.0
"""Seconds between two looks for endorsements that nobody has signed."""
POLL = 0.05
SIGN = "sign_endorsement"
SIDE_BY_SIDE = 4
IN_A_CROWD = 2
log = structlog.get_logger(__name__)


class VersionGone(Refusal):
    """The version cannot be read any more."""

    code = Code.NOT_FOUND


class StatusSlotGone(Refusal):
    """The credential's place in the status list was never given away, or is marked as revoked."""

    code = Code.CONFLICT


class TooLate(Refusal):
    """The endorsement had ended before it was signed."""


async def sign(db: Database, signer: Signer, endorsement_id: UUID) -> rules.State | None:
    """Sign one taken endorsement in a transaction of its own.

    Digest, authority, independence and the status slot are checked again; a failed check leaves the endorsement
    `refused` with its reason, which is kept. None when there is nothing to do: it is not waiting, or another signer
    has it. Errors of the key store leave it waiting and are raised.
    """
    async with db.writer() as tx:
        row = await tx.fetchrow(
            "select id, spec_version_id, organization_id, signatory_id, digest, state, valid_until, document,"
            " supersedes_id, status_list_id, status_index, disclosures from endorsements"
            " where id = $1 and state = 'signing' for update skip locked",
            endorsement_id,
        )
        if row is None:
            return None
        # The transaction reads its time after it holds what it renews: whoever ended that did so before this time.
        previous = await _lock_previous(tx, row)
        now = await tx.now()
        try:
            after = rules.move(rules.State(row["state"]), rules.Act.SIGN, rules.Party.SIGNER)
            signed_as, school = await _check_again(tx, row)
            credential = await signer.sign(tx, row["organization_id"], row["document"])
        except Refusal as refusal:
            after = rules.move(rules.State(row["state"]), rules.Act.REFUSE, rules.Party.SIGNER)
            await tx.execute(
                "update endorsements set state = $2, refusal = $3 where id = $1",
                row["id"],
                after.value,
                refusal.message,
            )
            await tx.emit("endorsement.refused", f"end_{row['id']}", reason=refusal.message)
            await _record_refusal(tx, row, refusal.message)
            return after
        renewed = await _close(tx, previous, by=row["id"]) if previous else None
        await tx.execute(
            "update endorsements e set state = $2, supersedes_id = coalesce($4, supersedes_id),"
            # A clock that was set back must not open a range inside one that is closed.
            " in_force = tstzrange(greatest($3, (select max(upper(p.in_force)) from endorsements p"
            " where p.organization_id = e.organization_id and p.spec_version_id = e.spec_version_id)), valid_until)"
            " where id = $1",
            row["id"],
            after.value,
            now,
            renewed,
        )
        mean, least = await co_validation.own_scores(tx, row["spec_version_id"], row["organization_id"])
        await tx.insert(
            EndorsementSignature(
                endorsement_id=row["id"],
                credential=credential,
                signed_at=now,
                signatory_roles=sorted(role.value for role in signed_as),
                rubric_mean=mean,
                rubric_least=least,
            )
        )
        await conflicts.note_endorsement(tx, row["id"], row["organization_id"], school, row["spec_version_id"])
        await tx.emit("endorsement.in_force", f"end_{row['id']}", digest=row["digest"])
        await successors.after_signature(tx, row["id"], row["spec_version_id"], row["organization_id"])
        await enter(
            tx,
            service.LOGGED,
            row["id"],
            action=SIGN,
            on_behalf_of=f"person:{row['signatory_id']}",
        )
        await co_validation.settle(tx, [row["spec_version_id"]])
        return after


async def _check_again(tx: Tx, row: asyncpg.Record) -> tuple[frozenset[Role], UUID]:
    """The signatory's roles at this moment, held against change until the commit, and the school.

    Raises what was found wrong.
    """
    now = await tx.now()
    if row["valid_until"] <= now:
        raise TooLate
    await _check_renewed(tx, row)
    await reaffirming.check_again(tx, row)
    version = await specs.lock_version(tx, row["spec_version_id"])
    if version is None:
        raise VersionGone
    # The bytes themselves, and not only the column, must be the ones that were seen.
    if sha256_hex(version.spec_json) != version.digest:
        raise rules.StaleVersion(actual=sha256_hex(version.spec_json))
    rules.check_version(version.state, row["digest"], version.digest)
    await disclosing.check_disclosed(tx, row, version)
    await four_eyes.check(
        tx,
        organization_id=row["organization_id"],
        version_id=version.id,
        signatory=row["signatory_id"],
        proposer=await tx.fetchval(
            "select proposed_by from endorsement_proposals where endorsement_id = $1", row["id"]
        ),
        renews=row["supersedes_id"],
    )
    held = await members.roles_held(tx, row["organization_id"], row["signatory_id"])
    if Role.SIGNATORY not in held:
        raise rules.SignatoryGone
    unused = await tx.fetchval(
        "select true from status_entries where list_id = $1 and idx = $2 and revoked_at is null",
        row["status_list_id"],
        row["status_index"],
    )
    if not unused:
        raise StatusSlotGone
    return held, version.organization_id


async def _check_renewed(tx: Tx, row: asyncpg.Record) -> None:
    """Refuse to renew what somebody of the endorser has revoked meanwhile; until the commit nobody does."""
    if row["supersedes_id"] is None:
        return
    state = await tx.fetchval("select state from endorsements where id = $1 for share", row["supersedes_id"])
    if rules.State(state) is rules.State.REVOKED:
        raise rules.RenewalOver


async def _lock_previous(tx: Tx, row: asyncpg.Record) -> asyncpg.Record | None:
    """What is in force, or suspended, for the same organization and version; nobody else ends it now."""
    return await tx.fetchrow(
        "select id, state, in_force from endorsements where organization_id = $1 and spec_version_id = $2"
        " and state in ('in_force', 'suspended') for update",
        row["organization_id"],
        row["spec_version_id"],
    )


async def _close(tx: Tx, previous: asyncpg.Record, by: UUID) -> UUID | None:
    """Close the endorsement that is renewed, and answer its id; None when its own time had ended it."""
    now = await tx.now()
    identity: UUID = previous["id"]
    state = service.present_state(previous, now)
    if state is rules.State.EXPIRED:
        await tx.execute("update endorsements set state = $2 where id = $1", identity, state.value)
        await enter(tx, service.LOGGED, identity, action="endorsement.expired")
        return None
    after = rules.move(state, rules.Act.SUPERSEDE, rules.Party.SIGNER)
    await tx.execute(f"update endorsements set state = $2, {service.CLOSE} where id = $1", identity, after.value, now)
    await enter(tx, service.LOGGED, identity, action="endorsement.superseded")
    await tx.emit("endorsement.superseded", f"end_{identity}", by=f"end_{by}")
    return identity


async def _record_refusal(tx: Tx, row: asyncpg.Record, reason: str) -> None:
    await tx.insert(
        audit.record(
            SYSTEM,
            SIGN,
            await tx.now(),
            subject=f"end_{row['id']}",
            decision=audit.Decision.REFUSED,
            reason=reason,
            digest=row["digest"],
            on_behalf_of=f"person:{row['signatory_id']}",
            organization_id=row["organization_id"],
        )
    )


async def sign_pending(db: Database, signer: Signer, limit: int = 200, *, side_by_side: int = SIDE_BY_SIDE) -> int:
    """Sign what waits, oldest first, at most `limit`, some side by side; how many were signed or refused.

    One that cannot be signed now does not stop the others; it is logged and stays for the next look.
    """
    async with db.writer() as tx:
        rows = await tx.fetch("select id from endorsements where state = 'signing' order by id limit $1", limit)
    places = asyncio.Semaphore(side_by_side)

    async def one(identity: UUID) -> bool:
        async with places:
            try:
                return await sign(db, signer, identity) is not None
            except Exception:
                log.exception("endorsement not signed", endorsement=str(identity))
                return False

    return sum(await asyncio.gather(*(one(row["id"]) for row in rows)))


_running: set[asyncio.Task[None]] = set()
_draining: set[asyncio.Task[None]] = set()


async def settle_or_leave(db: Database, signer: Signer, endorsement_id: UUID) -> bool:
    """As `settle`, unless as many are being signed here as are signed side by side: then it waits its turn.

    Who endorses in a crowd is answered at once that the signature is being made; nobody holds a place meanwhile.
    """
    if len(_running) < SIDE_BY_SIDE:
        return await settle(db, signer, endorsement_id)
    if not _draining:
        task = asyncio.create_task(_drain(db, signer))
        _draining.add(task)
        task.add_done_callback(_draining.discard)
    return False


async def _drain(db: Database, signer: Signer) -> None:
    """Sign what a crowd left, until nothing is left; what fails stays for the loop's next look."""
    try:
        # Each signature holds a connection, which requests need too.
        while await sign_pending(db, signer, side_by_side=IN_A_CROWD):
            pass
    except Exception:
        log.exception("endorsements left by a crowd not signed")


async def settle(db: Database, signer: Signer, endorsement_id: UUID, wait: float = 2.0) -> bool:
    """Have one endorsement signed now; whether it was settled within `wait` seconds.

    When it takes longer the signing goes on, and the caller answers that it is still SIGNING.
    """
    task = asyncio.create_task(_until_settled(db, signer, endorsement_id))
    _running.add(task)
    task.add_done_callback(_running.discard)
    done, _ = await asyncio.wait({task}, timeout=wait)
    return bool(done) and task.exception() is None


async def _until_settled(db: Database, signer: Signer, endorsement_id: UUID) -> None:
    try:
        if await sign(db, signer, endorsement_id) is not None:
            return
        # Another signer has it: the row's lock ends when it is settled.
        while await _waits(db, endorsement_id):  # noqa: ASYNC110 - it ends in another process, perhaps
            await asyncio.sleep(POLL)
    except Exception:
        log.exception("endorsement not signed", endorsement=str(endorsement_id))
        raise


async def _waits(db: Database, endorsement_id: UUID) -> bool:
    async with db.writer() as tx:
        return bool(
            await tx.fetchval("select true from endorsements where id = $1 and state = 'signing'", endorsement_id)
        )


async def run(db: Database, signer: Signer, stop: asyncio.Event) -> None:
    """Sign what was left over by a crash, then look again every five seconds until told to stop."""
    while not stop.is_set():
        try:
            await sign_pending(db, signer)
        except Exception:
            log.exception("no look for unsigned endorsements")
        try:
            await asyncio.wait_for(stop.wait(), PAUSE)
        except TimeoutError:
            continue
