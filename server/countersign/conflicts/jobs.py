"""Control groups are worked out anew now and then: a membership that ends by its date tells nobody."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
import structlog

from countersign.conflicts import service
from countersign.kit.db import Database

PAUSE: Final = 3_600.0
AT_ONCE: Final = 100

log = structlog.get_logger(__name__)


async def regroup_all(db: Database) -> int:
    """Work out every control group, some organizations in each transaction; how many changed."""
    async with db.writer() as tx:
        rows = await tx.fetch("select id from organizations order by id")
    changed = 0
    for start in range(0, len(rows), AT_ONCE):
        async with db.writer() as tx:
            changed += await service.regroup(tx, [row["id"] for row in rows[start : start + AT_ONCE]])
    return changed


async def run(db: Database, stop: asyncio.Event) -> None:
    """Work out every control group each hour, until told to stop."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), PAUSE)
        except TimeoutError:
            try:
                await regroup_all(db)
            except (OSError, asyncpg.PostgresError):
                log.exception("control groups were not worked out")
