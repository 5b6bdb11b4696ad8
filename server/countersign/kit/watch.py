"""Looks whether PostgreSQL still answers, so that nobody waits for one that has gone."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic
from typing import Final

import asyncpg

from countersign.kit.db import Database
from countersign.kit.logs import logger

PAUSE: Final = 0.25
PATIENCE: Final = 0.5
"""Seconds without any answer, to us or to anybody else, after which the database is given up."""
STALL: Final = 0.25
"""Seconds by which our own loop may be late before its lateness explains a missing answer."""
CONNECT_SECONDS: Final = 1.0

log = logger("database")


async def run(db: Database, dsn: str, stop: asyncio.Event) -> None:
    """Ask PostgreSQL for a sign of life four times a second until told to stop; renew the pools when it is back.

    A connection whose other end is gone without a word stalls for minutes; what waits on one is ended within a second.
    """
    probe: asyncpg.Connection[asyncpg.Record] | None = None
    while not stop.is_set():
        began = monotonic()
        allowed = CONNECT_SECONDS if probe is None else PATIENCE
        try:
            async with asyncio.timeout(allowed) as patience:
                if probe is None or probe.is_closed():
                    probe = await asyncpg.connect(dsn, server_settings={"application_name": "countersign watch"})
                await probe.fetchval("select 1")
                if db.lost:
                    patience.reschedule(asyncio.get_running_loop().time() + 5 * CONNECT_SECONDS)
                    await db.renew()
                    log.warning("the database is back")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            known, probe = probe, None
            if known is not None:
                known.terminate()
            if not db.lost and monotonic() - began <= allowed + STALL:
                log.warning("the database does not answer", problem=type(error).__name__)
                if monotonic() - db.answered_at > PATIENCE:
                    db.give_up()
                elif known is not None:
                    # Others are answered: what was open before may be dead without a word.
                    await db.give_up_since(began)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE)
    if probe is not None:
        probe.terminate()
