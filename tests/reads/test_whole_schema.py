"""Every field of the schema is asked for on things that are there, and has one answer both ways."""

from __future__ import annotations

from countersign.kit.db import Database
from countersign.schema.base import Tools
from countersign.schema.contents import make_schema, the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.differential import compare
from tests.reads.oracle import Oracle
from tests.reads.whole import everything, reachable
from tests.reads.world import SEALER, make_world


async def test_every_field_of_the_schema_is_compared(db: Database, make: Factory, signer: Signer) -> None:
    oracle, engine = Oracle(make_schema()), Engine(the_schema(), Tools(db, SEALER, signer))
    world = await make_world(db, make)
    employer = world.actors[0]
    (stack,) = [i for i in world.pool.of("ID") if i.startswith("stk_")]
    # Somebody is seen, so that there are sightings to be read.
    seen = await engine.answer(
        Request("query ($s: ID!) { searchCandidates(stack: $s, first: 20) { totalCount nodes { id } } }", {"s": stack}),
        employer,
        "seen",
    )
    assert not seen.errors
    compared = 0
    for name, query in everything(oracle.schema, world.pool):
        for actor in world.actors:
            await compare(oracle, engine, db, actor, query)
            compared += 1
            if name != "Query" and {h for h in reachable(oracle.schema) if h.startswith(f"{name}.")} <= oracle.hits:
                break
    never = sorted(reachable(oracle.schema) - oracle.hits)
    assert never == [], (
        f"{len(never)} of {len(reachable(oracle.schema))} fields were asked for on nothing: {', '.join(never)}"
    )
    assert compared
