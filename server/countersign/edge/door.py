"""The door: every request comes in here, gets its name, passes the gates, and leaves one line in the log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from time import perf_counter
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.types import Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from countersign.edge.body import Gone
from countersign.edge.exchange import EXCHANGE
from countersign.edge.gates import Gates, Headers
from countersign.edge.negotiation import JSON
from countersign.edge.responses import GRAPHQL, Header, Refused, Reply, refusal
from countersign.kit import audit
from countersign.kit.ids import new_id
from countersign.kit.logs import HIDDEN, logger, say_request

NAME: Final = b"x-request-id"
_ACCEPTABLE: Final = re.compile(rb"[0-9A-Za-z_-]{8,64}")
_SHARED: Final = re.compile(r"^(/awards/|/v/|/auth/once/|/uploads/|/bulk-files/|/my-data/).+")
# Whoever knows an award's id may see it; a link signs in.
_GONE: Final = 499  # what proxies write when the client did not wait

log = logger("request")


class Endpoint(Protocol):
    """What answers `/graphql`."""

    async def respond(self, scope: Scope, headers: Headers, receive: Receive, request_id: str) -> Reply:
        """Answer one request. Raises Gone."""


class Door:
    """The outermost application: ids, the host gate, the log, `/graphql`; everything else is for the routes inside.

    A request keeps the caller's `x-request-id` when it is plain. The query string is never logged: it may hold a
    token or a search.
    """

    def __init__(self, inside: Starlette, gates: Gates, *, mode: str | None = None) -> None:
        self.inside = inside
        self.gates = gates
        self.endpoint: Endpoint | None = None
        """Set when the application starts."""
        self.mode: tuple[Header, ...] = ((b"countersign-mode", mode.encode()),) if mode else ()

    @property
    def state(self) -> State:
        """What the application keeps for its handlers."""
        return self.inside.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one socket, or the life of the process."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket" and not self.gates.host_is_ours(_headers(scope).get(b"host", b"")):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            audit.REQUEST.set(_request(scope, new_id().hex))
            await self.inside(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The life of the process. Being told to leave while it starts is no failure, and no line in the log."""
        task = asyncio.current_task()

        async def unless_leaving(message: Message) -> None:
            if task is None or not task.cancelling():
                await send(message)

        try:
            await self.inside(scope, receive, unless_leaving)
        except asyncio.CancelledError:
            log.info("left at once")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers = _headers(scope)
        given = headers.get(NAME, b"")
        name = given.decode() if _ACCEPTABLE.fullmatch(given) else new_id().hex
        tokens = bind_contextvars(request_id=name)
        told = audit.REQUEST.set(_request(scope, name))
        status = _GONE
        try:
            if not self.gates.host_is_ours(headers.get(b"host", b"")):
                wrong = Refused(421, "BAD_REQUEST", "There is no such host here")
                status = await self._send(refusal(wrong, JSON, name), name, send)
            elif scope["path"] == GRAPHQL and self.endpoint is not None:
                reply = await self.endpoint.respond(scope, headers, receive, name)
                status = reply.status
                await self._send(reply, name, send)
            else:
                status = await self._inside_serves(scope, receive, send, name)
        except Gone:
            status = _GONE
        except asyncio.CancelledError:
            exchange = scope.get(EXCHANGE)
            if exchange is None or not exchange.gone:
                raise
            status = _GONE
        except Exception:
            log.exception("the application failed", path=_shown(scope["path"]))
            status = 500
            raise
        finally:
            say_request(scope["method"], _shown(scope["path"]), status, (perf_counter() - started) * 1000, name)
            audit.REQUEST.reset(told)
            reset_contextvars(**tokens)

    async def _send(self, reply: Reply, name: str, send: Send) -> int:
        headers = [*reply.headers, (NAME, name.encode()), *self.mode]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if isinstance(reply.body, bytes):
            await send({"type": "http.response.body", "body": reply.body})
        else:
            await _stream(reply.body, send)
        return reply.status

    async def _inside_serves(self, scope: Scope, receive: Receive, send: Send, name: str) -> int:
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (NAME, name.encode()), *self.mode]
            await send(message)

        try:
            await self.inside(scope, receive, named)
        except Exception:
            if not status:
                raise
            log.exception("the application failed", path=_shown(scope["path"]))
        return status


async def _stream(parts: AsyncIterator[bytes], send: Send) -> None:
    async with aclosing(parts) as stream:  # type: ignore[type-var] # every stream of ours is a generator
        async for part in stream:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _request(scope: Scope, name: str) -> audit.Request:
    client = scope.get("client")
    return audit.Request(name, client[0] if client else None)


def _headers(scope: Scope) -> Headers:
    return dict(scope["headers"])


def _shown(path: str) -> str:
    return path if path == GRAPHQL else _SHARED.sub(rf"\1{HIDDEN}", path)
