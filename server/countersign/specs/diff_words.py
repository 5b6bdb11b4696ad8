"""Two texts compared word by word, in any script. Pure.

Words are those of Unicode (UAX #29, default word boundaries, as `regex` finds them): a base letter keeps its combining
marks, an emoji its parts, a right-to-left mark stays with what it follows. What is the same is the longest common
subsequence of words. The pieces are in logical order and give both texts back, code point by code point: nothing is
normalized, since two spellings of one accent are two different signed texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import regex
from rapidfuzz.distance import LCSseq

MOST_WORDS: Final = 6_000
"""Longer texts are compared by lines, and when these are too many as a whole: it takes some milliseconds at most."""

_BETWEEN_WORDS: Final = regex.compile(r"(?V1w)\b")
_LINES: Final = regex.compile(r"[^\n]*\n|[^\n]+")
_FIGURE: Final = regex.compile(r"\p{N}")


class Piece(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Words:
    """A run of words and what became of it."""

    piece: Piece
    text: str


def words(text: str) -> list[str]:
    """The text cut at Unicode word boundaries; joined they are the text again."""
    return [word for word in _BETWEEN_WORDS.split(text) if word]


def compare(before: str, after: str) -> tuple[Words, ...]:
    """The runs that make both texts: same and removed give `before`, same and added give `after`."""
    old, new = words(before), words(after)
    if max(len(old), len(new)) > MOST_WORDS:
        old, new = _LINES.findall(before), _LINES.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        old, new = [before], [after]
    return tuple(_joined(_readable(_runs(old, new))))


def figure_changed(runs: Iterable[Words]) -> bool:
    """Whether a word with a digit, of whatever script, was added or removed."""
    return any(run.piece is not Piece.SAME and _FIGURE.search(run.text) for run in runs)


def words_changed(runs: Iterable[Words], weighty: Callable[[Iterable[str]], list[str]]) -> tuple[str, ...]:
    """The weighty words that came or went, each once, in reading order; none where the same stay in their order.

    `weighty` tells which of some words are, in their order.
    """
    found: list[str] = []
    gone: list[str] = []
    come: list[str] = []
    for run in [*runs, Words(Piece.SAME, "")]:
        match run.piece:
            case Piece.REMOVED:
                gone += weighty(words(run.text))
            case Piece.ADDED:
                come += weighty(words(run.text))
            case Piece.SAME:
                found += [] if gone == come else gone + come
                gone, come = [], []
    return tuple(dict.fromkeys(found))


def exchanged(runs: Iterable[Words]) -> tuple[list[str], list[str]]:
    """All words that went, and all that came."""
    gone, come = (
        [word for run in runs if run.piece is piece for word in words(run.text)]
        for piece in (Piece.REMOVED, Piece.ADDED)
    )
    return gone, come


def _runs(old: Sequence[str], new: Sequence[str]) -> list[Words]:
    runs: list[Words] = []
    for step in LCSseq.opcodes(old, new):
        gone = "".join(old[step.src_start : step.src_end])
        come = "".join(new[step.dest_start : step.dest_end])
        if step.tag == "equal":
            runs.append(Words(Piece.SAME, gone))
        else:
            runs += [Words(Piece.REMOVED, gone), Words(Piece.ADDED, come)]
    return [run for run in runs if run.text]


def _readable(runs: Sequence[Words]) -> list[Words]:
    """White space alone between two changes belongs to them: a whole phrase changes, not every second word."""
    made: list[Words] = []
    for number, run in enumerate(runs):
        inside = 0 < number < len(runs) - 1
        if inside and run.piece is Piece.SAME and run.text.isspace():
            made += [Words(Piece.REMOVED, run.text), Words(Piece.ADDED, run.text)]
        else:
            made.append(run)
    return made


def _joined(runs: Iterable[Words]) -> Iterable[Words]:
    """Neighbouring changes as one removal and one addition, in this order."""
    texts = dict.fromkeys(Piece, "")
    for run in runs:
        if (run.piece is Piece.SAME) is not bool(texts[Piece.SAME]) and any(texts.values()):
            yield from _told(texts)
            texts = dict.fromkeys(Piece, "")
        texts[run.piece] += run.text
    yield from _told(texts)


def _told(texts: dict[Piece, str]) -> Iterable[Words]:
    return [Words(piece, text) for piece, text in texts.items() if text]
