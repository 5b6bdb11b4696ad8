"""What a change of each field means to who endorsed it: the published table, read from package data. Pure but for that.

The table is a file (`data/change-classes/<version>.toml`) and the query `changeClasses`. What it does not know is
material: a field that is added tomorrow carries no endorsement along until somebody has thought about it.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import regex

_UNSEEN: Final = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}\p{M}]")
_TURNING: Final = regex.compile("[\u200b\u202a-\u202e\u2066-\u2069]")
_MARKS: Final = regex.compile(r"\p{M}")
_LETTERS: Final = regex.compile(r"\p{L}")
_ALIKE: Final = tuple(regex.compile(rf"\p{{Script={script}}}") for script in ("Latin", "Cyrillic", "Greek"))


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


class Weight(StrEnum):
    """What of a wording changed that may change its meaning."""

    NONE = "none"
    """No figure and no word of the table."""
    FIGURE = "figure"
    WORD = "word"
    """A word of the table: one that obliges, allows, forbids, denies, excepts, bounds or counts; or one in disguise."""
    OPPOSITE = "opposite"
    """A word in the place of its opposite."""
    NO_TEXT = "no text"
    """Something that is no text."""


@dataclass(frozen=True)
class Words:
    """The words of a language that change what a text means; a `*` stands for any letters.

    `opposites` are beginnings that turn a word into its opposite, `letters` its alphabet, `alike` which letters of it
    look like which others.
    """

    language: str
    words: tuple[str, ...]
    opposites: tuple[str, ...] = ()
    letters: str = ""
    alike: tuple[tuple[str, str], ...] = ()

    def holds(self, word: str) -> bool:
        """Whether a word, as it is written, is one of them or looks like one."""
        said, seen = plain(word), self.looks(word)
        if said in self._whole or said.startswith(self._beginnings) or said.endswith(self._ends):
            return True
        return seen != said and (seen in self._seen or seen.startswith(self._beginnings) or seen.endswith(self._ends))

    def looks(self, word: str) -> str:
        """A word as it looks: of letters that look alike always the same one."""
        for these, those in self.alike:
            word = word.replace(these, those)
        return plain(word)

    def denied(self, word: str) -> list[str]:
        """What is left of a word, as `plain` gives it, without a beginning that turns it into its opposite."""
        beginnings = (each.removesuffix("*") for each in self.opposites)
        return [word.removeprefix(each) for each in beginnings if word.startswith(each)]

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(word for word in self.words if "*" not in word)

    @cached_property
    def _seen(self) -> frozenset[str]:
        return frozenset(self.looks(word) for word in self._whole)

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple(word.removesuffix("*") for word in self.words if word.endswith("*"))

    @cached_property
    def _ends(self) -> tuple[str, ...]:
        return tuple(word.removeprefix("*") for word in self.words if word.startswith("*"))


def plain(word: str) -> str:
    """A word as words are compared: without case, width and the two dots of `ё`, with a straight apostrophe.

    What nobody sees in it (a soft hyphen, a joiner) and marks over letters (a Russian accent) do not hide it.
    """
    shown: str = _UNSEEN.sub("", unicodedata.normalize("NFKC", word))
    return shown.casefold().replace("ё", "е").replace("’", "'")


_SHORTEST_STEM: Final = 3
_LONGEST_ENDING: Final = 3


def _stems(word: str) -> Iterable[str]:
    """A word without up to its last three letters, in which grammatical forms differ; of a short one less."""
    return {word[:length] for length in range(max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING), len(word) + 1)}


def disguise(word: str) -> str:
    """What makes a word look like another one, in words; "" for an honest one.

    A character that cuts a word or turns its direction unseen, or letters of alphabets that look alike (UTS #39).
    """
    if unseen := _TURNING.search(word):
        return f"U+{ord(unseen[0]):04X}"
    return plain(word) if sum(bool(script.search(word)) for script in _ALIKE) > 1 else ""


@dataclass(frozen=True)
class Table:
    """A version of the published table. Words are weighed in every text, whatever the language of its version."""

    version: int
    rows: tuple[Row, ...]
    words: tuple[Words, ...] = ()

    def weighty(self, words: Iterable[str]) -> list[str]:
        """Those of some words that change what a text means, in their order, as they are compared.

        Also those of which a reader and this table would not see the same, and those of an alphabet that it does not
        know.
        """
        found = []
        for word in words:
            if hidden := disguise(word):
                found.append(hidden)
            elif any(each.holds(word) for each in self.words) or self._strange(word):
                found.append(plain(word))
        return found

    def _strange(self, word: str) -> bool:
        """Whether a word has a letter of an alphabet that the table does not name."""
        base = _MARKS.sub("", unicodedata.normalize("NFKD", word).casefold())
        return any(letter not in self._letters for letter in _LETTERS.findall(base))

    @cached_property
    def _letters(self) -> frozenset[str]:
        return frozenset("".join(each.letters for each in self.words))

    def opposed(self, gone: Iterable[str], come: Iterable[str]) -> list[str]:
        """The words that deny one on the other side by their beginning: "unsupervised" where "supervised" stood.

        A word counts as the same in another grammatical form: all but its last letters.
        """
        sides = [[plain(word) for word in side] for side in (gone, come)]
        stems = [{stem for word in side for stem in _stems(word)} for side in sides]
        return [
            word
            for side, others in zip(sides, reversed(stems), strict=True)
            for word in side
            if any(stem in others for each in self.words for rest in each.denied(word) for stem in _stems(rest))
        ]

    def speaking(self, *languages: str) -> Table:
        """The table for texts of these languages (BCP 47): where it has no words of one, each wording is material."""
        known = {each.language for each in self.words}
        if all(language.partition("-")[0].lower() in known for language in languages):
            return self
        why = " The table has no words of its language, so a change of it is material."
        rows = (
            replace(row, rule=Rule.MATERIAL, why=row.why + why) if row.rule is Rule.WORDING else row
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))

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


def decide(rule: Rule, weight: Weight = Weight.NONE) -> ChangeClass:
    """The class that a row gives to a change; a wording is material as soon as something in it has weight."""
    match rule:
        case Rule.MATERIAL:
            return ChangeClass.MATERIAL
        case Rule.EDITORIAL:
            return ChangeClass.EDITORIAL
        case Rule.WORDING:
            return ChangeClass.EDITORIAL if weight is Weight.NONE else ChangeClass.MATERIAL


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
    words = tuple(
        Words(
            each["language"],
            tuple(each["words"]),
            tuple(each["opposites"]),
            each["letters"],
            tuple((these, those) for these, those in each["alike"]),
        )
        for each in document["words"]
    )
    return Table(document["version"], rows, words)


IN_FORCE: Final = read((files("countersign") / "data" / "change-classes" / "3.toml").read_text("utf-8"))
"""The table by which every difference is classed now."""
