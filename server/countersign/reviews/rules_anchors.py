"""Where in a frozen text a comment or a suggestion stands, and where that is in a text that was edited since. Pure.

A place is a field path (`outcomes[report].statement`: items of lists by their id, uri or name, else by their number)
and, in a text, a range. Ranges count Unicode code points, the end is not included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from countersign.kit.errors import Code, Invalid, Path, Refusal

LONGEST_PATH: Final = 700
KEYS: Final = ("id", "uri", "name")
"""By which of an item's own words it is named in a path; the first that all items of the list have."""
_STEP: Final = re.compile(r"\.?(?P<field>[A-Za-z]+)|\[(?P<item>[^\[\]]+)\]")


class NoSuchField(Refusal):
    """The version has no field {field}; write a path like outcomes[report].statement."""


class NotText(Refusal):
    """{field} is no text: leave the range out and speak of the whole field."""


class OutOfText(Refusal):
    """{field} has {length} characters; {start} to {end} is no range of it."""


class Misquoted(Refusal):
    """The text from {start} to {end} of {field} reads {actual!r}, not what you quote; load it again."""

    code = Code.CONFLICT


class TextMoved(Refusal):
    """{field} reads otherwise in the draft where this would go: edit it by hand, or begin a draft from the version."""

    code = Code.CONFLICT


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place: the whole version (no path), a whole field (no range), or a range of a text and what stands there."""

    path: str | None = None
    start: int | None = None
    end: int | None = None
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Another text in the place of `start` to `end` (code points)."""

    start: int
    end: int
    text: str


def steps(path: str) -> tuple[str, ...] | None:
    """The names and items on the way of a path, `("outcomes", "[report", "statement")`; None when it is no path."""
    if not path or len(path) > LONGEST_PATH or not path[0].isalpha():
        return None
    found: list[str] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return None
        found.append(match["field"] or f"[{match['item']}")
        at = match.end()
    return tuple(found)


def read(content: Mapping[str, Any], path: str, at: Path = ("path",)) -> Any:
    """What stands at a path of a content's JSON; None for a field of which nothing is said. Raises NoSuchField."""
    value: Any = content
    for step in steps(path) or ("",):
        value = _inside(value, step)
        if value is _MISSING:
            raise NoSuchField(field=path[:LONGEST_PATH], path=at)
    return value


def write(content: Mapping[str, Any], path: str, text: str) -> dict[str, Any]:
    """A copy of a content's JSON with another text at a path. Raises NoSuchField."""
    made: dict[str, Any] = deepcopy(dict(content))
    *way, last = steps(path) or ("",)
    value: Any = made
    for step in way:
        value = _inside(value, step)
    if isinstance(value, dict) and last in value:
        value[last] = text
    elif isinstance(value, list) and (number := _number(value, last[1:])) is not None:
        value[number] = text
    else:
        raise NoSuchField(field=path[:LONGEST_PATH], path=("path",))
    return made


def faults(anchor: Anchor, content: Mapping[str, Any], at: Path) -> list[Refusal]:
    """Why a place is not one of this content: each fault with its place in the input, none when it is."""
    ranged = anchor.start is not None or anchor.end is not None
    if anchor.path is None:
        return [Invalid(problem="A range needs the path of its field", path=(*at, "path"))] if ranged else []
    try:
        value = read(content, anchor.path, (*at, "path"))
    except NoSuchField as unknown:
        return [unknown]
    return _range_faults(anchor, value, at) if ranged else []


def _range_faults(anchor: Anchor, value: Any, at: Path) -> list[Refusal]:
    if not isinstance(value, str):
        return [NotText(field=anchor.path, path=(*at, "start"))]
    if anchor.start is None or anchor.end is None or not 0 <= anchor.start <= anchor.end <= len(value):
        bounds = {"start": anchor.start, "end": anchor.end, "length": len(value)}
        return [OutOfText(field=anchor.path, path=(*at, "start"), **bounds)]
    actual = value[anchor.start : anchor.end]
    if actual != anchor.quoted:
        told = {"start": anchor.start, "end": anchor.end, "actual": actual[:80]}
        return [Misquoted(field=anchor.path, path=(*at, "quoted"), **told)]
    return []


def renamed(path: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """The path at which `there` has what `here` has at `path`; they differ in their texts alone, as names of items.

    Raises NoSuchField when `here` has nothing there.
    """
    value: Any = here
    other: Any = there
    made = ""
    for step in steps(path) or ("",):
        number = _number(value, step[1:]) if isinstance(value, list) else None
        name = step if number is None else f"[{_name(other, number)}"
        value, other = _inside(value, step), _inside(other, name)
        if value is _MISSING or other is _MISSING:
            raise NoSuchField(field=path[:LONGEST_PATH], path=("path",))
        made += f"{name}]" if name.startswith("[") else f".{name}"
    return made.removeprefix(".")


def quotation(content: Mapping[str, Any], path: str | None, start: int | None, end: int | None) -> str:
    """What a checked range says in a content; nothing without a range."""
    if path is None or start is None or end is None:
        return ""
    return str(read(content, path))[start:end]


def applied(text: str, changes: Iterable[Change]) -> str:
    """The text with all changes made; their ranges are of the text as it was and do not overlap."""
    for change in sorted(changes, key=lambda c: (c.start, c.end), reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def place(before: str, now: str, wanted: Change, made: Sequence[Change]) -> int | None:
    """Where the range of `wanted`, given in `before`, begins in `now`; None when what stands there has moved.

    `made` are changes of `before` that `now` is known to hold. Beyond them `now` may differ from `before` in one
    stretch that does not touch the range: what stands before it, or behind it, is then the same to the letter.
    """
    shift = 0
    for change in made:
        if change.end <= wanted.start:
            shift += len(change.text) - (change.end - change.start)
        elif change.start < wanted.end:
            return None
    expected = applied(before, made)
    start, end = wanted.start + shift, wanted.end + shift
    if expected == now:
        return start
    head = _common(expected, now)
    tail = _common(expected[::-1], now[::-1])
    if end <= head:
        return start
    if start >= len(expected) - tail:
        return start + len(now) - len(expected)
    return None


def _common(left: str, right: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


_MISSING: Final = object()


def _inside(value: Any, step: str) -> Any:
    """What is one step further; `_MISSING` when there is nothing."""
    if isinstance(value, list):
        number = _number(value, step[1:]) if step.startswith("[") else None
        return _MISSING if number is None else value[number]
    return value.get(step, _MISSING) if isinstance(value, Mapping) else _MISSING


def _number(items: Sequence[Any], name: str) -> int | None:
    """The place of the item that is called so; None when there is none.

    By number only where nothing else tells the items apart: numbers change when an item is put in.
    """
    for key in KEYS:
        if items and all(isinstance(item, Mapping) and key in item for item in items):
            found = [number for number, item in enumerate(items) if item[key] == name]
            if len(found) == 1:
                return found[0]
            if key != "name":
                return None
            break
    return int(name) if name.isascii() and name.isdigit() and len(name) < 4 and int(name) < len(items) else None  # noqa: PLR2004 - lists are shorter than a thousand


def _name(items: Sequence[Any], number: int) -> str:
    """What `_number` finds the item by."""
    for key in KEYS:
        if all(isinstance(item, Mapping) and key in item for item in items):
            name = str(items[number][key])
            return name if _number(items, name) == number else str(number)
    return str(number)
