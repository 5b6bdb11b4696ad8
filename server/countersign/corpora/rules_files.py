"""Files of vacancies: JSON lines, every fault named by line. Pure.

A line is an object with `vacancy_id` and `knowledge` (the terms that it asks for: tools, fields, qualifications), and
perhaps `published_on` (a day) and `region`. Everything else in it is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from countersign.kit.importing import LARGEST_FILE, BadRows, RowProblem
from countersign.skills.rules import folded

LONGEST: Final = 500
MOST_TERMS: Final = 500
_UNKEPT: Final = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class VacancyFacts:
    """What a line tells of a vacancy; its terms are folded, distinct and sorted."""

    external_id: str
    terms: tuple[str, ...]
    published_on: date | None
    region: str | None


@dataclass(frozen=True, slots=True)
class VacancyFile:
    """A file that can be taken: its vacancies in order, and the SHA-256 of its bytes in lower-case hex."""

    vacancies: tuple[VacancyFacts, ...]
    digest: str


def read(data: bytes) -> VacancyFile:
    """The vacancies of a file. Raises BadRows, which names every fault."""
    found: list[VacancyFacts] = []
    problems: list[RowProblem] = []
    seen: dict[str, int] = {}
    for line, content in enumerate(_text(data).split("\n"), start=1):
        if not content.strip():
            continue
        try:
            facts = _line(line, content)
        except BadRows as bad:
            problems += bad.problems
            continue
        first = seen.setdefault(facts.external_id, line)
        if first != line:
            problems.append(RowProblem(line, "vacancy_id", facts.external_id, f"stands in line {first} already"))
        found.append(facts)
    if not found and not problems:
        problems.append(RowProblem(0, "", "", "the file has no vacancies"))
    if problems:
        raise BadRows(problems)
    return VacancyFile(tuple(found), hashlib.sha256(data).hexdigest())


def _text(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise BadRows([RowProblem(0, "", "", f"the file is larger than {LARGEST_FILE} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRows([RowProblem(0, "", "", f"byte {error.start} is not UTF-8", "save the file as UTF-8")]) from None


def _line(line: int, content: str) -> VacancyFacts:
    try:
        item = json.loads(content)
    except ValueError:
        raise BadRows([RowProblem(line, "", content[:60], "this is no JSON", "one object on each line")]) from None
    except RecursionError:
        raise BadRows([RowProblem(line, "", content[:60], "this is nested too deeply")]) from None
    return _facts(line, item)


def _facts(line: int, item: Any) -> VacancyFacts:
    if not isinstance(item, dict):
        raise BadRows([RowProblem(line, "", str(item)[:60], "this is no object", "one object on each line")])
    problems: list[RowProblem] = []
    identity, knowledge = item.get("vacancy_id"), item.get("knowledge")
    if not _is_text(identity):
        problems.append(RowProblem(line, "vacancy_id", str(identity)[:60], "must be a text of up to 500 characters"))
    if not isinstance(knowledge, list) or len(knowledge) > MOST_TERMS or not all(_is_text(term) for term in knowledge):
        problems.append(
            RowProblem(line, "knowledge", str(knowledge)[:60], f"must be a list of up to {MOST_TERMS} texts")
        )
    region = item.get("region")
    if region is not None and not _is_text(region):
        problems.append(RowProblem(line, "region", str(region)[:60], "must be a text of up to 500 characters"))
    published = _day(item.get("published_on"))
    if published is None and item.get("published_on") is not None:
        problems.append(
            RowProblem(line, "published_on", str(item["published_on"])[:60], "is no day", "write it as 2026-11-22")
        )
    if problems:
        raise BadRows(problems)
    terms = sorted({folded(term) for term in knowledge or ()} - {""})
    return VacancyFacts(str(identity), tuple(terms), published, region.strip() if region else None)


def _is_text(value: Any) -> bool:
    """Whether it is a text that can be kept: JSON can spell NUL and half a character."""
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= LONGEST and not _UNKEPT.search(value)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def period(vacancies: Iterable[VacancyFacts], since: date | None, until: date | None) -> tuple[date, date]:
    """The days that a snapshot covers: what was stated, else the first and last day of its vacancies.

    Raises BadRows when neither tells it, and when a vacancy lies outside what was stated.
    """
    days = [v.published_on for v in vacancies]
    known = [day for day in days if day is not None]
    start = since or (min(known) if known and None not in days else None)
    end = until or (max(known) if known and None not in days else None)
    if start is None or end is None:
        raise BadRows(
            [RowProblem(0, "published_on", "", "not every vacancy tells its day", "say the corpus's --from and --to")]
        )
    if start > end or any(not start <= day <= end for day in known):
        raise BadRows([RowProblem(0, "published_on", "", f"not every vacancy lies in {start} to {end}")])
    return start, end
