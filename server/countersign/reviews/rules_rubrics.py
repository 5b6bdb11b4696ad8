"""What an organization's own rubric must be before it is published, for good. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from countersign.kit.errors import Invalid, Path, Refusal, Refusals, Required, TooLong
from countersign.reviews.rubric import CRITERIA, HIGHEST, LOWEST, Criterion, Rubric

MOST_CRITERIA: Final = 30
ANCHORS: Final = HIGHEST - LOWEST + 1
TITLE_LIMIT: Final = 200
TEXT_LIMIT: Final = 500
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]{0,7}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A criterion as it is given: one of the platform's by its code alone, or one of the organization's own."""

    code: str
    title: str = ""
    question: str = ""
    anchors: tuple[str, ...] = ()


def build(title: str, wanted: Sequence[Wanted], evidence_from: int) -> Rubric:
    """The rubric. Refuses, each with its place, what is empty, too long, twice, or lacks the anchor of a score.

    A code of the platform (R1 to R11) always means the platform's question: then nothing else is given. So scores of
    different rubrics can be compared criterion by criterion.
    """
    faults: list[Refusal] = _text("The title", title, TITLE_LIMIT, ("title",))
    if not wanted:
        faults.append(Required(what="A criterion", path=("criteria",)))
    if len(wanted) > MOST_CRITERIA:
        raise Invalid(problem=f"A rubric has at most {MOST_CRITERIA} criteria", path=("criteria",))
    if not LOWEST < evidence_from <= HIGHEST + 1:
        faults.append(
            Invalid(problem="Evidence is asked from a score of 1 to 4, or from 5: never", path=("evidenceFrom",))
        )
    seen: set[str] = set()
    criteria: list[Criterion] = []
    for number, one in enumerate(wanted):
        at: Path = ("criteria", number)
        if one.code in seen:
            faults.append(Invalid(problem=f"The code {one.code} stands twice", path=(*at, "code")))
        seen.add(one.code)
        found = _criterion(one, at)
        if isinstance(found, Criterion):
            criteria.append(found)
        else:
            faults += found
    if faults:
        raise Refusals(faults)
    return Rubric(tuple(criteria), evidence_from)


def _criterion(one: Wanted, at: Path) -> Criterion | list[Refusal]:
    known = CRITERIA.get(one.code)
    if known is not None:
        if one.title or one.question or one.anchors:
            problem = f"{one.code} is the platform's criterion: give its code alone, or choose another code"
            return [Invalid(problem=problem, path=(*at, "code"))]
        return known
    faults: list[Refusal] = []
    if _CODE.fullmatch(one.code) is None:
        problem = "A code has a capital letter and up to seven capitals or digits, like D1"
        faults.append(Invalid(problem=problem, path=(*at, "code")))
    faults += _text("The title", one.title, TITLE_LIMIT, (*at, "title"))
    faults += _text("The question", one.question, TEXT_LIMIT, (*at, "question"))
    if len(one.anchors) != ANCHORS:
        problem = f"A criterion says what each score from {LOWEST} to {HIGHEST} means: {ANCHORS} anchors"
        faults.append(Invalid(problem=problem, path=(*at, "anchors")))
    for score, anchor in enumerate(one.anchors[:ANCHORS]):
        faults += _text(f"What a score of {score} means", anchor, TEXT_LIMIT, (*at, "anchors", score))
    if faults:
        return faults
    a, b, c, d, e = one.anchors
    return Criterion(one.code, one.title.strip(), one.question.strip(), (a, b, c, d, e))


def _text(what: str, text: str, limit: int, at: Path) -> list[Refusal]:
    if not text.strip():
        return [Required(what=what, path=at)]
    return [TooLong(what=what, limit=limit, path=at)] if len(text) > limit else []


def to_json(rubric: Rubric) -> list[dict[str, Any]]:
    """The criteria as they are stored."""
    return [
        {"code": c.code, "title": c.title, "question": c.question, "anchors": list(c.anchors)} for c in rubric.criteria
    ]


def from_json(criteria: Sequence[dict[str, Any]], evidence_from: int) -> Rubric:
    """The rubric that was stored."""
    return Rubric(
        tuple(Criterion(c["code"], c["title"], c["question"], tuple(c["anchors"])) for c in criteria), evidence_from
    )
