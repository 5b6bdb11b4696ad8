"""The application behind a real uvicorn on a loopback port, and clients that speak to it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from countersign import app
from countersign.cli.hosting import server_options
from countersign.config import Mode, Settings
from countersign.edge.door import Door
from countersign.edge.websocket import Sockets
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations
from countersign.specs import service as specs
from countersign.specs.rules import Kind
from tests.conftest import NOW
from tests.factories import Factory
from tests.patience import WAIT
from tests.reviews.support import Scene, scene
from tests.specs.samples import COMPLETE

PROTOCOL = Subprotocol("graphql-transport-ws")
SPECS = "subscription { specChanged(kinds: [PUBLISHED]) { eventId kind spec { id } } }"


class Client:
    """One socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, *messages: Any) -> None:
        """Send messages; texts and bytes as they are."""
        for message in messages:
            await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message; pings of the server are answered and passed over."""
        while True:
            async with asyncio.timeout(WAIT):
                said: dict[str, Any] = json.loads(await self.connection.recv())
            if said["type"] != "ping":
                return said
            await self.say({"type": "pong"})

    async def begin(self, payload: Any = None) -> None:
        """Initialise the connection."""
        await self.say({"type": "connection_init"} | ({} if payload is None else {"payload": payload}))
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, identifier: Any, query: Any, **more: Any) -> None:
        """Send `subscribe`."""
        await self.say({"id": identifier, "type": "subscribe", "payload": {"query": query} | more})

    async def is_alive(self) -> bool:
        """Whether the socket still answers; nothing else may come before the pong."""
        await self.say({"type": "ping", "payload": {"are": "you there"}})
        return await self.hear() == {"type": "pong", "payload": {"are": "you there"}}

    async def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed; nothing may come before."""
        async with asyncio.timeout(WAIT):
            with pytest.raises(ConnectionClosed) as closed:
                await self.connection.recv()
        frame = closed.value.rcvd
        assert frame is not None, "the connection was cut: 1006"
        return frame.code, frame.reason


@dataclass
class House:
    """A running server with a school, an employer and a version between them."""

    server: uvicorn.Server
    door: Door
    port: int
    made: Scene
    make: Factory
    slugs: int = 0

    @property
    def db(self) -> Database:
        """The application's own database."""
        db: Database = self.door.inside.state.tools.db
        return db

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://localhost:{self.port}/graphql"

    @asynccontextmanager
    async def socket(self, *protocols: str, **options: Any) -> AsyncIterator[Client]:
        """An open socket; with the protocol unless others are named."""
        offered = [Subprotocol(p) for p in protocols] if protocols else [PROTOCOL]
        if protocols == ("",):
            offered = []
        patient = {"open_timeout": WAIT, "ping_timeout": WAIT}
        options = {"compression": None, "max_size": None, "proxy": None} | patient | options
        address = f"ws://localhost:{self.port}/graphql"
        async with connect(address, subprotocols=offered or None, **options) as connection:
            yield Client(connection)

    async def token(self, actor: Actor) -> str:
        """A new token of an actor."""
        async with self.db.writer() as tx:
            return await self.make.token(tx, actor)

    async def bearer(self, actor: Actor) -> dict[str, str]:
        """The payload of `connection_init`, or headers, for an actor."""
        return {"Authorization": f"Bearer {await self.token(actor)}"}

    async def revoke(self, token: str) -> None:
        """End a token."""
        async with self.db.fresh_reader() as reader:
            found = await organizations.authenticate(reader, token)
        assert found is not None
        assert found.token_id is not None
        async with self.db.writer() as tx:
            await organizations.revoke_token(tx, SYSTEM, found.token_id)

    async def publish_another(self) -> UUID:
        """A credential of the school that everybody may see; the id of its version. Its events are told to all."""
        self.slugs += 1
        async with self.db.writer() as tx:
            made = await specs.create(
                tx, self.made.school, specs.Create(slug=f"loud-{self.slugs}", kind=Kind.BLOCK, content=COMPLETE)
            )
            version = await specs.submit(tx, self.made.school, specs.Submit(made.draft_id, "1.0.0"))
            await specs.publish(tx, self.made.school, version)
        return version

    def sockets(self) -> Sockets:
        """What serves the sockets."""
        return next(
            route.app
            for route in self.door.inside.routes
            if isinstance(route, WebSocketRoute) and isinstance(route.app, Sockets)
        )

    def visits(self) -> int:
        """How many connections the hub knows."""
        return len(self.door.inside.state.engine.live._visits)

    async def follow_up(self) -> None:
        """Until somebody follows something."""
        live = self.door.inside.state.engine.live
        async with asyncio.timeout(WAIT):
            while not any(member.group for member in live._members):  # noqa: ASYNC110 - it begins in a task of its own
                await asyncio.sleep(0.01)

    async def until_empty(self) -> None:
        """Until no connection is left over."""
        async with asyncio.timeout(WAIT):
            while self.visits():  # noqa: ASYNC110 - they end in tasks of their own
                await asyncio.sleep(0.01)


@asynccontextmanager
async def house(dsn: str, data: Path, made: Scene | None = None) -> AsyncIterator[House]:
    """The server, until the block ends; over the scene of another one when it is given."""
    settings = Settings(
        mode=Mode.DEV,
        data=data,
        database_url=SecretStr(dsn),
        database_read_url=None,
        database_owner_url=None,
        secret=SecretStr("s" * 32),
        key_encryption_key=SecretStr("k" * 32),
        drain_seconds=0,
        database_wait_seconds=WAIT,
        public_origin="http://localhost:4600",
    )
    door = app.create_app(settings)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)
        server = uvicorn.Server(uvicorn.Config(door, **server_options(settings)))
        serving = asyncio.create_task(server._serve([bound]))
        try:
            async with asyncio.timeout(WAIT):
                while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn offers nothing to wait for
                    await asyncio.sleep(0.01)
            assert server.started, "the server did not start: its log says why"
            make = Factory(FrozenClock(NOW))
            db: Database = door.inside.state.tools.db
            if made is None:
                async with db.writer() as tx:
                    made = await scene(tx, make)
            there = House(server, door, bound.getsockname()[1], made, make)
            there.sockets().init_seconds = WAIT
            yield there
        finally:
            # Also when it was never ready: a server left behind would go on with its jobs among other tests' rows.
            server.should_exit = True
            await serving


def fresh_key() -> str:
    """An idempotency key."""
    return f"live-{new_id().hex}"
