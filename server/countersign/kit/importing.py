"""Tables that people bring: CSV read with every fault named by line, and the report of an import.

Pure: bytes in, rows or problems out. A file with one bad row is refused whole; nothing is half imported.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

LARGEST_FILE: Final = 64 * 1024 * 1024
LONGEST_FIELD: Final = 20_000
MOST_PROBLEMS: Final = 1_000
SHOWN_VALUE: Final = 60
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Progress = Callable[[int, int], None]
"""Told (done, of) while rows are read or written."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One fault of a file: where it is, what stands there, what is wrong, what to write instead.

    `line` counts from 1 with the header; 0 is the file itself. `field` is the header as the file spells it.
    """

    line: int
    field: str
    value: str
    problem: str
    remedy: str = ""
    code: str = "INVALID"
    """As the API's errors say it (`kit.errors.Code`)."""

    def sentence(self) -> str:
        """Problem and remedy in one line."""
        return f"{self.problem} ({self.remedy})" if self.remedy else self.problem


class BadRows(Exception):
    """The file cannot be taken as it is; `problems` names every fault."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problems")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do (`dry_run`), or why it did nothing (`problems`)."""

    source: str
    style: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: tuple[RowProblem, ...] = ()
    dry_run: bool = False
    left_out: int = 0
    """How many problems are not listed because there were too many."""

    @property
    def refused(self) -> bool:
        """Nothing was imported because of the problems."""
        return bool(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "problems": [asdict(problem) for problem in self.problems], "refused": self.refused}

    def lines(self) -> Iterator[str]:
        """The report as text: one problem a line in columns, then what was or was not imported."""
        if not self.problems:
            done = "would be" if self.dry_run else "were"
            yield (
                f"{self.rows} rows of {self.source}: {self.created} {done} created, {self.updated} updated,"
                f" {self.unchanged} unchanged"
            )
            return
        count = len(self.problems) + self.left_out
        yield f"{count} problem{'s' * (count != 1)} in {self.source}"
        cells = [("line", "field", "value", "problem")]
        cells += [(str(p.line or ""), p.field, _shown(p.value), p.sentence()) for p in self.problems]
        widths = [max(len(row[column]) for row in cells) for column in range(3)]
        for row in cells:
            yield (
                " "
                + "  ".join(
                    [*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]]
                ).rstrip()
            )
        if self.left_out:
            yield f" … and {self.left_out} more"
        yield "nothing was imported"


