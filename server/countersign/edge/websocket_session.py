"""One socket that speaks graphql-transport-ws, from its first message to its close."""

from __future__ import annotations

import asyncio
import enum
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from graphql import OperationType
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from countersign.edge import body
from countersign.edge import websocket_messages as messages
from countersign.edge.guests import Guests, user_of
from countersign.edge.identity import Credentials
from countersign.edge.pipeline import Late, Pipeline
from countersign.edge.responses import BAD, Refused
from countersign.edge.websocket_messages import Malformed, Said
from countersign.kit import audit
from countersign.kit.ids import new_id
from countersign.kit.logs import logger
from countersign.reads.errors import Unreadable

OPERATIONS: Final = 100
"""At once on one socket."""
WAITING: Final = 500
"""Messages that a client may be behind."""
LONGEST_REASON: Final = 123
NOT_GOOD: Final = frozenset({401, 403})
"""Statuses of credentials with which nobody stays."""

log = logger("socket")


class Closed(enum.IntEnum):
    """Why a socket is closed: RFC 6455, section 7.4.1, and graphql-transport-ws."""

    GOING_AWAY = 1001
    TRY_AGAIN = 1013
    MALFORMED = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    PROTOCOL = 4406
    INIT_TIMEOUT = 4408
    TAKEN = 4409
    TOO_MANY = 4429


class Running:
    """One operation of a socket; listens to its subscription."""

    __slots__ = ("id", "kind", "member", "prefix", "session", "task")

    def __init__(self, session: Session, identifier: str) -> None:
        self.session = session
        self.id = identifier
        self.prefix = messages.next_prefix(identifier)
        self.kind: OperationType | None = None
        self.member: Any = None
        self.task: asyncio.Task[None] | None = None

    def news(self, text: str, _event_id: str) -> None:
        """Send an event."""
        self.session.push(self.prefix, text)

    def ended(self, errors: list[dict[str, Any]]) -> None:
        """Send why nothing more comes."""
        self.session.finish(self, messages.error(self.id, errors))

    async def room(self) -> None:
        """Wait until the client has taken most of what it was sent."""
        await self.session.room()


