"""The API as a client meets it: HTTP through ASGI, a token, JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx

from countersign import app
from countersign.accounts import service as accounts
from countersign.edge.door import Door
from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.kit.fetcher import Fetcher
from countersign.kit.ids import Sealer
from countersign.notices.smtp import Mailer
from countersign.schema.base import Tools
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.patience import WAIT

_keys = count(1)


class Api:
    """Asks questions and makes changes over HTTP."""

    def __init__(self, client: httpx.AsyncClient, db: Database, make: Factory, tools: Tools, door: Door) -> None:
        self.client = client
        self.tools = tools
        self.door = door
        self.db = db
        self.make = make
        self._tokens: dict[Actor, str] = {}
        self._browsers: dict[Actor, dict[str, str]] = {}

    @property
    def engine(self) -> Engine:
        """What answers behind the door."""
        engine: Engine = self.door.state.engine
        return engine

    async def authorization(self, actor: Actor | None) -> dict[str, str]:
        """The header with which an actor comes; nothing for nobody."""
        if actor is None or not actor.known:
            return {}
        if actor in self._browsers:
            return self._browsers[actor]
        if actor not in self._tokens:
            async with self.db.writer() as tx:
                self._tokens[actor] = await self.make.token(tx, actor)
        return {"authorization": f"Bearer {self._tokens[actor]}"}

    async def sign_in(self, actor: Actor) -> None:
        """From now on this member comes with a session of a browser, not with a token."""
        assert actor.person_id is not None
        async with self.db.writer() as tx:
            await tx.execute(
                "insert into accounts (id, key, issuer, created_at) values ($1, $2, 'https://people.example', $3)"
                " on conflict do nothing",
                *(actor.person_id, actor.person_id.bytes * 2, await tx.now()),
            )
            opened = await accounts.open_login(tx, actor.person_id, authenticated_at=await tx.now())
        self._browsers[actor] = {
            "cookie": f"cs={opened.cookie}",
            "x-countersign": "1",
            "sec-fetch-site": "same-origin",
            "x-countersign-organization": f"org_{actor.organization_id}",
        }

    def sign_in_anew(self) -> None:
        """Have everybody come with a fresh token from now on: in a long story the old ones run out."""
        self._tokens.clear()

    async def post(self, query: str, actor: Actor | None = None, /, **variables: Any) -> dict[str, Any]:
        """The whole answer to a document, asked by an actor (nobody: without a token)."""
        headers = await self.authorization(actor)
        response = await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers=headers, timeout=WAIT
        )
        body: dict[str, Any] = response.json()
        return body

    async def ask(self, query: str, actor: Actor | None = None, /, **variables: Any) -> Any:
        """The data of an answer that must have no errors."""
        body = await self.post(query, actor, **variables)
        assert "errors" not in body, body
        return body["data"]

    async def do(self, field: str, selection: str, actor: Actor | None, /, **given: Any) -> dict[str, Any]:
        """The payload of one mutation with its errors; the input type is named after the field.

        A key is made unless `idempotencyKey` is given. Without authority over the field at all the answer is a
        top-level error, which comes as `{"refused": code}`.
        """
        given.setdefault("idempotencyKey", f"test-{next(_keys)}")
        type_name = field[0].upper() + field[1:]
        document = (
            f"mutation ($input: {type_name}Input!) {{ {field}(input: $input) {{ {selection}"
            " errors { __typename ... on UserError { code path message } } clientMutationId } }"
        )
        body = await self.post(document, actor, input=given)
        if body.get("errors"):
            return {"refused": body["errors"][0]["extensions"]["code"], "message": body["errors"][0]["message"]}
        payload: dict[str, Any] = body["data"][field]
        return payload


@asynccontextmanager
async def served(
    db: Database, signer: Signer, make: Factory, *, fetcher: Fetcher | None = None, mailer: Mailer | None = None
) -> AsyncIterator[Api]:
    """The application over this database, without a socket; a fetcher or mail server where it has an outside world."""
    tools = Tools(db, Sealer(b"s" * 32), signer, fetcher=fetcher or Fetcher(), mailer=mailer)
    application = app.create_app_with(tools)
    transport = httpx.ASGITransport(app=application)
    accept = {"accept": "application/graphql-response+json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=accept) as client:
        yield Api(client, db, make, tools, application)
