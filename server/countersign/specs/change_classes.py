"""What a change of each field means to who endorsed it: the published table, read from package data. Pure but for that.

The table is a file (`data/change-classes/<version>.toml`) and the query `changeClasses`. What it does not know is
material: a field that is added tomorrow carries no endorsement along until somebody has thought about it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from typing import Any, Final


class ChangeClass(StrEnum):
    """Whether what was endorsed may have changed its meaning."""

    MATERIAL = "material"
    EDITORIAL = "editorial"


class Rule(StrEnum):
    """What a row of the table says of a change."""

    MATERIAL = "material"
    WORDING = "wording"
    EDITORIAL = "editorial"


class Aspect(StrEnum):
    """What of a field changed: its content, or only the order of its items."""

    CONTENT = "content"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a field path with `[]` for the items of a list, and what a change of it, or below it, means."""

    path: str
    aspect: Aspect
    rule: Rule
    why: str


@dataclass(frozen=True)
class Table:
    """A version of the published table."""

    version: int
    rows: tuple[Row, ...]

    @cached_property
    def _of(self) -> Mapping[tuple[Aspect, str], Row]:
        return {(row.aspect, row.path): row for row in self.rows}

    def row(self, pattern: str, aspect: Aspect) -> Row:
        """The row that decides for `outcomes[].threshold` and its like: the nearest above it; else `UNKNOWN`.

        The order of a list is decided by a row of its own only: what says nothing of order is material.
        """
        if aspect is Aspect.ORDER:
            return self._of.get((aspect, pattern), UNKNOWN)
        at = pattern
        while at:
            if (aspect, at) in self._of:
                return self._of[aspect, at]
            at = at[:-2] if at.endswith("[]") else at.rpartition(".")[0]
        return UNKNOWN


UNKNOWN: Final = Row("", Aspect.CONTENT, Rule.MATERIAL, "The table does not know this field, so a change is material.")


def decide(rule: Rule, *, figure_changed: bool) -> ChangeClass:
    """The class that a row gives to a change; a wording is material as soon as a figure in it changes."""
    match rule:
        case Rule.MATERIAL:
            return ChangeClass.MATERIAL
        case Rule.EDITORIAL:
            return ChangeClass.EDITORIAL
        case Rule.WORDING:
            return ChangeClass.MATERIAL if figure_changed else ChangeClass.EDITORIAL


def overall(classes: Iterable[ChangeClass]) -> ChangeClass | None:
    """None when nothing changed; material as soon as one change is."""
    found = set(classes)
    if not found:
        return None
    return ChangeClass.MATERIAL if ChangeClass.MATERIAL in found else ChangeClass.EDITORIAL


def read(text: str) -> Table:
    """A table from its TOML. Raises ValueError, KeyError for a file that is none."""
    document: dict[str, Any] = tomllib.loads(text)
    rows = tuple(
        Row(row["path"], Aspect(row.get("change", "content")), Rule(row["class"]), row["why"])
        for row in document["rows"]
    )
    return Table(document["version"], rows)


IN_FORCE: Final = read((files("countersign") / "data" / "change-classes" / "1.toml").read_text("utf-8"))
"""The table by which every difference is classed now."""
