"""A thousand attempts at once over sixteen tokens take exactly what the day allows, and not one learner more."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import SYSTEM, Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.losses import Unreachable
from countersign.organizations import service as organizations
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.search.rules import DAILY_QUOTA
from countersign.trust.signer import Signer
from tests.patience import WAIT
from tests.search import market as made
from tests.walls.test_scraping import ASK

pytestmark = pytest.mark.campaign

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
TOKENS = 16
ATTEMPTS = 1_000
LEARNERS = 6_000
WORKERS = 2


@dataclass
class Raid:
    """Sixteen people of one company who ask whatever comes to mind, through two engines with pools of their own."""

    databases: list[Database]
    engines: list[Engine]
    tokens: list[str]
    questions: list[dict[str, Any]]
    chance: random.Random
    clock: FrozenClock
    shown: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)

    async def actor(self, number: int) -> Actor:
        """Who the token speaks for; stands in line while all connections are in use."""
        while True:
            try:
                async with self.databases[number % WORKERS].reader() as reader:
                    found = await organizations.authenticate(reader, self.tokens[number % TOKENS], self.clock.now())
            except Unreachable:
                await asyncio.sleep(0.05)
                continue
            assert found is not None
            return found

    async def attempt(self, number: int) -> None:
        """One attempt, again while the service says that it is busy."""
        asked = {**self.chance.choice(self.questions), "first": self.chance.choice((1, 2, 5, 20, 60, 100))}
        actor = await self.actor(number)
        code = "UNAVAILABLE"
        while code in {"UNAVAILABLE", "TIMEOUT"}:
            answer = await self.engines[number % WORKERS].answer(Request(ASK, asked), actor, "raid")
            told = json.loads(answer.render())
            code = told["errors"][0]["extensions"]["code"] if "errors" in told else "shown"
        self.outcomes[code] += 1
        if code == "shown":
            self.shown.update(node["id"] for node in told["data"]["searchCandidates"]["nodes"])


@pytest_asyncio.fixture
async def raid(
    db: Database, database_dsn: str, owner: Owner, signer: Signer, clock: FrozenClock
) -> AsyncIterator[Raid]:
    market = made.made(8, learners=LEARNERS)
    await made.write(owner, market)
    company = market.organizations[0]
    tokens = []
    async with db.writer() as tx:
        for _ in range(TOKENS):
            person = await organizations.enrol(tx, SYSTEM, company, (Role.RECRUITER,))
            command = organizations.IssueToken(
                name="taker", scopes=frozenset({Scope.SEARCH_READ}), organization_id=company, person_id=person
            )
            tokens.append(await organizations.issue_token(tx, SYSTEM, command))
    questions: list[dict[str, Any]] = [
        {"skills": [f"skill_{skill}"], "regions": [region], "by": [f"org_{by}"] if by else None}
        for skill in market.skills
        for region in made.REGIONS
        for by in (None, *market.organizations)
    ]
    databases = [await Database.open(database_dsn, clock=clock, pool_size=8, wait_seconds=WAIT) for _ in range(WORKERS)]
    engines = [Engine(the_schema(), Tools(each, Sealer(b"s" * 32), signer)) for each in databases]
    yield Raid(databases, engines, tokens, questions, random.Random(16), clock)  # noqa: S311 - made questions
    for each in databases:
        await each.close()


async def highest(owner: Owner, done: asyncio.Event) -> int:
    """The most that was ever seen charged until it is done."""
    found = 0
    while not done.is_set():
        found = max(found, await owner.fetchval("select coalesce(max(used), 0) from reveal_quotas"))
        await asyncio.sleep(0.02)
    return found


async def test_a_thousand_attempts_over_sixteen_tokens_never_pass_the_quota(raid: Raid, owner: Owner) -> None:
    done = asyncio.Event()
    watching = asyncio.create_task(highest(owner, done))
    try:
        await asyncio.gather(*(raid.attempt(n) for n in range(ATTEMPTS)))
    finally:
        done.set()
        most = await watching
    used = await owner.fetchval("select sum(used) from reveal_quotas")
    views = await owner.fetchval("select count(*) from candidate_views")
    sys.stdout.write(f"{dict(raid.outcomes)}; charged {used}, recorded {views}, shown {len(raid.shown)}, most {most}\n")
    assert set(raid.outcomes) == {"shown", "RATE_LIMITED"}
    assert raid.outcomes.total() == ATTEMPTS
    assert used == views == len(raid.shown)
    assert DAILY_QUOTA - 100 < used <= DAILY_QUOTA
    assert most <= DAILY_QUOTA
