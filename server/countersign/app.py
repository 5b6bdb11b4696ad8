"""The only composition: every room, the front desk and the edge come together here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from countersign.awards import jobs as awards_jobs
from countersign.awards import tables as awards_tables
from countersign.bulk import jobs as bulk_jobs
from countersign.bulk import tables as bulk_tables
from countersign.config import Settings
from countersign.edge import downloads, health, pages
from countersign.edge.graphql import GraphQLEndpoint
from countersign.edge.request_log import RequestLog
from countersign.edge.uploads import Uploads
from countersign.endorsements import jobs as endorsements_jobs
from countersign.endorsements import tables as endorsements_tables
from countersign.kit import audit, budgets, commands, installation, outbox, relay, trusted
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.placement import Table, placed_tables
from countersign.learners import tables as learners_tables
from countersign.organizations import tables as organizations_tables
from countersign.public.routes import routes as public_routes
from countersign.reviews import tables as reviews_tables
from countersign.schema.base import Tools
from countersign.schema.contents import make_schema
from countersign.schema.engine import Engine
from countersign.search import tables as search_tables
from countersign.skills import tables as skills_tables
from countersign.specs import tables as specs_tables
from countersign.stacks import tables as stacks_tables
from countersign.trust import tables as trust_tables
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers

TABLE_MODULES = (
    audit,
    budgets,
    commands,
    installation,
    outbox,
    trusted,
    awards_tables,
    bulk_tables,
    endorsements_tables,
    learners_tables,
    organizations_tables,
    reviews_tables,
    search_tables,
    skills_tables,
    specs_tables,
    stacks_tables,
    trust_tables,
)


def declare_tables() -> list[type[Table]]:
    """Every table of the product; importing this module has declared them."""
    return placed_tables()


def create_app(settings: Settings) -> Starlette:
    """The application of one process. Its start opens the database (see `Database.open` for what that raises)."""

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        async with tools_of(settings) as tools:
            purse = budgets.Budgets(tools.db, capacity=settings.budget_points, restored=settings.budget_restored)
            engine = _equip(application, tools, purse)
            try:
                async with _background(tools, engine):
                    yield
            finally:
                await purse.close()

    return Starlette(routes=_routes(settings), middleware=[Middleware(RequestLog)], lifespan=lifespan)


def create_app_with(tools: Tools) -> Starlette:
    """The application over tools that somebody else opens and closes."""
    application = Starlette(routes=_routes(None), middleware=[Middleware(RequestLog)])
    _equip(application, tools, budgets.Budgets(tools.db))
    return application


@asynccontextmanager
async def _background(tools: Tools, engine: Engine) -> AsyncIterator[None]:
    """The jobs of the rooms, the relay and the subscriptions, from the start until the block ends."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as jobs:
        jobs.create_task(commands.run(tools.db, stop))
        jobs.create_task(awards_jobs.run(tools.db, tools.signer, stop))
        jobs.create_task(bulk_jobs.run(tools.db, engine.exporter, stop))
        jobs.create_task(endorsements_jobs.run(tools.db, tools.signer, stop))
        jobs.create_task(relay.run(tools.db, stop))
        jobs.create_task(engine.live.run(stop))
        try:
            yield
        finally:
            stop.set()


def _equip(application: Starlette, tools: Tools, purse: budgets.Budgets) -> Engine:
    application.state.tools = tools
    application.state.budgets = purse
    application.state.engine = engine = Engine(make_schema(), tools)
    return engine


def _routes(settings: Settings | None) -> list[BaseRoute]:
    return [
        *pages.routes(settings),
        Route("/graphql", GraphQLEndpoint(pages.GRAPHIQL)),
        Route("/livez", health.alive),
        Route("/readyz", health.ready),
        *Uploads().routes(),
        *downloads.routes(),
        *public_routes(),
    ]


@asynccontextmanager
async def tools_of(settings: Settings) -> AsyncIterator[Tools]:
    """What commands need, for as long as the block runs: the application's, a verb's, the demo's."""
    async with Workers() as workers:
        db = await Database.open(settings.dsn, read_dsn=settings.read_dsn, pool_size=settings.pool_size)
        signer = Signer(SecretKeyEncryption(settings.key_encryption_bytes), Addresses(settings.public_origin), workers)
        try:
            yield Tools(db, Sealer(settings.secret_bytes), signer)
        finally:
            await db.close()
