"""Whether the process lives, and whether it can do its work."""

import asyncio

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from countersign.kit.db import Database

SECONDS = 1.0


async def live(_request: Request) -> Response:
    """The process runs its event loop."""
    return JSONResponse({"status": "live"}, headers={"cache-control": "no-store"})


class Ready:
    """Answers whether the database answers within a second."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def answer(self, _request: Request) -> Response:
        """200 when requests can be served, else 503."""
        headers = {"cache-control": "no-store"}
        try:
            async with asyncio.timeout(SECONDS), self._db.reader() as connection:
                await connection.fetchval("select 1")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return JSONResponse({"status": "waiting for the database"}, 503, headers)
        return JSONResponse({"status": "ready"}, headers=headers)
