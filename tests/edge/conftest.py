"""A portal of its own process for tests of sockets, and what has to be slow, all at once."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.cli.running import started
from tests.conftest import ORIGIN, with_database
from tests.edge import slowness
from tests.edge.wire import Answer
from tests.ports import free_port


@dataclass(frozen=True)
class Served:
    """A running portal over a database of its own."""

    port: int
    dsn: str
    log: Path


KEYS = {
    name: secrets.token_urlsafe(32)
    for name in ("COUNTERSIGN_SECRET", "COUNTERSIGN_KEY_ENCRYPTION_KEY", "COUNTERSIGN_LOG_KEY")
}
"""The secrets of one installation: the portals of a run share them, as they share the database."""


@pytest_asyncio.fixture(scope="session")
async def own_database(server_dsn: str) -> AsyncIterator[str]:
    """An empty database for a served portal, which migrates it."""
    name = f"countersign_edge_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f'create database "{name}"')
    yield with_database(server_dsn, name)
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


@pytest.fixture(scope="session")
def served(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The portal as `serve` starts it."""
    folder = tmp_path_factory.mktemp("edge")
    port, log = free_port(), folder / "log"
    more = {"DATABASE_URL": own_database, "COUNTERSIGN_LOG_FORMAT": "json", "COUNTERSIGN_PUBLIC_ORIGIN": ORIGIN}
    with started("serve", "--data", str(folder / "data"), port=port, errors=log, **more, **KEYS):
        yield Served(port, own_database, log)


@pytest.fixture(scope="session")
def strict(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A second one over the same database that grants five connections to an address, and half a second."""
    folder = tmp_path_factory.mktemp("strict")
    port, log = free_port(), folder / "log"
    more = {"DATABASE_URL": own_database, "COUNTERSIGN_PUBLIC_ORIGIN": ORIGIN}
    more |= {"COUNTERSIGN_CONNECTIONS_PER_ADDRESS": "5", "COUNTERSIGN_REQUEST_SECONDS": "0.5"}
    with started("serve", "--data", str(folder / "data"), port=port, errors=log, **more, **KEYS):
        yield Served(port, own_database, log)


@pytest.fixture(scope="session")
def slow(served: Served) -> Iterator[dict[str, Future[Answer]]]:
    """What slow clients are told, by what they do; all of them at once, since each takes seconds."""
    with ThreadPoolExecutor(len(slowness.WAYS)) as pool:
        yield {name: pool.submit(way, served.port) for name, way in slowness.WAYS.items()}
