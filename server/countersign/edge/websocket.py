"""GraphQL over WebSocket: the handshake, and the protocol graphql-transport-ws and no other."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from countersign.edge.guests import Guests
from countersign.edge.websocket_session import Closed, Session

PROTOCOL: Final = "graphql-transport-ws"
SOCKETS: Final = 5
"""Of one user, or of one address when nobody signed in."""
BEAT_SECONDS: Final = 15.0
"""Between two pings of ours, which also reach a page's own code; the frames below have pings of their own."""
INIT_SECONDS: Final = 3.0
"""Within which a client has to say who it is."""


class Sockets:
    """The ASGI application of WebSockets on `/graphql`."""

    def __init__(self, beat_seconds: float = BEAT_SECONDS, init_seconds: float = INIT_SECONDS) -> None:
        self.beat_seconds = beat_seconds
        self.init_seconds = init_seconds
        self._guests = Guests(SOCKETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket.

        A page of another site is refused with 403 before there is a socket; another protocol ends with 4406.
        """
        await receive()
        state = scope["app"].state
        if not state.gates.origin_is_ours(dict(scope["headers"])):
            await _forbid(scope, send)
        elif PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": Closed.PROTOCOL, "reason": f"Speak {PROTOCOL}"})
            await _until_gone(receive)
        else:
            await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
            await Session(state, scope, send, self._guests, self.beat_seconds, self.init_seconds).run(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _forbid(scope: Scope, send: Send) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    wrong: dict[str, Any] = {"message": "Pages of other sites may not ask here", "extensions": {"code": "FORBIDDEN"}}
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": json.dumps({"errors": [wrong]}).encode()})
