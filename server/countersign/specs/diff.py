"""What differs between two versions: field by field, items by what names them, each change classed by the table. Pure.

It compares the JSON that versions store (`reading.to_json`), whatever fields it has, so a field that this code does not
know is compared too, and is material.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rapidfuzz.distance import LCSseq

from countersign.specs.change_classes import IN_FORCE, Aspect, ChangeClass, Row, Rule, Table, Weight, decide, overall
from countersign.specs.content import Content
from countersign.specs.diff_words import Words, compare, exchanged, figure_changed, words_changed
from countersign.specs.sections import FIELDS, Section, section_of


class ChangeKind(StrEnum):
    """What happened to a field or to an item of a list."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    `path` names items by what identifies them (`outcomes[report].threshold`); `pattern` is the same with `[]`. `before`
    and `after` are texts (other values as JSON), None for what is not said. `words` is given where both or either is
    text. A move tells the item's places in the list `moved_in`, counted from 1.
    """

    path: str
    pattern: str
    kind: ChangeKind
    change_class: ChangeClass
    rule: Rule
    why: str
    before: str | None = None
    after: str | None = None
    words: tuple[Words, ...] = ()
    moved_from: int | None = None
    moved_to: int | None = None
    moved_in: str | None = None

    @property
    def section(self) -> Section:
        """The section in which it is read."""
        return section_of(self.path)


@dataclass(frozen=True, slots=True)
class Diff:
    """All differences of two versions, in the order in which a version is read."""

    changes: tuple[Change, ...]

    @property
    def change_class(self) -> ChangeClass | None:
        """None when nothing differs; material as soon as one change is."""
        return overall(change.change_class for change in self.changes)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections with a difference, in reading order."""
        found = {change.section for change in self.changes}
        return tuple(section for section in Section if section in found)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that differ, sorted, each once; a list whose items changed places is named itself."""
        return tuple(sorted({change.moved_in or change.path for change in self.changes}))


_READING_ORDER: Final = [field for fields in FIELDS.values() for field in fields]
_KEYS: Final = ("id", "uri", "name")
MOST_TOLD: Final = 10
LONGEST_TOLD: Final = 40
"""Of the words for which a change is material, and of the letters of each, so many are told."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any], table: Table = IN_FORCE) -> Diff:
    """What differs between the contents of two versions, as JSON."""
    table = table.speaking(*(str(content.get("language") or Content().language) for content in (before, after)))
    known = [field for field in _READING_ORDER if field in before or field in after]
    unknown = sorted((before.keys() | after.keys()) - set(known))
    found: list[Change] = []
    for field in known + unknown:
        found += _values(table, field, field, before.get(field), after.get(field))
    return Diff(tuple(found))


def _values(table: Table, path: str, pattern: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _values(table, f"{path}.{key}", f"{pattern}.{key}", before.get(key), after.get(key))
        return
    if _listed(before) and _listed(after):
        old, new = _named(before or [], after or [])
        if old is not None and new is not None:
            yield from _items(table, path, pattern, old, new)
            return
    yield _change(table, path, pattern, before, after)


def _listed(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _items(table: Table, path: str, pattern: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for name, item in new.items():
        yield from _values(table, f"{path}[{name}]", f"{pattern}[]", old.get(name), item)
    for name, item in old.items():
        if name not in new:
            yield _change(table, f"{path}[{name}]", f"{pattern}[]", item, None)
    row = table.row(pattern, Aspect.ORDER)
    places, was = _places(new), _places(old)
    for name in _moved([name for name in old if name in new], [name for name in new if name in old]):
        yield Change(
            f"{path}[{name}]",
            f"{pattern}[]",
            ChangeKind.MOVED,
            decide(row.rule),
            row.rule,
            row.why,
            moved_from=was[name],
            moved_to=places[name],
            moved_in=path,
        )


def _places(items: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(items, start=1)}


def _moved(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The fewest items that explain another order, in the new one."""
    if old == new:
        return []
    kept = {
        new[at]
        for step in LCSseq.opcodes(old, new)
        if step.tag == "equal"
        for at in range(step.dest_start, step.dest_end)
    }
    return [name for name in new if name not in kept]


def _named(before: list[Any], after: list[Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both lists by what identifies their items; None twice when nothing does, and they are compared as a whole."""
    for way in _ways(before + after):
        old, new = [way(item) for item in before], [way(item) for item in after]
        if len(set(old)) == len(old) and len(set(new)) == len(new):
            return dict(zip(old, before, strict=True)), dict(zip(new, after, strict=True))
    return None, None


def _ways(items: list[Any]) -> list[Any]:
    """The ways in which all items can be named, the best first."""
    if all(isinstance(item, str) for item in items):
        return [str]
    if not all(isinstance(item, Mapping) for item in items):
        return []
    ways: list[Any] = [_by(key) for key in _KEYS if all(item.get(key) for item in items)]
    if all(item.get("name") for item in items):
        ways.append(lambda item: f"{item['name']} {item.get('version') or ''}".rstrip())
    return ways


def _by(key: str) -> Any:
    return lambda item: str(item[key])


def _change(table: Table, path: str, pattern: str, before: Any, after: Any) -> Change:
    row = table.row(pattern, Aspect.CONTENT)
    old, new = _text(before), _text(after)
    texts = all(value is None or isinstance(value, str) for value in (before, after))
    words = compare(old or "", new or "") if texts else ()
    if before is None:
        kind = ChangeKind.ADDED
    elif after is None:
        kind = ChangeKind.REMOVED
    else:
        kind = ChangeKind.CHANGED
    weight, why = _weighed(table, row, words) if texts else (Weight.NO_TEXT, row.why)
    return Change(path, pattern, kind, decide(row.rule, weight), row.rule, why, old, new, words)


def _weighed(table: Table, row: Row, runs: Sequence[Words]) -> tuple[Weight, str]:
    """What has weight in a text that changed, and why the change is of its class, in words."""
    if row.rule is not Rule.WORDING:
        return Weight.NONE, row.why
    if figure_changed(runs):
        return Weight.FIGURE, f"{row.why} A figure in it changed."
    said = words_changed(runs, table.weighty)
    if said:
        return Weight.WORD, f"{row.why} What it obliges, allows or denies may have changed: {_told(said)}."
    turned = table.opposed(*exchanged(runs))
    if turned:
        return (
            Weight.OPPOSITE,
            f"{row.why} A word came to stand for its opposite: {_told(tuple(dict.fromkeys(turned)))}.",
        )
    return Weight.NONE, row.why


def _told(words: Sequence[str]) -> str:
    """Some words for a sentence: the first ten, none longer than a word is."""
    shown = [word if len(word) <= LONGEST_TOLD else f"{word[:LONGEST_TOLD]}…" for word in words[:MOST_TOLD]]
    return ", ".join(shown) + (f" and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else "")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(", ", ": "))
