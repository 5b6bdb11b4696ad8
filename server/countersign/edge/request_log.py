"""Names every request and logs it in one line."""

from __future__ import annotations

import re
import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countersign.kit.ids import new_id
from countersign.kit.logs import HIDDEN, logger

HEADER: Final = b"x-request-id"
_ACCEPTABLE: Final = re.compile(rb"[0-9A-Za-z_-]{8,64}")

_SHARED: Final = re.compile(r"^(/awards/|/v/|/uploads/|/bulk-files/).+")  # whoever knows an award's id may see it

log = logger("request")


class RequestLog:
    """Gives each HTTP request an id (the caller's, when it is plain), answers it in `x-request-id`, logs one line.

    The id stands in every log line written while the request runs. The query string is never logged: it may hold a
    token or a search.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"")
        name = given if _ACCEPTABLE.fullmatch(given) else new_id().hex.encode()
        started = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, name)]
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=name.decode())
        try:
            await self.app(scope, receive, answer)
        finally:
            spent = round((time.perf_counter() - started) * 1000, 1)
            say = log.error if status >= 500 else log.info  # noqa: PLR2004 # HTTP's server errors
            say(
                "request",
                method=scope["method"],
                path=_SHARED.sub(rf"\1{HIDDEN}", scope["path"]),
                status=status,
                milliseconds=spent,
            )
            structlog.contextvars.clear_contextvars()
