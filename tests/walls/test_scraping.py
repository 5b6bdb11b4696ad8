"""What keeps recruiters from taking the candidates home: depth, cursors, conditions, the quota."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.search import rules
from countersign.trust.signer import Signer
from tests.reads.toy import ask_code, ask_data
from tests.search import market as made
from tests.search.market import NOW, Market

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ASK = """
query Take($skills: [ID!], $specs: [ID!], $stack: ID, $by: [ID!], $regions: [String!], $first: Int = 20,
           $after: Cursor) {
  searchCandidates(skills: $skills, specs: $specs, stack: $stack, endorsedBy: $by, regions: $regions,
                   first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id }
  }
}
"""


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))


@pytest_asyncio.fixture
async def market(db: Database, owner: Owner) -> Market:
    market = made.made(8, learners=900)
    await made.write(owner, market)
    assert db is not None
    return market


def recruiter(organization: UUID) -> Actor:
    return Actor(
        organization_id=organization,
        organization_kind=OrganizationKind.EMPLOYER,
        person_id=new_id(),
        token_id=new_id(),
        roles=frozenset({Role.RECRUITER}),
        scopes=frozenset(Scope),
    )


def common(market: Market) -> str:
    """The skill that most versions show."""
    return f"skill_{max(market.skills, key=lambda skill: sum(s == skill for _, s in market.aligned))}"


async def take(engine: Engine, actor: Actor, market: Market, **variables: Any) -> Any:
    asked = {"skills": [common(market)], **variables}
    return (await ask_data(engine, ASK, actor, **asked))["searchCandidates"]


async def test_nobody_pages_deeper_than_two_hundred(engine: Engine, market: Market) -> None:
    actor = recruiter(market.organizations[0])
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await take(engine, actor, market, first=70, **after)
        found += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = {"after": page["pageInfo"]["endCursor"]}
    assert page["totalCount"] > rules.DEPTH_LIMIT
    assert len(set(found)) == len(found) == rules.DEPTH_LIMIT == 200
    beyond = await take(engine, actor, market, first=70, after=page["pageInfo"]["endCursor"])
    assert beyond["nodes"] == []


async def test_a_cursor_is_its_callers_and_its_questions_alone(engine: Engine, market: Market) -> None:
    actor = recruiter(market.organizations[0])
    after = (await take(engine, actor, market, first=5))["pageInfo"]["endCursor"]
    assert (await take(engine, actor, market, first=9, after=after))["nodes"]
    colleague = replace(actor, person_id=new_id(), token_id=new_id())
    elsewhere = recruiter(market.organizations[1])
    for other in (colleague, elsewhere):
        given = {"skills": [common(market)], "after": after}
        assert await ask_code(engine, ASK, other, **given) == "BAD_USER_INPUT"
    for change in ({"regions": ["DE-BE"]}, {"by": [f"org_{market.organizations[1]}"]}):
        given = {"skills": [common(market)], "after": after, **change}
        assert await ask_code(engine, ASK, actor, **given) == "BAD_USER_INPUT"


async def test_a_cursor_among_candidates_is_good_for_a_day(engine: Engine, market: Market, clock: FrozenClock) -> None:
    actor = recruiter(market.organizations[0])
    first = await take(engine, actor, market, first=5)
    assert await take(engine, actor, market, first=5) == first
    given = {"skills": [common(market)], "first": 5, "after": first["pageInfo"]["endCursor"]}
    clock.move(timedelta(hours=24))
    assert (await take(engine, actor, market, **given))["nodes"]
    clock.move(timedelta(hours=1))
    assert await ask_code(engine, ASK, actor, **given) == "BAD_USER_INPUT"


async def seen(owner: Owner) -> tuple[int, int]:
    """How many views are recorded, and how many learners are charged."""
    row = await owner.fetchrow(
        "select (select count(*) from candidate_views) as views, (select sum(used) from reveal_quotas) as used"
    )
    assert row is not None
    return row["views"], row["used"]


async def test_the_days_quota_is_one_for_all_people_and_tokens_of_an_organization(
    engine: Engine, market: Market, owner: Owner
) -> None:
    actor = recruiter(market.organizations[0])
    await owner.execute(
        "insert into reveal_quotas (organization_id, day, used) values ($1, $2, $3)",
        actor.organization_id,
        NOW.date(),
        rules.DAILY_QUOTA - 5,
    )
    colleague = replace(actor, person_id=new_id(), token_id=new_id())
    first = await take(engine, actor, market, first=3)
    assert (await take(engine, colleague, market, first=3))["nodes"] == first["nodes"]
    before = await seen(owner)
    assert before == (3, rules.DAILY_QUOTA - 2)
    given = {"skills": [common(market)], "first": 6}
    assert await ask_code(engine, ASK, colleague, **given) == "RATE_LIMITED"
    assert await seen(owner) == before
    assert len((await take(engine, colleague, market, first=5))["nodes"]) == 5
    assert await seen(owner) == (5, rules.DAILY_QUOTA)
    assert await ask_code(engine, ASK, actor, **given) == "RATE_LIMITED"
    assert len((await take(engine, recruiter(market.organizations[1]), market, first=6))["nodes"]) == 6


async def test_more_than_three_conditions_single_people_out(engine: Engine, market: Market, owner: Owner) -> None:
    actor = recruiter(market.organizations[0])
    asked = {"skills": [common(market)], "by": [f"org_{market.organizations[1]}"], "regions": ["DE-BE"]}
    assert (await take(engine, actor, market, **asked))["nodes"]
    before = await seen(owner)
    spec = f"spec_{next(iter(market.specs.values()))}"
    assert await ask_code(engine, ASK, actor, **asked, specs=[spec]) == "BAD_USER_INPUT"
    assert await seen(owner) == before
