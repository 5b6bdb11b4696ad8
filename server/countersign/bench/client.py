"""The process that asks: loads of requests over kept connections, timed one by one. Standard library only.

It reads orders and writes results as lines of JSON. `python -m countersign.bench.client` runs it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

END: Final = b"\r\n\r\n"
PATIENCE: Final = 60.0
"""Seconds within which an answer must come."""


@dataclass(slots=True)
class Load:
    """Requests to one place, as bytes, taken in turn; where the next one stands."""

    port: int
    requests: list[bytes]
    next: int = 0

    def take(self) -> bytes:
        """The next request."""
        found = self.requests[self.next % len(self.requests)]
        self.next += 1
        return found


class Line:
    """One kept connection; opened again when the server has closed it while nothing was asked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ready(self) -> None:
        """Connect over loopback unless the connection stands."""
        if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and read the whole answer: status and body."""
        await self.ready()
        if self._streams is None:
            raise ConnectionError("not connected")
        reader, writer = self._streams
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(END), PATIENCE)
        lower = head.lower()
        place = lower.find(b"content-length:")
        length = int(lower[place + 15 : lower.index(b"\r\n", place)])
        return int(head[9:12]), await reader.readexactly(length)


class Client:
    """Loads by name, and the lines that are open to each place."""

    def __init__(self) -> None:
        self.loads: dict[str, Load] = {}
        self._lines: dict[int, list[Line]] = {}

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one order."""
        name = order["load"]
        if order["do"] == "load":
            requests = [_request(order, token, body) for token, body in order["requests"]]
            self.loads[name] = Load(order["port"], requests)
            return {}
        load = self.loads[name]
        lines = await self._ready(load.port, order.get("callers", 1))
        if order["do"] == "once":
            status, body = await lines[0].ask(load.take())
            return {"status": status, "body": body.decode()}
        return await _run(load, lines, order["seconds"])

    async def _ready(self, port: int, callers: int) -> list[Line]:
        await asyncio.sleep(0)  # what was closed meanwhile is noticed
        lines = self._lines.setdefault(port, [])
        lines += [Line(port) for _ in range(callers - len(lines))]
        for line in lines[:callers]:
            await line.ready()
        return lines[:callers]


async def _run(load: Load, lines: list[Line], seconds: float) -> dict[str, Any]:
    """Ask for a while, each line as soon as it was answered; at least one request a line."""
    spent: list[int] = []
    bad: list[str] = []
    size = 0
    begun = time.perf_counter()
    ends = begun + seconds

    async def call(line: Line) -> None:
        nonlocal size
        while True:
            started = time.perf_counter_ns()
            status, body = await line.ask(load.take())
            spent.append((time.perf_counter_ns() - started) // 1000)
            size += len(body)
            if status != 200 or b'"errors":[{' in body:  # noqa: PLR2004 - OK
                bad.append(f"{status} {body[:300].decode(errors='replace')}")
            if time.perf_counter() >= ends:
                return

    await asyncio.gather(*(call(line) for line in lines))
    return {
        "microseconds": spent,
        "bytes": size,
        "bad": len(bad),
        "fault": bad[0] if bad else None,
        "seconds": time.perf_counter() - begun,
    }


def _request(order: dict[str, Any], token: str, body: str) -> bytes:
    data = body.encode()
    head = (
        f"POST {order['path']} HTTP/1.1\r\nHost: localhost:{order['port']}\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def main() -> None:
    """Obey until the orders end."""
    client = Client()
    orders = asyncio.StreamReader(limit=1 << 30)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        sys.stdout.write(json.dumps(await client.obey(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
