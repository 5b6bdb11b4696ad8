"""The application over a database that counts, with budgets that nobody empties by accident."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from countersign import app
from countersign.kit.access import Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.trust.signer import Signer
from tests.conftest import VAULT
from tests.factories import Factory
from tests.patience import WAIT
from tests.reads.counted import CountedDatabase


class Counter:
    """A client of the API, and what its requests make the database do."""

    def __init__(self, client: httpx.AsyncClient, db: CountedDatabase, make: Factory, application: Any) -> None:
        self.client = client
        self.db = db
        self.make = make
        self.application = application

    async def post(self, body: dict[str, Any] | bytes, token: str | None = None) -> httpx.Response:
        """The response to a body, after the counts were set to nothing."""
        self.db.statements.clear()
        self.db.transactions = 0
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        if isinstance(body, bytes):
            return await self.client.post("/graphql", content=body, headers=headers)
        return await self.client.post("/graphql", json=body, headers=headers)

    async def token(self, actor: Actor) -> str:
        """A token of an actor's."""
        async with self.db.writer() as tx:
            return await self.make.token(tx, actor)


@pytest_asyncio.fixture
async def counter(
    db: Database, database_dsn: str, clock: FrozenClock, signer: Signer, make: Factory
) -> AsyncIterator[Counter]:
    """The application, as strangers and those with a token meet it; `db` empties the tables afterwards."""
    assert db.clock is clock
    counted = await CountedDatabase.open(database_dsn, clock=clock, pool_size=4, vault=VAULT, wait_seconds=WAIT)
    assert isinstance(counted, CountedDatabase)
    counted.statements, counted.transactions = [], 0
    application = app.create_app_with(Tools(counted, Sealer(b"s" * 32), signer))
    # The clock of budgets stands, as the database's does: else every hundredth of a second restores a point.
    application.inside.state.budgets._monotonic = lambda: 1_000.0
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application),
        base_url="http://localhost",
        headers={"accept": "application/graphql-response+json"},
    ) as client:
        yield Counter(client, counted, make, application)
    await counted.close()
