"""The compiler answers what the naive executor answers, byte for byte, for random queries over the whole schema."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.db import Database
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads import toy
from tests.reads.differential import LONG, MODEST, compare
from tests.reads.documents import queries
from tests.reads.oracle import Oracle
from tests.reads.world import World, make_world

ORACLE = Oracle(toy.make_toy_schema())


@pytest_asyncio.fixture
async def world(db: Database, make: Factory) -> AsyncIterator[World]:
    yield await make_world(db, make)


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    toy.revealed.append([])
    return toy.toy_engine(db, signer)


@MODEST
@given(data=st.data())
async def test_random_queries_have_one_answer(data: st.DataObject, engine: Engine, db: Database, world: World) -> None:
    actor = data.draw(st.sampled_from(world.actors))
    await compare(ORACLE, engine, db, actor, data.draw(queries(ORACLE.schema, world.pool)))


@pytest.mark.campaign
@LONG
@given(data=st.data())
async def test_thousands_of_random_queries_have_one_answer(
    data: st.DataObject, engine: Engine, db: Database, world: World
) -> None:
    actor = data.draw(st.sampled_from(world.actors))
    await compare(ORACLE, engine, db, actor, data.draw(queries(ORACLE.schema, world.pool)))
