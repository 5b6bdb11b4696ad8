"""Answers over HTTP: statuses, headers, coded errors."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from countersign.edge.negotiation import RESPONSE

# The status when nothing was executed; any other code is the client's: 400.
_STATUS: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 504,
}
_SERVER: Final = 500
_OK: Final = 200
_BAD: Final = 400


def respond(body: bytes, media_type: str, status: int, **headers: str) -> Response:
    """A response that nobody stores or sniffs."""
    kept = {"cache-control": "no-store", "x-content-type-options": "nosniff", "vary": "Accept"}
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, {**kept, **shown, "content-type": f"{media_type}; charset=utf-8"})


def refuse(message: str, code: str, status: int, media_type: str, request: str, **headers: str) -> Response:
    """A response for a request that did not reach the engine."""
    body = {"errors": [{"message": message, "extensions": {"code": code, "requestId": request}}]}
    return respond(json.dumps(body).encode(), media_type, status, **headers)


def status_of(errors: Sequence[Mapping[str, Any]], media_type: str, *, executed: bool) -> int:
    """The status of an engine's answer.

    With the newer media type nothing executed means 4xx or 5xx; with plain JSON a well-formed request is answered
    with 200, except when the fault is ours, so that old clients read the errors and proxies see outages.
    """
    if executed or not errors:
        return _OK
    status = _STATUS.get(str(errors[0]["extensions"]["code"]), _BAD)
    return status if media_type == RESPONSE or status >= _SERVER else _OK
