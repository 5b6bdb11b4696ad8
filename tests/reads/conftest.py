"""The demo's data, read in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from countersign.cli import hosting
from countersign.kit import embedded
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.organizations import service as organizations
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.patience import WAIT
from tests.reads.harvest import harvest
from tests.reads.world import World
from tests.serving import Demo

SEALER = Sealer(b"s" * 32)


@pytest.fixture(scope="session")
def demo_dsn(demo: Demo) -> str:
    """The address of the demo's database, as its owner."""
    dsn = embedded.running(demo.data / "postgres", hosting.DATABASE)
    assert dsn is not None
    return dsn


@pytest_asyncio.fixture(scope="session")
async def demo_db(demo: Demo, demo_dsn: str) -> AsyncIterator[Database]:
    """The demo's database under a clock that stands: both ways of reading must see the same moment."""
    clock = FrozenClock(datetime.now(tz=UTC))
    database = await Database.open(demo_dsn, clock=clock, pool_size=4, vault=demo.vault, wait_seconds=WAIT)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def demo_guests(demo: Demo, demo_db: Database) -> dict[str, Actor]:
    """The demo's guests by role, and nobody."""
    guests = {"nobody": ANONYMOUS}
    async with demo_db.reader() as connection:
        for role in demo.said["tokens"]:
            found = await organizations.authenticate(connection, demo.token(role))
            assert found is not None
            guests[role] = found
    return guests


@pytest_asyncio.fixture(scope="session")
async def demo_world(demo_dsn: str, demo_guests: dict[str, Actor]) -> World:
    """Values of every sort from the demo's data."""
    actors = list(demo_guests.values())
    owner = await asyncpg.connect(demo_dsn)
    try:
        return World(actors, await harvest(the_schema()._schema, owner, actors, SEALER))
    finally:
        await owner.close()


@pytest.fixture
def demo_engine(demo_db: Database, signer: Signer) -> Engine:
    """The product's engine over the demo's data."""
    return Engine(the_schema(), Tools(demo_db, SEALER, signer))
