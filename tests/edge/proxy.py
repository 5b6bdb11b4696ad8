"""A way to PostgreSQL that can be cut: what is lost between a server and its database, on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit


class Mode(enum.Enum):
    """What becomes of bytes and connections."""

    OPEN = "open"
    DROP = "drop"
    """Connections end in the ordinary way, and nobody listens."""
    RESET = "reset"
    """Connections are reset, new ones too."""
    STALL = "stall"
    """Nothing arrives any more, and nobody is told; new connections are taken and get nothing."""
    HALF_OPEN = "half-open"
    """What was open is dead and nobody is told; new connections work."""


class Proxy:
    """Passes bytes on to a server's Unix socket or port, as the mode says."""

    def __init__(self, dsn: str, folder: str | None = None) -> None:
        """To the server of an address; listens on a port, or on a Unix socket in a folder."""
        self._folder = folder
        parts = urlsplit(dsn)
        host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
        self._target = (host, parts.port or int(parse_qs(parts.query).get("port", ["5432"])[0]))
        self._user = f"{parts.username}:{parts.password}@" if parts.password else f"{parts.username or 'postgres'}@"
        self._database = parts.path
        self._mode = Mode.OPEN
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def dsn(self) -> str:
        """The database's address by this way."""
        if self._folder is not None:
            return f"postgresql://{self._user}/{self._database.lstrip('/')}?host={self._folder}"
        return f"postgresql://{self._user}127.0.0.1:{self._port}{self._database}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Listen for as long as the block runs."""
        await self._listen()
        try:
            yield self
        finally:
            await self.turn(Mode.DROP)

    async def turn(self, mode: Mode) -> None:
        """Change what becomes of connections, the open ones included."""
        self._mode = mode
        if mode in {Mode.DROP, Mode.RESET, Mode.OPEN}:
            for pair in list(self._pairs):
                for writer in pair:
                    if mode is Mode.RESET:
                        writer.transport.abort()
                    else:
                        writer.close()
        if mode is Mode.HALF_OPEN:
            self._dead |= {writer for pair in self._pairs for writer in pair}
        if mode is Mode.DROP and self._server is not None:
            self._server.close()
            self._server = None
        elif self._server is None and mode is not Mode.DROP:
            await self._listen()

    async def _listen(self) -> None:
        if self._folder is not None:
            self._server = await asyncio.start_unix_server(self._serve, f"{self._folder}/.s.PGSQL.5432")
            return
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.RESET:
            writer.transport.abort()
            return
        host, port = self._target
        opened = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}") if host.startswith("/") else None
        far_reader, far_writer = await (opened or asyncio.open_connection(host, port))
        pair = (writer, far_writer)
        self._pairs.add(pair)
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        self._pairs.discard(pair)
        self._dead -= set(pair)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self._mode is not Mode.STALL and writer not in self._dead:
                    writer.write(data)
                    await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()
