"""One running server for each file of tests that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from countersign import app
from countersign.kit.placement import table_name
from tests.live.house import House, house


@pytest_asyncio.fixture(scope="module")
async def at_home(
    database_dsn: str, tmp_path_factory: pytest.TempPathFactory, owner: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[House]:
    """The server over the run's database, which is empty again afterwards."""
    async with house(database_dsn, tmp_path_factory.mktemp("house")) as made:
        yield made
    statements = "".join(f"delete from {table_name(t)};" for t in app.declare_tables())
    await owner.execute(f"begin; set local session_replication_role = replica; {statements} commit")
