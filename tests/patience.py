"""How long tests wait, and who looks at a clock: the gate is right on any machine, the campaign on a quiet one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

WAIT: Final = 180.0
"""Seconds for what another task, process or machine has to do: so long that only what hangs takes longer."""

GATE: Final = "not campaign"
_judged = False


def judge(chosen: str) -> None:
    """Time is judged when the campaign is among the tests chosen by their marks; its machine does nothing else."""
    global _judged  # noqa: PLW0603 # one run, one answer
    _judged = "campaign" in chosen and chosen != GATE


def within(seconds: float) -> float:
    """The promised seconds where time is judged; in the gate, which shares its machine with anything, our patience."""
    return seconds if _judged else WAIT


@asynccontextmanager
async def meanwhile(*jobs: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Jobs that run until the block ends, however it ends: left behind, they would work on the rows of other tests."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(job(stop)) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
