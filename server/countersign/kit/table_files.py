"""Tables as files of two kinds: CSV with a header, and JSON Lines with an object a line. Pure: bytes in, rows out."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from countersign.kit.importing import (
    LARGEST_FILE,
    MOST_PROBLEMS,
    BadRows,
    Column,
    Row,
    RowProblem,
    apart,
    folded,
    read_table,
)

LONGEST_LINE: Final = 256 * 1024
SHOWN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that somebody brings: its name, its bytes, whether it is JSON Lines (else CSV)."""

    name: str
    data: bytes
    json_lines: bool = False

    def rows(self, columns: Sequence[Column], *, what: str) -> list[Row]:
        """Its rows. Raises BadRows naming every fault of form."""
        if self.json_lines:
            return read_lines(self.data, columns, what=what)
        return read_table(self.data, columns, what=what)


def read_lines(data: bytes, columns: Sequence[Column], *, what: str = "file") -> list[Row]:
    """The rows of a JSON Lines file: UTF-8, an object a line, texts as values; blank lines are skipped.

    A member is named as a CSV's header is, `camelCase` too; null and a missing member are the same. Raises BadRows
    with every fault of form: bytes that are not UTF-8, lines that are too long or not one object, members that are
    unknown, stand twice, or are not texts, required ones that are missing. Values are the importer's to judge.
    """
    if not data.strip().removeprefix(codecs.BOM_UTF8):
        raise BadRows([RowProblem(0, "", "", "the file is empty", "write one JSON object a line")])
    if len(data) > LARGEST_FILE:
        raise BadRows([RowProblem(0, "", "", "the file is larger than 64 MiB", "split it", code="TOO_LONG")])
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadRows([RowProblem(0, "", "", "the file is UTF-16", "write it as UTF-8")])
    reader = _Lines(columns, what)
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        reader.read(number, line)
    if not reader.rows and not reader.problems:
        raise BadRows([RowProblem(0, "", "", "there is no row in the file", "write one JSON object a line")])
    if reader.problems:
        raise BadRows(reader.problems)
    return reader.rows


class _Lines:
    """Reads line after line; what a member's name means is worked out once for each spelling."""

    def __init__(self, columns: Sequence[Column], what: str) -> None:
        self.rows: list[Row] = []
        self.problems: list[RowProblem] = []
        self._what = what
        self._known = {folded(spelling): column for column in columns for spelling in column.headers}
        self._required = [column for column in columns if column.required]
        self._spelt: dict[str, Column | None] = {}
        self._headers: dict[str, str] = {column.name: column.headers[0] for column in columns}

    def read(self, number: int, line: bytes) -> None:
        """Read one line into a row or into problems."""
        if not line.strip():
            return
        before = len(self.problems)
        pairs = self._pairs(number, line)
        cells: dict[str, tuple[str, ...]] = {}
        strange = not any(self._column(name) for name, _ in pairs or ())
        for name, value in pairs or ():
            column = self._column(name)
            if column is None:
                # Where no name is known they may be somebody's: nobody is told of them again.
                place = "" if strange else name
                self._problem(number, place, "", f"is not a member of this {self._what}", "remove it")
            elif column.name in cells:
                self._problem(number, name, "", "stands twice in the object", "remove one of them")
            elif value is not None:
                self._headers[column.name] = name
                cells[column.name] = self._texts(number, name, value, column)
        if pairs is None:
            return
        for column in self._required:
            if column.name not in cells:
                name = self._headers[column.name]
                self._problem(number, name, "", "is missing", "write it as a text", code="REQUIRED")
        if len(self.problems) == before:
            self.rows.append(Row(number, cells, self._headers))

    def _pairs(self, number: int, line: bytes) -> list[tuple[str, Any]] | None:
        try:
            return _members(line)
        except _Unreadable as fault:
            name = fault.name if self._column(fault.name) else ""
            self._problem(number, name, fault.shown, fault.problem, fault.remedy, code=fault.code)
            return None

    def _column(self, name: str) -> Column | None:
        if name not in self._spelt:
            if len(self._spelt) > MOST_PROBLEMS:
                self._spelt.clear()  # a file of endlessly many names must not fill the memory
            self._spelt[name] = self._known.get(folded(name)) or self._known.get(folded(apart(name)))
        return self._spelt[name]

    def _texts(self, number: int, name: str, value: Any, column: Column) -> tuple[str, ...]:
        values = value if column.repeats and isinstance(value, list) else [value]
        texts = tuple(text.strip() for text in values if isinstance(text, str))
        if len(texts) != len(values):
            self._problem(number, name, "", "is not a text", "write the value in quotes")
        if any(len(text) > column.longest for text in texts):
            problem = f"is longer than {column.longest} characters"
            self._problem(number, name, "", problem, "shorten it", code="TOO_LONG")
        return texts

    def _problem(self, number: int, name: str, value: str, problem: str, remedy: str, *, code: str = "INVALID") -> None:
        self.problems.append(RowProblem(number, name, value, problem, remedy, code=code))


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in their order, repeated ones too."""


class _Number:
    """A number, which no column takes; never read, however long it is."""

    def __init__(self, _text: str) -> None:
        pass


class _Unreadable(Exception):
    """A line that is no row."""

    def __init__(self, problem: str, remedy: str, *, name: str = "", shown: str = "", code: str = "INVALID") -> None:
        self.problem, self.remedy, self.name, self.shown, self.code = problem, remedy, name, shown, code
        super().__init__(problem)


def _members(line: bytes) -> list[tuple[str, Any]]:
    if len(line) > LONGEST_LINE:
        raise _Unreadable(f"is longer than {LONGEST_LINE // 1024} KiB", "write one object a line", code="TOO_LONG")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        shown = line[max(0, fault.start - SHOWN_BYTES) : fault.end].decode("utf-8", "replace")
        problem = f"byte 0x{line[fault.start]:02X} is not UTF-8"
        raise _Unreadable(problem, "write it as UTF-8", shown=shown) from None
    try:
        value = json.loads(text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError):
        raise _Unreadable("is not JSON", "write one object a line") from None
    if not isinstance(value, _Pairs):
        raise _Unreadable("is not a JSON object", "write one object a line")
    if "\\" in text:
        for name, item in value:
            if not _writable(name) or (isinstance(item, str) and not _writable(item)):
                shown = name if _writable(name) else ""
                raise _Unreadable("holds NUL or half a character", "remove it", name=shown)
    return value


def _writable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def row_error(problem: RowProblem) -> Mapping[str, Any]:
    """A fault as others read it: line, place, code, reason. The value stays out, since it may be about a person."""
    return {
        "row": problem.line,
        "path": [problem.field] if problem.field else [],
        "code": problem.code,
        "message": problem.sentence(),
    }
