"""A connection whose session ends, whatever it was doing and whoever ends it: out of reach, and the next is another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.db import Connection, Database
from countersign.kit.losses import UNREACHABLE
from countersign.schema.failures import failed
from tests.patience import WAIT

TERMINATE = "select pg_terminate_backend({pid})"
OUTSTAY = {
    "idle in a transaction": "set local idle_in_transaction_session_timeout = 1",
    "the transaction takes too long": "set local transaction_timeout = 1",
}


@pytest_asyncio.fixture
async def alone(database_dsn: str) -> AsyncIterator[Database]:
    """One connection at a time, so that what was lost would be met again."""
    db = await Database.open(database_dsn, pool_size=1, wait_seconds=WAIT)
    yield db
    await db.close()


def gone(dsn: str, pid: int, then: str | None = None) -> None:
    """Say something to the server, and wait until the session is gone; our loop stands still meanwhile."""

    async def look() -> None:
        other = await asyncpg.connect(dsn)
        if then:
            await other.execute(then.format(pid=pid))
        until = time.monotonic() + WAIT
        while await other.fetchval("select exists (select from pg_stat_activity where pid = $1)", pid):
            assert time.monotonic() < until, "the session goes on"
            await asyncio.sleep(0.01)
        await other.close()

    thread = threading.Thread(target=asyncio.run, args=(look(),))
    thread.start()
    thread.join()


async def number(connection: Connection) -> int:
    return int(await connection.fetchval("select pg_backend_pid()"))


async def between_two_statements(db: Database, dsn: str) -> None:
    async with db.reader() as connection:
        gone(dsn, await number(connection), TERMINATE)
        await connection.fetchval("select 1")


async def between_two_statements_of_a_transaction(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        gone(dsn, await number(tx.connection), TERMINATE)
        await tx.execute("select 1")


async def before_the_commit(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        await tx.execute("create temporary table here (n int) on commit drop")
        gone(dsn, await number(tx.connection), TERMINATE)


async def before_the_rollback(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        gone(dsn, await number(tx.connection), TERMINATE)
        raise TimeoutError  # what a deadline makes of it


async def inside_a_savepoint(db: Database, dsn: str) -> None:
    async with db.writer() as tx, tx.savepoint():
        gone(dsn, await number(tx.connection), TERMINATE)
        await tx.execute("select 1")


async def while_a_statement_runs(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        pid = await number(tx.connection)
        ending = asyncio.get_running_loop().run_in_executor(None, gone, dsn, pid, TERMINATE)
        try:
            await tx.execute("set local statement_timeout = 0; select pg_sleep(86400)")
        finally:
            await ending


async def while_rows_are_copied(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        await tx.execute("create temporary table here (n int) on commit drop")
        pid = await number(tx.connection)

        async def rows() -> AsyncIterator[tuple[int]]:
            yield (1,)
            gone(dsn, pid, TERMINATE)
            for n in range(100_000):
                yield (n,)

        await tx.copy("here", ["n"], rows())


async def on_the_shelf(db: Database, dsn: str) -> None:
    async with db.reader() as connection:
        pid = await number(connection)
    gone(dsn, pid, TERMINATE)
    async with db.reader() as connection:
        await connection.fetchval("select 1")


async def too_long_between_two_statements(db: Database, dsn: str) -> None:
    async with db.reader() as connection:
        pid = await number(connection)
        await connection.execute("set idle_session_timeout = 1")
        gone(dsn, pid)
        await connection.fetchval("select 1")


async def noticed_before_the_next_statement(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        gone(dsn, await number(tx.connection), TERMINATE)
        async with asyncio.timeout(WAIT):
            while not tx.connection.is_closed():  # noqa: ASYNC110 # asyncpg tells nobody
                await asyncio.sleep(0.01)
        await tx.execute("select 1")


LAST_WORDS = b"SFATAL\0VFATAL\0C25P03\0Mterminating connection due to idle-in-transaction timeout\0\0"


async def its_last_words_are_read_and_its_end_is_not(db: Database, _dsn: str) -> None:
    async with db.writer() as tx:
        session: Any = tx.connection
        session._con._protocol.data_received(b"E" + (len(LAST_WORDS) + 4).to_bytes(4, "big") + LAST_WORDS)
        await tx.execute("select 1")


Use = Callable[[Database, str], Awaitable[Any]]
USES: list[Use] = [
    between_two_statements,
    between_two_statements_of_a_transaction,
    before_the_commit,
    before_the_rollback,
    inside_a_savepoint,
    while_a_statement_runs,
    while_rows_are_copied,
    on_the_shelf,
    too_long_between_two_statements,
    noticed_before_the_next_statement,
    its_last_words_are_read_and_its_end_is_not,
]


async def harmless(db: Database) -> None:
    """Whoever comes next is served, by other connections."""
    async with db.writer() as tx:
        assert await tx.fetchval("select 1") == 1
    async with db.reader() as reader:
        assert await reader.fetchval("select 1") == 1


@pytest.mark.parametrize("use", USES)
async def test_a_session_that_is_ended_in_any_state_is_out_of_reach_and_the_next_is_another(
    alone: Database, database_dsn: str, use: Use
) -> None:
    with pytest.raises(UNREACHABLE):
        await use(alone, database_dsn)
    await harmless(alone)


@pytest.mark.parametrize("limit", OUTSTAY)
async def test_a_transaction_that_outstays_a_limit_of_the_server_is_out_of_reach(
    alone: Database, database_dsn: str, limit: str
) -> None:
    async def outstay() -> None:
        async with alone.writer() as tx:
            pid = await number(tx.connection)
            await tx.execute(OUTSTAY[limit])
            gone(database_dsn, pid)
            await tx.execute("select 1")

    async with alone.reader() as reader:
        version = await reader.fetchval("select current_setting('server_version_num')::int / 10000")
    if limit.startswith("the transaction") and version < 17:
        return  # older servers know no such limit
    with pytest.raises(UNREACHABLE):
        await outstay()
    await harmless(alone)


@pytest.mark.parametrize(
    "code", ["08000", "08003", "08006", "25P03", "25P04", "53300", "57P01", "57P02", "57P03", "57P05"]
)
def test_whatever_ends_a_session_is_told_as_busy_and_never_as_our_mistake(code: str) -> None:
    error = asyncpg.PostgresError.new({"C": code, "M": "gone", "S": "FATAL", "V": "FATAL"})
    assert isinstance(error, UNREACHABLE)
    assert failed(error, "x")["extensions"]["code"] == "UNAVAILABLE"
