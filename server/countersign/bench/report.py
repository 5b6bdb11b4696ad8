"""Goals, the table on the terminal, and the same as JSON."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from countersign import __version__
from countersign.bench.fanout import Told
from countersign.bench.importing import Rates
from countersign.bench.measure import Figures
from countersign.bench.processes import BARE, OURS

WIDTH: Final = 132
AT: Final = 100_000
"""The number of learners for which the goals of the recruiter's query are set."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What was aimed at, what was measured, and whether that is enough; `met` is None where it was not measured."""

    id: str
    text: str
    measured: float | None
    met: bool | None


@dataclass(slots=True)
class Row:
    """A row of the table: both sides and the goals that it answers."""

    name: str
    title: str
    ours: dict[str, Any]
    other: dict[str, Any]
    against: str = "bare endpoint"
    goals: list[Goal] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def judged(goal: str, text: str, measured: float | None, limit: float, *, least: bool = False) -> Goal:
    """A goal with its verdict: at most `limit`, or at least."""
    met = None if measured is None else (measured >= limit if least else measured <= limit)
    return Goal(goal, text, None if measured is None else round(measured, 3), met)


def ratio(ours: float | None, other: float | None) -> float | None:
    """Ours by the other's; None where either is unknown."""
    return None if ours is None or not other else ours / other


def http_row(name: str, title: str, figures: dict[str, Figures], learners: int) -> Row:
    """A row that was asked over HTTP, with its goal."""
    ours, other = figures[OURS].to_json(), figures[BARE].to_json()
    row = Row(name, title, ours, other)
    server = ratio(ours["cpu_server_ms"], other["cpu_server_ms"])
    if name == "spec":
        row.goals.append(judged("G6", "server CPU ≤ 1.2 × bare", server, 1.2))
    elif name == "catalogue":
        row.goals.append(judged("G6", "server CPU ≤ 1.1 × bare", server, 1.1))
    elif name.startswith("recruiter") and learners == AT:
        row.goals.append(judged("G1", "p50 ≤ 1.0 × bare", ratio(ours["p50_ms"], other["p50_ms"]), 1.0))
    elif name == "endorse":
        rate = ratio(ours["per_second"], other["per_second"])
        row.goals.append(judged("G9", "rate ≥ 0.5 × bare", rate, 0.5, least=True))
    return row


def import_row(rates: Rates) -> Row:
    """The row of the import."""
    ours, orm = max(rates.ours), max(rates.orm)
    title = f"import {rates.rows} awards, {rates.postings} posted"
    row = Row("import", title, {"per_second": round(ours)}, {"per_second": round(orm)}, against="ORM add_all")
    row.goals.append(judged("G8", "rate ≥ 4 × ORM", ours / orm, 4, least=True))
    row.goals.append(judged("G8", "rate ≥ 25,000 rows/s", ours, 25_000, least=True))
    return row


def bare_import_row(rates: Rates) -> Row:
    """What judging the rows and sealing the names cost: the same import beside SQL by hand that does neither."""
    ours, bare = {"per_second": round(max(rates.ours))}, {"per_second": round(max(rates.bare))}
    return Row("import-bare", "the same, sealed and judged", ours, bare, against="COPY by hand, unsealed")


def fanout_row(told: dict[str, Told]) -> Row:
    """The row of one event to all subscribers."""
    ours, other = told[OURS].to_json(), told[BARE].to_json()
    each = ours["deliveries"] // max(1, len(told[OURS].milliseconds))
    row = Row("fanout", f"one event to {each} subscribers", ours, other, against="Strawberry, one each")
    measured = ratio(ours["cpu_microseconds"], other["cpu_microseconds"])
    row.goals.append(judged("G10", "CPU a delivery ≤ 1/4", measured, 0.25))
    return row


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def table(learners: int, rows: Iterable[Row]) -> Table:
    """The rows of one number of learners as a table."""
    made = Table(title=f"{learners:,} learners", title_justify="left", header_style="bold")
    made.add_column("")
    for heading in ("p50 ms", "p95 ms", "CPU ms: server + PostgreSQL", "a second", "CPU ×", "p50 ×"):
        made.add_column(heading, justify="right")
    made.add_column("goal")
    for row in rows:
        shown = [_shown(row.ours, row.other, key) for key in ("p50_ms", "p95_ms")]
        cpu = f"{_cpu(row.ours)}\n[dim]{_cpu(row.other)}[/]" if "cpu_server_ms" in row.ours else ""
        if "cpu_microseconds" in row.ours:
            cpu = f"{_each(row.ours)}\n[dim]{_each(row.other)}[/]"
        both = ratio(_whole(row.ours), _whole(row.other))
        made.add_row(
            f"{row.title}\n[dim]{row.against}[/]",
            *shown,
            cpu,
            _shown(row.ours, row.other, "per_second"),
            _times(both),
            _times(ratio(row.ours.get("p50_ms"), row.other.get("p50_ms"))),
            "\n".join(_verdict(goal) for goal in row.goals),
            end_section=True,
        )
    return made


def _shown(ours: dict[str, Any], other: dict[str, Any], key: str) -> str:
    return f"{_number(ours.get(key))}\n[dim]{_number(other.get(key))}[/]" if key in ours else ""


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"  # noqa: PLR2004


def _cpu(figures: dict[str, Any]) -> str:
    server = (figures["cpu_server_ms"] or 0) + (figures["cpu_helpers_ms"] or 0)
    return "–" if figures["cpu_server_ms"] is None else f"{_number(server)} + {_number(figures['cpu_postgres_ms'])}"


def _each(figures: dict[str, Any]) -> str:
    return f"{_number(figures['cpu_microseconds'])} µs a delivery"


def _whole(figures: dict[str, Any]) -> float | None:
    parts = [figures.get(key) for key in ("cpu_server_ms", "cpu_helpers_ms", "cpu_postgres_ms")]
    return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _verdict(goal: Goal) -> str:
    mark = {True: "[green]met[/]", False: "[red]missed[/]", None: "[dim]not measured[/]"}[goal.met]
    measured = ""
    if goal.measured is not None:
        # Three digits: 1.004 is more than 1.
        measured = f": {goal.measured:,.0f}" if goal.measured >= 100 else f": {goal.measured:.3f}"  # noqa: PLR2004
    return f"{goal.id} {goal.text}{measured} {mark}"


def console(*, record: bool = False) -> Console:
    """A terminal wide enough for the table, whatever stands behind it."""
    return Console(width=None if sys.stdout.isatty() and not record else WIDTH, record=record)


def show(out: Console, report: dict[str, Any], rows: dict[int, list[Row]]) -> None:
    """Print every table and what was measured on."""
    for learners, own in rows.items():
        out.print(table(learners, own))
    kept = Table(title="documents and plans: worked out once, kept by weight", title_justify="left")
    for heading in ("", "read ms", "compile ms", "document kB", "plan kB", "of it SQL kB"):
        kept.add_column(heading, justify="right" if heading else "left")
    for plan in report["plans"]:
        kept.add_row(*(str(value) for value in plan.values()))
    out.print(kept)
    where = report["machine"]
    out.print(
        f"First line ours, second the other side, in one run. countersign {where['version']}, Python {where['python']},"
        f" {where['system']}, {where['processors']} processors. The ratios are what to trust.",
        style="dim",
    )
