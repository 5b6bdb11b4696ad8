"""HTTP around a document: the usual POST, and every other way to send it wrongly."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tests.fuzz.grammar import Drawn, spoil
from tests.fuzz.values import POISON, TEXTS, Values

RESPONSE = "application/graphql-response+json"
STREAM = "text/event-stream"
ACCEPTS = [
    RESPONSE, "application/json", "*/*", "", "text/html", "text/plain", f"{RESPONSE};q=0, */*", "text/event-stream",
    f"{RESPONSE}, application/graphql+json, application/json, text/event-stream, multipart/mixed", "application/*;q=x",
    ";;;,,,", "a/b" * 500, "application/json;charset=utf-16", "*/*;q=-1",
]  # fmt: skip
CONTENT_TYPES = [
    "application/json; charset=utf-8", "application/json;charset=latin1", "text/plain", "", "application/graphql",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json" * 50, "é",
]  # fmt: skip
METHODS = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "TRACE"]
PATHS = [
    "/graphql/", "/graphql/x", "/verify", "/v/x", "/awards/x", "/endorsements/x", "/orgs/x/did.json", "/specs/x",
    "/specs/x/versions/1.0.0/spec.json", "/status/x/revocation/1", "/status/x/revocation/99999999999999999999",
    "/%00", "/..%2f..%2fetc/passwd", "/demo/x", "/page/../../x", "/ui/%2e%2e/", "/v/%ff", "/livez", "/readyz", "//",
    "/orgs/%d0%b0/did.json", "/awards/award_" + "A" * 2_000,
]  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One HTTP request, whole."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    content: bytes

    def shown(self) -> str:
        """The request as text to read and to copy."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers if name != "authorization")
        return f"{self.method} {self.path}\n{head}\n\n{self.content[:4_000]!r}"


def asked(draw: random.Random, values: Values, drawn: Drawn, token: str | None) -> Asked:
    """A request with this document: as it should be, or broken in the text, the JSON, the headers or the method."""
    if values.odd() and draw.random() < 0.2:
        drawn = replace(drawn, text=spoil(draw, drawn.text))
    body: dict[str, Any] = {"query": drawn.text}
    if drawn.variables or draw.random() < 0.5:
        body["variables"] = drawn.variables
    if drawn.operation_name is not None:
        body["operationName"] = drawn.operation_name
    if values.odd() and draw.random() < 0.15:
        body = _spoiled_members(draw, values, body)
    content = json.dumps(body, ensure_ascii=draw.random() < 0.6).encode("utf-8", "surrogatepass")
    if values.odd() and draw.random() < 0.1:
        content = _spoiled_bytes(draw, values, content)
    streams = drawn.kind == "subscription" and draw.random() < 0.7
    headers = {"content-type": "application/json", "accept": STREAM if streams else RESPONSE}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    method, path = "POST", "/graphql"
    if values.odd() and draw.random() < 0.15:
        method, path, content = _spoiled_http(draw, values, headers, body, content)
    return Asked(method, path, tuple(headers.items()), content)


def _spoiled_members(draw: random.Random, values: Values, body: dict[str, Any]) -> dict[str, Any]:
    name = draw.choice(
        ["query", "variables", "operationName", "extensions", "documentId", "nothing", draw.choice(TEXTS)]
    )
    if name == "variables" and draw.random() < 0.5:
        return {**body, "variables": {**body.get("variables", {}), draw.choice([*TEXTS, *POISON]): values.garbage()}}
    if name == "extensions" and draw.random() < 0.7:
        digest = draw.choice(["0" * 64, "", 3, None, "é", values.garbage()])
        return {**body, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return {**body, name: values.garbage()}


def _spoiled_bytes(draw: random.Random, values: Values, content: bytes) -> bytes:
    place = draw.randrange(len(content) + 1)
    return draw.choice(
        [
            b"", b"[]", b"null", b"3", b'"x"', b"{}", b"[" + content + b"]", content + b"}", content[:place],
            b"\xff\xfe", b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5_000 + b"}}",
            b"\xef\xbb\xbf" + content, content[:place] + bytes([draw.randrange(256)]) + content[place:],
            b"[" * draw.choice([10, 33, 10_000, 100_000]), b'{"a":' * draw.choice([33, 20_000]),
            b'{"query": "{ __typename }", "variables": {"a": ' + draw.choice([b"1e999", b"NaN", b"-"]) + b"}}",
            b'{"query": "{ __typename }", "query": "{ nothing }"}', content.replace(b" ", b"\x00"), b" " * 300_000,
            json.dumps(values.garbage()).encode(), content.decode("utf-8", "replace").encode("utf-16"),
        ],
    )  # fmt: skip


def _spoiled_http(
    draw: random.Random, values: Values, headers: dict[str, str], body: dict[str, Any], content: bytes
) -> tuple[str, str, bytes]:
    chance = draw.randrange(7)
    if chance == 0:
        headers["accept"] = draw.choice(ACCEPTS)
    elif chance == 1:
        headers["content-type"] = draw.choice(CONTENT_TYPES)
    elif chance == 2:
        headers[
            draw.choice(["content-encoding", "origin", "x-request-id", "cookie", "x-forwarded-for", "range", "expect"])
        ] = draw.choice(["gzip", "null", "https://evil.example", "a" * 4_000, "é", "bytes=0-1", "{}"])
    elif chance == 3:
        headers["authorization"] = draw.choice(["", "Bearer", "Basic YTpi", "Bearer ctsd_" + "A" * 38, "é" * 9])
    elif chance == 4:
        return draw.choice(METHODS), "/graphql", content
    elif chance == 5:
        path = draw.choice(PATHS)
        return (
            draw.choice(["GET", "POST"]),
            path,
            draw.choice([content, b"", b"{}", json.dumps(values.garbage()).encode()]),
        )
    else:
        parameters = [
            f"{_quoted(name)}={_quoted(item if isinstance(item, str) else json.dumps(item))}"
            for name, item in body.items()
        ]
        del headers["content-type"]
        address = "/graphql?" + "&".join(parameters)
        return "GET", address[:40_000], b""
    return "POST", "/graphql", content


def _quoted(text: str) -> str:
    return quote(text, errors="replace")
