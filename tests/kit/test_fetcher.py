"""Nothing a stranger names is fetched from anywhere but the public internet (threat 15)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncresolver
import pytest
import pytest_asyncio

import countersign
from countersign.kit.fetcher import MOST_BYTES, Fetcher, Resolver, Unfetchable, is_public
from tests.kit.outside_world import World, world

HOST = "acme.example"
URL = f"https://{HOST}/.well-known/countersign.txt"

INNER = {
    "loopback": "127.0.0.1",
    "loopback, another": "127.9.9.9",
    "private 10": "10.1.2.3",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "link-local, where clouds keep secrets": "169.254.169.254",
    "shared (CGNAT)": "100.64.0.1",
    "this network": "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "protocol assignments": "192.0.0.170",
    "6to4 relay": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.5",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback v6": "::1",
    "unspecified v6": "::",
    "unique local": "fd00::1",
    "link-local v6": "fe80::1",
    "link-local v6 with a zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast v6": "ff02::1",
    "mapped": "::ffff:169.254.169.254",
    "mapped public": "::ffff:8.8.8.8",
    "compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::a00:1",
    "NAT64, local": "64:ff9b:1::a00:1",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:7f00:1::1",
    "ISATAP": "2606:4700::5efe:7f00:1",
    "documentation v6": "2001:db8::1",
    "documentation v6, new": "3fff::1",
    "discard": "100::1",
}
PUBLIC = ("8.8.8.8", "93.184.216.34", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001:80b::200e")


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, HOST) as made:
        yield made


@pytest.mark.parametrize("address", INNER.values(), ids=INNER)
def test_an_address_that_is_no_host_of_the_internet_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


async def test_an_address_that_is_not_public_is_never_connected_to(outside: World) -> None:
    for address in INNER.values():
        outside.names.hosts[HOST] = [[address]]
        with pytest.raises(Unfetchable, match="does not lead to the public internet"):
            await outside.fetcher(open_loopback=False).get(URL)
    assert outside.requests == []


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_admitted(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_one_inner_address_among_public_ones_is_enough_to_refuse(outside: World) -> None:
    outside.names.hosts[HOST] = [["8.8.8.8", "127.0.0.1"]]
    with pytest.raises(Unfetchable, match="public internet"):
        await outside.fetcher(open_loopback=False).get(URL)


async def test_a_name_is_resolved_once_so_that_a_second_answer_changes_nothing(outside: World) -> None:
    outside.names.hosts[HOST] = [["127.0.0.1"], ["169.254.169.254"]]
    assert await outside.fetcher().get(URL) == b"hi"
    assert outside.names.asked == [HOST]


NO_PLAIN_HTTPS = (
    "http://acme.example/",
    "https://acme.example:8443/",
    "https://user@acme.example/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://localhost/",
    "https://acme.example./",
    "https://acme.example:x/",
    "https://acme.example/a\r\nHost: b",
    "https:///etc/passwd",
    "file:///etc/passwd",
    "ftp://acme.example/",
    "//acme.example/",
    "https://ácme.example/",
    "",
)


async def test_only_plain_https_addresses_of_named_hosts_are_fetched(outside: World) -> None:
    for url in NO_PLAIN_HTTPS:
        with pytest.raises(Unfetchable):
            await outside.fetcher().get(url)
    assert outside.requests == []


async def test_a_redirect_is_not_followed(outside: World) -> None:
    for number, status in enumerate((b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"), 1):
        outside.answer = b"HTTP/1.1 %s\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n" % status
        with pytest.raises(Unfetchable, match="redirects are not followed"):
            await outside.fetcher().get(URL)
        assert len(outside.requests) == number


async def test_more_than_a_megabyte_is_refused_whatever_is_announced(outside: World) -> None:
    outside.serves(b"x" * MOST_BYTES)
    assert len(await outside.fetcher().get(URL)) == MOST_BYTES
    for head in (b"Content-Length: %d" % (MOST_BYTES + 1), b"Connection: close"):
        outside.answer = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % head + b"x" * (MOST_BYTES + 1)
        with pytest.raises(Unfetchable, match="more than 1,000,000 bytes"):
            await outside.fetcher().get(URL)


async def test_a_host_that_says_nothing_is_left_in_time(outside: World) -> None:
    outside.answer = b""
    with pytest.raises(Unfetchable, match=r"no answer in 0\.2 seconds"):
        await outside.fetcher(seconds=0.2).get(URL)


async def test_a_certificate_of_another_name_is_refused(outside: World) -> None:
    outside.names.hosts["other.example"] = [["127.0.0.1"]]
    with pytest.raises(Unfetchable, match="no valid certificate"):
        await outside.fetcher().get("https://other.example/")
    untrusting = Fetcher(outside.names, port=outside.port, also=(ipaddress.ip_network("127.0.0.0/8"),))
    with pytest.raises(Unfetchable, match="no valid certificate"):
        await untrusting.get(URL)
    assert outside.requests == []


async def test_what_is_no_http_is_told_in_words(outside: World) -> None:
    for answer in (b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"):
        outside.answer = answer
        with pytest.raises(Unfetchable, match="cannot be reached over https"):
            await outside.fetcher().get(URL)
    outside.names.hosts.clear()
    with pytest.raises(Unfetchable, match="has no address"):
        await outside.fetcher().get(URL)


async def test_a_request_carries_nothing_of_ours(outside: World) -> None:
    await outside.fetcher().get(URL)
    lines = outside.requests[0].decode().splitlines()
    assert lines[0] == "GET /.well-known/countersign.txt HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines[1:] if line} == {
        *("host", "user-agent", "accept", "accept-encoding", "connection")
    }


class Lame(Resolver):
    """Name servers that are not there."""

    def resolver(self) -> dns.asyncresolver.Resolver:
        """A port where nobody listens."""
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers = ["127.0.0.1"]
        made.port = 9
        return made


async def test_name_servers_that_do_not_answer_are_not_taken_for_an_answer() -> None:
    with pytest.raises(Unfetchable, match="gave no answer"):
        await Fetcher(Lame(), seconds=1.0).texts("_countersign.acme.example")
    with pytest.raises(Unfetchable, match="hosts with a name"):
        await Fetcher(Lame()).texts("_countersign.127.0.0.1")


OUTBOUND = re.compile(
    r"^\s*(?:import|from) (?:httpx|httpcore|aiohttp|requests|urllib\.request|urllib3|http\.client|dns)\b", re.MULTILINE
)
ALLOWED = {"kit/fetcher.py", "cli/doctor.py", "accounts/", "edge/signin", "bench/"}
"""The fetcher; our own server asked by its doctor and its bench; the operator's own sign-in providers."""


def test_only_the_fetcher_opens_connections_to_the_outside() -> None:
    package = Path(countersign.__file__).parent
    found = {
        str(file.relative_to(package)) for file in package.rglob("*.py") if OUTBOUND.search(file.read_text("utf-8"))
    }
    assert "kit/fetcher.py" in found
    assert [name for name in found if not name.startswith(tuple(ALLOWED))] == []
