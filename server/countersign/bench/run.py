"""The whole bench: data, both servers, rows, report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import asyncpg

from countersign.bench import data as datas
from countersign.bench import fanout, importing, plans, processes, report, rows
from countersign.bench.data import Data
from countersign.bench.measure import Arena
from countersign.bench.people import Tell
from countersign.bench.processes import BARE, OURS, Meter
from countersign.bench.questions import VARIANTS
from countersign.bench.report import Row

READS: Final = ("spec", "catalogue", "recruiter")
WRITES: Final = ("endorse", "import", "fanout")
ROWS: Final = (*READS, *WRITES)
SEED: Final = 7
MOST_LEARNERS: Final = 10_000_000
SECRET: Final = "the-bench-keeps-no-secrets-0123456789"  # noqa: S105 - of made-up data


async def bench(
    dsn: str,
    *,
    learners: Iterable[int],
    wanted: Iterable[str],
    seconds: float,
    tell: Tell,
    seed: int = SEED,
    name: str = datas.NAME,
    scale: int = 1,
) -> tuple[dict[str, Any], dict[int, list[Row]]]:
    """Measure the wanted rows for each number of learners on the server of `dsn`: the report as JSON, and its rows.

    `seconds` is how long each side of a row is asked; the rest is as in `data.ready`. Raises NotEqual
    when the sides' answers differ, NotStarted, ImportFailed, asyncpg.PostgresError, OSError.
    """
    found: dict[int, list[Row]] = {}
    kept: list[plans.Kept] = []
    memory: dict[str, Any] = {}
    for count in learners:
        data = await datas.ready(dsn, learners=count, seed=seed, scale=scale, tell=tell, name=name)
        found[count] = await _rows(dsn, data, frozenset(wanted), seconds, tell)
        kept, memory = await plans.measure(data, SECRET.encode())
    shown = {
        "plans": [asdict(one) for one in kept],
        "memory": memory,
        "machine": report.machine(),
        "seed": seed,
        "seconds": seconds,
        "learners": [{"learners": count, "rows": [row.to_json() for row in own]} for count, own in found.items()],
    }
    return shown, found


async def _rows(dsn: str, data: Data, wanted: frozenset[str], seconds: float, tell: Tell) -> list[Row]:
    made: list[Row] = []
    learners = data.made.learners

    def telling(name: str) -> Callable[[int, int], None]:
        return lambda done, of: tell(f"{name}, {learners:,} learners", done, of)

    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as text:
        folder = Path(text)
        tokens = await rows.mint(data, SECRET.encode())
        if wanted & frozenset(READS):
            async with _arena(dsn, data, data, folder) as arena:
                for name, title, loads in _reads(data, tokens, wanted):
                    figures = await rows.read_row(arena, name, loads, seconds=seconds, tell=telling(name))
                    made.append(report.http_row(name, title, figures, learners))
        if wanted & frozenset(WRITES):
            async with datas.copy(dsn, data, OURS) as own, datas.copy(dsn, data, BARE) as other:
                if "endorse" in wanted:
                    await rows.make_room(other)
                    async with _arena(dsn, own, other, folder) as arena:
                        figures = await rows.endorse_row(arena, data, tokens, seconds=seconds, tell=telling("endorse"))
                        made.append(report.http_row("endorse", "endorseSpec, 16 callers", figures, learners))
                if "import" in wanted:
                    rates = await importing.measure(own, folder, telling("import"))
                    made += [report.import_row(rates), report.bare_import_row(rates)]
                if "fanout" in wanted:
                    made.append(await _fan_out(dsn, own, tokens, folder, telling("fanout")))
    return made


async def _fan_out(dsn: str, data: Data, tokens: rows.Tokens, folder: Path, tell: Callable[[int, int], None]) -> Row:
    dsns = {OURS: data.dsn, BARE: data.dsn}
    owner = await asyncpg.connect(dsn)
    try:
        async with (
            processes.both(dsns, folder, SECRET, "countersign.bench.strawberry_side") as sides,
            processes.asker("countersign.bench.listeners") as listeners,
            processes.asker() as asker,
        ):

            async def fire(facts: dict[str, Any]) -> None:
                await asker.order(
                    do="load", load="fire", port=sides[BARE].port, path="/fire", requests=[("", json.dumps(facts))]
                )
                await asker.order(do="once", load="fire")

            told = await fanout.measure(data, sides, Meter(owner), listeners, tokens.texts[0], fire, tell)
    finally:
        await owner.close()
    return report.fanout_row(told)


def _reads(data: Data, tokens: rows.Tokens, wanted: frozenset[str]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    if "spec" in wanted:
        yield "spec", "spec by id", rows.spec(data, tokens)
    if "catalogue" in wanted:
        yield "catalogue", "catalogue page of 50", rows.catalogue(data, tokens)
    if "recruiter" in wanted:
        for variant in VARIANTS:
            yield f"recruiter {variant}", f"recruiter, {variant} skills", rows.recruiter(data, tokens, variant)


@asynccontextmanager
async def _arena(dsn: str, ours: Data, other: Data, folder: Path) -> AsyncIterator[Arena]:
    owner = await asyncpg.connect(dsn)
    dsns = {OURS: ours.dsn, BARE: other.dsn}
    try:
        async with processes.both(dsns, folder, SECRET) as sides, processes.asker() as asker:
            arena = Arena(asker, Meter(owner), sides)
            await arena.settle()
            yield arena
    finally:
        await owner.close()
