"""Killing the importing process, and PostgreSQL with it, in the middle of imports. A long run: `--campaign`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from countersign.awards import service
from countersign.awards.importing import import_awards
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.embedded import EmbeddedPostgres
from countersign.kit.migrate import migrate
from countersign.search.service import Drift
from tests.awards.import_once import registrar
from tests.awards.support import campus
from tests.conftest import NOW, VAULT
from tests.factories import Factory
from tests.patience import WAIT

ROUNDS = 8
ROWS = 4_000
ROOT = Path(__file__).parents[2]


def write(folder: Path, number: int) -> Path:
    """A file of learners whom no other file names."""
    path = folder / f"awards-{number}.csv"
    path.write_text(
        "email,full_name,country,spec,version,awarded_on\n"
        + "".join(f"l{number}-{n}@example.com,Learner,DE,ab-testing-python,1.0.0,2026-10-01\n" for n in range(ROWS)),
        encoding="utf-8",
    )
    return path


async def within(dsn: str, work: Callable[[Database], Awaitable[None]]) -> None:
    db = await Database.open(dsn, clock=FrozenClock(NOW), vault=VAULT, wait_seconds=WAIT)
    try:
        await work(db)
    finally:
        await db.close()


async def counts(tx: Tx) -> tuple[int, ...]:
    tables = ("awards", "learners", "learner_directory", "award_imports")
    return tuple([int(await tx.fetchval(f"select count(*) from {t}")) for t in tables])


@pytest.mark.campaign
def test_a_killed_import_leaves_nothing_or_everything_and_repeats_well(tmp_path: Path) -> None:
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret
    school: list[UUID] = []
    acknowledged = killed_before = 0

    async def furnish(db: Database) -> None:
        async with db.writer() as tx:
            school.append((await campus(tx, Factory(FrozenClock(NOW)))).school)

    with EmbeddedPostgres(tmp_path / "data") as server:
        dsn = asyncio.run(server.create_database("crash"))
        asyncio.run(migrate(dsn))
        asyncio.run(within(dsn, furnish))
        for number in range(ROUNDS):
            path = write(tmp_path, number)
            with subprocess.Popen(
                [sys.executable, "-m", "tests.awards.import_once", dsn, str(school[0]), str(path)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"server{os.pathsep}."},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "started\n"
                time.sleep(chance.uniform(0.0, 0.6))
                if number % 2:
                    os.kill(server.pid, signal.SIGKILL)
                process.kill()
                said = process.stdout.read()
            if number % 2:
                server.stop()
                server.start()
                dsn = asyncio.run(server.create_database("crash"))
            told = said.startswith("acknowledged")
            acknowledged += told

            async def check(db: Database, number: int = number, path: Path = path, told: bool = told) -> None:
                nonlocal killed_before
                async with db.writer() as tx:
                    awards, learners, directory, imports = await counts(tx)
                assert awards == learners == directory == imports * ROWS, "nothing is half imported"
                assert imports in {number, number + 1}
                assert not told or imports == number + 1, "what was acknowledged is there"
                killed_before += imports == number
                report = await import_awards(db, registrar(school[0]), path)
                assert report.created + report.unchanged == ROWS
                assert report.created in {0, ROWS}
                async with db.writer() as tx:
                    assert (await counts(tx))[0] == (number + 1) * ROWS, "nothing is there twice"
                    assert await service.check_index(tx) == Drift(0, 0, 0, 0, 0)

            asyncio.run(within(dsn, check))
    assert killed_before > 1, "some imports must have been cut off"
    print({"kills": ROUNDS, "acknowledged": acknowledged, "cut off": killed_before})  # noqa: T201
