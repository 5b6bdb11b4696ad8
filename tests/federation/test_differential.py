"""What `_entities` compiles to answers what naive look-ups answer, for random requests of gateways."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.db import Database
from countersign.schema.base import Tools
from countersign.schema.contents import NodeQueries, make_schema
from countersign.schema.engine import Engine
from countersign.schema.federation import FederationQueries
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.differential import MODEST, compare
from tests.reads.documents import queries
from tests.reads.oracle import Oracle
from tests.reads.world import SEALER, World, make_world

# Few root fields, so that most random queries name entities.
ORACLE = Oracle(make_schema((NodeQueries, FederationQueries), ()))


@pytest_asyncio.fixture
async def world(db: Database, make: Factory) -> AsyncIterator[World]:
    yield await make_world(db, make)


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return Engine(make_schema((NodeQueries, FederationQueries), ()), Tools(db, SEALER, signer))


@MODEST
@given(data=st.data())
async def test_random_entities_have_one_answer(data: st.DataObject, engine: Engine, db: Database, world: World) -> None:
    actor = data.draw(st.sampled_from(world.actors))
    await compare(ORACLE, engine, db, actor, data.draw(queries(ORACLE.schema, world.pool)))
