"""The threat table: what attackers and accidents may try, the tests that stand against it, the guards that do the work.

One file for each threat (`rows/NN.toml`): `abuse` in words, `tests` by their ids without parameters, and any number of
`[[guard]]`: a text (`old`) that stands once in a `file` of the product, what it is without the guard (`new`), and the
`test` of this row that must then fail.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROWS = Path(__file__).with_name("rows")


@dataclass(frozen=True)
class Guard:
    """One line of defence, and how it looks when somebody has taken it out."""

    file: str
    old: str
    new: str
    test: str


@dataclass(frozen=True)
class Threat:
    """One row."""

    number: int
    abuse: str
    tests: tuple[str, ...]
    guards: tuple[Guard, ...]


def threats() -> list[Threat]:
    """Every row, by number."""
    return [_read(path) for path in sorted(ROWS.glob("*.toml"))]


def _read(path: Path) -> Threat:
    row: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    guards = tuple(Guard(**guard) for guard in row.get("guard", ()))
    return Threat(int(path.stem), row["abuse"], tuple(row["tests"]), guards)


def exists(test: str) -> bool:
    """Whether a test of this id (file::function) stands in the repository."""
    name, _, function = test.partition("::")
    path = ROOT / name
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == function for n in tree.body)
