"""PostgreSQL goes, in every way in which it can: refusals within a second, no hang, no 500, healed within three."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from countersign.kit import watch
from countersign.kit.db import Database
from countersign.kit.losses import Unreachable
from countersign.kit.migrate import migrate
from tests.cli.running import started
from tests.conftest import ORIGIN
from tests.edge.conftest import KEYS
from tests.edge.proxy import Mode, Proxy
from tests.edge.wire import Answer, ask, head, post
from tests.patience import WAIT, within
from tests.ports import free_port

LOSSES = [mode for mode in Mode if mode is not Mode.OPEN]
READ = b'{"query":"{ skillFrameworks { id } }"}'


async def asked(port: int, request: bytes) -> Answer:
    """One request, while the proxy goes on."""
    return await asyncio.to_thread(ask, port, request)


async def healed(port: int) -> float:
    """Seconds until requests are answered again."""
    began = time.monotonic()
    while (await asked(port, post(port, READ))).status != 200:
        assert time.monotonic() < began + WAIT
        await asyncio.sleep(0.1)
    return time.monotonic() - began


@dataclass(frozen=True)
class Cut:
    """A portal whose way to its database can be cut."""

    port: int
    proxy: Proxy


@pytest_asyncio.fixture(scope="module")
async def cut(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cut]:
    """A portal over a proxy."""
    folder, port = tmp_path_factory.mktemp("cut"), free_port()
    async with Proxy(own_database).running() as proxy:
        more = {"DATABASE_URL": proxy.dsn, "COUNTERSIGN_PUBLIC_ORIGIN": ORIGIN}
        more["COUNTERSIGN_BUDGET_POINTS"] = "1000000"  # half a minute of refusals asks for more than an address may
        serving = started("serve", "--data", str(folder / "data"), port=port, errors=folder / "log", **more, **KEYS)
        await asyncio.to_thread(serving.__enter__)
        try:
            yield Cut(port, proxy)
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)


async def lose(cut: Cut, mode: Mode, seconds: float) -> None:
    """Lose the database for some seconds under a few clients, and look at every answer."""
    port = cut.port
    assert (await asked(port, post(port, READ))).status == 200
    await cut.proxy.turn(mode)
    until = time.monotonic() + seconds

    answers: list[Answer] = []

    async def client() -> None:
        while time.monotonic() < until or all(answer.status == 200 for answer in answers):
            assert time.monotonic() < until + WAIT, "nobody is told"
            answers.append(await asked(port, post(port, READ)))
            await asyncio.sleep(0.05)

    await asyncio.gather(*(client() for _ in range(4)))
    ready = await asked(port, head(port, "GET", "/readyz"))
    while mode is not Mode.HALF_OPEN and ready.status == 200:
        assert time.monotonic() < until + WAIT, "it is ready for ever"
        ready = await asked(port, head(port, "GET", "/readyz"))
    alive = await asked(port, head(port, "GET", "/livez"))
    await cut.proxy.turn(Mode.OPEN)
    took = await healed(port)
    assert {answer.status for answer in answers} <= {200, 503}
    for answer in answers:
        assert answer.seconds <= within(2.5 if mode is Mode.HALF_OPEN else 1.1)
        if answer.status == 503:
            assert answer.error["extensions"]["code"] == "UNAVAILABLE"
            assert answer.headers["retry-after"] == "1"
    assert alive.status == 200
    if mode is not Mode.HALF_OPEN:
        assert (ready.status, json.loads(ready.body)["ready"]) == (503, False)
    assert took <= within(3)


@pytest.mark.parametrize("mode", LOSSES)
async def test_a_lost_database_is_told_at_once_and_healed_soon(cut: Cut, mode: Mode) -> None:
    await lose(cut, mode, 1.5)


@pytest.mark.campaign
@pytest.mark.parametrize("mode", LOSSES)
async def test_half_a_minute_without_a_database(cut: Cut, mode: Mode) -> None:
    await lose(cut, mode, 30)


@pytest.mark.parametrize(
    ("dsn", "patience"),
    [
        ("postgresql://u@db.example/x", 0.5),
        ("postgresql://u@127.0.0.1:5433/x", 0.5),
        ("postgresql://u@/x?host=db.example", 0.5),
        ("postgresql://u@/x?host=/run/postgresql", 5.0),
        ("postgresql://u@%2Frun%2Fpostgresql/x", 5.0),
        ("postgresql:///x", 5.0),
    ],
)
def test_a_server_behind_a_unix_socket_is_waited_for(dsn: str, patience: float) -> None:
    assert watch.patience_with(dsn) == patience


@pytest.mark.parametrize(
    ("misses", "silence", "meaning"),
    [
        (1, 0.1, watch.Verdict.BUSY),
        (1, 0.6, watch.Verdict.GONE),
        (2, 0.1, watch.Verdict.OLD_ONES_DEAD),
        (2, 0.6, watch.Verdict.GONE),
    ],
)
def test_one_missing_answer_means_nothing_while_others_are_answered(
    misses: int, silence: float, meaning: watch.Verdict
) -> None:
    assert watch.verdict(misses, silence, 0.5) is meaning


@pytest.mark.parametrize("local", [False, True])
async def test_silence_of_a_local_server_is_no_loss(own_database: str, local: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="cs-") as folder:
        async with Proxy(own_database, folder if local else None).running() as proxy:
            await migrate(proxy.dsn)
            db, stop = await Database.open(proxy.dsn), asyncio.Event()
            watching = asyncio.create_task(watch.run(db, proxy.dsn, stop))
            await asyncio.sleep(0.3)
            await proxy.turn(Mode.STALL)
            until = time.monotonic() + (1.5 if local else WAIT)
            while not db.lost and time.monotonic() < until:  # noqa: ASYNC110 # what is waited for may never come
                await asyncio.sleep(0.02)
            assert db.lost is not local
            db.give_up()
            stop.set()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def test_who_holds_a_lost_connection_is_told_and_harms_nobody(database_dsn: str) -> None:
    db = await Database.open(database_dsn)

    async def read() -> None:
        async with db.reader() as connection:
            connection.terminate()
            # It is listed still, and the pool has taken it back.
            (ended,) = await asyncio.gather(db.give_up_since(time.monotonic() + 1), return_exceptions=True)
            assert ended is None
            await connection.fetchval("select 1")

    async def write() -> None:
        async with db.writer() as tx:
            db.give_up()
            db.give_up()
            await tx.fetchval("select 1")

    for use in (read, write, read):
        with pytest.raises(Unreachable):
            await use()
    await db.renew()
    async with db.reader() as connection:
        assert await connection.fetchval("select 1") == 1
    await db.close()
