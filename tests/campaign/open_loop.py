"""An open-loop load generator, a process of its own: requests leave when they are due, whatever has come back.

    python -m tests.campaign.open_loop PORT RATE SECONDS < request

RATE 0 asks with 16 callers, each as soon as it is answered, and so finds the capacity. Prints one line of JSON. Times
are counted from when a request was due. `stall` is how late the generator itself was: above half a second the run is
void.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

CALLERS = 16
TICK = 0.01
LAST_ANSWERS = 10.0
FRESH = 3.0  # seconds after which a kept connection may be ended just as it is used again


@dataclass
class Seen:
    """What came back."""

    good: list[tuple[float, float]] = field(default_factory=list)
    """When each was due (from the start) and how long it took."""
    refused: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    bare_refusals: int = 0
    """Refusals that do not say when to come again."""


class Client(asyncio.Protocol):
    """One kept connection, one request at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[tuple[int, bool]] | None = None
        self.transport: asyncio.Transport | None = None
        self.used_at = 0.0
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._data += data
        head, blank, body = self._data.partition(b"\r\n\r\n")
        if not blank:
            return
        lowered = head.lower()
        length = int(lowered.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
        if len(body) >= length and self.answered is not None and not self.answered.done():
            self._data = b""
            if b"connection: close" in lowered:
                self.transport = None
            self.answered.set_result((int(head[9:12]), b"retry-after: " in lowered))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has ended the connection."""
        self.transport = None
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionResetError(str(exc)))


class Load:
    """Asks one request again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self.seen = Seen()
        self._port = port
        self._request = request
        self._idle: list[Client] = []
        self._start = time.monotonic()

    async def one(self, due: float) -> None:
        """Ask once."""
        try:
            status, says_when = await self._ask()
        except OSError as error:
            self.seen.statuses[type(error).__name__] += 1
            return
        took = time.monotonic() - due
        self.seen.statuses[str(status)] += 1
        if status == 200:
            self.seen.good.append((due - self._start, took))
        else:
            self.seen.refused.append(took)
            self.seen.bare_refusals += not says_when

    async def _ask(self) -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        client = None
        while client is None and self._idle:
            kept = self._idle.pop()
            if kept.transport is not None and kept.used_at < time.monotonic() - FRESH:
                kept.transport.close()
            elif kept.transport is not None and not kept.transport.is_closing():
                client = kept
        if client is None:
            _, client = await loop.create_connection(Client, "127.0.0.1", self._port)
        client.answered = loop.create_future()
        assert client.transport is not None
        client.transport.write(self._request)
        answer = await client.answered
        if client.transport is not None:
            client.used_at = time.monotonic()
            self._idle.append(client)
        return answer

    async def closed(self, seconds: float) -> None:
        """Some callers, each asking as soon as it was answered."""

        async def caller() -> None:
            while time.monotonic() < self._start + seconds:
                await self.one(time.monotonic())

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    async def open(self, rate: float, seconds: float) -> float:
        """So many a second, whatever becomes of them; by how much the generator itself was late."""
        asking: set[asyncio.Task[None]] = set()
        sent, latest = 0, 0.0
        while (now := time.monotonic()) < self._start + seconds:
            while (due := self._start + sent / rate) <= now:
                latest = max(latest, now - due)
                task = asyncio.create_task(self.one(due))
                asking.add(task)
                task.add_done_callback(asking.discard)
                sent += 1
            await asyncio.sleep(TICK)
        if asking:
            _, hanging = await asyncio.wait(asking, timeout=LAST_ANSWERS)
            self.seen.statuses["hangs"] += len(hanging)
        return latest


def at(values: list[float], part: float) -> float:
    """A percentile, in milliseconds."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 1) if ordered else 0.0


async def main(port: int, rate: float, seconds: float) -> None:
    """Run, and print what was seen."""
    load = Load(port, sys.stdin.buffer.read())
    stall = 0.0
    if rate:
        stall = await load.open(rate, seconds)
    else:
        await load.closed(seconds)
    seen, took = load.seen, [took for _, took in load.seen.good]
    late = [due for due, seconds_taken in seen.good if seconds_taken > 0.3]
    report = {
        "goodput": round(len(took) / seconds, 1),
        "p50": at(took, 0.5),
        "p99": at(took, 0.99),
        "refused_p99": at(seen.refused, 0.99),
        "bare_refusals": seen.bare_refusals,
        "statuses": dict(seen.statuses),
        "last_late": round(max(late, default=0.0), 2),
        "stall": round(stall, 3),
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
