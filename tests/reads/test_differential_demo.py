"""As `test_differential`, over the demo's data, as each of its guests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.db import Database
from countersign.schema.engine import Engine
from tests.reads.differential import LONG, MODEST, compare
from tests.reads.documents import queries
from tests.reads.oracle import the_oracle
from tests.reads.world import World

ORACLE = the_oracle()


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
