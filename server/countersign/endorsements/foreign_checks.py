"""Endorsements from elsewhere are looked at again: their issuers are asked, beside any transaction, and by the day.

A look is kept as a row when it found something else than the one before, or when a person wanted it; the row never
changes, so that what was known at an instant stays known. When the last look was stands apart (`foreign_watches`).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from countersign.endorsements import co_validation, foreign_judging, rules_foreign, rules_foreign_asked
from countersign.endorsements.co_validation_views import FOUND_LAST
from countersign.endorsements.foreign_judging import About
from countersign.endorsements.rules_foreign_asked import Answer, Standing
from countersign.endorsements.tables_foreign import ForeignCheck
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotFound, Refusal
from countersign.kit.fetcher import Fetcher
from countersign.kit.ids import new_id
from countersign.kit.waiting import now_and_then
from countersign.log.sources import Source, enter
from countersign.specs import service as specs
from countersign.trust.addresses import Addresses
from countersign.trust.verify_findings import Finding
from countersign.trust.workers import Crowded, WorkerFailed, Workers

PAUSE: Final = 5.0
"""Seconds between two looks for endorsements that are due."""
AT_ONCE: Final = 10

log = structlog.get_logger(__name__)


async def about(tx: Tx, version_id: UUID, issuer_id: str) -> About | None:
    """What an endorsement for a version is compared with; None when there is no such version."""
    version = await specs.lock_version(tx, version_id)
    if version is None:
        return None
    addresses = Addresses(str(await tx.fetchval("select value from installation where key = 'public_origin'")))
    known = await tx.fetchval("select true from recognized_issuers where id = $1", issuer_id)
    url = addresses.version(version.slug, version.semver)
    resources = {
        url: version.achievement.decode(),
        addresses.spec_json(version.slug, version.semver): version.spec_json.decode(),
    }
    return About(url, resources, bool(known))


async def watch(tx: Tx, endorsement_id: UUID, *, verified: bool, asks: bool) -> None:
    """Begin to watch an imported endorsement; it is looked at at once where somebody elsewhere has to be asked."""
    now = await tx.now()
    await tx.execute(
        "insert into foreign_watches (foreign_endorsement_id, checked_at, proved_at, check_due_at)"
        " values ($1, $2, $3, $4) on conflict (foreign_endorsement_id) do nothing",
        *(endorsement_id, now, now if verified else None, now if asks else None),
    )


async def ask(tx: Tx, actor: Actor, endorsement_id: UUID) -> UUID:
    """Have an imported endorsement looked at anew; an author of the school that imported it only.

    Its issuer is asked after the commit: `check`, by the caller or by the next look of `run`. Within a minute after a
    look nobody is asked again. Raises NotAllowed, NotFound, InvalidState (withdrawn).
    """
    access.require(actor, Permission.IMPORT_ENDORSEMENT)
    row = await tx.fetchrow(
        "select organization_id, withdrawn_at from foreign_endorsements where id = $1 for share", endorsement_id
    )
    if row is None or row["organization_id"] != actor.organization_id:
        raise NotFound(what="endorsement", path=("foreignEndorsementId",))
    if row["withdrawn_at"] is not None:
        raise InvalidState(what="endorsement", state="withdrawn", verb="Checking", needed="shown")
    now = await tx.now()
    await tx.execute(
        "insert into foreign_watches (foreign_endorsement_id, check_due_at, asked_by) values ($1, $2, $3)"
        " on conflict (foreign_endorsement_id) do update set check_due_at = $2, asked_by = $3"
        " where foreign_watches.looked_at is null or foreign_watches.looked_at <= $4",
        *(endorsement_id, now, actor.person_id, now - rules_foreign_asked.LEASE),
    )
    return endorsement_id


async def ask_again(tx: Tx, issuer_id: str) -> None:
    """Have everything that an issuer made looked at anew, since what is known of the issuer has changed."""
    await tx.execute(
        "update foreign_watches w set check_due_at = $2 where w.foreign_endorsement_id = any(array("
        "select f.id from foreign_endorsements f where f.issuer_id = $1 and f.withdrawn_at is null))",
        *(issuer_id, await tx.now()),
    )


_BEFORE: Final = f"""
select coalesce({FOUND_LAST.format(f="f", column="findings")}, f.findings) as findings,
       coalesce({FOUND_LAST.format(f="f", column="verified")}, f.verified) as verified
