"""Every open connection of one process: how many each address has, and which are overdue."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from starlette.types import Scope

from countersign.edge.responses import GRAPHQL

SWEEP_SECONDS: Final = 0.25
PER_ADDRESS: Final = 256
RESERVED_FILES: Final = 256  # for PostgreSQL, worker processes, uploads, logs
FEWEST: Final = 64
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take, in seconds and bytes.

    A body that says it is larger than `plain_body` (an upload) must keep up `slowest_rate`; any other is there
    within `body_seconds`. An answer that nobody reads is dropped after `unread_seconds` and its size at `unread_rate`.
    """

    header_seconds: float = 5.0
    body_seconds: float = 5.0
    idle_seconds: float = 5.0
    unread_seconds: float = 5.0
    linger_seconds: float = 2.0
    header_bytes: int = 32 * 1024
    url_bytes: int = 16 * 1024
    headers: int = 100
    plain_body: int = 256 * 1024
    slowest_rate: int = 16 * 1024
    unread_rate: int = 32 * 1024
    pipelined: int = 16
    per_address: int | None = None
    """None: 256, and as many as there may be for this machine and for `proxies`."""
    proxies: str = ""
    """Addresses and networks of proxies, between commas."""


class Unread:
    """For how long an answer has been waiting to be read."""

    __slots__ = ("most", "since")

    def __init__(self) -> None:
        self.since = NEVER
        self.most = 0

    def too_long(self, now: float, size: int, limits: Limits) -> bool:
        """Whether what is unread (bytes) has waited for longer than its largest size allows."""
        if size == 0:
            self.since, self.most = NEVER, 0
            return False
        self.since, self.most = min(self.since, now), max(self.most, size)
        return now - self.since > limits.unread_seconds + self.most / limits.unread_rate


class Overdue(Protocol):
    """A connection as the sweep sees it."""

    due: float
    """When it has taken too long at what it does now."""

    def expire(self, now: float) -> None:
        """End what has taken too long."""

    def look_at_writing(self, now: float) -> None:
        """End an answer that nobody reads."""


class Connections:
    """Admits connections and ends those that are overdue. One for a process; every call is on its event loop."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.open: set[Overdue] = set()
        self.draining = False
        self.shed: Callable[[bytes], bytes | None] | None = None
        """Gives the refusal of a request to `/graphql` while there is no room for one; takes lines for its head."""
        self.stopping: Callable[[], None] | None = None
        """Called when the server stops, before it waits for its connections."""
        self.most = max(FEWEST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED_FILES)
        self._addresses: Counter[str] = Counter()
        self._sweep: asyncio.TimerHandle | None = None

    def enter(self, connection: Overdue, address: str) -> bool:
        """Count a connection; whether it may stay. One that may not is counted too, until it leaves."""
        self.open.add(connection)
        self._addresses[address] += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)
        return len(self.open) <= self.most and self._addresses[address] <= self._most_of(address)

    def leave(self, connection: Overdue, address: str) -> None:
        """Forget a connection."""
        self.open.discard(connection)
        if self._addresses[address] > 1:
            self._addresses[address] -= 1
        else:
            del self._addresses[address]

    def refusal(self, scope: Scope, lines: bytes) -> bytes | None:
        """What to answer without asking the application; `lines` stand in the head of every answer."""
        if self.shed is None or self.draining or scope["path"] != GRAPHQL or scope["method"] != "POST":
            return None
        return self.shed(lines)

    def _most_of(self, address: str) -> int:
        if self.limits.per_address is not None:
            return self.limits.per_address
        return self.most if _is_trusted(address, self.limits.proxies) else PER_ADDRESS

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self.open):
            if connection.due <= now:
                connection.expire(now)
            connection.look_at_writing(now)
        self._sweep = loop.call_later(SWEEP_SECONDS, self._look) if self.open else None


@lru_cache(1024)
def _is_trusted(address: str, proxies: str) -> bool:
    try:
        known = ipaddress.ip_address(address)
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in proxies.split(",") if part.strip()]
    except ValueError:
        return proxies.strip() == "*" or not address  # a Unix socket has no address
    return known.is_loopback or any(known in network for network in networks)
