"""Waiting for whichever of several things happens first."""

from __future__ import annotations

import asyncio


async def either(seconds: float | None, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
