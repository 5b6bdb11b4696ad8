"""Whose names and pages are ours, how many connections an address may hold, and which statuses answers have."""

from __future__ import annotations

import asyncio

import pytest

from countersign.edge.connections import PER_ADDRESS, Connections, Limits
from countersign.edge.gates import Gates
from countersign.edge.negotiation import JSON, RESPONSE
from countersign.edge.responses import status_of
from countersign.kit.waiting import to_the_end

PRODUCTION = Gates.of("https://portal.example", "internal:8080, probe", "https://school.example", loopback=False)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("portal.example", True),
        ("PORTAL.example", True),
        ("portal.example:443", True),
        ("internal:8080", True),
        ("probe", True),
        ("portal.example:8443", False),
        ("internal", False),
        ("localhost", False),
        ("127.0.0.1:4600", False),
        ("portal.example.evil.example", False),
        ("", False),
    ],
)
def test_in_production_only_named_hosts_are_ours(host: str, ours: bool) -> None:
    for _ in range(2):  # the second time from memory
        assert PRODUCTION.host_is_ours(host.encode()) is ours


@pytest.mark.parametrize("host", ["localhost:4600", "127.0.0.1", "[::1]:9", "portal.example"])
def test_elsewhere_this_machine_is_ours_by_every_name(host: str) -> None:
    gates = Gates.of("https://portal.example", "", "", loopback=True)
    assert gates.host_is_ours(host.encode())
    assert not gates.host_is_ours(b"localhost.evil.example")
    assert not gates.host_is_ours(b"127.0.0.1.nip.io:4600")


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, True),
        ({b"origin": b"https://portal.example"}, True),
        ({b"origin": b"https://school.example"}, True),
        ({b"origin": b"http://portal.example"}, False),
        ({b"origin": b"http://localhost:4600", b"host": b"localhost:4600"}, False),
        ({b"origin": b"null"}, False),
        ({b"origin": b""}, False),
        ({b"sec-fetch-site": b"same-site"}, False),
        ({b"sec-fetch-site": b"none"}, True),
    ],
)
def test_pages_that_may_call_are_named_by_their_origin(headers: dict[bytes, bytes], ours: bool) -> None:
    assert PRODUCTION.origin_is_ours(headers) is ours


class Nobody:
    """A connection that does nothing."""

    due = float("inf")

    def expire(self, now: float) -> None:
        """Nothing."""

    def look_at_writing(self, now: float) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("address", "proxies", "limited"),
    [
        ("203.0.113.9", "", True),
        ("203.0.113.9", "10.0.0.0/8", True),
        ("10.1.2.3", "192.0.2.1, 10.0.0.0/8", False),
        ("203.0.113.9", "*", False),
        ("127.0.0.1", "", False),
        ("::1", "", False),
    ],
)
async def test_an_address_holds_so_many_connections_unless_it_is_a_proxy(
    address: str, proxies: str, limited: bool
) -> None:
    connections = Connections(Limits(proxies=proxies))
    crowd = [Nobody() for _ in range(PER_ADDRESS)]
    assert all(connections.enter(one, address) for one in crowd)
    assert connections.enter(Nobody(), address) is not limited
    assert connections.enter(Nobody(), "198.51.100.7"), "others are not concerned"
    for one in list(connections.open):
        connections.open.discard(one)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("code", "data", "media_type", "stable", "draft"),
    [
        ("GRAPHQL_PARSE_FAILED", None, RESPONSE, 400, 400),
        ("GRAPHQL_VALIDATION_FAILED", None, RESPONSE, 400, 422),
        ("BAD_USER_INPUT", None, RESPONSE, 400, 422),
        ("OPERATION_RESOLUTION_FAILURE", None, RESPONSE, 400, 422),
        ("GRAPHQL_VALIDATION_FAILED", None, JSON, 200, 200),
        ("FORBIDDEN", b'{"a":null}', RESPONSE, 200, 294),
        ("FORBIDDEN", b'{"a":null}', JSON, 200, 200),
        ("FORBIDDEN", b"null", RESPONSE, 200, 200),
        ("RATE_LIMITED", None, JSON, 429, 429),
        ("TIMEOUT", None, JSON, 504, 504),
    ],
)
def test_the_newest_draft_has_statuses_of_its_own(
    code: str, data: bytes | None, media_type: str, stable: int, draft: int
) -> None:
    errors = [{"message": "", "extensions": {"code": code}}]
    assert status_of(errors, media_type, data) == stable
    assert status_of(errors, media_type, data, draft=True) == draft


async def test_a_commit_that_has_begun_is_not_cut_short() -> None:
    begun, finish, done = asyncio.Event(), asyncio.Event(), list[str]()

    async def commit() -> None:
        begun.set()
        await finish.wait()
        done.append("committed")

    async def mutation() -> str:
        async with asyncio.timeout(0.01):
            await to_the_end(commit())
        return "acknowledged"

    running = asyncio.create_task(mutation())
    await begun.wait()
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    finish.set()
    assert await running == "acknowledged"
    assert done == ["committed"]
