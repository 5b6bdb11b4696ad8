"""The twenty typical queries: one answer statement each, compiled once, the same as the naive way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.schema.pricing import count_objects
from countersign.trust.signer import Signer
from tests.patience import WAIT
from tests.reads.conftest import SEALER
from tests.reads.counted import CountedDatabase
from tests.reads.differential import compare
from tests.reads.documents import Query
from tests.reads.oracle import the_oracle
from tests.reads.typical import TYPICAL, Typical

FACTS = """
select 'org_' || o.id as "organization.id", o.handle as "organization.handle", k.uri as "skill.uri",
       'spec_' || s.id as "spec.id", s.slug as "spec.slug", 'version_' || v.id as "version.id",
       v.digest as "version.digest", 'end_' || e.id as "endorsement.id", 'skill_' || k.id as "taught.id"
from endorsements e join spec_versions v on v.id = e.spec_version_id join specs s on s.id = v.spec_id
join organizations o on o.id = e.organization_id join spec_version_skills vk on vk.spec_version_id = v.id
join skills k on k.id = vk.skill_id
where e.state = 'in_force' and v.state = 'published'
order by (select count(*) from candidate_award a where a.spec_version_id = v.id) desc, e.id, k.id limit 1
"""


@pytest_asyncio.fixture
async def counted(demo_dsn: str, demo_db: Database) -> AsyncIterator[CountedDatabase]:
    assert isinstance(demo_db.clock, FrozenClock)
    database = await CountedDatabase.open(
        demo_dsn, clock=demo_db.clock, pool_size=2, vault=demo_db.vault, wait_seconds=WAIT
    )
    assert isinstance(database, CountedDatabase)
    database.statements, database.transactions = [], 0
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def facts(demo_dsn: str) -> dict[str, Any]:
    owner = await asyncpg.connect(demo_dsn)
    try:
        return dict(await owner.fetchrow(FACTS) or {})
    finally:
        await owner.close()


def filled(typical: Typical, facts: dict[str, Any]) -> dict[str, Any]:
    """The variables with names of facts replaced by the facts."""

    def fill(value: Any) -> Any:
        return [fill(item) for item in value] if isinstance(value, list) else facts.get(value, value)

    return {name: fill(value) for name, value in typical.variables.items()}


def test_there_are_twenty() -> None:
    assert len({typical.name for typical in TYPICAL}) == 20


@pytest.mark.parametrize("typical", TYPICAL, ids=lambda typical: typical.name)
async def test_a_typical_query_is_one_statement(
    typical: Typical,
    counted: CountedDatabase,
    signer: Signer,
    demo_guests: dict[str, Actor],
    facts: dict[str, Any],
) -> None:
    engine = Engine(the_schema(), Tools(counted, SEALER, signer))
    request = Request(typical.text, filled(typical, facts))
    actor = demo_guests[typical.role]
    # A new connection asks once what array types are; what is counted comes after.
    await engine.answer(request, actor, "typical")
    counted.statements.clear()
    counted.transactions = 0
    answer = await engine.answer(request, actor, "typical")
    assert answer.errors == []
    assert len(counted.statements) == 1
    # A read does nothing beside, but for the reveal step, and the record of who read personal data.
    assert counted.transactions == (1 if typical.name in {"the recruiter's query", "my awards and consents"} else 0)
    # Lists are not longer, on the whole, than their prices assume.
    assert count_objects(answer.data or b"") <= answer.extensions["cost"]["requested"]
    data = json.loads(answer.data or b"null")
    assert any(value for value in data.values()), data
    await compare(the_oracle(), engine, counted, actor, Query(typical.text, dict(request.variables)))
