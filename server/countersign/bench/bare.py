"""The other side: a bare Starlette endpoint over asyncpg, one hand-written statement a request, its bytes passed on.

It does what a public endpoint cannot leave out: the token's look-up, the budget, and for candidates the reveal step;
all by the product's own statements. It has no other edge, no limits, no log and no schema.
`python -m countersign.bench.bare PORT` serves it over the database of DATABASE_URL.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countersign.bench import bare_sql
from countersign.kit.access import Actor
from countersign.kit.budgets import Budgets
from countersign.kit.db import READS, Database
from countersign.kit.ids import new_id
from countersign.kit.placement import APP_ROLE
from countersign.organizations.rules import is_token, token_digest
from countersign.organizations.service import AUTHENTICATE
from countersign.search.reveal import PURPOSE, REVEAL
from countersign.search.rules import DAILY_QUOTA

NAME: Final = "countersign-bare"
"""The name of its connections."""
CAPACITY: Final = 1_000_000_000
"""Both sides lease a budget that is never empty: it is the same statement, and it is not what is measured."""
POINTS: Final = 100
KEY: Final = b"bench"
DOCUMENT: Final = b"{}".ljust(1_800)
"""As long as the document that the product stores; this side makes none."""
SETTINGS: Final = {
    **{name: value for name, value in READS.items() if name != "default_transaction_read_only"},
    "role": APP_ROLE,
    "application_name": NAME,
    "timezone": "UTC",
    "jit": "off",
}
"""As the product's reads: generic plans, and memory to sort in."""


class NotSignedIn(Exception):
    """The token is not good."""


def application() -> Starlette:
    """The endpoint."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        dsn = os.environ["DATABASE_URL"]
        # The budgets' own connections: a lease lasts nine seconds, so nearly no request meets them.
        leases = await Database.open(dsn, pool_size=2)
        async with asyncpg.create_pool(
            dsn, min_size=1, max_size=10, reset=_as_it_is, server_settings=SETTINGS
        ) as app.state.pool:
            app.state.budgets = Budgets(leases, capacity=CAPACITY, restored=CAPACITY)
            yield
        await leases.close()

    routes = [Route(f"/{name}", answer, methods=["POST"]) for name, answer in ANSWERS.items()]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={NotSignedIn: _unknown})


async def _as_it_is(_connection: object) -> None:
    """Nothing here changes a session."""


async def _unknown(_request: Request, _error: Exception) -> Response:
    return Response(b'{"errors":[{"message":"Sign in"}]}', 401, media_type="application/json")


async def _begin(request: Request) -> tuple[asyncpg.Pool[asyncpg.Record], asyncpg.Record, dict[str, Any]]:
    """The pool, who asks, and what: one statement for the token."""
    pool: asyncpg.Pool[asyncpg.Record] = request.app.state.pool
    given: dict[str, Any] = json.loads(await request.body())
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not is_token(token):
        raise NotSignedIn
    actor = await pool.fetchrow(AUTHENTICATE, token_digest(token), None)
    if actor is None:
        raise NotSignedIn
    charge = await request.app.state.budgets.charge(Actor(actor["organization_id"]), POINTS)
    if not charge.allowed:
        raise NotSignedIn
    return pool, actor, given


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def spec(request: Request) -> Response:
    """One spec."""
    pool, actor, given = await _begin(request)
    return _json(await pool.fetchval(bare_sql.SPEC, UUID(given["id"]), actor["organization_id"]))


async def catalogue(request: Request) -> Response:
    """A page of specs."""
    pool, actor, given = await _begin(request)
    return _json(await pool.fetchval(bare_sql.CATALOGUE, given["first"], actor["organization_id"]))


async def recruiter(request: Request) -> Response:
    """A page of candidates, shown after the reveal has committed."""
    pool, actor, given = await _begin(request)
    if "recruiter" not in actor["roles"]:
        raise NotSignedIn
    skills = [UUID(text) for text in given["skills"]]
    row = await pool.fetchrow(bare_sql.RECRUITER, skills, given["regions"], given["seed"], KEY)
    if row is None:
        raise LookupError("an answer is one row")
    learners, marks = [pair[0] for pair in row[1]], [pair[1] for pair in row[1]]
    async with pool.acquire() as connection, connection.transaction():
        let = await connection.fetchrow(REVEAL, actor["organization_id"], learners, marks, None, PURPOSE)
        if let is None or not let["all_of_them"] or (let["used"] or 0) > DAILY_QUOTA:
            raise LookupError("the bench's data do not change, and its quota is enough")
    return _json(row[0])


async def endorse(request: Request) -> Response:
    """An endorsement to be signed, stored by one statement."""
    pool, actor, given = await _begin(request)
    if "signatory" not in actor["roles"]:
        raise NotSignedIn
    row = await pool.fetchrow(
        bare_sql.ENDORSE,
        UUID(given["specVersionId"]),
        given["expectedDigest"],
        actor["organization_id"],
        actor["person_id"],
        given["idempotencyKey"],
        b"",
        new_id(),
        given["statement"],
        DOCUMENT,
        new_id(),
    )
    if row is None:
        raise LookupError("an answer is one row")
    return _json(row[0])


ANSWERS: Final = {"spec": spec, "catalogue": catalogue, "recruiter": recruiter, "endorse": endorse}


if __name__ == "__main__":
    uvicorn.run(
        application, factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False
    )
