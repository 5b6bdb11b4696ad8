"""As `test_differential`, over the demo's data, as each of its guests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from countersign.cli import hosting
from countersign.kit import embedded
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.organizations import service as organizations
from countersign.schema.base import Tools
from countersign.schema.contents import make_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.reads.differential import LONG, MODEST, compare
from tests.reads.documents import queries
from tests.reads.harvest import harvest
from tests.reads.oracle import Oracle
from tests.reads.world import World
from tests.serving import Demo

ORACLE = Oracle(make_schema())
SEALER = Sealer(b"s" * 32)


@pytest_asyncio.fixture(scope="session")
async def demo_db(demo: Demo) -> AsyncIterator[Database]:
    dsn = embedded.running(Path(demo.data) / "postgres", hosting.DATABASE)
    assert dsn is not None
    # A clock that stands: both ways must see the same moment.
    database = await Database.open(dsn, clock=FrozenClock(datetime.now(tz=UTC)), pool_size=4)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def demo_world(demo: Demo, demo_db: Database) -> World:
    actors: list[Actor] = [ANONYMOUS]
    async with demo_db.reader() as connection:
        for role in demo.said["tokens"]:
            found = await organizations.authenticate(connection, demo.token(role))
            assert found is not None
            actors.append(found)
    dsn = embedded.running(Path(demo.data) / "postgres", hosting.DATABASE)
    owner = await asyncpg.connect(dsn)
    try:
        return World(actors, await harvest(ORACLE.schema, owner, actors, SEALER))
    finally:
        await owner.close()


@pytest.fixture
def demo_engine(demo_db: Database, signer: Signer) -> Engine:
    return Engine(make_schema(), Tools(demo_db, SEALER, signer))


@MODEST
@given(data=st.data())
async def test_random_queries_over_the_demo_have_one_answer(
    data: st.DataObject, demo_engine: Engine, demo_db: Database, demo_world: World
) -> None:
    actor = data.draw(st.sampled_from(demo_world.actors))
    await compare(ORACLE, demo_engine, demo_db, actor, data.draw(queries(ORACLE.schema, demo_world.pool)))


@pytest.mark.campaign
@LONG
@given(data=st.data())
async def test_thousands_of_random_queries_over_the_demo_have_one_answer(
    data: st.DataObject, demo_engine: Engine, demo_db: Database, demo_world: World
) -> None:
    actor = data.draw(st.sampled_from(demo_world.actors))
    await compare(ORACLE, demo_engine, demo_db, actor, data.draw(queries(ORACLE.schema, demo_world.pool)))
