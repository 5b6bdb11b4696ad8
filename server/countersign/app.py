"""The only composition: every room, the front desk and the edge come together here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from countersign.config import ROOT, Settings
from countersign.edge.graphql import Endpoint
from countersign.edge.health import Ready, live
from countersign.kit import audit, commands, installation, outbox
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.placement import Table, placed_tables
from countersign.learners import tables as learners_tables
from countersign.organizations import tables as organizations_tables
from countersign.schema.base import Tools
from countersign.schema.contents import make_schema
from countersign.schema.engine import Engine
from countersign.search import tables as search_tables
from countersign.skills import tables as skills_tables
from countersign.specs import tables as specs_tables
from countersign.trust import tables as trust_tables
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers

FRONTEND = ROOT / "frontend_stub" / "dist"

TABLE_MODULES = (
    audit,
    commands,
    installation,
    outbox,
    learners_tables,
    organizations_tables,
    search_tables,
    skills_tables,
    specs_tables,
    trust_tables,
)


def declare_tables() -> list[type[Table]]:
    """Every table of the product; importing this module has declared them."""
    return placed_tables()


@asynccontextmanager
async def open_tools(settings: Settings) -> AsyncIterator[Tools]:
    """What the process works with, while it runs: pools, seals, the signer and its workers."""
    db = await Database.open(settings.dsn, read_dsn=settings.read_dsn, pool_size=settings.pool_size)
    try:
        async with Workers() as workers:
            signer = Signer(
                SecretKeyEncryption(settings.key_encryption_bytes), Addresses(settings.public_origin), workers
            )
            yield Tools(db, Sealer(settings.secret_bytes), signer)
    finally:
        await db.close()


def routes(tools: Tools) -> list[BaseRoute]:
    """Everything that answers HTTP."""
    engine = Engine(make_schema(), tools)
    return [
        Route("/graphql", Endpoint(engine, tools.db, FRONTEND / "graphiql")),
        Route("/livez", live),
        Route("/readyz", Ready(tools.db).answer),
        Mount("/ui", StaticFiles(directory=FRONTEND, check_dir=False)),
    ]


def create_app(settings: Settings) -> Starlette:
    """The application; its tools are opened and closed with the server."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_tools(settings) as tools:
            app.router.routes.extend(routes(tools))
            yield

    return Starlette(lifespan=lifespan)
