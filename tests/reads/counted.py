"""A database that counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from countersign.kit.db import Connection, Database

FRAME = ("begin read only; set local role ", "commit")
"""What a statement over rows with owners stands between (`kit/walls`); it is no statement of its own."""


class Counting:
    """A connection that notes every statement, run at once or prepared first."""

    def __init__(self, connection: Connection, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in {"fetch", "fetchrow", "fetchval", "execute", "prepare"}:
            return found

        def noted(query: str, *args: Any, **kwargs: Any) -> Any:
            if not query.startswith(FRAME):
                self._statements.append(query)
            return found(query, *args, **kwargs)

        return noted


class CountedDatabase(Database):
    """A database that remembers the statements of its readers and counts its transactions."""

    statements: list[str]
    transactions: int

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """As the real one."""
        async with super().reader() as connection:
            yield cast("Connection", Counting(connection, self.statements))

    @asynccontextmanager
    async def searcher(self) -> AsyncIterator[Connection]:
        """As the real one."""
        async with super().searcher() as connection:
            yield cast("Connection", Counting(connection, self.statements))

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Any]:
        """As the real one."""
        self.transactions += 1
        async with super().writer() as tx:
            yield tx
