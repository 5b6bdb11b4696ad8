"""What is over is taken out: sign-ins and secrets after their time, tries after a day, sessions after a week."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from countersign.kit.db import Database
from countersign.kit.waiting import now_and_then

EVERY_SECONDS: Final = 600.0
AT_ONCE: Final = 1_000
_OVER: Final = (
    ("sign_ins", "expires_at <= $1", timedelta(0)),
    ("one_time_secrets", "expires_at <= $1", timedelta(0)),
    ("attempts", "since <= $1", timedelta(days=1)),
    ("account_logins", "ends_at <= $1", timedelta(days=7)),
)


async def forget(db: Database) -> int:
    """Take out what is over, in small transactions; how many rows."""
    forgotten = 0
    for table, condition, kept in _OVER:
        some = AT_ONCE
        while some == AT_ONCE:
            async with db.writer() as tx:
                some = await tx.execute(
                    f"delete from {table} where ctid = any(array(select ctid from {table} where {condition}"
                    f" limit {AT_ONCE}))",
                    await tx.now() - kept,
                )
            forgotten += some
    return forgotten


async def run(db: Database, stop: asyncio.Event) -> None:
    """Forget every ten minutes until told to stop."""
    await now_and_then(lambda: forget(db), EVERY_SECONDS, stop, "no look for sessions that are over")
