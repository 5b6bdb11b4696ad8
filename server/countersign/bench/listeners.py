"""The process that listens: many subscriptions over a few sockets (graphql-transport-ws), counted as they are told.

It reads orders and writes results as lines of JSON. `python -m countersign.bench.listeners` runs it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
NEWS: Final = '"type":"next"'
ABOUT: Final = re.compile(r'"slug": ?"([^"]+)"')


class Crowd:
    """All subscriptions to one place, and how many of them were told of which specification, by its slug."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.sample: str | None = None
        self._more = asyncio.Event()
        self._sockets: list[ClientConnection] = []
        self._readers: list[asyncio.Task[None]] = []

    async def follow(self, order: dict[str, Any]) -> None:
        """Open the sockets, and on each of them all its subscriptions."""
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {order['token']}"}}
        begin = {"type": "subscribe", "payload": {"query": order["query"]}}
        for _ in range(order["sockets"]):
            address = f"ws://localhost:{order['port']}{order['path']}"
            socket = await connect(address, subprotocols=[PROTOCOL], compression=None, ping_interval=None)
            self._sockets.append(socket)
            await socket.send(json.dumps(init))
            await socket.recv()
            for number in range(order["each"]):
                await socket.send(json.dumps(begin | {"id": str(number)}))
            self._readers.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            text = str(message)
            if NEWS in text[:80].replace(" ", ""):
                self.told.update(ABOUT.findall(text))
                self.sample = text
                self._more.set()
            elif '"ping"' in text:
                await socket.send('{"type":"pong"}')

    async def until(self, slug: str, told: int, seconds: float) -> bool:
        """Wait until so many were told of a specification; whether they were in time."""
        ends = time.monotonic() + seconds
        while self.told[slug] < told:
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), max(0.001, ends - time.monotonic()))
            except TimeoutError:
                return False
        return True

    async def close(self) -> None:
        """Hang up."""
        for socket in self._sockets:
            await socket.close()
        for reader in self._readers:
            reader.cancel()


async def main() -> None:
    """Obey until the orders end."""
    crowds: dict[str, Crowd] = {}
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order = json.loads(line)
        crowd = crowds.setdefault(order["crowd"], Crowd())
        in_time = True
        if order["do"] == "follow":
            await crowd.follow(order)
        else:
            in_time = await crowd.until(order["slug"], order["told"], order["seconds"])
        answer = {"told": crowd.told[order.get("slug", "")], "in_time": in_time, "sample": crowd.sample}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for crowd in crowds.values():
        await crowd.close()


if __name__ == "__main__":
    asyncio.run(main())
