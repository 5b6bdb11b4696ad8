"""What a relation leaves out of its target's visibility is implied: the oracle, which asks all of it, sees the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS
from countersign.kit.db import Database
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.conftest import SEALER
from tests.reads.differential import compare
from tests.reads.documents import Query
from tests.reads.oracle import the_oracle
from tests.reads.world import World, make_world

CATALOGUE = """{
  credentialSpecs(first: 4) { nodes {
    slug title
    currentVersion { semver endorsements(first: 3) { nodes { id state } } }
    latestVersion { semver endorsements(first: 3) { nodes { id state specVersion { semver } } } }
    versions(first: 3) { nodes { semver spec { slug } previous { semver } endorsements(first: 3) { totalCount } } }
  } }
}"""
ENDORSEMENTS = """{
  endorsements(first: 4) { nodes { id specVersion { semver spec { slug currentVersion { semver } } } } }
}"""
CANDIDATES = """query ($skills: [ID!]) {
  searchCandidates(skills: $skills, first: 3) { nodes {
    match { contributions { specVersion { semver } } }
    awards { spec { slug } specVersion { semver } liveEndorsements { id state } }
  } }
}"""


@pytest_asyncio.fixture
async def world(db: Database, make: Factory) -> AsyncIterator[World]:
    yield await make_world(db, make)


@pytest.mark.parametrize("text", [CATALOGUE, ENDORSEMENTS, CANDIDATES])
async def test_what_a_relation_leaves_out_hides_nothing_more(
    text: str, db: Database, world: World, signer: Signer
) -> None:
    engine = Engine(the_schema(), Tools(db, SEALER, signer))
    skill = next(text for text in world.pool.of("ID") if text.startswith("skill_"))
    seen = await engine.answer(Request(text, {"skills": [skill]} if "$" in text else {}), world.actors[0], "visible")
    assert seen.errors == []
    for actor in (*world.actors, ANONYMOUS):
        await compare(the_oracle(), engine, db, actor, Query(text, {"skills": [skill]} if "$" in text else {}))
