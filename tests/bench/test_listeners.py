"""The bench's crowd counts who was told of what: what was missed before a subscription began is not waited for."""

from __future__ import annotations

import json
from collections import Counter

from websockets.asyncio.server import ServerConnection, serve

from countersign.bench.listeners import PROTOCOL, Crowd
from tests.patience import WAIT


async def late_for_the_first(socket: ServerConnection) -> None:
    """A server that tells one subscriber of two of the first event, and both of the second."""
    await socket.recv()
    await socket.send('{"type":"connection_ack"}')
    for told in ([await socket.recv()], ["first", "second"]), ([await socket.recv()], ["second"]):
        number = json.loads(told[0][0])["id"]
        for slug in told[1]:
            news = {"id": number, "type": "next", "payload": {"data": {"specChanged": {"spec": {"slug": slug}}}}}
            await socket.send(json.dumps(news, separators=(",", ":")))
    await socket.wait_closed()


async def test_who_was_not_subscribed_yet_is_waited_for_with_the_next_event() -> None:
    async with serve(late_for_the_first, "127.0.0.1", 0, subprotocols=[PROTOCOL]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        crowd = Crowd()
        await crowd.follow({"token": "t", "query": "", "sockets": 1, "each": 2, "port": port, "path": "/"})
        assert await crowd.until("second", 2, WAIT)
        assert not await crowd.until("first", 2, 0)
        assert crowd.told == Counter(second=2, first=1)
        await crowd.close()
