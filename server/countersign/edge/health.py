"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import asyncio

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

PATIENCE_SECONDS = 2.0


async def alive(_request: Request) -> PlainTextResponse:
    """200 while the process answers at all."""
    return PlainTextResponse("alive\n")


async def ready(request: Request) -> JSONResponse:
    """200 when the database answers within two seconds, else 503 with what is missing."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), request.app.state.tools.db.reader() as connection:
            await connection.fetchval("select 1")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return JSONResponse({"ready": False, "database": "unreachable"}, status_code=503)
    return JSONResponse({"ready": True, "database": "ok"})
