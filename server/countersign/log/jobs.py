"""The job that keeps the log: looks every two seconds, and takes in what waits for ten, or 256 events at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from countersign.kit.db import Database
from countersign.kit.losses import UNREACHABLE
from countersign.log import rules, sequencing
from countersign.log.rules_notes import LogKey
from countersign.log.sources import Source

LOOK_SECONDS: Final = 2.0
AT_MOST: Final = timedelta(seconds=10)
log = structlog.get_logger(__name__)


async def catch_up(db: Database, key: LogKey, sources: Sequence[Source]) -> str | None:
    """Take in everything that can be taken in now; the note of the last checkpoint that was signed, if one was."""
    last = None
    more = True
    while more:
        async with db.writer() as tx:
            step = await sequencing.sequence(tx, key, sources)
        last, more = step.note or last, step.more
    return last


async def run(
    db: Database, key: LogKey, sources: Sequence[Source], stop: asyncio.Event, witness: Path | None = None
) -> None:
    """Keep the log until told to stop, then take in what is left.

    `witness` is a file beside the database which gets the newest checkpoint, so that a database that was set back, or
    whose log was begun anew, does not agree with it.
    """
    due = True
    while True:
        try:
            if due:
                keep(witness, await catch_up(db, key, sources))
            if stop.is_set():
                return
        except Exception:
            log.exception("the log was not kept")
            if stop.is_set():
                return
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            due = True
        except TimeoutError:
            due = await _is_due(db)


def keep(witness: Path | None, note: str | None) -> None:
    """Put a checkpoint in the place of the last one."""
    if witness is None or note is None:
        return
    fresh = witness.with_name(f"{witness.name}.{os.getpid()}")
    try:
        witness.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(note)
        fresh.replace(witness)
    except OSError as error:
        log.warning("the newest checkpoint was not kept beside the database", problem=str(error))


async def _is_due(db: Database) -> bool:
    try:
        async with db.fresh_reader() as reader:
            count, since = await sequencing.waiting(reader)
    except (OSError, asyncpg.InterfaceError, *UNREACHABLE):
        return False  # the next look finds it again
    now = db.clock.now() or datetime.now(UTC)
    return count >= rules.TILE_WIDTH or (since is not None and now - since >= AT_MOST)
