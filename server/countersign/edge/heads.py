"""The head of a request: its address and header lines as they arrive, and what is wrong with them."""

from __future__ import annotations

from typing import Final

from countersign.edge.connections import Limits

VERSIONS: Final = frozenset({"1.0", "1.1"})


class Head:
    """What a parser hands over, line by line."""

    __slots__ = ("chunked", "continues", "expects", "headers", "host", "hosts", "length", "size", "upgrade", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.size = 0
        self.host = b""
        self.hosts = 0
        self.length = 0
        self.upgrade = b""
        self.chunked = False
        self.expects = False
        self.continues = False

    def take(self, name: bytes, value: bytes) -> None:
        """Take one header line; its name is in lower case."""
        self.size += len(name) + len(value) + 4
        if name == b"host":
            self.host = value
            self.hosts += 1
        elif name == b"content-length":
            self.length = int(value)
        elif name == b"upgrade":
            self.upgrade = value.lower()
        elif name == b"transfer-encoding":
            self.chunked = True
        elif name == b"expect":
            self.expects = True
            self.continues = value.lower() == b"100-continue"
        self.headers.append((name, value))

    def problem(self, version: str, method: bytes, limits: Limits) -> tuple[int, str] | None:
        """The status and the sentence with which this request is refused; None when it may be answered.

        What HTTP itself forbids (two lengths, a length beside chunks, folded lines) the parser has refused before.
        """
        found: tuple[int, str] | None = None
        if version not in VERSIONS:
            found = 505, "Speak HTTP/1.1"
        elif len(self.url) > limits.url_bytes:
            found = 414, "The address is too long"
        elif self.size > limits.header_bytes or len(self.headers) > limits.headers:
            found = 431, "The headers are too large or too many"
        elif self.expects and not self.continues:
            found = 417, "The only expectation met here is 100-continue"
        elif self.hosts > 1 or (self.hosts == 0 and version == "1.1"):
            found = 400, "A request has exactly one Host"
        elif self.upgrade and self.chunked:
            found = 400, "A request that asks for another protocol tells the length of its body"
        elif method == b"CONNECT" or not self._is_for_us():
            found = 400, "This is no proxy"
        return found

    def _is_for_us(self) -> bool:
        """Whether the target is a path of this host; one in absolute form must name the same host as `Host`."""
        if self.url.startswith((b"/", b"*")):
            return True
        scheme, _, rest = self.url.partition(b"://")
        authority = rest.partition(b"/")[0].partition(b"?")[0]
        return scheme.lower() in {b"http", b"https"} and authority.lower() == self.host.lower()

    def again(self) -> bytes:
        """The same head as it was sent, for whoever takes the socket over."""
        lines = b"".join(b"%b: %b\r\n" % line for line in self.headers)
        return b"GET %b HTTP/1.1\r\n%b\r\n" % (self.url, lines)
