"""The only code that opens connections to the outside: one https GET or POST, one look-up of TXT records.

What a stranger names is fetched from nowhere but the public internet. The name is resolved once; when any of its
addresses is not public the fetch is refused, and the connection goes to the address that was looked at, so that a
second answer of the name server changes nothing. No redirects, no proxies, no cookies, no compression.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.resolver
import httpcore

HTTPS: Final = 443
SECONDS: Final = 5.0
MOST_BYTES: Final = 1_000_000
MOST_ANSWER: Final = 64_000
"""Of what a POST is answered with; more is left unread."""
MOST_RECORDS: Final = 100
OK: Final = 200
ANYTHING: Final = "text/plain, */*;q=0.1"

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAME: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_UNICAST: Final = ipaddress.ip_network("2000::/3")
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        # IPv4: what `is_global` lets through, or did in some release of Python.
        *("0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        # IPv6 that stands for an IPv4 address, or is no host: Teredo, ORCHID, benchmarks, documentation, 6to4.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


class Unfetchable(Exception):
    """Nothing could be fetched; the text says why, in words for the person who named the address.

    `status` is what the host answered, where it did answer.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


def is_public(address: Address) -> bool:
    """Whether an address is a host of the public internet.

    Not public: loopback, private, link-local, shared (CGNAT, RFC 6598), multicast, reserved, documentation; and every
    IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP), since who routes it decides
    where it leads.
    """
    if any(address.version == network.version and address in network for network in _REFUSED):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        carries = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
        return address in _UNICAST and address.scope_id is None and address.is_global and not carries
    return address.is_global and not address.is_multicast


class Resolver:
    """The names of the internet as this machine resolves them."""

    async def addresses(self, host: str) -> list[Address]:
        """The addresses of a host. Raises OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(host, HTTPS, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(entry[4][0]) for entry in found]

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name; none when it has none. Raises Unfetchable."""
        try:
            answer = await self.resolver().resolve(name, "TXT", search=False, lifetime=SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Unfetchable(f"the name servers of {name} gave no answer") from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in list(answer)[:MOST_RECORDS]]

    def resolver(self) -> dns.asyncresolver.Resolver:
        """What asks the name servers of this machine."""
        return dns.asyncresolver.Resolver()


