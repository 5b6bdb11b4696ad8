"""A small market of its own to be fuzzed: what is done to it hurts no other test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from countersign.cli import hosting
from countersign.kit import embedded
from countersign.kit.access import OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from tests.conftest import NOW
from tests.factories import Factory
from tests.patience import WAIT
from tests.ports import free_port
from tests.serving import Demo, start, stop

# Enough for everything: what is looked for are faults, and not that somebody asks too much.
UNLIMITED = {"COUNTERSIGN_BUDGET_POINTS": "1000000000", "COUNTERSIGN_BUDGET_RESTORED": "1000000"}
ROLES = [
    (OrganizationKind.SCHOOL, Role.AUTHOR),
    (OrganizationKind.SCHOOL, Role.REGISTRAR),
    (OrganizationKind.EMPLOYER, Role.REVIEWER),
    (OrganizationKind.EMPLOYER, Role.SIGNATORY),
    (OrganizationKind.EMPLOYER, Role.RECRUITER),
    (OrganizationKind.EMPLOYER, Role.ORG_ADMIN),
    (OrganizationKind.EMPLOYER, Role.AUDITOR),
]


@dataclass(frozen=True)
class Market:
    """A demo of thirty learners, its server's process, and tokens of every role."""

    demo: Demo
    process: int
    tokens: tuple[str, ...]


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """The market, made once for the run."""
    data, port = tmp_path_factory.mktemp("market") / "data", free_port()
    process, line = start(data, port, "--learners", "30", "--seed", "7", more=UNLIMITED)
    try:
        demo = Demo(json.loads(line), data, port)
        own = tuple(demo.token(role) for role in ("reviewer", "school", "learner"))
        yield Market(demo, process.pid, (*own, *asyncio.run(_tokens(demo))))
    finally:
        stop(process)


@pytest_asyncio.fixture
async def http(market: Market) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the market's server."""
    origin = market.demo.url.rstrip("/")
    async with httpx.AsyncClient(base_url=origin, timeout=WAIT, limits=httpx.Limits(max_connections=6)) as client:
        yield client


async def _tokens(demo: Demo) -> list[str]:
    """A token for each role, for new members of the market's own organizations."""
    dsn = embedded.running(demo.data / "postgres", hosting.DATABASE)
    assert dsn is not None
    db = await Database.open(dsn, pool_size=2, wait_seconds=WAIT)
    make, tokens = Factory(FrozenClock(NOW)), []
    try:
        async with db.writer() as tx:
            for kind, role in ROLES:
                handle = {OrganizationKind.SCHOOL: demo.said["tokens"]["school"]["organization"]}.get(kind)
                found = await tx.connection.fetchval(
                    "select id from organizations where kind = $1 order by display_name = $2 desc, handle limit 1",
                    kind.value,
                    handle or demo.said["tokens"]["reviewer"]["organization"],
                )
                tokens.append(await make.token(tx, await make.member(tx, found, kind, role)))
    finally:
        await db.close()
    return tokens
