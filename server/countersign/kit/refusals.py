"""Refusals that no command records: of reads, of credentials. Each becomes an audit event; a flood becomes few.

What was refused to somebody known is written before they are told. What strangers are refused is written a moment
later, many in one statement, and the twentieth of the same from the same network stands for all that follow in it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from countersign.kit import audit
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Database

MOMENT: Final = 0.2
OF_THE_SAME: Final = 20
WAITING: Final = 5_000
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused to a stranger, and where they came from."""

    action: str
    reason: str
    rule: str
    request: audit.Request | None

    @property
    def like(self) -> tuple[str, str, str | None]:
        """What those that are folded together have in common."""
        return self.action, self.reason, audit.network_of(self.request.address) if self.request else None


class Refusals:
    """Writes refusals down. One for a process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[Refused] = []
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    async def tell(self, actor: Actor, action: str, reason: str, rule: str) -> None:
        """Record that an actor was refused something. Never raises for a database that is away: that is logged."""
        if not actor.known:
            if len(self._waiting) < WAITING:
                self._waiting.append(Refused(action, reason, rule, audit.REQUEST.get()))
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._soon())
                _unwritten.add(self)
            return
        try:
            async with self._db.writer() as tx:
                await tx.insert(_event(actor, Refused(action, reason, rule, None), reason, await tx.now()))
        except (OSError, asyncpg.PostgresError):
            log.exception("a refusal was not recorded", action=action)

    async def written(self) -> None:
        """Write what strangers were refused at once, and wait for it."""
        self._hurry.set()
        if self._writing is not None:
            await self._writing
        self._hurry.clear()

    async def _soon(self) -> None:
        while self._waiting:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), MOMENT)
            told, self._waiting = self._waiting, []
            try:
                await self._write(told)
            except (OSError, asyncpg.PostgresError):
                log.exception("refusals were not recorded", count=len(told))
        _unwritten.discard(self)

    async def _write(self, told: list[Refused]) -> None:
        kinds = Counter(one.like for one in told)
        seen: Counter[tuple[str, str, str | None]] = Counter()
        async with self._db.writer() as tx:
            now = await tx.now()
            events = []
            for one in told:
                seen[one.like] += 1
                if seen[one.like] > OF_THE_SAME:
                    continue
                more = kinds[one.like] - OF_THE_SAME
                last = seen[one.like] == OF_THE_SAME and more > 0
                before = audit.REQUEST.set(one.request)
                events.append(_event(ANONYMOUS, one, f"{one.reason} (and {more} more)" if last else one.reason, now))
                audit.REQUEST.reset(before)
            await tx.insert(*events)


_unwritten: Final[set[Refusals]] = set()


async def settled() -> None:
    """Write at once what any part of this process still has to write; for the end of a process, or of a test."""
    for one in list(_unwritten):
        await one.written()


def _event(actor: Actor, refused: Refused, reason: str, now: datetime) -> audit.AuditEvent:
    denied = audit.Decision.DENIED
    return audit.record(actor, refused.action, now, subject=None, decision=denied, reason=reason, rule=refused.rule)
