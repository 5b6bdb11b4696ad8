"""The house of the random stories leaves nothing behind: whoever counts after them counts their own."""

from __future__ import annotations

import asyncio

import asyncpg

from tests.covalidation.house import close_house, open_house


def test_a_house_that_is_closed_leaves_nothing_behind(database_dsn: str) -> None:
    async def organizations() -> object:
        owner = await asyncpg.connect(database_dsn)
        try:
            return await owner.fetchval("select count(*) from organizations")
        finally:
            await owner.close()

    house = open_house(database_dsn)
    assert asyncio.run(organizations())
    close_house(house, database_dsn)
    assert asyncio.run(organizations()) == 0
