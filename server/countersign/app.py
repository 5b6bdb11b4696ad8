"""The only composition: every room, the front desk and the edge come together here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from countersign.accounts import jobs as accounts_jobs
from countersign.accounts import tables as accounts_tables
from countersign.attachments import tables as attachments_tables
from countersign.awards import credentials
from countersign.awards import jobs as awards_jobs
from countersign.awards import tables as awards_tables
from countersign.bulk import approvals as bulk_approvals
from countersign.bulk import candidates
from countersign.bulk import jobs as bulk_jobs
from countersign.bulk import tables as bulk_tables
from countersign.config import Mode, Settings
from countersign.conflicts import jobs as conflicts_jobs
from countersign.conflicts import logged as conflicts_logged
from countersign.conflicts import policies
from countersign.conflicts import service as conflicts
from countersign.conflicts import tables as conflicts_tables
from countersign.conflicts import tables_policies as policies_tables
from countersign.corpora import service as corpora
from countersign.corpora import tables as corpora_tables
from countersign.edge import attachments, downloads, health, mishaps, pages
from countersign.edge.connection import STATE
from countersign.edge.connections import Connections, Limits
from countersign.edge.door import Door
from countersign.edge.draining import Draining
from countersign.edge.gates import Gates
from countersign.edge.graphql import GraphQLEndpoint
from countersign.edge.pipeline import DEADLINE, Pipeline
from countersign.edge.responses import GRAPHQL
from countersign.edge.shedding import Shedding
from countersign.edge.signin import SignIns
from countersign.edge.sse import Streams
from countersign.edge.trusted import Trust
from countersign.edge.uploads import Uploads
from countersign.edge.websocket import Sockets
from countersign.endorsements import (
    co_validation,
    departures,
    drift,
    foreign,
    foreign_checks,
    pledge_clock,
    pledges,
    renewal,
    successors,
    suspension,
)
from countersign.endorsements import jobs as endorsements_jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements import tables as endorsements_tables
from countersign.endorsements import tables_backing as backing_tables
from countersign.endorsements import tables_foreign as foreign_tables
from countersign.kit import (
    audit,
    budgets,
    commands,
    events,
    installation,
    outbox,
    records,
    refusals,
    relay,
    trusted,
    vault,
    watch,
)
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.placement import Table, placed_tables
from countersign.kit.waiting import either, kept
from countersign.learners import tables as learners_tables
from countersign.log import jobs as log_jobs
from countersign.log import tables as log_tables
from countersign.log.rules_notes import LogKey, origin_of
from countersign.log.sources import Source
from countersign.notices import jobs as notices_jobs
from countersign.notices import leaving
from countersign.notices import tables as notices_tables
from countersign.organizations import approvals, domains, signing_authority
from countersign.organizations import logged as organizations_logged
from countersign.organizations import tables as organizations_tables
from countersign.organizations.events import Approved, MembershipEnded, Rejected, StandingChanged, TiesChanged
from countersign.organizations.usage import TokenUses
from countersign.privacy import files as privacy_files
from countersign.privacy import tables as privacy_tables
from countersign.privacy.events import LearnersErased
from countersign.public.routes import routes as public_routes
from countersign.reviews import change_requests, logged, reminders
from countersign.reviews import tables as reviews_tables
from countersign.reviews import tables_calls as review_calls_tables
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.search import tables as search_tables
from countersign.search.events import CandidatesGone
from countersign.skills import tables as skills_tables
from countersign.specs import service as specs
from countersign.specs import tables as specs_tables
from countersign.specs.events import VersionPublished, VersionSubmitted
from countersign.stacks import tables as stacks_tables
from countersign.trust import history
from countersign.trust import service as trust
from countersign.trust import tables as trust_tables
from countersign.trust.addresses import Addresses
from countersign.trust.events import KeyCompromised
from countersign.trust.key_commands import on_approved
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers

PLACES: Final = 10
CATCH_UP_SECONDS: Final = 2.0

WITNESS: Final = "log_checkpoint"
"""The file beside the database that has the newest checkpoint of the transparency log."""

TABLE_MODULES = (
    audit,
    budgets,
    commands,
    installation,
    outbox,
    records,
    trusted,
    vault,
    accounts_tables,
    attachments_tables,
    awards_tables,
    bulk_tables,
    conflicts_tables,
    policies_tables,
    corpora_tables,
    endorsements_tables,
    backing_tables,
    foreign_tables,
    learners_tables,
    log_tables,
    notices_tables,
    organizations_tables,
    privacy_tables,
    reviews_tables,
    review_calls_tables,
    search_tables,
    skills_tables,
    specs_tables,
    stacks_tables,
    trust_tables,
)


# What happens in a low room and concerns a higher one, in the same transaction.
events.register(TiesChanged, conflicts.follow)
events.register(StandingChanged, co_validation.follow)
events.register(MembershipEnded, departures.after_membership, approvals.after_membership, leaving.after_membership)
events.register(LearnersErased, leaving.after_erasure)
events.register(CandidatesGone, candidates.after_leaving)
events.register(VersionSubmitted, change_requests.follow_submission)
events.register(VersionPublished, successors.after_publication)
events.register(KeyCompromised, suspension.follow_lost_key)


def attend(signer: Signer) -> None:
    """Have done what two persons wanted; keys are made by this signer."""
    events.register(Approved, on_approved(signer), bulk_approvals.on_approved)
    events.register(Rejected, bulk_approvals.on_rejected)


LOGGED: Final[tuple[Source, ...]] = (
    history.KEYS,
    history.DIDS,
    trust.STATUS,
    organizations_logged.ORGANIZATIONS,
    organizations_logged.MEMBERSHIPS,
    organizations_logged.DOMAINS,
    conflicts_logged.LINKS,
    conflicts_logged.TOOLS,
    conflicts_logged.SPONSORSHIPS,
    corpora.LOGGED,
    specs.LOGGED,
    logged.RUBRICS,
    logged.REVIEWS,
    endorsements.LOGGED,
    pledges.LOGGED,
    policies.LOGGED,
    foreign.ISSUERS,
    foreign.LOGGED,
    foreign_checks.LOGGED,
    credentials.LOGGED,
)
"""Everything beside the events themselves that the transparency log covers."""


def declare_tables() -> list[type[Table]]:
    """Every table of the product; importing this module has declared them."""
    return placed_tables()


def create_app(settings: Settings, *, drain_on_sigterm: bool = False) -> Door:
    """The application of one process. Its start opens the database (see `Database.open` for what that raises).

    `drain_on_sigterm` is for a process of its own: it installs a handler of the signal while the application runs.
    """
    door = _door(settings)
    the_schema()  # now, and not while the loop that takes signals should run

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[dict[str, Any]]:
        connections = Connections(
            Limits(
                per_address=settings.connections_per_address,
                idle_seconds=settings.keep_alive_seconds,
                proxies=settings.trusted_proxies,
            )
        )
        draining = Draining(connections, settings.drain_seconds)
        signals = draining.on_sigterm() if drain_on_sigterm else nullcontext()
        with signals:
            async with tools_of(settings) as tools:
                purse = budgets.Budgets(tools.db, capacity=settings.budget_points, restored=settings.budget_restored)
                engine = _equip(door, tools, purse, draining, settings)
                connections.shed = Shedding(door.state.pipeline.admission, *door.mode)
                try:
                    async with _background(settings, tools, engine, door.state.pipeline.uses):
                        draining.serves = True
                        yield {STATE: connections}
                        draining.close()
                finally:
                    await refusals.settled()
                    await purse.close()

    door.inside.router.lifespan_context = lifespan
    return door


def create_app_with(tools: Tools, settings: Settings | None = None) -> Door:
    """The application over tools that somebody else opens and closes."""
    door = _door(settings)
    _equip(door, tools, budgets.Budgets(tools.db), Draining(Connections()), settings)
    return door


@asynccontextmanager
async def _background(settings: Settings, tools: Tools, engine: Engine, uses: TokenUses) -> AsyncIterator[None]:
    """The jobs of the rooms, the relay, the subscriptions and the watch, from the start until the block ends."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as jobs:
        jobs.create_task(kept(lambda: commands.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: accounts_jobs.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: awards_jobs.run(tools.db, tools.signer, stop), stop))
        jobs.create_task(kept(lambda: privacy_files.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: bulk_jobs.run(tools.db, engine.exporter, stop), stop))
        jobs.create_task(kept(lambda: conflicts_jobs.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: approvals.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: notices_jobs.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: notices_jobs.run_webhooks(tools.db, tools.fetcher, stop), stop))
        if (mailer := tools.mailer) is not None:
            jobs.create_task(kept(lambda: notices_jobs.run_mails(tools.db, mailer, settings.public_origin, stop), stop))
        jobs.create_task(kept(lambda: domains.run(tools.db, tools.fetcher, stop), stop))
        jobs.create_task(kept(lambda: endorsements_jobs.run(tools.db, tools.signer, stop), stop))
        jobs.create_task(kept(lambda: reminders.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: co_validation.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: renewal.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: pledge_clock.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: signing_authority.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: drift.run(tools.db, stop), stop))
        jobs.create_task(kept(lambda: foreign_checks.run(tools.db, tools.fetcher, tools.signer.workers, stop), stop))
        if settings.log_key_bytes:
            jobs.create_task(
                kept(lambda: log_jobs.run(tools.db, log_key(settings), LOGGED, stop, settings.data / WITNESS), stop)
            )
        numbering = relay.Relay()
        jobs.create_task(kept(lambda: relay.run(tools.db, stop, numbering), stop))
        jobs.create_task(kept(lambda: engine.live.run(stop), stop))
        jobs.create_task(kept(lambda: watch.run(tools.db, settings.dsn, stop), stop))
        jobs.create_task(kept(lambda: uses.run(tools.db, stop), stop))
        # Who subscribes begins with what happens from now on, not with what was left without a number.
        await either(CATCH_UP_SECONDS, numbering.caught_up)
        try:
            yield
        finally:
            stop.set()


