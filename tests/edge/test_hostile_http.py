"""42 hostile or odd things that HTTP lets a client do, on a real socket: each ends in a coded answer, or is cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import pytest

from tests.edge.conftest import Served
from tests.edge.wire import QUERY, Answer, ask, head, post
from tests.patience import within

SOON = 2.0
LARGE = 300_000


@dataclass(frozen=True)
class Row:
    """What is sent, and the status that it gets."""

    name: str
    request: Callable[[int], bytes]
    status: int
    allow: str | None = None


def raw(text: bytes) -> Callable[[int], bytes]:
    """Bytes in which PORT stands for the server's."""
    return lambda port: text.replace(b"PORT", str(port).encode())


def body(content: bytes) -> Callable[[int], bytes]:
    """A proper POST of these bytes."""
    return lambda port: post(port, content)


def variables(value: bytes) -> Callable[[int], bytes]:
    """A proper POST with a variable of this JSON."""
    return body(b'{"query":"{ __typename }","variables":{"a":' + value + b"}}")


def sent_with(**headers: str) -> Callable[[int], bytes]:
    """A proper POST but for these headers."""
    return lambda port: post(port, QUERY, **headers)


def chunked(port: int) -> bytes:
    """A body in chunks that does not end."""
    part = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    return head(port, content_type="application/json", transfer_encoding="chunked") + part * 40


CHANGE = "/graphql?query=mutation%7B__typename%7D"
ALL = "GET, HEAD, OPTIONS, POST"

ROWS = [
    # What is not HTTP, or could be understood in two ways.
    Row("two hosts", raw(b"GET /livez HTTP/1.1\r\nHost: localhost:PORT\r\nHost: evil.example\r\n\r\n"), 400),
    Row("no host", raw(b"GET /livez HTTP/1.1\r\n\r\n"), 400),
    Row("a foreign host", raw(b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421),
    Row("a foreign target", raw(b"GET http://evil.example/livez HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"), 400),
    Row("a length and chunks", sent_with(transfer_encoding="chunked"), 400),
    Row("two lengths", lambda port: post(port).replace(b"\r\n\r\n", b"\r\ncontent-length: 5\r\n\r\n", 1), 400),
    Row("a negative length", sent_with(content_length="-1"), 400),
    Row("a chunk of no size", lambda port: head(port, transfer_encoding="chunked") + b"zz\r\n", 400),
    Row("a folded header", raw(b"GET /livez HTTP/1.1\r\nHost: localhost:PORT\r\nX: a\r\n b\r\n\r\n"), 400),
    Row("a blank before the colon", raw(b"GET /livez HTTP/1.1\r\nHost : localhost:PORT\r\n\r\n"), 400),
    Row("lines without CR", raw(b"GET /livez HTTP/1.1\nHost: localhost:PORT\n\n"), 400),
    Row("NUL in a header", raw(b"GET /livez HTTP/1.1\r\nHost: localhost:PORT\r\nX: a\0b\r\n\r\n"), 400),
    # What is not for us.
    Row("HTTP/2", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400),
    Row("TLS", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400),
    Row("HTTP/0.9", raw(b"GET /livez\r\n\r\n"), 505),
    Row("a proxy's method", raw(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"), 400),
    Row("a method of others", lambda port: head(port, "DELETE"), 405, ALL),
    Row("an expectation", sent_with(expect="miracles"), 417),
    Row("large headers", sent_with(x_large="a" * 40_000), 431),
    Row("a long address", lambda port: head(port, "GET", "/graphql?query=" + "a" * 20_000), 414),
    # What a page of another site could send, or nobody here reads.
    Row("a change by GET", lambda port: head(port, "GET", CHANGE), 405, "POST"),
    Row("plain text", sent_with(content_type="text/plain"), 415),
    Row("a form", sent_with(content_type="application/x-www-form-urlencoded"), 415),
    Row("a multipart form", sent_with(content_type="multipart/form-data; boundary=x"), 415),
    Row("another charset", sent_with(content_type="application/json; charset=utf-16"), 415),
    Row("compression", sent_with(content_encoding="gzip"), 415),
    Row("an answer in XML", sent_with(accept="application/xml"), 406),
    Row("another site", sent_with(origin="https://evil.example"), 403),
    Row("a page of nowhere", sent_with(origin="null"), 403),
    # Bodies.
    Row(
        "a length of a gigabyte", lambda port: head(port, content_type="application/json", content_length="1" * 9), 413
    ),
    Row("chunks without end", chunked, 413),
    Row("a batch", body(b"[" + QUERY + b"]"), 400),
    Row("not UTF-8", body(b'{"query":"\xff"}'), 400),
    Row("nested deeply", variables(b"[" * 100_000), 400),
    Row("an endless number", variables(b"9" * 200_000), 400),
    Row("NUL", variables(b'"\\u0000"'), 400),
    Row("half a character", variables(b'"\\ud83d"'), 400),
    Row("a name twice", body(b'{"query":"{ __typename }","query":"mutation { __typename }"}'), 400),
    # Slowness.
    Row("silent", raw(b""), 0),
    Row("half a head", raw(b""), 408),
    Row("dribbled body", raw(b""), 408),
    Row("unread", raw(b""), 0),
]
assert len(ROWS) == 42


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_hostile_and_odd_http(served: Served, slow: dict[str, Future[Answer]], row: Row) -> None:
    taken = slow.get(row.name)
    answer = taken.result() if taken else ask(served.port, row.request(served.port))
    assert answer.status == row.status
    assert answer.seconds <= within(10.0 if taken else SOON)
    if row.status:
        assert answer.headers["content-type"].startswith("application/")
        assert answer.error["message"]
        assert answer.error["extensions"]["code"] in {"BAD_REQUEST", "FORBIDDEN", "TIMEOUT"}
        assert answer.error["extensions"]["requestId"] == answer.headers["x-request-id"]
        assert answer.headers.get("allow") == row.allow
    else:
        assert answer.closed
    honest = ask(served.port, post(served.port))
    assert (honest.status, json.loads(honest.body)["data"]) == (200, {"__typename": "Query"})
    assert "Traceback" not in served.log.read_text()
