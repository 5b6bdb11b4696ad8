"""Checks and wording that the kinds of evidence, and the words beside them, share. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from countersign.endorsements import ranges
from countersign.kit.errors import Refusal, Required, TooLong

SHORT: Final = 200
LONGEST_WINDOW: Final = 3 * 366
"""Days from today to the last on which pledged seats may be reserved."""
_MISLEADING: Final = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
"""Characters that nobody sees or that turn what stands beside them: a signed sentence reads as it was signed."""


class Unsuitable(Refusal):
    """{what} must be {expected}."""


class UnreadableVersions(Refusal):
    """The versions “{versions}” cannot be compared: write 3.13, 4.x, >=4.0,<5, 3.12–3.13 or 15+."""


class NamedTwice(Refusal):
    """{tool} is named twice: one entry can hold several versions, such as 16 or 17."""


def says_something(text: str) -> bool:
    """Whether there is a character that can be seen: no white space, control or format character (Unicode)."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def text(what: str, value: str, field: str, limit: int = SHORT) -> Iterator[Refusal]:
    """The faults of a required text: nothing to see, something that misleads the eye, more than the limit."""
    if not says_something(value):
        yield Required(what=what, path=(field,))
    elif _MISLEADING.search(value):
        yield Unsuitable(what=what, expected="without characters that are unseen or turn the text", path=(field,))
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


def window(opens_on: date, closes_on: date, today: date) -> Iterator[Refusal]:
    """The fault of a pledge's window that is reversed, or that ends so late that no promise is ever put to the test."""
    if closes_on < opens_on:
        yield Unsuitable(what="The window", expected="from an earlier to a later day", path=("opensOn",))
    elif (closes_on - today).days > LONGEST_WINDOW:
        yield Unsuitable(what="The last day of a pledge", expected="within the next three years", path=("closesOn",))


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
