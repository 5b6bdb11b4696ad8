"""A job of the process that fails begins anew, and ends when it is told to."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from countersign.kit.waiting import kept, now_and_then
from tests.patience import WAIT


async def test_a_job_that_fails_begins_anew_and_its_neighbours_never_notice() -> None:
    stop, runs = asyncio.Event(), 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise asyncpg.ConnectionDoesNotExistError("gone")

    async with asyncio.TaskGroup() as jobs:
        neighbour = jobs.create_task(stop.wait())
        jobs.create_task(kept(job, stop, pause=0)).add_done_callback(lambda _: stop.set())
    assert (runs, neighbour.result()) == (3, True)


async def test_a_job_that_always_fails_ends_when_it_is_told_to() -> None:
    stop = asyncio.Event()

    async def job() -> None:
        stop.set()
        raise RuntimeError("always")

    async with asyncio.timeout(WAIT):
        await kept(job, stop, pause=2 * WAIT)


async def test_a_look_whose_database_is_away_is_taken_again_until_told_to_stop() -> None:
    stop, looks = asyncio.Event(), 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise asyncpg.ConnectionDoesNotExistError("gone")
        stop.set()

    async with asyncio.timeout(WAIT):
        await now_and_then(look, 0, stop, "no look")
    assert looks == 2


async def test_a_look_that_fails_by_its_own_fault_ends_the_job() -> None:
    async def look() -> None:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        await now_and_then(look, 0, asyncio.Event(), "no look")