class Session:
    """One socket. Messages leave in order through one writer, so that a slow client holds up nobody else."""

    def __init__(
        self, state: State, scope: Scope, send: Send, guests: Guests, beat_seconds: float, init_seconds: float
    ) -> None:
        self._state = state
        self._pipeline: Pipeline = state.pipeline
        self._live: Any = state.engine.live
        self._send = send
        self._guests = guests
        self._beat_seconds = beat_seconds
        self._init_seconds = init_seconds
        self._address: str = scope["client"][0] if scope.get("client") else ""
        self._credentials = Credentials.of(dict(scope["headers"]), state.gates, address=self._address, socket=True)
        self._queue: deque[tuple[str, str]] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._greeted = False
        self._beginning: asyncio.Task[None] | None = None
        self._visit: Any = None
        self._user: str | None = None
        self._running: dict[str, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken = 0

    async def run(self, receive: Receive) -> None:
        """Serve the socket until it is closed by either side."""
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        late = loop.call_later(self._init_seconds, self._late)
        beat = asyncio.create_task(self._beat())
        writer = asyncio.create_task(self._write())
        self._guests.come(self._goodbye, self._state.stopping)
        code = 1006
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if self._closing is None:
                    self._take(message)
            code = message.get("code") or code
        finally:
            late.cancel()
            beat.cancel()
            writer.cancel()
            self._end()
            seconds = round(time.perf_counter() - started, 1)
            log.info(
                "socket", code=self._closing[0] if self._closing else code, operations=self._taken, seconds=seconds
            )

    def close(self, code: Closed, reason: str) -> None:
        """Close the socket after what is waiting was sent; what was said first counts."""
        if self._closing is None:
            self._closing = (int(code), _short(reason))
            self._leave()
            self._wake.set()

    def push(self, head: str, payload: str = "") -> None:
        """Have a message sent: `head` alone, or a `next` around its payload."""
        if self._closing is not None:
            return
        if len(self._queue) >= WAITING:
            self._queue.clear()
            self.close(Closed.TRY_AGAIN, "Too slow: come back, and go on with sinceEventId")
            return
        self._queue.append((head, payload))
        self._wake.set()

    def finish(self, running: Running, last: str) -> None:
        """Send an operation's last message, and have its id free again."""
        if self._running.get(running.id) is running:
            del self._running[running.id]
            self.push(last)

    async def room(self) -> None:
        """Wait until at most half of what may wait is waiting."""
        while len(self._queue) > WAITING // 2 and self._closing is None:
            self._room.clear()
            await self._room.wait()

    def _take(self, message: Mapping[str, Any]) -> None:
        try:
            said = messages.read(message)
            match said.type:
                case "connection_init":
                    self._init(said)
                case "ping":
                    self.push(messages.pong(said.payload))
                case "subscribe":
                    self._subscribe(said)
                case "complete":
                    self._complete(said.id)
        except Malformed as malformed:
            self.close(Closed.MALFORMED, str(malformed))

    def _init(self, said: Said) -> None:
        if self._greeted:
            self.close(Closed.TOO_MANY, "Too many initialisation requests")
            return
        self._greeted = True
        self._credentials = replace(
            self._credentials,
            authorization=messages.credentials(said.payload) or self._credentials.authorization,
            organization=messages.organization(said.payload) or self._credentials.organization,
        )
        self._beginning = self._spawn(self._begin(messages.ticket(said.payload)))

    async def _begin(self, ticket: str | None) -> None:
        try:
            if ticket is not None:
                self._credentials = await self._pipeline.redeem(ticket, self._credentials)
            actor = await self._pipeline.actor(self._credentials)
        except Refused as refused:
            self._refuse(refused)
            return
        user = user_of(actor, self._address)
        if not self._guests.sit(user):
            self.close(Closed.TOO_MANY, f"At most {self._guests.most} sockets at once")
            return
        self._user = user
        if self._closing is None:
            self._visit = self._live.enter(actor, self._forbidden)
            self.push(messages.ACK)

    def _subscribe(self, said: Said) -> None:
        if self._visit is None:
            self.close(Closed.UNAUTHORIZED, "Unauthorized")
        elif said.id in self._running:
            self.close(Closed.TAKEN, f"Subscriber for {said.id} already exists")
        elif len(self._running) >= OPERATIONS:
            full = Refused(429, "RATE_LIMITED", f"At most {OPERATIONS} operations at once on one socket")
            self.push(messages.error(said.id, [_told(full, new_id().hex)]))
        else:
            self._taken += 1
            running = self._running[said.id] = Running(self, said.id)
            running.task = self._spawn(self._operate(running, said.payload))

    def _complete(self, identifier: str) -> None:
        running = self._running.pop(identifier, None)
        if running is None:
            return
        if running.member is not None:
            self._live.cancel(running.member)
        if running.task is not None and running.kind is not OperationType.MUTATION:
            running.task.cancel()

    async def _operate(self, running: Running, payload: Mapping[str, Any]) -> None:
        request_id = new_id().hex
        audit.REQUEST.set(audit.Request(request_id, self._address))
        try:
            async with self._pipeline.deadline() as deadline:
                await self._answer(running, payload, request_id)
        except Unreadable as unreadable:
            refused = self._pipeline.engine.refused(unreadable, request_id)
            self.finish(running, messages.error(running.id, refused.errors))
        except Refused as refused:
            if refused.status in NOT_GOOD:
                self._refuse(refused)
            self.finish(running, messages.error(running.id, [_told(refused, request_id)]))
        except TimeoutError:
            if not deadline.expired():
                raise
            self.finish(running, messages.error(running.id, [_told(Late(), request_id)]))

    async def _answer(self, running: Running, payload: Mapping[str, Any], request_id: str) -> None:
        operation = body.operation(dict(payload))
        # Who asks is asked again for each operation: a token may have ended since the socket was opened.
        actor = await self._pipeline.actor(self._credentials)
        admitted = await self._pipeline.admit(operation, actor, self._address)
        running.kind = admitted.prepared.kind
        if running.kind is OperationType.SUBSCRIPTION:
            running.member = await self._state.engine.subscribe(admitted.prepared, self._visit, running, request_id)
            return
        answer = await self._pipeline.run(admitted, request_id)
        if answer.data is None:
            self.finish(running, messages.error(running.id, answer.errors))
        elif self._running.get(running.id) is running:
            self.push(running.prefix, answer.render().decode())
            self.finish(running, messages.complete(running.id))

    def _refuse(self, refused: Refused) -> None:
        if refused.status in NOT_GOOD:
            self.close(Closed.FORBIDDEN, "Forbidden")
        elif refused.status == BAD:
            self.close(Closed.MALFORMED, refused.message)
        else:
            self.close(Closed.TRY_AGAIN, refused.message)

    def _forbidden(self) -> None:
        self.close(Closed.FORBIDDEN, "Forbidden: the session, the token or the membership has ended")

    def _goodbye(self) -> None:
        self.close(Closed.GOING_AWAY, "The server is going away")

    def _late(self) -> None:
        if not self._greeted:
            self.close(Closed.INIT_TIMEOUT, "Connection initialisation timeout")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._beat_seconds)
            self.push(messages.PING)

    async def _write(self) -> None:
        try:
            while True:
                while self._queue:
                    head, payload = self._queue.popleft()
                    await self._send({"type": "websocket.send", "text": f"{head}{payload}}}" if payload else head})
                self._room.set()
                if self._closing is not None:
                    code, reason = self._closing
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
                    return
                self._wake.clear()
                await self._wake.wait()
        except OSError:
            return  # the client has gone; the reader is told so

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an operation failed", exc_info=error)
            self.close(Closed.TRY_AGAIN, "Something went wrong on our side")

    def _leave(self) -> None:
        """Let go of everything but what may not be cut short: a mutation that has begun."""
        if self._visit is not None:
            self._live.leave(self._visit)
        for running in tuple(self._running.values()):
            if running.task is not None and running.kind is not OperationType.MUTATION:
                running.task.cancel()
        self._running.clear()
        self._room.set()

    def _end(self) -> None:
        self._leave()
        if self._beginning is not None:
            self._beginning.cancel()
        self._guests.go(self._goodbye, self._user)


def _told(refused: Refused, request_id: str) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": refused.code, "requestId": request_id}
    if refused.retry_after is not None:
        extensions["retryAfter"] = refused.retry_after
    return {"message": refused.message, "extensions": extensions}


def _short(reason: str) -> str:
    """A reason that fits into a close frame."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")
