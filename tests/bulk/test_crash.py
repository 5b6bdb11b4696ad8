"""Workers that are killed in the middle, and a large file. Long runs: `--campaign`."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from asyncio import subprocess
from pathlib import Path

import asyncpg
import pytest

from countersign.awards import service
from countersign.awards.importing import import_award_file
from countersign.bulk import queue
from countersign.kit.table_files import TableFile
from countersign.search.service import Drift
from tests.bulk.support import House, lines, objects, row

ROOT = Path(__file__).parents[2]
ROUNDS = 10
ROWS = 3_000
MANY = 20_000


async def begun_and_killed(dsn: str, after: float) -> None:
    """A worker that lives so many seconds once it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bulk.work_on", dsn),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"server{os.pathsep}."},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    await asyncio.sleep(after)
    process.kill()
    await process.wait()


@pytest.mark.campaign
async def test_imports_whose_workers_are_killed_happen_once_and_whole(
    house: House, database_dsn: str, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret
    cut_off = 0
    for number in range(ROUNDS):
        started = await house.start_import(lines([row(number * ROWS + n) for n in range(ROWS)]))
        await begun_and_killed(database_dsn, chance.uniform(0.0, 0.8))
        # What the dead one was doing in PostgreSQL ends by itself; only then is it known what it has left.
        while await owner.fetchval(  # noqa: ASYNC110 - PostgreSQL tells nobody when a backend has ended
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and state <> 'idle' and pid <> pg_backend_pid()"
        ):
            await asyncio.sleep(0.02)
        found = await house.look(started["id"])
        assert found is not None
        done = found["state"] == "COMPLETED"
        cut_off += not done
        assert await house.awards() == (number + done) * ROWS, "what the operation says is what has happened"
        await owner.execute("update bulk_operations set lease_until = '2026-11-22T00:00Z' where state = 'running'")
        assert await house.work() == (not done)
        found = await house.look(started["id"])
        assert found is not None
        assert (found["state"], found["rowsCreated"], found["rowsUnchanged"]) == ("COMPLETED", ROWS, 0)
        assert await house.awards() == (number + 1) * ROWS, "once and whole"
    async with house.db.writer() as tx:
        assert await service.check_index(tx) == Drift(0, 0, 0, 0, 0)
    assert cut_off > 1, "some must have been cut off"
    print({"kills": ROUNDS, "cut off": cut_off})  # noqa: T201 - the campaign's figures


@pytest.mark.campaign
async def test_exports_whose_workers_are_killed_are_whole_in_the_end(
    house: House, database_dsn: str, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    chance = random.Random(20261123)  # noqa: S311 - reproducible, not secret
    await house.imported(lines([row(n) for n in range(ROWS)]))
    cut_off = 0
    for _ in range(ROUNDS // 2):
        started = await house.start_export("{ awards { nodes { id holderName } } }")
        identity = started["bulkOperation"]["id"]
        await begun_and_killed(database_dsn, chance.uniform(0.1, 0.5))
        found = await house.look(identity)
        assert found is not None
        cut_off += found["state"] != "COMPLETED"
        await owner.execute("update bulk_operations set lease_until = '2026-11-22T00:00Z' where state = 'running'")
        await house.work()
        found = await house.look(identity)
        assert found is not None
        assert found["state"] == "COMPLETED"
        rows = objects((await house.get(found["resultUrl"])).content)
        assert len({r["id"] for r in rows}) == len(rows) == ROWS
    assert cut_off > 1, "some must have been cut off"
    print({"kills": ROUNDS // 2, "cut off": cut_off})  # noqa: T201 - the campaign's figures


@pytest.mark.campaign
async def test_twenty_thousand_rows_go_in_and_out_at_the_importers_own_pace(house: House) -> None:
    data = lines([row(n) for n in range(MANY)])
    begun = time.perf_counter()
    file = TableFile("awards", data, json_lines=True)
    await import_award_file(house.db, house.registrar, file, dry_run=True)
    judged = time.perf_counter() - begun
    begun = time.perf_counter()
    dry = await house.imported(data, dry_run=True)
    assert (dry["rowsCreated"], await house.awards()) == (MANY, 0)
    checked = time.perf_counter() - begun
    begun = time.perf_counter()
    done = await house.imported(data)
    spent = time.perf_counter() - begun
    assert (done["state"], done["rowsCreated"], await house.awards()) == ("COMPLETED", MANY, MANY)
    async with house.db.reader() as reader:
        told = await reader.fetchval("select count(*) from outbox where topic = $1", queue.TOPIC)
    assert told <= 6 + 2 * (checked + spent), "progress is told once a second at most"
    assert checked < 3 * judged + 2, "the queue costs little beside the importer"
    begun = time.perf_counter()
    out = await house.exported("{ awards { nodes { id holderName earnedOn } } }", format="CSV")
    assert out["rowsDone"] == MANY
    walked = time.perf_counter() - begun
    figures = {"import": MANY / spent, "dry run": MANY / checked, "importer's dry run": MANY / judged}
    print({**{k: round(v) for k, v in figures.items()}, "export": round(MANY / walked)})  # noqa: T201 - rows a second