from foreign_endorsements f where f.id = $1
"""
_TAKE: Final = """
select w.asked_by, w.checked_at, w.proved_at, f.spec_version_id, f.issuer_id, f.document, f.imported_at, f.withdrawn_at
from foreign_watches w join foreign_endorsements f on f.id = w.foreign_endorsement_id
where w.foreign_endorsement_id = $1 and w.check_due_at <= $2 for update of w skip locked
"""


async def check(db: Database, fetcher: Fetcher, workers: Workers, endorsement_id: UUID) -> bool:
    """Look at one endorsement that is due, and keep what is found; False when it is not due or somebody else looks.

    No transaction is open while its issuer is asked. Raises Crowded and WorkerFailed; it is looked at again then.
    """
    async with db.writer() as tx:
        now = await tx.now()
        row = await tx.fetchrow(_TAKE, endorsement_id, now)
        if row is None:
            return False
        lease = None if row["withdrawn_at"] is not None else now + rules_foreign_asked.LEASE
        await tx.execute(
            "update foreign_watches set check_due_at = $2, looked_at = $3 where foreign_endorsement_id = $1",
            *(endorsement_id, lease, now),
        )
        compared = await about(tx, row["spec_version_id"], row["issuer_id"])
    if compared is None or lease is None:
        return False
    text = bytes(row["document"]).decode()
    found = rules_foreign.claimed(text)
    answers = await foreign_judging.ask(fetcher, found)
    findings = await foreign_judging.judge(found, text, compared, answers, now, workers)
    async with db.writer() as tx:
        await _keep(tx, endorsement_id, text, answers, findings, now)
    return True


async def _keep(
    tx: Tx, endorsement_id: UUID, text: str, answers: list[Answer], findings: list[Finding], taken_at: datetime
) -> None:
    row = await tx.fetchrow(
        "select w.asked_by, w.looked_at, w.check_due_at, w.checked_at, w.proved_at, f.imported_at, f.spec_version_id"
        " from foreign_watches w join foreign_endorsements f on f.id = w.foreign_endorsement_id"
        " where w.foreign_endorsement_id = $1 for update of w",
        endorsement_id,
    )
    if row is None or row["looked_at"] != taken_at:
        return  # somebody else has taken it since: what they are told is newer
    before = await tx.fetchrow(_BEFORE, endorsement_id)
    if before is None:
        raise LookupError("an endorsement that is watched is there")
    found, now = rules_foreign.claimed(text), await tx.now()
    earlier_at = row["checked_at"] or row["imported_at"]
    standing = rules_foreign_asked.after(
        Standing(before["verified"], row["proved_at"]), found, findings, row["imported_at"], now
    )
    kept = rules_foreign_asked.kept(findings, before["findings"], earlier_at)
    due_at = standing.due_at if foreign_judging.needs(found) else None
    if row["check_due_at"] != taken_at + rules_foreign_asked.LEASE:
        due_at = row["check_due_at"]  # wanted anew while its issuer was asked: something else is known since
    await tx.execute(
        "update foreign_watches set checked_at = $2, proved_at = $3, check_due_at = $4, asked_by = null"
        " where foreign_endorsement_id = $1",
        *(endorsement_id, now, standing.proved_at, due_at),
    )
    same = standing.verified == before["verified"] and rules_foreign_asked.alike(kept, before["findings"])
    if same and row["asked_by"] is None:
        return
    await _write(tx, endorsement_id, row["asked_by"], kept, [answer.kept() for answer in answers], standing)
    if standing.verified != before["verified"]:
        await tx.emit("endorsement.foreign_checked", f"fen_{endorsement_id}", verified=standing.verified)
        await co_validation.settle(tx, [row["spec_version_id"]])


async def _write(
    tx: Tx,
    endorsement_id: UUID,
    asked_by: UUID | None,
    findings: list[dict[str, Any]],
    fetched: list[dict[str, Any]],
    standing: Standing,
) -> None:
    check_id = new_id()
    await tx.insert(
        ForeignCheck(
            id=check_id,
            foreign_endorsement_id=endorsement_id,
            asked_by=asked_by,
            checked_at=await tx.now(),
            findings=findings,
            fetched=fetched,
            verified=standing.verified,
        )
    )
    await enter(tx, LOGGED, check_id, action="foreign_endorsement.checked")


_running: set[asyncio.Task[bool]] = set()


async def settle(db: Database, fetcher: Fetcher, workers: Workers, endorsement_id: UUID, wait: float = 3.0) -> None:
    """Have one endorsement looked at now; when that takes longer than `wait` seconds it goes on without the caller."""
    task = asyncio.create_task(check(db, fetcher, workers, endorsement_id))
    _running.add(task)
    task.add_done_callback(_running.discard)
    done, _ = await asyncio.wait({task}, timeout=wait)
    for finished in done:
        if (error := finished.exception()) is not None:
            log.error("an endorsement from elsewhere was not looked at", error=type(error).__name__)


async def look(db: Database, fetcher: Fetcher, workers: Workers, limit: int = AT_ONCE) -> int:
    """Look at the endorsements that are due, the longest waiting first; how many were looked at."""
    async with db.writer() as tx:
        rows = await tx.fetch(
            "select foreign_endorsement_id as id from foreign_watches where check_due_at <= $1"
            " order by check_due_at, foreign_endorsement_id limit $2",
            *(await tx.now(), limit),
        )
    return sum(await asyncio.gather(*(_look(db, fetcher, workers, row["id"]) for row in rows)))


async def run(db: Database, fetcher: Fetcher, workers: Workers, stop: asyncio.Event) -> None:
    """Look at endorsements from elsewhere when they are due, until told to stop."""
    await now_and_then(lambda: look(db, fetcher, workers), PAUSE, stop, "no look for endorsements from elsewhere")


async def _look(db: Database, fetcher: Fetcher, workers: Workers, endorsement_id: UUID) -> bool:
    try:
        return await check(db, fetcher, workers, endorsement_id)
    except (Crowded, WorkerFailed, Refusal, OSError, asyncpg.PostgresError) as error:
        log.warning("an endorsement from elsewhere is looked at later", error=type(error).__name__)
    except Exception:
        # One that cannot be looked at must not keep the others waiting.
        log.exception("an endorsement from elsewhere cannot be looked at", endorsement=str(endorsement_id))
    return False


LOGGED: Final = Source(
    kind="foreign_check",
    subject="fck_{0}",
    sql="""
        select 'fck_' || c.id as subject, f.organization_id, null::bytea as content, row(
            c.id, c.foreign_endorsement_id, c.asked_by, c.checked_at, c.findings, c.fetched, c.verified)::text as facts
        from foreign_checks c join foreign_endorsements f on f.id = c.foreign_endorsement_id where true""",
    key="c.id = $1",
)
"""What the log covers of a look at an endorsement from elsewhere: everything that was found, and who was asked."""
