"""Connections: crowds of slow ones, kept ones, pipelines, upgrades, and clients that go before the answer."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from concurrent.futures import Future

import asyncpg
import pytest

from tests.edge.conftest import Served
from tests.edge.wire import QUERY, Answer, Wire, ask, head, post
from tests.patience import WAIT, within

CROWD = 300
LOCKED = b'{"query":"{ skillFrameworks { id } }"}'


def test_300_slow_sockets_are_gone_within_ten_seconds_and_others_are_served(served: Served) -> None:
    started_at = time.monotonic()
    beginnings = (
        b"",
        b"POST /graphql HTTP/1.1\r\nx: ",
        head(served.port, content_length="100") + b"{",
        post(served.port),
    )
    crowd = []
    for number in range(CROWD):
        wire = Wire(served.port)
        wire.send(beginnings[number % len(beginnings)])
        crowd.append(wire)
    slowest = 0.0
    left = set(crowd)
    while left and time.monotonic() < started_at + WAIT:
        asked_at = time.monotonic()
        assert ask(served.port, post(served.port)).status == 200
        slowest = max(slowest, time.monotonic() - asked_at)
        left = {wire for wire in left if not ended(wire.socket)}
        time.sleep(0.1)
    took = time.monotonic() - started_at
    for wire in crowd:
        wire.socket.close()
    assert not left
    assert took <= within(10)
    assert slowest <= within(1)


def ended(connection: socket.socket) -> bool:
    """Whether the server has ended a connection; what it said before is read away."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            continue
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return True


def test_an_idle_connection_is_closed(slow: dict[str, Future[Answer]]) -> None:
    answer = slow["idle"].result()
    assert (answer.status, answer.closed) == (0, True)
    assert answer.seconds <= within(10)


def test_one_address_holds_so_many_connections_and_no_more(strict: Served) -> None:
    held = [Wire(strict.port) for _ in range(5)]
    with Wire(strict.port) as one_more:
        refused = one_more.answer()
    assert (refused.status, refused.headers["retry-after"], refused.closed) == (503, "1", True)
    assert refused.error["extensions"]["code"] == "UNAVAILABLE"
    for wire in held:
        wire.socket.close()
    assert eventually(lambda: ask(strict.port, post(strict.port)).status == 200)


def eventually(holds: object, seconds: float = WAIT) -> bool:
    """Whether something becomes true within some seconds."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_pipeline_is_answered_in_its_order(served: Served) -> None:
    with Wire(served.port) as wire:
        names = [f"request-{number:04d}" for number in range(8)]
        wire.send(b"".join(post(served.port, x_request_id=name) for name in names))
        assert [wire.answer().headers["x-request-id"] for _ in names] == names


def test_a_pipeline_that_is_too_long_ends_the_connection(served: Served) -> None:
    with Wire(served.port) as wire:
        wire.send(post(served.port) * 100)
        answered = 0
        while wire.answer().status == 200:
            answered += 1
        assert 1 <= answered <= 20


def test_a_body_is_asked_for_when_the_client_waits_for_that(served: Served) -> None:
    with Wire(served.port) as wire:
        length = str(len(QUERY))
        wire.send(head(served.port, content_type="application/json", content_length=length, expect="100-continue"))
        assert wire.answer().status == 100
        wire.send(QUERY)
        assert wire.answer().status == 200


def test_a_refusal_is_read_even_by_who_is_still_sending(served: Served) -> None:
    with Wire(served.port) as wire:
        wire.send(head(served.port, content_type="application/json", content_length="900000"))
        wire.send(b" " * 600_000)
        answer = wire.answer()
    assert (answer.status, answer.closed) == (413, True)


def test_head_and_options_say_what_there_is(served: Served) -> None:
    with Wire(served.port) as wire:
        wire.send(head(served.port, "HEAD", "/livez"))
        answer = wire.answer(to_head=True)
        assert (answer.status, answer.headers["content-length"]) == (200, "6")
        wire.send(head(served.port, "OPTIONS"))
        answer = wire.answer()
        assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
        assert "access-control-allow-origin" not in answer.headers


def test_an_old_client_is_answered_and_left(served: Served) -> None:
    answer = ask(served.port, post(served.port).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    assert (answer.status, answer.closed) == (200, True)


def test_an_upgrade_that_nobody_speaks_is_answered_as_if_not_asked_for(served: Served) -> None:
    answer = ask(served.port, post(served.port, connection="upgrade", upgrade="h2c"))
    assert (answer.status, answer.closed) == (200, True)


def test_every_answer_says_that_this_is_no_production(served: Served) -> None:
    for request in (head(served.port, "GET", "/livez"), post(served.port), post(served.port, origin="null")):
        assert ask(served.port, request).headers["countersign-mode"] == "dev"


async def waiting(observer: asyncpg.Connection[asyncpg.Record]) -> int:
    """How many statements of the server wait for the lock."""
    return int(
        await observer.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'countersign'"
            " and datname = current_database() and wait_event_type = 'Lock'"
        )
    )


async def until(observer: asyncpg.Connection[asyncpg.Record], number: int) -> float:
    """Seconds until so many statements wait."""
    began = time.monotonic()
    while await waiting(observer) != number:
        assert time.monotonic() < began + WAIT
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_query_ends_with_its_client(served: Served) -> None:
    observer, locker = await asyncpg.connect(served.dsn), await asyncpg.connect(served.dsn)
    try:
        async with locker.transaction():
            await locker.execute("lock table skill_frameworks in access exclusive mode")
            with Wire(served.port) as wire:
                wire.send(post(served.port, LOCKED))
                await until(observer, 1)
            assert await until(observer, 0) <= within(1), "long before the lock's own time-out of two seconds"
    finally:
        await observer.close()
        await locker.close()


async def test_an_operation_ends_at_its_deadline_down_to_the_database(strict: Served) -> None:
    observer, locker = await asyncpg.connect(strict.dsn), await asyncpg.connect(strict.dsn)
    try:
        async with locker.transaction():
            await locker.execute("lock table skill_frameworks in access exclusive mode")
            answer = await asyncio.to_thread(ask, strict.port, post(strict.port, LOCKED))
            assert (answer.status, answer.error["extensions"]["code"]) == (504, "TIMEOUT")
            assert answer.seconds > 0.4
            assert answer.seconds <= within(1.0)
            assert await until(observer, 0) <= within(0.5)
    finally:
        await observer.close()
        await locker.close()


@pytest.mark.parametrize("path", ["/nothing", "/graphql/", "/v/"])
def test_what_is_not_there_is_told_in_json(served: Served, path: str) -> None:
    answer = ask(served.port, head(served.port, "GET", path))
    assert answer.status in {307, 404}
    if answer.status == 404:
        assert "message" in json.loads(answer.body)["errors"][0]
