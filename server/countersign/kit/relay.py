"""The relay: one process among all gives committed events their numbers, and wakes those who wait for them.

A plain sequence is not commit order: a number that was drawn early may be committed late, after its successors were
read. So numbers are given after the commit, by one relay at a time, each look in a transaction of its own. The row
`outbox_head` holds the last number and a lease: who has the lease is the relay, and because every look locks that row
first, a relay that was frozen and comes back numbers nothing beside its successor.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from countersign.kit import outbox
from countersign.kit.db import Connection, Database
from countersign.kit.ids import new_id
from countersign.kit.waiting import either

POLL: Final = 0.1
"""Seconds between two looks of the relay for events of other processes; its own process wakes it."""
LEASE: Final = timedelta(seconds=3)
RENEW: Final = 1.0
"""Seconds between two looks of a process that is not the relay, and between renewals of one that is."""
AT_ONCE: Final = 5_000
CLEANING: Final = 3_600.0
GONE_AT_ONCE: Final = 10_000

LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""What a lost or stopping PostgreSQL raises."""

_BEGIN: Final = "insert into outbox_head (single, sequence) values (true, 0) on conflict do nothing"
_TAKE: Final = """
update outbox_head set holder = $1, lease_until = clock_timestamp() + $2
where holder = $1 or holder is null or lease_until < clock_timestamp() returning sequence
"""
# The order within one look: the commits' own times where PostgreSQL keeps them, else the order of writing.
_NUMBER: Final = """
with fresh as (select id, row_number() over (order by {order}) as n from outbox where told_at is null
               order by {order} limit $2)
update outbox o set sequence = $1 + f.n, told_at = clock_timestamp() from fresh f where o.id = f.id
"""
_BY_COMMIT: Final = "pg_xact_commit_timestamp(xmin) nulls first, id"
_BY_WRITING: Final = "id"

log = structlog.get_logger(__name__)


class Relay:
    """One process's candidate for the relay."""

    def __init__(self, name: UUID | None = None) -> None:
        self.name = name or new_id()
        self.caught_up = asyncio.Event()
        """Set after the first look: what was committed before this process has its number, or another relay."""
        self._order = _BY_WRITING

    async def look(self, connection: Connection) -> int | None:
        """Number what was committed since the last look; how many, or None when another process is the relay.

        Numbers have no gaps and are never given twice; the events are in the order in which looks found them committed.
        """
        async with connection.transaction():
            last = await connection.fetchval(_TAKE, self.name, LEASE)
            if last is None:
                await connection.execute(_BEGIN)
                return None
            done = await connection.execute(_NUMBER.format(order=self._order), last, AT_ONCE)
            count = int(done.rsplit(" ", 1)[-1])
            if count:
                await connection.execute("update outbox_head set sequence = sequence + $1", count)
                await connection.execute("select pg_notify($1, $2)", outbox.CHANNEL, str(last + count))
            else:
                # Nothing is lost when a renewed lease is.
                await connection.execute("set local synchronous_commit = off")
        return count

    async def serve(self, connection: Connection, emitted: asyncio.Event, stop: asyncio.Event) -> None:
        """Look whenever there is something, until told to stop; then leave the lease to whoever comes."""
        await self._set_up(connection)
        now = asyncio.get_running_loop().time
        holds, renewed, cleaned = False, 0.0, 0.0
        while not stop.is_set():
            emitted.clear()
            waiting = holds and await connection.fetchval("select exists (select from outbox where told_at is null)")
            if waiting or now() - renewed >= RENEW:
                found = await self.look(connection)
                holds, renewed = found is not None, now()
                if found == AT_ONCE:
                    continue
                self.caught_up.set()
            if holds and now() - cleaned >= CLEANING:
                await clean(connection)
                cleaned = now()
            await either(POLL if holds else RENEW, stop, *([emitted] if holds else []))
        if holds:
            await connection.execute("update outbox_head set holder = null where holder = $1", self.name)

    async def _set_up(self, connection: Connection) -> None:
        await connection.execute(_BEGIN)
        kept = await connection.fetchval("select current_setting('track_commit_timestamp') = 'on'")
        self._order = _BY_COMMIT if kept else _BY_WRITING


async def clean(connection: Connection) -> None:
    """Delete the events that were told more than seven days ago."""
    gone = GONE_AT_ONCE
    while gone == GONE_AT_ONCE:
        done = await connection.execute(
            "delete from outbox where id in (select id from outbox where told_at < clock_timestamp() - $1::interval"
            " order by told_at limit $2)",
            outbox.KEPT,
            GONE_AT_ONCE,
        )
        gone = int(done.rsplit(" ", 1)[-1])


async def run(db: Database, stop: asyncio.Event, relay: Relay | None = None) -> None:
    """Be the relay, or be ready to become it, until told to stop; a lost connection is made anew."""
    relay = relay or Relay()
    while not stop.is_set():
        try:
            async with db.alone() as connection:
                await relay.serve(connection, db.emitted, stop)
        except LOST as lost:
            log.warning("the relay lost its connection", error=type(lost).__name__)
        except Exception:
            # A dying connection also fails in ways that nobody declares (asyncpg's InternalClientError).
            log.exception("the relay failed")
        await either(RENEW, stop)
