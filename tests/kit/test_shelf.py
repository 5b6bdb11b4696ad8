"""Connections are handed on without the pool, and never when anything is wrong with them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.db import Connection, Database
from countersign.kit.losses import UNREACHABLE
from countersign.kit.shelf import IDLE_SECONDS, Shelf
from tests.patience import WAIT


@pytest_asyncio.fixture
async def pool(database_dsn: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    made = await asyncpg.create_pool(database_dsn, min_size=1, max_size=2)
    assert made is not None
    yield made
    made.terminate()


async def used(shelf: Shelf, *, clean: bool = True) -> Connection:
    connection = await shelf.take(WAIT)
    await shelf.give(connection, clean=clean)
    return connection


async def test_a_connection_is_handed_on_as_it_is(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    shelf = Shelf(pool)
    assert await used(shelf) is await used(shelf)
    assert pool.get_idle_size() == 0


async def test_what_is_not_clean_or_was_closed_goes_back_to_the_pool(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    shelf = Shelf(pool)
    first = await used(shelf, clean=False)
    assert pool.get_idle_size() == 1
    second = await used(shelf)
    assert second is not first
    await second.close()
    third = await used(shelf)
    assert await third.fetchval("select 1") == 1


async def test_a_connection_that_ends_while_nobody_looks_is_out_of_reach_and_the_next_is_another(
    database_dsn: str,
) -> None:
    db = await Database.open(database_dsn, pool_size=1, wait_seconds=WAIT)
    try:
        with pytest.raises(UNREACHABLE):
            await _killed(db, database_dsn)
        async with db.writer() as tx:
            assert await tx.fetchval("select 1") == 1
    finally:
        await db.close()


async def _killed(db: Database, dsn: str) -> None:
    async with db.writer() as tx:
        pid = await tx.fetchval("select pg_backend_pid()")
        killer = f"select pg_terminate_backend({pid}, {WAIT * 1000:.0f})"
        # Our loop stands still meanwhile: the end lies in the socket, unread.
        other = threading.Thread(target=asyncio.run, args=(_say(dsn, killer),))
        other.start()
        other.join()
        await tx.fetchval("select 1")


async def _say(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


async def test_who_waits_for_the_pool_goes_before_the_shelf(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    shelf = Shelf(pool)
    both = [await shelf.take(WAIT), await shelf.take(WAIT)]
    waiting = asyncio.create_task(shelf.take(WAIT))
    await asyncio.sleep(0)
    await shelf.give(both[0], clean=True)
    third = await waiting
    assert await third.fetchval("select 1") == 1
    with pytest.raises(TimeoutError):
        await shelf.take(0.01)
    for connection in (both[1], third):
        await shelf.give(connection, clean=True)
    assert len(shelf._idle) == 2


async def test_connections_of_before_are_not_used_again(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    shelf = Shelf(pool)
    idle, busy = await shelf.take(WAIT), await shelf.take(WAIT)
    pids = {idle.get_server_pid(), busy.get_server_pid()}
    await shelf.give(idle, clean=True)
    await shelf.expire()
    await shelf.give(busy, clean=True)
    for _ in range(2):
        assert (await shelf.take(WAIT)).get_server_pid() not in pids


async def test_what_nobody_uses_goes_back_to_the_pool(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    time = 0.0
    shelf = Shelf(pool, lambda: time)
    both = [await shelf.take(WAIT), await shelf.take(WAIT)]
    for connection in both:
        await shelf.give(connection, clean=True)
    time = IDLE_SECONDS + 1.0
    await used(shelf)
    assert (len(shelf._idle), pool.get_idle_size()) == (1, 1)


async def test_a_shelf_closes_when_all_has_come_back(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    shelf = Shelf(pool)
    busy = await shelf.take(WAIT)
    await used(shelf)
    closing = asyncio.create_task(shelf.close())
    await asyncio.sleep(0)
    await shelf.give(busy, clean=True)
    await asyncio.wait_for(closing, WAIT)
    with pytest.raises(asyncpg.InterfaceError):
        await shelf.take(WAIT)