def _door(settings: Settings | None) -> Door:
    if settings is None:
        gates, mode = Gates(), None
    else:
        production = settings.mode is Mode.PRODUCTION
        gates = Gates.of(
            settings.public_origin, settings.allowed_hosts, settings.allowed_origins, loopback=not production
        )
        mode = None if production else Mode.DEV.value
    return Door(Starlette(routes=_routes(settings, gates), exception_handlers=mishaps.HANDLERS), gates, mode=mode)


def _equip(door: Door, tools: Tools, purse: budgets.Budgets, draining: Draining, settings: Settings | None) -> Engine:
    attend(tools.signer)
    tells_strangers = settings is None or settings.mode is not Mode.PRODUCTION
    trusted_only = settings is not None and settings.trusted_documents == "required"
    engine = Engine(the_schema(), replace(tools, trusted_only=trusted_only), tells_strangers=tells_strangers)
    pipeline = Pipeline(
        engine,
        tools.db,
        purse,
        Trust(
            trusted.TrustedDocuments(tools.db),
            required=trusted_only,
            addresses=settings is not None and settings.mode is Mode.PRODUCTION,
        ),
        places=settings.pool_size if settings else PLACES,
        seconds=settings.request_seconds if settings else DEADLINE,
    )
    door.endpoint = GraphQLEndpoint(
        pipeline,
        door.gates,
        Streams(engine, draining.closing),
        None if settings is not None and settings.mode is Mode.PRODUCTION else pages.GRAPHIQL,
        draft=settings.http_draft if settings else False,
    )
    state = door.inside.state
    state.tools, state.budgets, state.engine = tools, purse, engine
    state.pipeline, state.gates = pipeline, door.gates
    state.log_verifier = log_key(settings).verifier if settings and settings.log_key_bytes else None
    state.draining, state.stopping = draining, draining.closing
    return engine


