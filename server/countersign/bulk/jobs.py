"""The worker of bulk operations: one at a time in each process, so that requests come first; and their expiry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Final

import asyncpg
import structlog

from countersign.bulk import queue, uploads
from countersign.bulk.exporting import Exporter, run_export
from countersign.bulk.importing import run_import
from countersign.bulk.queue import RETRY_AFTER, Failed, Job, LeaseLost, StopWanted, Watch
from countersign.kit.db import Database

LOOK_SECONDS: Final = 1.0
EXPIRE_SECONDS: Final = 60.0
EXPIRE_PATIENCE: Final = "60s"
_BUSY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = structlog.get_logger()


async def run(db: Database, exporter: Exporter, stop: asyncio.Event) -> None:
    """Work on what waits, until told to stop; what is under way then goes back to the queue."""
    expired_at = 0.0
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            working = asyncio.ensure_future(take(db, exporter))
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            worked = await _ended(working)
            if time.monotonic() - expired_at > EXPIRE_SECONDS and not stop.is_set():
                expired_at = time.monotonic()
                await _tried(expire(db), "expiry of bulk files")
            if not worked:
                await asyncio.wait({stopping}, timeout=LOOK_SECONDS)
    finally:
        stopping.cancel()


async def _ended(working: asyncio.Future[bool]) -> bool:
    """Whether there was work; what is still under way is cut off, and gives itself back."""
    if not working.done():
        working.cancel()
    try:
        return await working
    except asyncio.CancelledError:
        return True
    except _BUSY:
        log.exception("no look at the queue of bulk operations")
        return False


async def _tried(work: Awaitable[object], what: str) -> None:
    try:
        await work
    except _BUSY:
        log.exception("no %s", what)


async def take(db: Database, exporter: Exporter) -> bool:
    """Work on one operation until it is over; whether there was one."""
    job = await queue.claim(db)
    if job is None:
        return False
    watch = Watch(db, job)
    doing = asyncio.ensure_future(_do(db, exporter, job, watch))
    watching = asyncio.ensure_future(watch.run())
    try:
        await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
        await asyncio.wait({doing})
    except asyncio.CancelledError:
        doing.cancel()
        await asyncio.wait({doing})
        await queue.give_back(db, job)
        raise
    finally:
        watching.cancel()
        await asyncio.wait({watching})
    await _settle(db, job, doing, watching)
    return True


async def _do(db: Database, exporter: Exporter, job: Job, watch: Watch) -> None:
    if job.kind == "import":
        await run_import(db, job, watch)
    else:
        await run_export(db, exporter, job, watch)


async def _settle(db: Database, job: Job, doing: asyncio.Future[None], watching: asyncio.Future[None]) -> None:
    """Write down how it ended, where that is not written yet."""
    error = doing.exception() if not doing.cancelled() else None
    if doing.cancelled():
        error = watching.exception() if not watching.cancelled() else None
    match error:
        case None if not doing.cancelled():
            return
        case LeaseLost():
            log.warning("bulk operation taken over", operation=str(job.id))
        case StopWanted():
            await queue.stop(db, job)
        case Failed() as failed:
            await _failed(db, job, failed)
        case _:
            log.error("bulk operation broke off", operation=str(job.id), exc_info=error)
            await queue.give_back(db, job, after=RETRY_AFTER)


async def _failed(db: Database, job: Job, failed: Failed) -> None:
    try:
        async with db.writer() as tx:
            await queue.hold(tx, job)
            await tx.execute("delete from bulk_chunks where operation_id = $1", job.id)
            await queue.fail(tx, job, failed)
    except StopWanted:
        await queue.stop(db, job)
    except LeaseLost:
        log.warning("bulk operation taken over", operation=str(job.id))


async def expire(db: Database) -> tuple[int, int]:
    """Remove what has had its time: uploads, and the files of operations; how many of each."""
    async with db.writer() as tx:
        await tx.execute(f"set local statement_timeout = '{EXPIRE_PATIENCE}'")
        gone = await uploads.expire(tx)
        rows = await tx.fetch(
            "update bulk_operations set state = 'expired', first_row_errors = '[]', shown_learners = null"
            " where expires_at <= $1 and state in ('completed', 'failed', 'canceled') returning id",
            await tx.now(),
        )
        await tx.execute("delete from bulk_chunks where operation_id = any($1::uuid[])", [row["id"] for row in rows])
    return gone, len(rows)
