"""What the architecture tests look for: functions from texts to findings, so that planted faults can be shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CARD_LINES = ("Owns", "Promises", "May call", "Never")
SOURCE_LINES, TEST_LINES = 400, 600
PURE_FILE = re.compile(r"(rules|canonical|verify)\w*\.py")
IMPURE_MODULES = re.compile(
    r"(sqlalchemy|sqlmodel|asyncpg|strawberry|graphql|starlette|uvicorn|time)(\.|$)"
    r"|countersign\.kit\.(db|clock|commands)$|countersign\.\w+\.(service|tables)\w*$"
)
CLOCKS = {"now", "utcnow", "today"}
UNFINISHED = re.compile(
    r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|NotImplemented" + r"Error|@pytest\.mark\.(?:skip|xfail)|pytest\.xfail\("
)
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)")
OUTSIDE = re.compile(r"\.\./sha" + r"red|/wo" + r"rk/|/ho" + r"me/\w+/|/ro" + r"ot/")
URL = re.compile(r"https?://|file:")

_SQL = re.compile(r"\b(select|insert into|update|delete from|with)\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(?:insert\s+into|update(?:\s+only)?|delete\s+from|truncate(?:\s+table)?)\s+\"?(\w+)", re.IGNORECASE
)
_CTE = re.compile(r"\b(\w+)\s+as\s+(?:(?:not\s+)?materialized\s+)?\(", re.IGNORECASE)
_READS = re.compile(r"\b(?:from|join|using)\s+(?:lateral\s+)?\"?(\w+)|,\s*(\w+)\s+\w+\s+where\b", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One Python file: its path below `server/countersign`, and its text."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The first folder, or the name of a file that stands alone."""
        return self.path.split("/", 1)[0].removesuffix(".py")

    @property
    def module(self) -> str:
        """The dotted name."""
        return "countersign." + self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)


def sources(folder: Path) -> list[Source]:
    """Every Python file below a package folder."""
    return [Source(p.relative_to(folder).as_posix(), p.read_text()) for p in sorted(folder.rglob("*.py"))]


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that the file imports; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def missing_card_lines(card: str) -> list[str]:
    """The lines that a room card lacks."""
    return [line for line in CARD_LINES if not re.search(rf"^{line}: \S", card, re.MULTILINE)]


def too_long(source: Source, limit: int) -> list[str]:
    """A finding when the file is over its limit of lines."""
    count = len(source.text.splitlines())
    return [f"{source.path} has {count} lines, {limit} are allowed: split it by verb group"] if count > limit else []


def deferred_imports(source: Source) -> list[str]:
    """Imports inside functions."""
    return [
        f"{source.path}:{inner.lineno} imports inside {outer.name}"
        for outer in ast.walk(source.tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def impurities(source: Source) -> list[str]:
    """What rules, canonical bytes and verification may not do: SQL, web, a clock, another room's service."""
    found = [
        f"{source.path}:{line} is pure and imports {name}"
        for line, name in imported(source)
        if IMPURE_MODULES.match(name)
    ]
    found += [
        f"{source.path}:{node.lineno} is pure and reads a clock: .{node.func.attr}()"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]
    return found


def foreign_tables_imported(source: Source) -> list[str]:
    """Imports of another room's `tables`; only `app` may know them all."""
    found = []
    for line, name in imported(source):
        match = re.fullmatch(r"countersign\.(\w+)\.tables(\w*)", name)
        if match and match[1] != source.room and source.path != "app.py":
            found.append(f"{source.path}:{line} imports the private tables of {match[1]}")
    return found


def sql_texts(source: Source) -> Iterator[tuple[int, str]]:
    """Line and text of every string that looks like SQL or is a view's source; docstrings and messages are not."""
    tree = source.tree
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "source" and isinstance(node.value, ast.Constant):
            yield node.value.lineno, f"select 1 from {node.value.value!s}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose | parts:
            if _SQL.search(node.value):
                yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
            if _SQL.search(text):
                yield node.lineno, text


def trespasses(source: Source, owners: Mapping[str, str], order: list[str]) -> list[str]:
    """SQL that writes another room's table, or reads a table of a higher room.

    `owners`: table → room; `order`: the rooms from low to high. What stands above the rooms may read all, write none.
    """
    found = []
    height = order.index(source.room) if source.room in order else len(order)
    for line, sql in sql_texts(source):
        own_names = {name.lower() for name in _CTE.findall(sql)}
        at = f"{source.path}:{line}"
        for match in _WRITES.finditer(sql):
            owner = owners.get(match[1].lower())
            if owner and owner != source.room:
                found.append(f"{at} writes {match[1]}, which {owner} owns")
        for match in _READS.finditer(sql):
            table = (match[1] or match[2] or "").lower()
            owner = owners.get(table)
            if owner and table not in own_names and order.index(owner) > height:
                found.append(f"{at} reads {table}, which belongs to the higher room {owner}")
    return found