def refusal(
    source: str,
    style: str,
    rows: int,
    problems: Sequence[RowProblem],
    *,
    dry_run: bool,
    most: int = MOST_PROBLEMS,
) -> ImportReport:
    """The report of a file that is refused; at most 1,000 problems (`most`) are listed, the others counted."""
    ordered = sorted(problems, key=lambda problem: problem.line)
    return ImportReport(
        source=source,
        style=style,
        rows=rows,
        problems=tuple(ordered[:most]),
        dry_run=dry_run,
        left_out=max(0, len(ordered) - most),
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an importer knows: our name, the headers it goes by (any case), whether each file must have it.

    `repeats`: the header may stand more than once, or numbered ("Alignment 2 URL"); list it by `Row.all`.
    """

    name: str
    headers: tuple[str, ...]
    required: bool = False
    repeats: bool = False
    longest: int = LONGEST_FIELD


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its first line, and its cells by column name with outer white space removed."""

    line: int
    cells: Mapping[str, tuple[str, ...]]
    spelt: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The cell, or an empty text when the file has no such column."""
        values = self.cells.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every cell of a repeating column, empty ones too, in file order."""
        return self.cells.get(name, ())

    def problem(
        self, name: str, problem: str, remedy: str = "", *, value: str | None = None, code: str | None = None
    ) -> RowProblem:
        """A fault of this row in a column, under the header that the file uses; an empty cell's code is REQUIRED."""
        shown = self.get(name) if value is None else value
        says = code or ("INVALID" if shown else "REQUIRED")
        return RowProblem(self.line, self.spelt.get(name, name), shown, problem, remedy, says)


def folded(header: str) -> str:
    """A header for comparison: case and white space do not matter, `_` is a space."""
    return " ".join(header.replace("_", " ").casefold().split())


def apart(header: str) -> str:
    """A header in camelCase with its words apart."""
    return _HUMP.sub(" ", header)


def decode(data: bytes) -> str:
    """The file's text: UTF-8, with or without byte order mark. Raises BadRows naming the line of the first fault."""
    if not data.strip():
        raise BadRows([RowProblem(0, "", "", "the file is empty", "export it again, with a header line")])
    if len(data) > LARGEST_FILE:
        size = f"{len(data) / 1024 / 1024:.0f} MiB"
        raise BadRows([RowProblem(0, "", size, "the file is larger than 64 MiB", "split it")])
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadRows([RowProblem(0, "", "", "the file is UTF-16", "save it as UTF-8 (in Excel: CSV UTF-8)")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        context = data[max(0, fault.start - 12) : fault.end + 12].decode("utf-8", "replace")
        problem = f"byte 0x{data[fault.start]:02X} is not UTF-8"
        raise BadRows(
            [RowProblem(line, "", context, problem, "save the file as UTF-8 (in Excel: CSV UTF-8)")]
        ) from None
    if "\x00" in text:
        lines = [number for number, line in enumerate(text.split("\n"), start=1) if "\x00" in line]
        raise BadRows([RowProblem(n, "", "", "has a NUL character", "remove it") for n in lines[:MOST_PROBLEMS]])
    return text


DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_day(text: str) -> date:
    """A day written YYYY-MM-DD and in no other form of ISO 8601. Raises ValueError."""
    if DAY.fullmatch(text) is None:
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(text)


def read_table(data: bytes, columns: Sequence[Column], *, what: str = "file") -> list[Row]:
    """The rows of a CSV with a header, each with its first line number; blank lines are skipped.

    Raises BadRows with every fault of encoding, header and form: unknown, missing and repeated headers, rows with too
    many or too few cells, open quotes, cells that are too long. Values are the importer's to judge.
    """
    records = _records(decode(data))
    if not records:
        raise BadRows([RowProblem(0, "", "", "the file is empty", "export it again, with a header line")])
    (header_line, header), *body = records
    place, spelt, problems = _header(header_line, header, columns, what)
    if not problems and not body:
        problems = [RowProblem(header_line, "", "", "there is no row after the header", "")]
    rows = []
    longest = {column.name: column.longest for column in columns}
    for line, cells in body:
        if len(cells) != len(header):
            problems.append(
                RowProblem(
                    line,
                    "",
                    f"{len(cells)} cells",
                    f"has {len(cells)} cells, the header has {len(header)}",
                    "put texts with commas in quotes",
                )
            )
            continue
        row: dict[str, tuple[str, ...]] = {}
        for name, cell in zip(place, cells, strict=True):
            if name is None:
                continue
            if len(cell) > longest[name]:
                problem = f"is longer than {longest[name]} characters"
                problems.append(RowProblem(line, spelt[name], cell, problem, "shorten it", "TOO_LONG"))
            row[name] = (*row.get(name, ()), cell.strip())
        rows.append(Row(line, row, spelt))
    if problems:
        raise BadRows(problems)
    return rows


def knows_header(data: bytes, columns: Sequence[Column]) -> bool:
    """Whether the first line has every required column and nothing unknown; for choosing a style."""
    try:
        records = _records(decode(data[: 64 * 1024].rsplit(b"\n", 1)[0] if len(data) > 64 * 1024 else data))
    except BadRows:
        return False
    return bool(records) and not _header(records[0][0], records[0][1], columns, "file")[2]


def _records(text: str) -> list[tuple[int, list[str]]]:
    # The reader must see the line ends inside quotes, so newline="" as the csv module asks.
    csv.field_size_limit(LARGEST_FILE)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append((line, record))
            line = reader.line_num + 1
    except csv.Error as fault:
        problem = "has a quote that is never closed" if "end of data" in str(fault) else f"is not CSV: {fault}"
        raise BadRows([RowProblem(line, "", "", problem, 'write a quote inside a quoted text twice: ""')]) from None
    return records


def _header(
    line: int, header: Sequence[str], columns: Sequence[Column], what: str
) -> tuple[list[str | None], dict[str, str], list[RowProblem]]:
    known = {folded(spelling): column for column in columns for spelling in column.headers}
    place: list[str | None] = []
    spelt: dict[str, str] = {}
    problems: list[RowProblem] = []
    for cell in header:
        column = known.get(folded(cell)) or known.get(_unnumbered(cell)) or known.get(folded(apart(cell)))
        if column is None:
            problems.append(_unknown(line, cell, known, what))
        elif column.name in spelt and not column.repeats:
            problem = f"stands twice in the header (also as {spelt[column.name]})"
            problems.append(RowProblem(line, cell, "", problem, "remove one of the columns"))
        else:
            spelt.setdefault(column.name, cell.strip())
        place.append(column.name if column else None)
    if not spelt:
        # No header at all: the first line is about somebody, and nobody is told of it again.
        remedy = f"write the names of the columns above the rows: {', '.join(c.headers[0] for c in columns)}"
        problems = [RowProblem(line, "", "", "the first line is no header", remedy)]
    for column in columns:
        if column.required and column.name not in spelt:
            also = ", ".join(column.headers[1:])
            remedy = f"also known as {also}" if also else ""
            problems.append(
                RowProblem(line, column.headers[0], "", "this column is missing in the header", remedy, "REQUIRED")
            )
    return place, spelt, problems


def _unnumbered(header: str) -> str:
    return " ".join(part for part in folded(header).split() if not part.isdigit())


def _unknown(line: int, cell: str, known: Mapping[str, Column], what: str) -> RowProblem:
    if not cell.strip():
        return RowProblem(line, "", "", "a column has no header", "name the column or remove it")
    close = get_close_matches(folded(cell), known, n=1, cutoff=0.7)
    if close:
        spelling = next(s for s in known[close[0]].headers if folded(s) == close[0])
        return RowProblem(line, cell, "", f"is not a column of this {what}", f"did you mean {spelling}?")
    return RowProblem(line, cell, "", f"is not a column of this {what}", "remove the column or choose another style")


def _shown(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= SHOWN_VALUE else text[: SHOWN_VALUE - 1] + "…"
