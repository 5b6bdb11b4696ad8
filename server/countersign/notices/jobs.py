"""Work that nobody waits for: from events to notices, and what is old goes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import asyncpg
import structlog

from countersign.kit.db import Database
from countersign.kit.waiting import either
from countersign.notices import making

PAUSE: Final = 0.5
"""Seconds between two looks for events."""
TIDYING: Final = 3_600.0
KEPT: Final = timedelta(days=365)
AT_ONCE: Final = 1_000

_DELETE: Final = (
    "delete from notices where id = any(array(select n.id from notices n,"
    " (select $1::timestamptz as now, $2::interval as kept) t where {which} limit " + str(AT_ONCE) + "))"
)
_OLD: Final = "n.at < t.now - t.kept"
_LEFT: Final = (
    "n.person_id is not null and not exists (select from memberships m where m.organization_id = n.organization_id"
    " and m.person_id = n.person_id and (m.valid_until is null or m.valid_until > t.now))"
)

log = structlog.get_logger(__name__)


async def forget(db: Database) -> int:
    """Delete notices that are older than a year, and those of memberships that ended by time; how many."""
    forgotten = 0
    for which in (_OLD, _LEFT):
        some = AT_ONCE
        while some == AT_ONCE:
            async with db.writer() as tx:
                some = await tx.execute(_DELETE.format(which=which), await tx.now(), KEPT)
            forgotten += some
    return forgotten


async def run(db: Database, stop: asyncio.Event) -> None:
    """Tell events twice a second, and tidy up every hour, until told to stop."""
    now = asyncio.get_running_loop().time
    tidied = 0.0
    while not stop.is_set():
        try:
            read = await making.look(db)
            if now() - tidied >= TIDYING:
                await forget(db)
                tidied = now()
        except (OSError, asyncpg.PostgresError):
            log.exception("no look for events to tell")
            read = 0
        if read < making.AT_ONCE:
            await either(PAUSE, stop)
