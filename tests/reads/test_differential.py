"""The compiler answers what the naive executor answers, byte for byte, for random queries over the whole schema."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.schema.engine import Engine, Request
from countersign.search.rules import NothingAsked
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads import toy
from tests.reads.documents import Query, queries
from tests.reads.oracle import Oracle
from tests.reads.world import World, make_world

ORACLE = Oracle(toy.toy_schema())
# The fixtures are made once for all examples: queries change nothing.
MODEST = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
LONG = settings(MODEST, max_examples=4_000, phases=(*MODEST.phases, Phase.shrink))


@pytest_asyncio.fixture
async def world(db: Database, make: Factory) -> AsyncIterator[World]:
    yield await make_world(db, make)


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    toy.revealed.append([])
    return toy.toy_engine(db, signer)


def refused(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the actor lacks the authority for a field, or asks the search for nothing; the rooms' tests say when."""
    return any(
        error["extensions"]["code"] in {"FORBIDDEN", "UNAUTHENTICATED"} or error["message"] == str(NothingAsked())
        for error in errors
    )


async def compare(engine: Engine, db: Database, actor: Actor, query: Query) -> None:
    """Fail unless both ways give the same members in the same order with the same text."""
    call = engine.call(actor)
    answer = await engine.execute(Request(query.text, query.variables), actor, "differential")
    if refused(answer.errors):
        return
    assert not answer.errors, (query.text, query.variables, answer.errors)
    async with db.reader() as connection:
        expected = await ORACLE.ask(connection, call, query.text, query.variables)
    assert answer.data is not None
    assert json.dumps(json.loads(answer.data)) == json.dumps(expected), (query.text, query.variables)


@MODEST
@given(data=st.data())
async def test_random_queries_have_one_answer(data: st.DataObject, engine: Engine, db: Database, world: World) -> None:
    actor = data.draw(st.sampled_from(world.actors))
    await compare(engine, db, actor, data.draw(queries(ORACLE.schema, world.pool)))


@pytest.mark.campaign
@LONG
@given(data=st.data())
async def test_thousands_of_random_queries_have_one_answer(
    data: st.DataObject, engine: Engine, db: Database, world: World
) -> None:
    actor = data.draw(st.sampled_from(world.actors))
    await compare(engine, db, actor, data.draw(queries(ORACLE.schema, world.pool)))
