"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

import asyncio

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from countersign.kit.losses import UNREACHABLE

PATIENCE_SECONDS = 2.0


async def alive(_request: Request) -> PlainTextResponse:
    """200 while the process answers at all."""
    return PlainTextResponse("alive\n")


async def ready(request: Request) -> JSONResponse:
    """200 when the database answers within two seconds and the process stays, else 503 with what is missing.

    It asks for no place: a process that sheds load is ready.
    """
    state = request.app.state
    if state.draining.begun.is_set():
        return JSONResponse({"ready": False, "draining": True}, status_code=503)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), state.tools.db.fresh_reader() as connection:
            await connection.fetchval("select 1")
    except (*UNREACHABLE, asyncpg.PostgresError):
        return JSONResponse({"ready": False, "database": "unreachable"}, status_code=503)
    return JSONResponse({"ready": True, "database": "ok"})
