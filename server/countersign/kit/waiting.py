"""Waiting for whichever of several things happens first, and for what is to run as long as the process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import asyncpg

from countersign.kit.logs import logger

PAUSE: Final = 1.0
FOR_A_CONNECTION: Final = 0.5
"""Seconds a request waits while all connections are in use, or one is opened: then it is told that we are too busy."""

log = logger("jobs")


async def either(seconds: float | None, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def now_and_then(look: Callable[[], Awaitable[object]], seconds: float, stop: asyncio.Event, failed: str) -> None:
    """Look at once and again every so many seconds, until told to stop.

    A database that is away is logged in the words of `failed`, and looked for again; anything else is raised.
    """
    while not stop.is_set():
        try:
            await look()
        except (OSError, asyncpg.PostgresError):
            log.exception(failed)
        await either(seconds, stop)


async def kept(run: Callable[[], Awaitable[None]], stop: asyncio.Event, *, pause: float = PAUSE) -> None:
    """Run a job of the process; one that fails begins anew after a pause, until told to stop.

    A job knows what may befall it; what it does not know must not end its neighbours, the watch among them.
    """
    while True:
        try:
            await run()
        except Exception:
            log.exception("a job of the process failed and begins anew")
        else:
            return
        await either(pause, stop)
        if stop.is_set():
            return


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that is not to be cut short; a cancellation that comes meanwhile is dropped."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    task.result()
