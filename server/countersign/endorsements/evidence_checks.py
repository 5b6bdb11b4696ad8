"""Checks and wording that the kinds of evidence share. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from countersign.endorsements import ranges
from countersign.kit.errors import Refusal, Required, TooLong

SHORT: Final = 200


class Unsuitable(Refusal):
    """{what} must be {expected}."""


class UnreadableVersions(Refusal):
    """The versions “{versions}” cannot be compared: write 3.13, 4.x, >=4.0,<5, 3.12–3.13 or 15+."""


class NamedTwice(Refusal):
    """{tool} is named twice: one entry can hold several versions, such as 16 or 17."""


def text(what: str, value: str, field: str, limit: int = SHORT) -> Iterator[Refusal]:
    """The faults of a required text."""
    if not value.strip():
        yield Required(what=what, path=(field,))
    if len(value) > limit:
        yield TooLong(what=what, limit=limit, path=(field,))


def tool_in_use(name: str, versions: str, earlier: Sequence[str]) -> Iterator[Refusal]:
    """The faults of a confirmed tool: its name, named once, and versions that can be compared."""
    yield from text("A tool's name", name, "name")
    if ranges.key_of(name) in {ranges.key_of(other) for other in earlier}:
        yield NamedTwice(tool=name, path=("name",))
    if len(versions) > SHORT:
        yield TooLong(what="A version range", limit=SHORT, path=("versions",))
    elif versions.strip() and ranges.read(versions) is None:
        yield UnreadableVersions(versions=versions, path=("versions",))


def within(what: str, value: int | Decimal, field: str, low: int, high: int) -> Iterator[Refusal]:
    """The fault of a number outside `low`..`high`."""
    if not low <= value <= high:
        yield Unsuitable(what=what, expected=f"between {low} and {high}", path=(field,))


def ahead(what: str, day: date, field: str, today: date) -> Iterator[Refusal]:
    """The fault of a promise whose last day is over."""
    if day <= today:
        yield Unsuitable(what=what, expected="after today", path=(field,))


def behind(what: str, day: date, field: str, today: date) -> Iterator[Refusal]:
    """The fault of an observation that has not happened."""
    if day > today:
        yield Unsuitable(what=what, expected="today or earlier", path=(field,))


def plural(count: int | Decimal, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{plain(count)} {one if count == 1 else many or one + 's'}"


def plain(number: int | Decimal) -> str:
    """A number without an exponent or trailing zeros."""
    shown = f"{Decimal(number):f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
