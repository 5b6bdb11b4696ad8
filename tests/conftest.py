"""A real PostgreSQL, made by the real migrations, for every test that asks for one."""

from __future__ import annotations

import gc
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

from countersign import app
from countersign.kit import refusals
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.embedded import EmbeddedPostgres
from countersign.kit.migrate import migrate
from countersign.kit.placement import table_name
from countersign.kit.vault import Vault
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers
from tests.factories import Factory
from tests.patience import WAIT, judge

# No example is too slow: how long one takes is the machine's doing (Hypothesis says so itself where CI is set).
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
pytest_plugins = ["tests.ahead", "tests.serving", "tests.mutations.standing"]


def pytest_configure(config: pytest.Config) -> None:
    """Only the campaign judges time. Tracebacks are printed plainly: with each frame's locals one takes a second."""
    judge(config.option.markexpr)
    # Whom a script starts with `&` ignores it, and so does what a test starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


BEYOND_LOOPBACK = "tests reach no network beyond this machine"


def refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    """Raise when this process connects to anything but this machine (an audit hook: it cannot be taken out again)."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) else "localhost"  # a path is a Unix socket
        if host not in {"localhost", "::1"} and not host.startswith("127."):
            raise PermissionError(f"{BEYOND_LOOPBACK}: {host}")
    elif event == "socket.getaddrinfo" and _named(arguments[0]) not in {None, "", "localhost", "127.0.0.1", "::1"}:
        raise PermissionError(f"{BEYOND_LOOPBACK}: {arguments[0]!r}")


def _named(host: object) -> object:
    return host.decode(errors="replace") if isinstance(host, bytes) else host


sys.addaudithook(refuse_the_network)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ORIGIN = "http://localhost:4600"
VAULT = Vault(b"v" * 32)


def pytest_collection_finish() -> None:
    """Have the collector pass over the modules and tests, which stay to the end: a tenth of what a test takes."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: the one of DATABASE_URL, else an embedded one that lives as long as the run."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    data: Path = tmp_path_factory.mktemp("postgres") / "data"
    with EmbeddedPostgres(data, durable=False) as server:
        yield server.dsn


def with_database(dsn: str, name: str) -> str:
    """The same server's address, for another database."""
    head, question, query = dsn.partition("?")
    scheme, _, rest = head.partition("://")
    authority = rest.split("/", 1)[0]
    return f"{scheme}://{authority}/{name}{question}{query}"


@pytest_asyncio.fixture(scope="session")
async def database_dsn(server_dsn: str) -> AsyncIterator[str]:
    """A database of this run alone, at the newest migration."""
    name = f"countersign_test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f'create database "{name}"')
    dsn = with_database(server_dsn, name)
    await migrate(dsn)
    yield dsn
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


@pytest_asyncio.fixture(scope="session")
async def owner(database_dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The owner's connection: for cleaning up, and for looking at what the application's role may not see."""
    connection = await asyncpg.connect(database_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def clock() -> FrozenClock:
    """Noon of 22 November 2026, until a test moves it."""
    return FrozenClock(NOW)


@pytest_asyncio.fixture(scope="session")
async def pools(database_dsn: str) -> AsyncIterator[Database]:
    """The pools of the run."""
    database = await Database.open(database_dsn, pool_size=20, vault=VAULT, wait_seconds=WAIT)
    yield database
    await database.close()


def emptying() -> str:
    """What empties every table in one round trip; for the owner."""
    statements = "".join(f"delete from {table_name(table)};" for table in app.declare_tables())
    return f"begin; set local session_replication_role = replica; {statements} commit"


@pytest_asyncio.fixture
async def db(pools: Database, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[Database]:
    """The database, emptied after the test in one round trip (for tests that commit)."""
    pools.clock = clock
    yield pools
    await refusals.settled()
    await owner.execute(emptying())


@pytest_asyncio.fixture
async def tx(pools: Database, clock: FrozenClock) -> AsyncIterator[Tx]:
    """A transaction that is rolled back after the test (for tests of services)."""
    pools.clock = clock

    async with pools.listener() as connection:
        outer = connection.transaction()
        await outer.start()
        yield Tx(connection, clock, VAULT)
        await outer.rollback()


@pytest.fixture
def make(clock: FrozenClock) -> Factory:
    """Makes organizations, members and actors through the services."""
    return Factory(clock)


@pytest_asyncio.fixture(scope="session")
async def workers() -> AsyncIterator[Workers]:
    """One real worker process for the run, which has read all that it needs."""
    async with Workers(1) as started:
        # Its first job reads modules for a second or, on a busy machine, more than the two that an answer waits for a
        # signature; so that job is none of a test's.
        await started.signing.do({"do": "prepare", "document": "{}", "options": {}})
        yield started


@pytest.fixture
def signer(workers: Workers) -> Signer:
    """The real signer, with a key-encryption key of this test alone."""
    return Signer(SecretKeyEncryption(secrets.token_bytes(32)), Addresses(ORIGIN), workers)
