"""HTTP by hand: bytes into a socket, whatever comes back out of it."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Self

from tests.patience import WAIT

QUERY = b'{"query":"{ __typename }"}'
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What came back: `status` is 0 when nothing did; `closed` when the server ended the connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool
    seconds: float

    @property
    def error(self) -> dict[str, Any]:
        """The first error of the body."""
        found: dict[str, Any] = json.loads(self.body)["errors"][0]
        return found


def head(port: int, method: str = "POST", path: str = "/graphql", **headers: str) -> bytes:
    """A request's head, with a Host of ours unless `host` is given; a header without a value is left out."""
    given = {"host": f"localhost:{port}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def post(port: int, body: bytes = QUERY, **headers: str) -> bytes:
    """A POST with its body."""
    given = {"content_type": JSON, "content_length": str(len(body))} | headers
    return head(port, **given) + body


class Wire:
    """One connection to the server."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT)
        self.socket.connect(("127.0.0.1", port))
        self.started = time.monotonic()
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes; what the server has closed takes them no more."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer; waits for the end of the connection when the answer says that it comes."""
        while b"\r\n\r\n" not in self._data:
            if not self._more():
                return self._made(0, {}, b"", closed=True)
        lines, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *rest = lines.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        status = int(first.split()[1])
        length = 0 if to_head or status in {100, 204, 304} else int(headers.get("content-length", "0"))
        while len(self._data) < length:
            if not self._more():
                break
        body, self._data = self._data[:length], self._data[length:]
        return self._made(status, headers, body, closed=headers.get("connection") == "close" and self.ends())

    def ends(self) -> bool:
        """Whether the server ends the connection, as it should now."""
        while self._more():
            pass
        return True

    def _more(self) -> bool:
        try:
            part = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._data += part
        return bool(part)

    def _made(self, status: int, headers: dict[str, str], body: bytes, *, closed: bool) -> Answer:
        return Answer(status, headers, body, closed, time.monotonic() - self.started)


def ask(port: int, request: bytes) -> Answer:
    """Send one request on a connection of its own; the answer."""
    with Wire(port) as wire:
        wire.send(request)
        return wire.answer()