def _routes(settings: Settings | None, gates: Gates) -> list[BaseRoute]:
    providers = settings.providers if settings is not None else ()
    return [
        *pages.routes(settings),
        *SignIns.of(
            providers,
            settings.public_origin if settings is not None else "",
            gates,
            links=settings is not None and settings.mode is not Mode.PRODUCTION,
        ).routes(),
        WebSocketRoute(GRAPHQL, Sockets()),
        Route("/livez", health.alive),
        Route("/readyz", health.ready),
        *Uploads().routes(),
        *attachments.routes(),
        *downloads.routes(),
        *public_routes(),
    ]


def log_key(settings: Settings) -> LogKey:
    """The key of this installation's transparency log."""
    return LogKey(settings.log_key_bytes, origin_of(settings.public_origin))


@asynccontextmanager
async def tools_of(settings: Settings) -> AsyncIterator[Tools]:
    """What commands need, for as long as the block runs: the application's, a verb's, the demo's."""
    audit.use_key(settings.log_key_bytes)
    async with Workers() as workers:
        db = await Database.open(
            settings.dsn,
            read_dsn=settings.read_dsn,
            pool_size=settings.pool_size,
            wait_seconds=settings.database_wait_seconds,
            vault=vault.Vault(settings.key_encryption_bytes),
        )
        signer = Signer(SecretKeyEncryption(settings.key_encryption_bytes), Addresses(settings.public_origin), workers)
        attend(signer)
        try:
            yield Tools(
                db, Sealer(settings.secret_bytes), signer, mailer=settings.mail_server, mode=settings.mode.value
            )
        finally:
            await db.close()
