"""Following events inside one process: the engine, the relay and the hub as the application runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from countersign.kit import relay
from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.organizations import service as organizations
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.schema.subscriptions_live import Member, Visit
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.patience import WAIT

SPECS = "subscription ($spec: ID, $since: ID) { specChanged(spec: $spec, sinceEventId: $since)"
SPEC_EVENTS = SPECS + " { eventId kind spec { id slug } version { id semver state } } }"


@dataclass(eq=False)
class Follower:
    """A listener that keeps what it is told."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] | None = None
    gone: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    visit: Visit | None = None
    member: Member | None = None

    def news(self, text: str, event_id: str) -> None:
        """Keep an event."""
        body = json.loads(text)
        for told in (body["data"] or {}).values():
            assert told.get("eventId", event_id) == event_id
        self.heard.append(body)
        self.more.set()

    def ended(self, errors: list[dict[str, Any]]) -> None:
        """Keep why it ended."""
        self.errors = errors
        self.more.set()

    async def room(self) -> None:
        """Wait for `taking`."""
        await self.taking.wait()

    def left(self) -> None:
        """Keep that the token ended."""
        self.gone = True
        self.more.set()

    async def until(self, count: int) -> list[Any]:
        """The payloads, once there are so many."""
        async with asyncio.timeout(WAIT):
            while len(self.heard) < count:
                self.more.clear()
                await self.more.wait()
        return self.told

    async def until_ended(self) -> None:
        """Once nothing more comes."""
        async with asyncio.timeout(WAIT):
            while not self.gone and self.errors is None:
                self.more.clear()
                await self.more.wait()

    @property
    def told(self) -> list[Any]:
        """The values of the subscription's field."""
        return [next(iter(body["data"].values())) for body in self.heard]

    @property
    def ids(self) -> list[str]:
        """The ids of the events, in order."""
        return [told["eventId"] for told in self.told]


@dataclass
class Desk:
    """The engine with relay and hub running."""

    db: Database
    engine: Engine
    make: Factory

    async def signed_in(self, actor: Actor) -> Actor:
        """The same person with a token that exists."""
        async with self.db.writer() as tx:
            text = await self.make.token(tx, actor)
        async with self.db.fresh_reader() as reader:
            found = await organizations.authenticate(reader, text, self.db.clock.now())
        assert found is not None
        return found

    async def follow(
        self, actor: Actor, query: str = SPEC_EVENTS, *, visit: Visit | None = None, patient: bool = False, **given: Any
    ) -> Follower:
        """Subscribe. A patient follower takes nothing of the past before `taking` is set."""
        follower = Follower()
        if not patient:
            follower.taking.set()
        prepared = self.engine.prepare(Request(query, given), actor)
        follower.visit = visit or self.engine.live.enter(actor, follower.left)
        follower.member = await self.engine.subscribe(prepared, follower.visit, follower, "test")
        return follower

    async def settled(self) -> None:
        """Until all that was committed before has been told."""
        async with asyncio.timeout(WAIT), self.db.fresh_reader() as reader:
            while await reader.fetchval("select exists (select from outbox where told_at is null)"):  # noqa: ASYNC110 - the relay's work
                await asyncio.sleep(0.01)
            head = await reader.fetchval("select sequence from outbox_head")
            while self.engine.live._position is not None and self.engine.live._position < head:  # noqa: ASYNC110 - the hub's
                await asyncio.sleep(0.01)


@asynccontextmanager
async def desk(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    """The engine, with the relay and the hub of a process beside it."""
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as jobs:
        jobs.create_task(relay.run(db, stop))
        jobs.create_task(engine.live.run(stop))
        try:
            yield Desk(db, engine, make)
        finally:
            stop.set()
