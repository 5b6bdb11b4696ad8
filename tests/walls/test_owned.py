"""Row-level security behind the compiled reads: what a text forgets to ask, PostgreSQL asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.placement import APP_ROLE, READER_ROLE
from countersign.kit.walls import Wall, behind, tables_in, wall_of
from countersign.reads.plan import Plan
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.typical import TYPICAL
from tests.search.hall import QUERY, Hall, hall

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> Hall:
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    return await hall(db, engine, signer, make, graduates=6)


async def counts(db: Database, actor: Actor) -> dict[str, int]:
    """How many rows a text without any predicate finds for an actor."""
    found = {}
    async with db.reader() as connection:
        for table in ("awards", "learners", "consents", "spec_drafts"):
            async with behind(connection, Wall.OWNED, actor):
                found[table] = await connection.fetchval(f"select count(*) from {table}")
        assert await connection.fetchval("select current_user") == APP_ROLE
    return found


async def test_a_text_without_predicates_finds_its_actors_rows_alone(here: Hall) -> None:
    nothing = {"awards": 0, "learners": 0, "consents": 0, "spec_drafts": 0}
    assert await counts(here.db, here.school) == nothing | {"awards": 8, "spec_drafts": 2}
    assert await counts(here.db, here.learner("graduate0")) == nothing | {"awards": 2, "learners": 1, "consents": 1}
    assert await counts(here.db, here.recruiter) == nothing
    assert await counts(here.db, ANONYMOUS) == nothing


async def test_without_the_setting_a_reader_finds_nothing(here: Hall) -> None:
    async with here.db.writer() as tx:
        await tx.execute(f"set local role {READER_ROLE}")
        assert await tx.fetchval("select count(*) from awards") == 0
        assert await tx.fetchval("select count(*) from learners") == 0


async def test_whose_rows_were_read_is_forgotten_afterwards(here: Hall) -> None:
    async with here.db.reader() as connection:
        async with behind(connection, Wall.OWNED, here.school):
            assert await connection.fetchval("select current_setting('cs.org')")
        assert not await connection.fetchval("select current_setting('cs.org', true)")
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with behind(connection, Wall.OWNED, here.school):
                await connection.fetchval("select 1 / 0")
        assert not connection.is_in_transaction()
        assert await connection.fetchval("select current_user") == APP_ROLE
    async with here.db.writer() as tx:
        async with behind(tx.connection, Wall.OWNED, here.school):
            assert await tx.fetchval("select count(*) from awards") == 8
        assert await tx.fetchval("select current_user || current_setting('cs.org')") == APP_ROLE


async def test_a_policy_leaves_the_index_on_the_owner_usable(here: Hall) -> None:
    async with here.db.reader() as connection, behind(connection, Wall.OWNED, here.school):
        await connection.execute("set local enable_seqscan = off")
        plan = "\n".join(
            r[0] for r in await connection.fetch("explain select id from awards where organization_id = $1", here.skill)
        )
    assert "awards_organization" in plan, plan


def compiled(engine: Engine, text: str) -> Iterator[Plan]:
    kept = engine.document(text).known
    for key in [*kept._probation, *kept._protected]:
        known = kept.get(key)
        if known is not None:
            yield from known.plans


def relations(plan: Any) -> set[str]:
    """Every table in a plan as EXPLAIN tells it."""
    if isinstance(plan, list):
        return set().union(*map(relations, plan)) if plan else set()
    if isinstance(plan, dict):
        found = relations(list(plan.values()))
        return found | {plan["Relation Name"]} if "Relation Name" in plan else found
    return set()


async def test_every_table_that_a_plan_reads_is_seen_in_its_text(here: Hall, owner: Owner) -> None:
    looked = 0
    for typical in TYPICAL:
        for actor in (here.recruiter, here.school, here.learner("graduate0")):
            await here.engine.answer(Request(typical.text, typical.variables), actor, "t")
        for plan in compiled(here.engine, typical.text):
            async with owner.transaction():
                await owner.execute("set local plan_cache_mode = force_generic_plan")
                await owner.execute(f"prepare looked_at as {plan.sql}")
                nulls = f"({', '.join(['null'] * len(plan.getters))})" if plan.getters else ""
                told = await owner.fetchval(f"explain (format json) execute looked_at{nulls}")
                await owner.execute("deallocate looked_at")
            read = relations(told if isinstance(told, list) else json.loads(told))
            assert read <= tables_in(plan.sql), typical.name
            looked += bool(read)
    assert looked > 10


async def test_candidates_are_searched_behind_the_wall_of_the_search(here: Hall) -> None:
    page = await here.ask()
    assert len(page["nodes"]) == 6
    assert [plan.wall for plan in compiled(here.engine, QUERY)] == [Wall.SEARCH]
    assert wall_of("select 1 from candidate_search, memberships", reveals=True) is Wall.OWNED
    assert wall_of("select 1 from candidate_search, spec_versions", reveals=True) is Wall.SEARCH


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("select a.id from awards a join specs s on true", {"awards", "specs"}),
        ("select 1 as \"learners\", 'consents' from skills", {"skills"}),
        ("select t.learners_id, awards2.x from candidate_award", {"candidate_award"}),
        ("select '' || learners.id || 'it''s' from learners", {"learners"}),
    ],
)
def test_tables_are_read_from_a_text_outside_of_quotes(text: str, named: set[str]) -> None:
    assert tables_in(text) == named


async def test_what_is_public_keeps_its_one_round_trip_and_what_is_owned_goes_behind_its_wall(here: Hall) -> None:
    wanted = {
        "my drafts": Wall.OWNED,
        "my awards and consents": Wall.OWNED,
        "the recruiter's query": Wall.SEARCH,
        "a page of the catalogue with endorsements": Wall.PUBLIC,
        "a spec by its id": Wall.PUBLIC,
        "skills by words": Wall.PUBLIC,
        "stacks": Wall.PUBLIC,
    }
    found: dict[str, Wall] = {}
    for typical in TYPICAL:
        for actor in (here.recruiter, here.school, here.learner("graduate0")):
            await here.engine.answer(Request(typical.text, typical.variables), actor, "t")
        for plan in compiled(here.engine, typical.text):
            found[typical.name] = plan.wall
    assert {name: found[name] for name in wanted} == wanted
