"""`bench`: how fast this version is on this machine, beside the least that could do the same."""

from __future__ import annotations

import asyncio
import json as text_json
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from countersign.bench import data as datas
from countersign.bench import report
from countersign.bench import run as benches
from countersign.bench.importing import ImportFailed
from countersign.bench.measure import NotEqual
from countersign.bench.processes import NotStarted
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, say


def run(data: Path | None, learners: str, wanted: str, json: Path | None, seconds: float, *, keep: bool) -> int:
    """Measure, print the table, write the JSON; exit 1 when the two sides answer differently."""
    leave_on_sigterm()
    try:
        counts = [int(part.replace("_", "")) for part in learners.split(",")]
    except ValueError:
        counts = []
    names = benches.ROWS if wanted == "all" else tuple(part.strip() for part in wanted.split(","))
    if not counts or not all(0 < count <= benches.MOST_LEARNERS for count in counts):
        say(f"--learners takes numbers up to {benches.MOST_LEARNERS:,} with commas between: --learners 10000,100000")
        return BAD_USAGE
    if unknown := [name for name in names if name not in benches.ROWS]:
        say(f"there is no row {', '.join(unknown)} — choose of: {','.join(benches.ROWS)}")
        return BAD_USAGE
    settings = load(data=data)
    with explained(), database(settings, attach=True) as ready:
        try:
            shown, rows = asyncio.run(_bench(ready.dsn, counts, names, seconds))
        except (NotEqual, NotStarted, ImportFailed) as failure:
            say(str(failure))
            return BAD_DATA
        if not keep:
            for count in counts:
                asyncio.run(datas.drop(ready.dsn, count))
    report.show(report.console(), shown, rows)
    if json is not None:
        json.write_text(text_json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


async def _bench(
    dsn: str, counts: Iterable[int], names: Iterable[str], seconds: float
) -> tuple[dict[str, object], dict[int, list[report.Row]]]:
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        return await benches.bench(dsn, learners=counts, wanted=names, seconds=seconds, tell=tell)