class Fetcher:
    """Fetches what strangers name. `resolver`, `port` and `trust` differ only where there is no internet: in tests.

    `also` are networks that an installation counts as public although they are not; production has none.
    """

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        port: int = HTTPS,
        trust: ssl.SSLContext | None = None,
        also: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = (),
        seconds: float = SECONDS,
    ) -> None:
        self._resolver = resolver or Resolver()
        self._port = port
        self._trust = trust
        self._also = tuple(also)
        self._seconds = seconds

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a host name; none when it has none. Raises Unfetchable."""
        _check_name(name.removeprefix("_countersign."))
        try:
            async with asyncio.timeout(self._seconds):
                return await self._resolver.texts(name)
        except TimeoutError:
            raise Unfetchable(f"the name servers of {name} gave no answer in {self._seconds:g} seconds") from None

    async def get(self, url: str, accept: str = ANYTHING) -> bytes:
        """What stands at an https address: at most 1 MB, within five seconds in all; `accept` is the form asked for.

        Raises Unfetchable: not https, another port, a host that is no name or is not public, a redirect or any other
        status than 200, a certificate that is not the host's, too much or too late.
        """
        host, target = _parts(url)
        answer = await self._ask(host, _Question("GET", target, {"accept": accept}, MOST_BYTES))
        if answer.status != OK:
            moved = " (redirects are not followed)" if answer.status // 100 == 3 else ""  # noqa: PLR2004 - 3xx
            raise Unfetchable(f"{host} answers with the status {answer.status}{moved}", answer.status)
        if answer.too_much:
            raise Unfetchable(f"{host} sends more than {MOST_BYTES:,} bytes")
        return answer.body

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Send bytes to an https address, within five seconds in all; what was answered, of which no body is kept.

        A redirect is an answer like others: it is not followed. Raises Unfetchable for what `get` refuses before there
        is an answer.
        """
        host, target = _parts(url)
        answer = await self._ask(host, _Question("POST", target, headers, MOST_ANSWER, body))
        return Posted(answer.status, answer.retry_after)

    async def _ask(self, host: str, question: _Question) -> _Answer:
        try:
            async with asyncio.timeout(self._seconds):
                address = await self._address(host)
                return await self._exchange(host, question, address)
        except TimeoutError:
            raise Unfetchable(f"{host} gave no answer in {self._seconds:g} seconds") from None
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            if any(isinstance(cause, ssl.SSLError) for cause in error.args):
                raise Unfetchable(f"{host} shows no valid certificate for its name") from error
            raise Unfetchable(f"{host} cannot be reached over https") from error

    async def _address(self, host: str) -> str:
        try:
            found = await self._resolver.addresses(host)
        except OSError as error:
            raise Unfetchable(f"{host} has no address") from error
        if not found:
            raise Unfetchable(f"{host} has no address")
        if not all(self._admits(address) for address in found):
            raise Unfetchable(f"{host} does not lead to the public internet")
        return str(found[0])

    def _admits(self, address: Address) -> bool:
        return is_public(address) or any(
            address.version == network.version and address in network for network in self._also
        )

    async def _exchange(self, host: str, question: _Question, address: str) -> _Answer:
        context = self._trust or ssl.create_default_context()
        async with httpcore.AsyncConnectionPool(
            ssl_context=context, network_backend=_Pinned(address, self._port), retries=0, http2=False
        ) as pool:
            url = httpcore.URL(scheme=b"https", host=host.encode(), port=HTTPS, target=question.target)
            headers = [
                ("host", host),
                ("user-agent", "countersign"),
                ("accept-encoding", "identity"),
                ("connection", "close"),
                *question.headers.items(),
                *([("content-length", str(len(question.body)))] if question.body is not None else []),
            ]
            async with pool.stream(question.method, url, headers=headers, content=question.body) as response:
                body = bytearray()
                waits = _retry_after(response)
                if response.status == OK:
                    async for part in response.aiter_stream():
                        body += part
                        if len(body) > question.most:
                            return _Answer(response.status, b"", waits, too_much=True)
                return _Answer(response.status, bytes(body), waits)


@dataclass(frozen=True, slots=True)
class Posted:
    """What a host answered to a POST: the status, and how long it asks to be left alone, as it wrote that."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked; of the answer at most `most` bytes are read."""

    method: str
    target: bytes
    headers: Mapping[str, str]
    most: int
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back; the body only with a good status."""

    status: int
    body: bytes
    retry_after: str | None = None
    too_much: bool = False


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever the name says meanwhile."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was resolved before
        port: int,  # noqa: ARG002 - as above
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's protocol
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the address."""
        return await self._backend.connect_tcp(self._address, self._port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait; between attempts, of which there is one."""
        await self._backend.sleep(seconds)


def _retry_after(response: httpcore.Response) -> str | None:
    found = [value for name, value in response.headers if name.lower() == b"retry-after"]
    return found[0].decode("ascii", "replace") if len(found) == 1 else None


def _parts(url: str) -> tuple[str, bytes]:
    """The host and what is asked of it. Raises Unfetchable for anything that is not plain https."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unfetchable("this is not an address") from error
    if parts.scheme != "https" or port not in {None, HTTPS} or parts.username is not None or not url.isascii():
        raise Unfetchable("only https addresses without port and user name are fetched")
    host = (parts.hostname or "").lower()
    _check_name(host)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isprintable() or " " in target:
        raise Unfetchable("this is not an address")
    return host, target.encode()


def _check_name(host: str) -> None:
    if not _NAME.fullmatch(host):
        raise Unfetchable("only hosts with a name in the DNS are fetched")
