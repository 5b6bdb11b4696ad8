"""Files of end-of-life dates, as CSV and as JSON: one row for each release cycle of a tool. Pure.

CSV: `tool,cycle,released,supported until,source,also known as` (names joined by `|`). JSON: a list of objects
`{"tool", "alsoKnownAs": […], "source", "cycles": [{"cycle", "released", "supportedUntil"}]}`. Days are YYYY-MM-DD; no
last day means that none is announced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from countersign.endorsements import ranges
from countersign.kit.importing import BadRows, Column, Row, RowProblem, decode, read_day, read_table

COLUMNS: Final = (
    Column("tool", ("tool", "product"), required=True, longest=200),
    Column("cycle", ("cycle", "release", "version"), required=True, longest=100),
    Column("released", ("released", "released on", "release date"), longest=10),
    Column("supported_until", ("supported until", "eol", "end of life"), required=True, longest=10),
    Column("source", ("source", "source url"), required=True, longest=500),
    Column("also", ("also known as", "aliases"), longest=1_000),
)
MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A release cycle of a tool as a file tells it; `keys` are the tool's names for comparison, its own first."""

    tool: str
    keys: tuple[str, ...]
    cycle: str
    released_on: date | None
    supported_until: date | None
    source: str

    @property
    def tool_key(self) -> str:
        """The tool's own name for comparison."""
        return self.keys[0]


def read(data: bytes) -> tuple[Entry, ...]:
    """The entries of a file; JSON when it begins with a bracket, else CSV. Raises BadRows with every fault."""
    rows = _from_json(data) if data.lstrip()[:1] in {b"[", b"{"} else list(read_table(data, COLUMNS))
    problems: list[RowProblem] = []
    entries = []
    for row in rows:
        found = list(_faults(row))
        problems += found
        if not found:
            entries.append(_entry(row))
    problems += _repeated(zip((row.line for row in rows), entries, strict=False)) if not problems else []
    if problems:
        raise BadRows(problems)
    return tuple(entries)


def _faults(row: Row) -> Iterator[RowProblem]:
    if not ranges.key_of(row.get("tool")):
        yield row.problem("tool", "is no name of a tool", "write it as people know it, such as Node.js")
    if ranges.read(row.get("cycle")) is None:
        yield row.problem("cycle", "is no version", "write the cycle as a version, such as 3.13 or 24")
    for name in ("released", "supported_until"):
        try:
            _day(row.get(name))
        except ValueError:
            yield row.problem(name, "is no day", "write it YYYY-MM-DD, or leave it empty")
    if not row.get("source").startswith("https://"):
        yield row.problem("source", "is no https address", "say on which page the maker or a register tells it")
    if len(row.get("also").split("|")) > MOST_NAMES:
        yield row.problem("also", f"has more than {MOST_NAMES} names", "keep those that people write")


def _entry(row: Row) -> Entry:
    names = [row.get("tool"), *row.get("also").split("|")]
    return Entry(
        row.get("tool"),
        tuple(dict.fromkeys(key for name in names if (key := ranges.key_of(name)))),
        row.get("cycle"),
        _day(row.get("released")),
        _day(row.get("supported_until")),
        row.get("source"),
    )


def _day(text: str) -> date | None:
    return read_day(text) if text else None


def _repeated(entries: Iterator[tuple[int, Entry]]) -> list[RowProblem]:
    """Cycles that stand twice, and names that are of two tools."""
    problems = []
    lines: dict[tuple[str, str], int] = {}
    owners: dict[str, str] = {}
    for line, entry in entries:
        first = lines.setdefault((entry.tool_key, entry.cycle), line)
        if first != line:
            problems.append(RowProblem(line, "cycle", entry.cycle, f"stands already in line {first}", "keep one"))
        problems += [
            RowProblem(line, "tool", key, f"is also a name of {owners[key]}", "a name is of one tool")
            for key in entry.keys
            if owners.setdefault(key, entry.tool_key) != entry.tool_key
        ]
    return problems


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_SHAPE: Final = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class _CycleObject:
    __pydantic_config__ = _SHAPE

    cycle: _Text
    released: str | None = None
    supported_until: str | None = None


@dataclass(frozen=True, slots=True)
class _ToolObject:
    __pydantic_config__ = _SHAPE

    tool: _Text
    source: _Text
    cycles: Annotated[tuple[_CycleObject, ...], Field(min_length=1, max_length=1_000)]
    also_known_as: tuple[_Text, ...] = ()


_FILE: Final = TypeAdapter(Annotated[tuple[_ToolObject, ...], Field(min_length=1, max_length=10_000)])


def _from_json(data: bytes) -> list[Row]:
    text = decode(data)
    try:
        tools = _FILE.validate_json(text)
    except ValidationError as wrong:
        problems = [
            RowProblem(0, ".".join(map(str, fault["loc"])), "", fault["msg"], "see the format in the README")
            for fault in wrong.errors()
        ]
        raise BadRows(problems) from None
    rows = []
    for number, tool in enumerate(tools, start=1):
        for cycle in tool.cycles:
            cells = {
                "tool": (tool.tool,),
                "cycle": (cycle.cycle,),
                "released": (cycle.released or "",),
                "supported_until": (cycle.supported_until or "",),
                "source": (tool.source,),
                "also": ("|".join(tool.also_known_as),),
            }
            rows.append(Row(number, cells))
    return rows
