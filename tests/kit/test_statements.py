"""What PostgreSQL keeps prepared for clients' texts is bounded, whatever they send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from countersign.kit.db import Connection, Database
from countersign.kit.statements import KEPT_CHARACTERS, KEPT_STATEMENTS, LONGEST_KEPT, Session, first_row
from tests.patience import WAIT

PREPARED = (
    "select name, length(statement) as long from pg_prepared_statements where statement like '%of a cl' || 'ient%'"
)
MEMORY = "select sum(total_bytes)::bigint from pg_backend_memory_contexts"


@pytest_asyncio.fixture
async def small(database_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(database_dsn, pool_size=1, wait_seconds=WAIT)
    yield database
    await database.close()


def text(number: int, length: int = 2_000) -> str:
    """A statement of about a length that no other is."""
    words = ", ".join(f"'of a client {n}'" for n in range(length // 20))
    return f"select array_length(array[{words}], 1) + $1::int - {number}"


async def ask(database: Database, sql: str, *, keep: bool) -> Any:
    async with database.reader() as connection:
        row = await first_row(connection, sql, [1], keep=keep)
        assert row is not None
        return row[0]


async def test_a_text_that_is_seen_once_leaves_nothing_behind(small: Database) -> None:
    for number in range(300):
        await ask(small, text(number), keep=False)
    async with small.reader() as connection:
        assert await connection.fetch(PREPARED) == []


async def test_a_flood_of_texts_takes_no_memory_of_the_server(database_dsn: str) -> None:
    made: Any = await asyncpg.connect(database_dsn, connection_class=Session, statement_cache_size=KEPT_STATEMENTS)
    connection: Connection = made
    try:
        figures = []
        for flood in range(3):
            for number in range(100):
                await first_row(connection, text(flood * 100 + number), [1], keep=flood == 2)
            figures.append(await connection.fetchval(MEMORY))
        # The third flood, of texts that are kept, shows what the others would have taken.
        assert figures[1] - figures[0] < 100_000, figures
        assert figures[2] - figures[1] > 2_000_000, figures
    finally:
        await connection.close()


async def test_a_text_that_comes_again_is_prepared_once(small: Database) -> None:
    for _ in range(3):
        assert await ask(small, text(3, 200), keep=True) == 8
    async with small.reader() as connection:
        assert len(await connection.fetch(PREPARED)) == 1


async def test_a_session_that_keeps_too_much_is_opened_anew(small: Database) -> None:
    async with small.reader() as connection:
        first = connection.get_server_pid()
    length = LONGEST_KEPT // 2
    needed = KEPT_CHARACTERS // len(text(0, length)) + 1
    for number in range(needed - 1):
        await ask(small, text(number, length), keep=True)
    async with small.reader() as connection:
        assert connection.get_server_pid() == first
    await ask(small, text(needed, length), keep=True)
    await ask(small, text(needed + 1, length), keep=True)
    async with small.reader() as connection:
        assert connection.get_server_pid() != first
        assert len(await connection.fetch(PREPARED)) == 1


async def test_a_text_that_is_too_long_is_never_kept(small: Database) -> None:
    long = text(1, 2 * LONGEST_KEPT)
    for _ in range(2):
        await ask(small, long, keep=True)
    async with small.reader() as connection:
        assert await connection.fetch(PREPARED) == []
