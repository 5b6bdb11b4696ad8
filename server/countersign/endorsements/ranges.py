"""Versions of tools as people write them, read as ranges that can be compared. Pure.

Ordering, wildcards and the relations of ranges are the library's (`packaging`, PEP 440). Here is only what people write
beside that: "V7", "4.x", "≥ 15", "3.12–3.13", "16 or 17", "3.7 (with ZooKeeper)". A bare version means it and its
later patches: "3.13" holds 3.13.5.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

LONGEST: Final = 200
_REMARK: Final = re.compile(r"\([^()]*\)\s*$")
_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9}){0,5}"
_VERSION: Final = re.compile(rf"(?:version\s+|v\.?\s*)?({_NUMBER})(?:\.[x*])?", re.IGNORECASE)
_SPAN: Final = re.compile(rf"v?({_NUMBER})(?:\.[x*])?\s*(?:-|–|—|\bto\b)\s*v?({_NUMBER})(?:\.[x*])?", re.IGNORECASE)
_ONWARDS: Final = re.compile(rf"v?({_NUMBER})\s*(?:\+|(?:and|or)\s+(?:later|newer|above|higher))", re.IGNORECASE)
_CLAUSE: Final = re.compile(rf"(===|==|!=|<=|>=|~=|<|>|=|\^|~)\s*v?({_NUMBER})(\.[x*])?", re.IGNORECASE)
_SIGNS: Final = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!="})


@dataclass(frozen=True, slots=True)
class Range:
    """One or more sets of versions; a version is in the range when it is in one of them."""

    sets: tuple[SpecifierSet, ...]

    def within(self, other: Range) -> bool:
        """Whether every version of this range is in one set of the other."""
        return all(any(mine.is_subset(theirs) for theirs in other.sets) for mine in self.sets)

    def meets(self, other: Range) -> bool:
        """Whether some version is in both."""
        return any(not mine.is_disjoint(theirs) for mine in self.sets for theirs in other.sets)


@lru_cache(maxsize=4_096)
def read(text: str) -> Range | None:
    """The range that a text says; None when it cannot be read ("web, September 2026").

    Read are: a version with its patches ("3.13", "V7", "4.x"), comparisons joined by commas (">=4.0,<5", "≥ 15",
    "^4.1", "~4.1"), a span with its last version's patches ("3.12–3.13"), "15+" and "15 or later", and alternatives
    ("16 or 17", "16 || 17", "16, 17"). A remark in brackets at the end is left out.
    """
    if len(text) > LONGEST:
        return None
    plain = _REMARK.sub("", unicodedata.normalize("NFKC", text).translate(_SIGNS)).strip()
    whole = _one(plain)
    if whole is not None:
        return Range((whole,))
    parts = [_one(part.strip()) for part in re.split(r"\|\||/|;|\bor\b|,(?!\s*[<>=!~^])", plain)]
    found = tuple(part for part in parts if part is not None)
    return Range(found) if found and len(found) == len(parts) else None


def _one(text: str) -> SpecifierSet | None:
    if match := _VERSION.fullmatch(text):
        return _made(f"=={match[1]}.*")
    if match := _ONWARDS.fullmatch(text):
        return _made(f">={match[1]}")
    if match := _SPAN.fullmatch(text):
        return _made(f">={match[1]},<{_next(match[2])}")
    clauses = [_CLAUSE.fullmatch(part.strip()) for part in re.split(r",|\s+(?=[<>=!~^])", text)]
    if not all(clauses):
        return None
    return _made(",".join(_CLAUSES[match[1]](match[2]) for match in clauses if match))


_CLAUSES: Final[Mapping[str, Callable[[str], str]]] = {
    "=": "=={}.*".format,
    "==": "=={}.*".format,
    "===": "=={}.*".format,
    "!=": "!={}.*".format,
    ">=": ">={}".format,
    "<": "<{}".format,
    "<=": lambda number: f"<{_next(number)}",
    ">": lambda number: f">={_next(number)}",
    "^": lambda number: f">={number},<{_next(number.partition('.')[0])}",
    "~": lambda number: f">={number},<{_next('.'.join(number.split('.')[:2]))}",
    "~=": lambda number: f"~={number}" if "." in number else f">={number},<{_next(number)}",
}
"""What a comparison with a version says in the library's words; a version stands for its patches too."""


def _next(number: str) -> str:
    """The first version after this one and its patches."""
    *head, last = number.split(".")
    return ".".join([*head, str(int(last) + 1)])


def _made(text: str) -> SpecifierSet | None:
    try:
        made = SpecifierSet(text)
    except InvalidSpecifier:
        return None
    return None if made.is_unsatisfiable() else made


@lru_cache(maxsize=4_096)
def overlap(one: str, other: str) -> bool | None:
    """Whether some version is in both ranges; None when one of them cannot be read."""
    mine, theirs = read(one), read(other)
    return None if mine is None or theirs is None else mine.meets(theirs)


def key_of(name: str) -> str:
    """A tool's name for comparison: letters and digits alone, without case ("Node.js" and "NodeJS" are one)."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum() or character in "+#")


class Agreement(enum.StrEnum):
    """How a confirmed tool stands to the toolchain that a version teaches."""

    CONFIRMED = "confirmed"
    """Every version that is taught is in use."""
    PARTLY = "partly"
    """Some of the versions that are taught are in use."""
    DIFFERENT = "different"
    """None of the versions that are taught is in use."""
    UNSTATED = "unstated"
    """One of the two names no version."""
    UNREADABLE = "unreadable"
    """One of the two writes versions that cannot be compared."""
    NOT_TAUGHT = "not_taught"
    """The tool is not in the toolchain."""


@lru_cache(maxsize=4_096)
def agreement(confirmed: str, taught: str | None) -> Agreement:
    """How the versions in use stand to those that are taught; `taught` is None for a tool that names no version."""
    if not confirmed.strip() or taught is None or not taught.strip():
        return Agreement.UNSTATED
    mine, theirs = read(confirmed), read(taught)
    if mine is None or theirs is None:
        return Agreement.UNREADABLE
    if theirs.within(mine):
        return Agreement.CONFIRMED
    return Agreement.PARTLY if theirs.meets(mine) else Agreement.DIFFERENT


def find(name: str, toolchain: Sequence[Mapping[str, object]], same: Mapping[str, str]) -> Mapping[str, object] | None:
    """The tool of a toolchain that has this name or another name of the same tool (`same`: key → main key)."""
    wanted = _main(name, same)
    return next((tool for tool in toolchain if _main(str(tool["name"]), same) == wanted), None)


def _main(name: str, same: Mapping[str, str]) -> str:
    key = key_of(name)
    return same.get(key, key)
