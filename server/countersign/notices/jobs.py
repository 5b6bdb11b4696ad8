"""Work that nobody waits for: from events to notices, and what is old goes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import asyncpg
import structlog

from countersign.kit.db import Database
from countersign.kit.fetcher import Fetcher
from countersign.kit.waiting import either
from countersign.notices import delivering, leaving, mailing, making
from countersign.notices.smtp import Mailer

PAUSE: Final = 0.5
"""Seconds between two looks for events."""
MAIL_PAUSE: Final = 2.0
TIDYING: Final = 3_600.0
KEPT: Final = timedelta(days=365)
LETTERS_KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 1_000

_DELETE: Final = "delete from {table} where id = any(array(select id from {table} where {which} limit {limit}))"
_OLD: Final = (
    ("notices", "at < $1", KEPT),
    ("mails", "settled_at < $1", LETTERS_KEPT),
    ("webhook_deliveries", "settled_at < $1", LETTERS_KEPT),
)
_LEFT: Final = """
select organization_id, person_id from (select organization_id, person_id from notices where person_id is not null
  union select organization_id, person_id from mailboxes) x
where not exists (select from memberships m where m.organization_id = x.organization_id and m.person_id = x.person_id
  and (m.valid_until is null or m.valid_until > $1)) limit $2
"""

log = structlog.get_logger(__name__)


async def tidy(db: Database) -> None:
    """Delete what is old, and all that is kept for members whose time ran out, in small transactions."""
    for table, which, kept in _OLD:
        some = AT_ONCE
        while some == AT_ONCE:
            async with db.writer() as tx:
                statement = _DELETE.format(table=table, which=which, limit=AT_ONCE)
                some = await tx.execute(statement, await tx.now() - kept)
    async with db.writer() as tx:
        for row in await tx.fetch(_LEFT, await tx.now(), AT_ONCE):
            await leaving.forget(tx, row["organization_id"], row["person_id"])


async def run(db: Database, stop: asyncio.Event) -> None:
    """Tell events twice a second, and tidy up every hour, until told to stop."""
    now = asyncio.get_running_loop().time
    tidied = 0.0
    while not stop.is_set():
        try:
            read = await making.look(db)
            if now() - tidied >= TIDYING:
                await tidy(db)
                tidied = now()
        except (OSError, asyncpg.PostgresError):
            log.exception("no look for events to tell")
            read = 0
        if read < making.AT_ONCE:
            await either(PAUSE, stop)


async def run_mails(db: Database, mailer: Mailer, origin: str, stop: asyncio.Event) -> None:
    """Send letters as they are due until told to stop."""
    while not stop.is_set():
        try:
            tried = await mailing.look(db, mailer, origin)
        except (OSError, asyncpg.PostgresError):
            log.exception("no look for letters that are due")
            tried = 0
        if tried < mailing.AT_ONCE:
            await either(MAIL_PAUSE, stop)


async def run_webhooks(db: Database, fetcher: Fetcher, stop: asyncio.Event) -> None:
    """Make deliveries as they are due until told to stop."""
    while not stop.is_set():
        try:
            tried = await delivering.look(db, fetcher)
        except (OSError, asyncpg.PostgresError):
            log.exception("no look for deliveries that are due")
            tried = 0
        if tried < delivering.AT_ONCE:
            await either(MAIL_PAUSE, stop)
