"""What the plain routes answer when something went wrong: coded JSON, never internal text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from structlog.contextvars import get_contextvars

from countersign.edge.responses import told
from countersign.kit.logs import logger
from countersign.kit.losses import UNREACHABLE

log = logger("edge")


async def unreachable(_request: Request, error: Exception) -> Response:
    """503 while the database cannot be asked, 504 when it took too long."""
    log.warning("database out of reach", problem=type(error).__name__)
    if isinstance(error, asyncpg.QueryCanceledError):
        return _answer(504, "TIMEOUT", "This took too long")
    return _answer(503, "UNAVAILABLE", "The service is busy; try again", {"retry-after": "1"}, retry_after=1)


async def refused(_request: Request, error: Exception) -> Response:
    """What the routes refuse: an unknown address, a method."""
    if not isinstance(error, HTTPException):
        return await failed(_request, error)
    message = "There is nothing here" if error.status_code == 404 else error.detail  # noqa: PLR2004 # Not Found
    return _answer(error.status_code, "BAD_REQUEST", message, error.headers)


async def failed(_request: Request, _error: Exception) -> Response:
    """500; the log has the rest."""
    return _answer(500, "INTERNAL_SERVER_ERROR", "Something went wrong on our side")


def _answer(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, retry_after: int | None = None
) -> Response:
    name = str(get_contextvars().get("request_id", ""))
    body = told(message, code, name, retry_after)
    return Response(body, status, {"x-content-type-options": "nosniff", **(headers or {})}, "application/json")


HANDLERS: Final[Mapping[Any, Any]] = {
    HTTPException: refused,
    Exception: failed,
    **dict.fromkeys(UNREACHABLE, unreachable),
}
