"""HTTP/1.1 on one socket: parsed by llhttp, with a deadline for everything that a client may be slow at."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from countersign.edge.connections import NEVER, Connections, Unread
from countersign.edge.exchange import EXCHANGE, FULL, Exchange, by_hand
from countersign.edge.heads import Head
from countersign.edge.negotiation import JSON
from countersign.edge.responses import told
from countersign.kit.ids import new_id
from countersign.kit.logs import logger

STATE: Final = "connections"
"""Where the application's lifespan keeps the process's Connections."""

log = logger("edge")


class Connection(asyncio.Protocol):
    """The protocol class that uvicorn is given (`http=`); it speaks to uvicorn as uvicorn's own protocols do."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server = server_state
        self._state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._all: Connections = app_state.get(STATE) or Connections()
        self._limits = self._all.limits
        self._parser: Any = httptools.HttpRequestParser(self)
        # What follows a request with `connection: close` is ignored, not answered with an error.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._exchanges: deque[Exchange] = deque()
        self._sockets: Any = None
        self._unparsed = 0
        self._reading = True
        self._deaf = False
        self._room: asyncio.Event | None = None
        self._unread = Unread()
        self._common = b""
        self._dates: object = None
        self._in_head = False
        self._size = 0
        self._head = Head()
        self._length = self._got = 0
        self.due = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        peer = get_remote_addr(self._transport)
        self._address = peer[0] if peer else ""
        scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._ends = {"client": peer, "server": get_local_addr(self._transport), "scheme": scheme}
        self._server.connections.add(self)  # type: ignore[arg-type] # uvicorn lists its own protocols
        self.due = self._loop.time() + self._limits.header_seconds
        if not self._all.enter(self, self._address):
            self._refuse(503, "UNAVAILABLE", "Too many connections from your address", retry=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or we have ended the connection."""
        self.due = NEVER
        self._all.leave(self, self._address)
        self._server.connections.discard(self)
        if self._room is not None:
            self._room.set()
        if self._sockets is not None:
            self._sockets.connection_lost(exc)
        for exchange in list(self._exchanges):
            exchange.lose()
        self._exchanges.clear()
        self._parser = None

    def eof_received(self) -> bool:
        """The client sends no more: it has gone, as far as anybody can tell, and wants no answer."""
        return bool(self._sockets.eof_received()) if self._sockets is not None else False

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._sockets is not None:
            self._sockets.data_received(data)
            return
        if self._deaf or self._unparsed:
            self._take_unparsed(data)
            return
        goes_on = self._in_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(400, "BAD_REQUEST", "This is not HTTP/1.1")
            return
        if self._in_head and not self._deaf:
            self._wait_for_head(len(data) if goes_on else 0)

    def _wait_for_head(self, more: int) -> None:
        """A head that has not ended is held by the parser: its size is not known from the lines seen."""
        self._size += more
        if not more and not self._exchanges:
            self.due = self._loop.time() + self._limits.header_seconds
        elif self._size > self._limits.header_bytes:
            self._refuse(431, "BAD_REQUEST", "The headers are too large")

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        if self._sockets is not None:
            self._sockets.pause_writing()
        elif self._room is None:
            self._room = asyncio.Event()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._sockets is not None:
            self._sockets.resume_writing()
        elif self._room is not None:
            self._room.set()
            self._room = None

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head = Head()
        self._length = self._got = 0
        self._size = 0
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._head.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header line."""
        self._head.take(name.lower(), value)

    def on_headers_complete(self) -> None:
        """The request is known but for its body: have it answered."""
        if self._deaf:
            return
        version = self._parser.get_http_version()
        head, method = self._head, self._parser.get_method()
        if problem := head.problem(version, method, self._limits):
            self._refuse(problem[0], "BAD_REQUEST", problem[1])
            return
        self._length = head.length
        self._in_head = False
        if self._wants_sockets():
            return
        target = httptools.parse_url(head.url)
        raw_path = target.path or b"/"
        path = raw_path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            **self._ends,
            "root_path": "",
            "headers": head.headers,
            "state": self._state.copy(),
            "method": method.decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": target.query or b"",
        }
        lasting = version == "1.1" and self._parser.should_keep_alive() and not self._parser.should_upgrade()
        scope[EXCHANGE] = exchange = Exchange(self, scope, keep_alive=lasting, expects_continue=head.continues)
        if len(self._exchanges) > self._limits.pipelined:
            self._exchanges[-1].keep_alive = False
            self._deaf = True
            return
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._start(exchange)
        else:
            self._pause()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body; nobody wants it after the answer."""
        if self._exchanges and not self._deaf:
            exchange = self._exchanges[-1]
            self._got += len(part)
            exchange.body += part
            if len(exchange.body) > FULL:
                self._pause()
            exchange.wake()

    def on_message_complete(self) -> None:
        """The request has ended."""
        if self._parser.should_upgrade() and self._head.length and self._exchanges:
            return  # to the parser what follows is another protocol
        if self._exchanges and not self._deaf:
            exchange = self._exchanges[-1]
            exchange.whole = True
            exchange.wake()
            if len(self._exchanges) == 1:
                self.due = NEVER
                self._say_no(exchange)

    def _start(self, exchange: Exchange) -> None:
        if not exchange.whole:
            self.due = self._loop.time() + self._limits.body_seconds
        exchange.refusal = self._all.refusal(exchange.scope, self.common_headers())
        if exchange.refusal is not None:
            self._say_no(exchange)
            return
        task = self._loop.create_task(exchange.run(self._config.loaded_app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def _say_no(self, exchange: Exchange) -> None:
        """Refuse what is to be refused, once it is whole: a client that still sends would not read the answer."""
        if exchange.refusal is not None and exchange.whole:
            exchange.started = exchange.finished = True
            self._transport.write(exchange.refusal)
            self.answered(exchange)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._transport.write(data)

    def common_headers(self) -> bytes:
        """The date, as uvicorn keeps it."""
        lines = self._server.default_headers
        if lines is not self._dates:
            self._dates = lines
            self._common = b"".join(b"%b: %b\r\n" % line for line in lines)
        return self._common

    def leaving(self) -> bool:
        """Whether this process is on its way out."""
        return self._all.draining

    async def writable(self) -> None:
        """Wait until there is room for more."""
        while self._room is not None:
            await self._room.wait()
            if self._transport.is_closing():
                return

    def read_more(self) -> None:
        """Take more from the socket."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    def answered(self, exchange: Exchange) -> None:
        """Go on to the next request of this connection, or end it."""
        self._server.total_requests += 1
        if self._transport.is_closing():
            return
        self._exchanges.popleft()
        if not exchange.whole:
            self._linger()
        elif not exchange.keep_alive:
            self._transport.close()
        elif self._exchanges:
            self._start(self._exchanges[0])
        else:
            self.due = self._loop.time() + self._limits.idle_seconds
            self.read_more()

    def broken(self, exchange: Exchange) -> None:
        """The application failed: say so while nothing was sent, else only closing tells."""
        if exchange.started:
            self._transport.abort()
        else:
            exchange.started = exchange.finished = True
            self._refuse(500, "INTERNAL_SERVER_ERROR", "Something went wrong on our side")

    def _refuse(self, status: int, code: str, message: str, *, retry: bool = False) -> None:
        """Answer what never reaches the application, and end the connection."""
        self._deaf = True
        waiting = [exchange for exchange in self._exchanges if not exchange.finished]
        if waiting and (waiting[0].started or waiting[0].whole):
            # An answer to an earlier request is on its way: it ends the connection.
            waiting[0].keep_alive = False
            for later in waiting[1:]:
                self._exchanges.remove(later)
            return
        for exchange in waiting:
            exchange.lose()
        self._exchanges.clear()
        name = new_id().hex
        log.info("refused before it was a request", status=status, request_id=name, reason=message)
        more = self.common_headers() + (b"retry-after: 1\r\n" if retry else b"") + b"connection: close\r\n"
        self._transport.write(by_hand(status, JSON, told(message, code, name), name, more))
        self._linger()

    def _linger(self) -> None:
        """End the connection so that the client can read the answer: closing with bytes unread would reset it."""
        self._deaf = True
        if self._transport.is_closing():
            return
        self.due = self._loop.time() + self._limits.linger_seconds
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self.read_more()
        else:
            self._transport.close()

    def expire(self, now: float) -> None:
        """What the client did now took too long."""
        self.due = NEVER
        current = self._exchanges[0] if self._exchanges else None
        if self._deaf or self._sockets is not None:
            self._transport.abort()
        elif current is None:
            if self._in_head:
                self._refuse(408, "TIMEOUT", "The headers took too long")
            else:
                self._transport.close()
        elif not current.whole:
            self._look_at_body(current, now)

    def _look_at_body(self, exchange: Exchange, now: float) -> None:
        """An upload goes on while it is fast enough; anything else had its time."""
        enough = self._limits.slowest_rate * self._limits.body_seconds
        if self._length > self._limits.plain_body and (not self._reading or self._got >= enough):
            self._got = 0
            self.due = now + self._limits.body_seconds
        elif exchange.started:
            self._transport.abort()
        else:
            self._refuse(408, "TIMEOUT", "The body took too long")

    def look_at_writing(self, now: float) -> None:
        """An answer that nobody reads is held for its size at the slowest rate, and no longer."""
        if self._unread.too_long(now, self._transport.get_write_buffer_size(), self._limits):
            self._transport.abort()

    def shutdown(self) -> None:
        """End the connection when it has nothing to answer; uvicorn calls this when it goes."""
        if self._all.stopping is not None:
            self._all.stopping()
        if self._exchanges:
            for exchange in self._exchanges:
                exchange.keep_alive = False
        else:
            self._transport.close()

    def _wants_sockets(self) -> bool:
        return (
            self._config.ws_protocol_class is not None
            and self._parser.should_upgrade()
            and self._parser.get_method() == b"GET"
            and self._head.upgrade == b"websocket"
        )

    def _upgrade(self, rest: bytes) -> None:
        """Hand the socket over, counted as before; an upgrade to anything else is answered as if not asked for."""
        if self._deaf or not self._wants_sockets():
            self._unparsed = self._head.length
            self._take_unparsed(rest)
            return
        if self._exchanges:
            self._refuse(400, "BAD_REQUEST", "Upgrade on a connection of its own")
            return
        self.due = NEVER
        self._server.connections.discard(self)
        self._sockets = self._config.ws_protocol_class(  # type: ignore[misc,call-arg] # any of uvicorn's
            config=self._config, server_state=self._server, app_state=self._state
        )
        self._sockets.connection_made(self._transport)
        self._sockets.data_received(self._head.again() + rest)

    def _take_unparsed(self, data: bytes) -> None:
        """The body of a request that asked for another protocol: the parser reads no further, nor do we."""
        if self._unparsed and self._exchanges:
            part, exchange = data[: self._unparsed], self._exchanges[-1]
            exchange.body += part
            self._unparsed -= len(part)
            exchange.whole = not self._unparsed
            exchange.wake()
            self._say_no(exchange)
        self._deaf = not self._unparsed

    def _pause(self) -> None:
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
