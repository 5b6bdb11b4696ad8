"""Connections between two uses: handed on at once, without the pool, which makes two tasks of every change of hands.

Measured: a statement of 20 µs of CPU costs 60 with the pool's acquisition and release around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from countersign.kit.db import Connection

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

RELEASE_SECONDS: Final = 1.0
"""A statement that was cancelled ends in this time, or its connection does."""
IDLE_SECONDS: Final = 60
"""What lies here unused for longer goes back to the pool, which closes it in its time."""


def is_lost(connection: Connection) -> bool:
    """Whether a connection of a pool has ended; the pool takes one back that ends while it is in use."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def end(connection: Connection) -> None:
    """End a connection of a pool at once, unless the pool has noticed its end and taken it back."""
    if not is_lost(connection):
        connection.terminate()


class Shelf:
    """The connections of one pool that nobody uses just now; whoever waits for the pool goes first."""

    def __init__(self, pool: Pool, now: Callable[[], float] = monotonic) -> None:
        self._pool = pool
        self._now = now
        self._idle: list[tuple[Connection, float]] = []
        self._taken: dict[Connection, int] = {}
        self._generation = 0
        self._waiting = 0

    async def take(self, seconds: float) -> Connection:
        """A connection. Raises TimeoutError when there is none in time, and what the pool raises."""
        connection = await self._any(seconds)
        self._taken[connection] = self._generation
        return connection

    async def _any(self, seconds: float) -> Connection:
        while self._idle:
            connection, _ = self._idle.pop()
            if not is_lost(connection):
                return connection
            await self._release(connection)
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                return await self._pool.acquire()
        finally:
            self._waiting -= 1

    async def give(self, connection: Connection, *, clean: bool) -> None:
        """Give a connection back; `clean` when nothing went wrong and no transaction is open."""
        current = self._taken.pop(connection) == self._generation
        if not (clean and current) or self._waiting or is_lost(connection):
            await self._release(connection)
            return
        self._idle.append((connection, self._now()))
        if self._idle[0][1] < self._now() - IDLE_SECONDS:
            await self._release(self._idle.pop(0)[0])

    async def expire(self) -> None:
        """Use no connection again that was opened before now."""
        self._generation += 1
        await self._clear()
        await self._pool.expire_connections()

    async def close(self) -> None:
        """Close the pool when everything that is in use has come back."""
        self._generation += 1
        await self._clear()
        await self._pool.close()

    def terminate(self) -> None:
        """End every connection at once."""
        self._generation += 1
        self._idle.clear()
        self._pool.terminate()

    async def _clear(self) -> None:
        while self._idle:
            await self._release(self._idle.pop()[0])

    async def _release(self, connection: Connection) -> None:
        proxy: Any = connection  # what the pool gave is a proxy
        await self._pool.release(proxy, timeout=RELEASE_SECONDS)


class Pools(NamedTuple):
    """The connections of one process."""

    primary: Shelf
    replica: Shelf
    search: Shelf

    def terminate(self) -> None:
        """End every connection at once."""
        for shelf in self:
            shelf.terminate()
