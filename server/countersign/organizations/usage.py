"""When tokens were last used: gathered in memory, written together, never in the way of a request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from countersign.kit.db import Database
from countersign.kit.waiting import either

FLUSH_SECONDS: Final = 10.0
PRECISION: Final = timedelta(minutes=1)
MOST: Final = 100_000

log = structlog.get_logger(__name__)


class TokenUses:
    """The uses of one process that are not written yet. What a crash loses is at most the last ten seconds."""

    def __init__(self) -> None:
        self._noted: dict[UUID, datetime] = {}
        self._written: dict[UUID, datetime] = {}

    def note(self, token_id: UUID | None, now: datetime | None = None) -> None:
        """Remember that a token was used now; once a minute is enough."""
        if token_id is None:
            return
        moment = now or datetime.now(UTC)
        written = self._written.get(token_id)
        if written is None or moment - written >= PRECISION:
            self._noted[token_id] = moment

    async def flush(self, db: Database) -> int:
        """Write what was noted, by one statement; how many tokens. What cannot be written now is kept."""
        noted, self._noted = self._noted, {}
        if not noted:
            return 0
        tokens = sorted(noted)
        try:
            async with db.writer() as tx:
                await tx.execute(
                    "insert into token_uses (token_id, last_used_at)"
                    " select t, w from unnest($1::uuid[], $2::timestamptz[]) u(t, w)"
                    " on conflict (token_id) do update"
                    " set last_used_at = greatest(token_uses.last_used_at, excluded.last_used_at)",
                    tokens,
                    [noted[token] for token in tokens],
                )
        except BaseException:
            self._noted = noted | self._noted
            raise
        if len(self._written) + len(noted) > MOST:
            self._written.clear()
        self._written |= noted
        return len(tokens)

    async def run(self, db: Database, stop: asyncio.Event) -> None:
        """Write every ten seconds until told to stop, and once more then."""
        while not stop.is_set():
            await either(FLUSH_SECONDS, stop)
            try:
                await self.flush(db)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("uses of tokens not written; they will be with the next")
