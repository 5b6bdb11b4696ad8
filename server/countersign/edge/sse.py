"""GraphQL over server-sent events, each operation on a request of its own (graphql-sse's distinct connections)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from countersign.edge.guests import Guests, user_of
from countersign.edge.negotiation import EVENTS
from countersign.edge.pipeline import Admitted, Answered, GraphQL
from countersign.edge.responses import KEPT, Header, Refused, Reply, told
from countersign.reads.errors import Unreadable

BEAT_SECONDS: Final = 15.0
WAITING: Final = 500
STREAMS: Final = 100
"""Of one user, or of one address when nobody signed in: as many as subscriptions on one socket."""
BEAT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata: \n\n"
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    (b"x-accel-buffering", b"no"),
    *KEPT,
)


class Subscribable(GraphQL, Protocol):
    """The engine as a stream needs it."""

    @property
    def live(self) -> Any:
        """The subscriptions of this process."""

    async def subscribe(self, prepared: Any, visit: Any, listener: Any, request_id: str, since: str | None, /) -> Any:
        """Begin a subscription. Raises Unreadable."""


class TooManyStreams(Refused):
    """The user follows too much at once."""

    def __init__(self) -> None:
        super().__init__(429, "RATE_LIMITED", f"At most {STREAMS} event streams at once", retry_after=1)


class Streams:
    """The event streams of one process."""

    def __init__(self, engine: Subscribable, stopping: asyncio.Event) -> None:
        self._engine = engine
        self._stopping = stopping
        self._guests = Guests(STREAMS)

    def follow(self, admitted: Admitted, address: str, request_id: str, since: str | None, *more: Header) -> Reply:
        """The answer to a subscription. Raises Refused: TooManyStreams."""
        user = user_of(admitted.actor, address)
        if not self._guests.has_room(user):
            raise TooManyStreams
        return Reply(200, [*_HEADERS, *more], self._events(admitted, user, request_id, since))

    async def _events(self, admitted: Admitted, user: str, request_id: str, since: str | None) -> AsyncIterator[bytes]:
        stream = Stream(request_id)
        live = self._engine.live
        visit: Any = None
        seated = self._guests.sit(user)
        try:
            yield BEAT
            self._guests.come(stream.finish, self._stopping)
            visit = live.enter(admitted.actor, stream.forbidden)
            try:
                await self._engine.subscribe(admitted.prepared, visit, stream, request_id, since)
            except Unreadable as unreadable:
                stream.fail(self._engine.refused(unreadable, request_id).render())
            async for part in stream.parts():
                yield part
        finally:
            if visit is not None:
                live.leave(visit)
            self._guests.go(stream.finish, user if seated else None)


def once(answer: Answered, *more: Header) -> Reply:
    """A query's or mutation's answer as the only event of a stream."""

    async def events() -> AsyncIterator[bytes]:
        yield event(answer.render())
        yield COMPLETE

    return Reply(200, [*_HEADERS, *more], events())


def event(data: bytes, identifier: str | None = None) -> bytes:
    """A `next`. Lines end with LF alone; with an id, a client that comes back sends it as `Last-Event-ID`."""
    named = f"id: {identifier}\n".encode() if identifier else b""
    lines = data.replace(b"\r", b"").replace(b"\n", b"\ndata: ")
    return b"event: next\n" + named + b"data: " + lines + b"\n\n"


class Stream:
    """One stream; listens to its subscription."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._over = False

    def news(self, text: str, event_id: str) -> None:
        """Send an event."""
        if len(self._queue) >= WAITING and not self._over:
            self._queue.clear()
            self.fail(self._told("Too slow: come back with Last-Event-ID", "UNAVAILABLE"))
        else:
            self._push(event(text.encode(), event_id))

    def ended(self, errors: list[dict[str, Any]]) -> None:
        """Send why nothing more comes."""
        first = errors[0]
        self.fail(self._told(first["message"], first["extensions"]["code"]))

    async def room(self) -> None:
        """Wait until the client has taken most of what it was sent."""
        while len(self._queue) > WAITING // 2 and not self._over:
            self._room.clear()
            await self._room.wait()

    def forbidden(self) -> None:
        """End because the token has ended."""
        self.fail(self._told("The session, the token or the membership has ended", "UNAUTHENTICATED"))

    def fail(self, body: bytes) -> None:
        """Send a last body with errors, and end."""
        self._push(event(body))
        self.finish()

    def finish(self) -> None:
        """End the stream."""
        if not self._over:
            self._push(COMPLETE)
            self._over = True
            self._room.set()

    async def parts(self) -> AsyncIterator[bytes]:
        """What is sent, until the end."""
        while True:
            if self._queue:
                part = b"".join(self._queue)
                self._queue.clear()
                self._room.set()
                yield part
            elif self._over:
                return
            else:
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)
                except TimeoutError:
                    yield BEAT

    def _push(self, part: bytes) -> None:
        if not self._over:
            self._queue.append(part)
            self._wake.set()

    def _told(self, message: str, code: str) -> bytes:
        return told(message, code, self._request_id)
