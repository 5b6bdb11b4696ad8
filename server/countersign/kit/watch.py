"""Looks whether PostgreSQL still answers, so that nobody waits for one that has gone."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from time import monotonic
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from countersign.kit.db import Database
from countersign.kit.logs import logger

PAUSE: Final = 0.25
PATIENCE: Final = 0.5
"""Seconds without any answer, to us or to anybody else, after which a database elsewhere is given up."""
LOCAL_PATIENCE: Final = 5.0
"""The same for one behind a Unix socket: it cannot go without a word, so silence means that it is busy."""
STALL: Final = 0.25
"""Seconds by which our own loop may be late before its lateness explains a missing answer."""

log = logger("database")


class Verdict(enum.Enum):
    """What a missing answer means."""

    BUSY = "busy"
    OLD_ONES_DEAD = "old ones dead"
    """Others are answered: what was open before may be dead without a word."""
    GONE = "gone"


def patience_with(dsn: str) -> float:
    """How long to wait for the server of an address; one without a host is looked for on this machine."""
    parts = urlsplit(dsn)
    host = parse_qs(parts.query).get("host", [unquote(parts.hostname or "")])[0]
    return LOCAL_PATIENCE if not host or host.startswith("/") else PATIENCE


def verdict(misses: int, silence: float, patience: float) -> Verdict:
    """What it means that so many questions in a row had no answer, and nobody had one for `silence` seconds."""
    if silence > patience:
        return Verdict.GONE
    return Verdict.OLD_ONES_DEAD if misses > 1 else Verdict.BUSY


async def run(db: Database, dsn: str, stop: asyncio.Event) -> None:
    """Ask PostgreSQL for a sign of life four times a second until told to stop; renew the pools when it is back.

    A connection whose other end is gone without a word stalls for minutes; what waits on one is ended within a second,
    within two where others are answered meanwhile.
    """
    patience = patience_with(dsn)
    probe: asyncpg.Connection[asyncpg.Record] | None = None
    misses, since = 0, 0.0
    while not stop.is_set():
        began = monotonic()
        allowed = patience if probe is not None else 2 * patience
        try:
            async with asyncio.timeout(allowed) as time_out:
                if probe is None or probe.is_closed():
                    probe = await asyncpg.connect(dsn, server_settings={"application_name": "countersign watch"})
                await probe.fetchval("select 1")
                misses = 0
                if db.lost:
                    time_out.reschedule(asyncio.get_running_loop().time() + 10 * patience)
                    await db.renew()
                    log.warning("the database is back")
        except Exception as error:  # noqa: BLE001 - whatever comes of the question, it is no answer
            late = monotonic() - began > allowed + STALL
            misses += not late
            since = began if misses <= 1 else since
            found = Verdict.BUSY if db.lost or late else verdict(misses, monotonic() - db.answered_at, patience)
            # The same connection is asked a second time: a new one would be answered, and tell nothing of the old.
            if probe is not None and not (isinstance(error, TimeoutError) and found is Verdict.BUSY and misses <= 1):
                probe.terminate()
                probe = None
            if found is not Verdict.BUSY:
                log.warning("the database does not answer", problem=type(error).__name__, verdict=found.value)
            if found is Verdict.GONE:
                db.give_up()
            elif found is Verdict.OLD_ONES_DEAD:
                await db.give_up_since(since)
                misses = 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE / 10 if misses == 1 and not db.lost else PAUSE)
    if probe is not None:
        probe.terminate()
