"""Answers over HTTP: statuses, headers, coded errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from countersign.edge.negotiation import JSON, RESPONSE

Header = tuple[bytes, bytes]

# The status when nothing was executed; any other code is the client's: 400.
_STATUS: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 504,
}
# What the newest draft calls well-formed but impossible to run.
_UNPROCESSABLE: Final = frozenset(
    {
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
        "OPERATION_RESOLUTION_FAILURE",
        "OPERATION_TOO_COMPLEX",
        "DOCUMENT_LIMIT_EXCEEDED",
    }
)
GRAPHQL: Final = "/graphql"
OK: Final = 200
BAD: Final = 400
TOO_MANY: Final = 429
SERVER: Final = 500
UNAVAILABLE: Final = 503
_PARTIAL: Final = 294
_UNPROCESSABLE_CONTENT: Final = 422

KEPT: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Accept"),
)
_TYPES: Final = {
    name: (b"content-type", f"{name}; charset=utf-8".encode())
    for name in (JSON, RESPONSE, "text/html", "text/event-stream")
}


@dataclass(slots=True)
class Reply:
    """An answer on its way: whole, or as a stream that is sent part by part."""

    status: int
    headers: list[Header]
    body: bytes | AsyncIterator[bytes]


class Refused(Exception):
    """A request that ends at the edge: its HTTP status, code, sentence and headers."""

    def __init__(self, status: int, code: str, message: str, *headers: Header, retry_after: int | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        again = () if retry_after is None else ((b"retry-after", str(retry_after).encode()),)
        self.headers: tuple[Header, ...] = (*headers, *again)
        super().__init__(message)


class BadRequest(Refused):
    """A request that is not a GraphQL request over HTTP."""

    def __init__(self, message: str, status: int = BAD, *headers: Header) -> None:
        super().__init__(status, "BAD_REQUEST", message, *headers)


def reply(body: bytes, media_type: str, status: int, *headers: Header) -> Reply:
    """A whole answer that nobody stores or sniffs."""
    sized = (b"content-length", str(len(body)).encode())
    return Reply(status, [_TYPES[media_type], sized, *KEPT, *headers], body)


def refusal(refused: Refused, media_type: str, request_id: str) -> Reply:
    """The answer to a request that ends at the edge."""
    body = told(refused.message, refused.code, request_id, refused.retry_after)
    return reply(body, media_type, refused.status, *refused.headers)


def told(message: str, code: str, request_id: str, retry_after: int | None = None) -> bytes:
    """One coded error as a body of JSON."""
    extensions: dict[str, object] = {"code": code, "requestId": request_id}
    if retry_after is not None:
        extensions["retryAfter"] = retry_after
    return json.dumps({"errors": [{"message": message, "extensions": extensions}]}).encode()


def respond(body: bytes, media_type: str, status: int, **headers: str) -> Response:
    """As `reply`, for the routes of Starlette."""
    kept = {name.decode(): value.decode() for name, value in KEPT}
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, {**kept, **shown, "content-type": f"{media_type}; charset=utf-8"})


def refuse(message: str, code: str, status: int, media_type: str, request: str, **headers: str) -> Response:
    """As `refusal`, for the routes of Starlette."""
    return respond(told(message, code, request), media_type, status, **headers)


def status_of(errors: Sequence[Mapping[str, Any]], media_type: str, data: bytes | None, *, draft: bool = False) -> int:
    """The status of an engine's answer.

    With the newer media type nothing executed means 4xx or 5xx; with plain JSON a well-formed request is answered
    with 200, except when the fault is ours or the caller must wait, so that old clients read the errors and proxies
    see outages. `draft` is for the newest draft of GraphQL over HTTP: 422 for what is well-formed but cannot run,
    294 for data with errors.
    """
    if not errors:
        return OK
    if data is not None:
        return _PARTIAL if draft and media_type == RESPONSE and data != b"null" else OK
    code = str(errors[0]["extensions"]["code"])
    status = _STATUS.get(code, BAD)
    if draft and code in _UNPROCESSABLE:
        status = _UNPROCESSABLE_CONTENT
    return status if media_type == RESPONSE or status >= SERVER or status == TOO_MANY else OK
