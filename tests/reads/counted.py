"""A database that counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from countersign.kit.db import Connection, Database


class CountedDatabase(Database):
    """A database that remembers the statements of its readers and counts its transactions."""

    statements: list[str]
    transactions: int

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """As the real one."""
        async with super().reader() as connection:
            with connection.query_logger(lambda record: self.statements.append(record.query)):
                yield connection

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Any]:
        """As the real one."""
        self.transactions += 1
        async with super().writer() as tx:
            yield tx
