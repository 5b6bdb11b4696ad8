"""One request and its answer on a connection: what the application receives and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Message, Scope

from countersign.kit.logs import logger

STATUS_LINES: Final = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
NO_BODY: Final = frozenset({204, 304})
FULL: Final = 64 * 1024
EXCHANGE: Final = "countersign.exchange"
"""Where a scope keeps its exchange: whoever needs to know at once that the client has gone."""

log = logger("edge")


class Wire(Protocol):
    """The connection as an exchange needs it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def common_headers(self) -> bytes:
        """Header lines of every answer."""

    def leaving(self) -> bool:
        """Whether this process is on its way out."""

    async def writable(self) -> None:
        """Wait until there is room for more."""

    def read_more(self) -> None:
        """Take more of the body from the socket."""

    def answered(self, exchange: Exchange) -> None:
        """The answer is complete."""

    def broken(self, exchange: Exchange) -> None:
        """The answer cannot be completed: nothing but closing tells the client."""


class Exchange:
    """One request and its answer (ASGI HTTP 2.3: what is sent after the client has gone is dropped)."""

    __slots__ = (
        "_chunked",
        "_head",
        "_left",
        "_told",
        "_wire",
        "body",
        "expects_continue",
        "finished",
        "gone",
        "keep_alive",
        "news",
        "on_gone",
        "refusal",
        "scope",
        "started",
        "whole",
    )

    def __init__(self, wire: Wire, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        self._wire = wire
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.body = bytearray()
        self.whole = False
        """The request has arrived to its end."""
        self.started = False
        self.finished = False
        self.gone = False
        """The client has gone, or was told by the connection that its request is refused."""
        self.on_gone: Callable[[], object] | None = None
        """Called when the client goes before the answer is complete."""
        self.refusal: bytes | None = None
        """What is answered instead of asking the application."""
        self.news: asyncio.Event | None = None
        self._head = b""
        self._chunked = False
        self._left = 0
        self._told = False

    def lose(self) -> None:
        """The client has gone."""
        self.gone = True
        if self.news is not None:
            self.news.set()
        if self.on_gone is not None and not self.finished:
            self.on_gone()

    def wake(self) -> None:
        """More of the body is there."""
        if self.news is not None:
            self.news.set()

    async def run(self, application: ASGIApp) -> None:
        """Have the application answer; whatever it does, the client gets an answer or a closed connection."""
        try:
            await application(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            log.warning("request cancelled", path=self.scope["path"])
        except Exception:
            log.exception("the application failed")
        if not self.finished and not self.gone:
            self._wire.broken(self)

    async def receive(self) -> Message:
        """The next part of the body; `http.disconnect` after the answer or when the client has gone."""
        if self.expects_continue and not self.gone and not self.started:
            self.expects_continue = False
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.gone or self.finished):
            if self.body or (self.whole and not self._told):
                self._told = self.whole
                part = bytes(self.body)
                self.body.clear()
                return {"type": "http.request", "body": part, "more_body": not self.whole}
            await self._wait()
        return {"type": "http.disconnect"}

    async def _wait(self) -> None:
        if self.news is None:
            self.news = asyncio.Event()
        self._wire.read_more()
        await self.news.wait()
        self.news.clear()

    async def send(self, message: Message) -> None:
        """Send a part of the answer; head and first part leave together."""
        await self._wire.writable()
        if self.gone:
            return
        if message["type"] == "http.response.start" and not self.started:
            self.started = True
            self._start(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body" and self.started and not self.finished:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{message['type']} is out of place")

    def _start(self, status: int, headers: Any) -> None:
        lines = [STATUS_LINES[status], self._wire.common_headers()]
        sized = False
        for name, value in headers:
            if b"\n" in value or b"\r" in value or b"\x00" in value or b"\n" in name or b"\r" in name:
                raise ValueError("a header of several lines")
            lowered = name.lower()
            if lowered == b"content-length":
                sized, self._left = True, int(value)
            elif lowered == b"connection":
                self.keep_alive = self.keep_alive and value.lower() != b"close"
                continue
            elif lowered == b"transfer-encoding":
                continue
            lines += (name, b": ", value, b"\r\n")
        if status in NO_BODY or self.scope["method"] == "HEAD":
            self._left = 0
        elif not sized:
            # Who speaks HTTP/1.0 knows the end of an answer by the end of the connection.
            self._chunked = self.scope["http_version"] == "1.1"
            self.keep_alive = self.keep_alive and self._chunked
            self._left = -1
            if self._chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
        # Nobody will read the rest of a request that is not whole.
        self.keep_alive = self.keep_alive and self.whole and not self._wire.leaving()
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)

    def _continue(self, part: bytes, *, more: bool) -> None:
        if self._left == 0:
            out = self._head
            if part and self.scope["method"] != "HEAD":
                raise RuntimeError("the answer is longer than it said")
        elif self._left > 0:
            self._left -= len(part)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the answer is not as long as it said")
            out = self._head + part
        elif self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
            out = self._head + chunk + (b"" if more else b"0\r\n\r\n")
        else:
            out = self._head + part
        self._head = b""
        if out:
            self._wire.write(out)
        if not more:
            self.finished = True
            self.wake()
            self._wire.answered(self)


def by_hand(status: int, media_type: str, body: bytes, name: str, more: bytes) -> bytes:
    """A whole answer for what never reaches the application."""
    return (
        b"%b%bcontent-type: %b; charset=utf-8\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
        b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n\r\n%b"
    ) % (STATUS_LINES[status], more, media_type.encode(), len(body), name.encode(), body)
