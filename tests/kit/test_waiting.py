"""A job of the process that fails begins anew, and ends when it is told to."""

from __future__ import annotations

import asyncio

import asyncpg

from countersign.kit.waiting import kept


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

    async with asyncio.timeout(5):
        await kept(job, stop, pause=60)
