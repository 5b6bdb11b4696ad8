"""A real catalogue of courses, read into listings: what a row says is kept, what it lacks is a named gap. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Final

from countersign.kit.importing import BadRows, Column, Row, RowProblem, read_day, read_table
from countersign.specs.content import Content
from countersign.specs.reading import UnreadableContent, parse
from countersign.specs.rules import School, gaps

SOURCE: Final = "nj-etpl"
"""New Jersey's Eligible Training Provider List; the listings of these real schools are "listed, not validated"."""
COUNTRY: Final = "US"
CURRENCY: Final = "USD"
LONGEST_HOURS: Final = 5_000
NUMBER: Final = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")

COLUMNS: Final = (
    Column("external_id", ("program_id",), required=True, longest=40),
    Column("provider", ("provider",), required=True, longest=200),
    Column("title", ("title",), required=True, longest=200),
    Column("description", ("description",), required=True),
    Column("city", ("provider_city",), longest=100),
    Column("county", ("provider_county",), longest=100),
    Column("features", ("features",)),
    Column("prerequisites", ("prerequisites",)),
    Column("field_code", ("cip_code",), longest=10),
    Column("field", ("cip_title",), longest=200),
    Column("hours", ("clock_hours",), longest=10),
    Column("length", ("calendar_length",), longest=50),
    Column("price", ("total_cost_usd",), longest=15),
    Column("award", ("award",), longest=200),
    Column("industry_credential", ("industry_credential",), longest=200),
    Column("accreditation", ("accreditation",), longest=200),
    Column("listed_on", ("submitted",), longest=10),
    Column("provider_id", ("provider_id",)),
    Column("official_title", ("official_title",)),
    Column("tuition", ("tuition_usd",)),
    Column("fees", ("fees_usd",)),
    Column("books", ("books_materials_usd",)),
    Column("supplies", ("supplies_tools_usd",)),
    Column("other", ("other_usd",)),
    Column("license", ("license",)),
    Column("industry_credential_id", ("industry_credential_id",)),
    Column("evening", ("evening",)),
    Column("distance", ("provider_offers_distance_learning",)),
    Column("record", ("record_from",)),
    Column("in_demand", ("cip_in_demand_nj",)),
    Column("short", ("short",)),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One course as its catalogue has it; `gaps` are the mandatory elements that the row does not state."""

    external_id: str
    provider: str
    title: str
    description: str
    country: str = COUNTRY
    place: str | None = None
    features: str | None = None
    prerequisites: str | None = None
    field_code: str | None = None
    field_of_study: str | None = None
    workload_hours: Decimal | None = None
    length: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    award: str | None = None
    industry_credential: str | None = None
    accreditation: str | None = None
    listed_on: date | None = None
    gaps: tuple[str, ...] = ()


FIELDS: Final = tuple(field.name for field in fields(Entry))


def read(data: bytes) -> tuple[Entry, ...]:
    """Every listing of a file. Raises BadRows with all problems of all rows; a course that stands twice is one."""
    rows = read_table(data, COLUMNS, what="course catalogue")
    problems: list[RowProblem] = []
    first: dict[str, int] = {}
    entries = []
    for row in rows:
        key = row.get("external_id")
        if key in first:
            problems.append(row.problem("external_id", f"repeats line {first[key]}", "keep one of the two"))
        first.setdefault(key, row.line)
        entries.append(_entry(row, problems))
    if problems:
        raise BadRows(problems)
    return tuple(entries)


def _entry(row: Row, problems: list[RowProblem]) -> Entry:
    problems += [
        row.problem(name, "is empty", "a listing needs it")
        for name in ("external_id", "provider", "title", "description")
        if not row.get(name)
    ]
    hours, price = _number(row, "hours", problems), _number(row, "price", problems)
    if hours is not None and not 0 < hours <= LONGEST_HOURS:
        problems.append(row.problem("hours", f"must be 1–{LONGEST_HOURS}", "leave it empty when it is not known"))
    said: dict[str, Any] = {
        "external_id": row.get("external_id"),
        "provider": row.get("provider"),
        "title": " ".join(row.get("title").split()),
        "description": row.get("description"),
        "place": ", ".join(part for part in (row.get("city"), row.get("county")) if part) or None,
        "features": row.get("features") or None,
        "prerequisites": row.get("prerequisites") or None,
        "field_code": row.get("field_code") or None,
        "field_of_study": row.get("field") or None,
        "workload_hours": hours,
        "length": row.get("length") or None,
        # A total of 0 stands in the source where no cost was given; it is not a promise that the course is free.
        "price": price or None,
        "currency": CURRENCY if price else None,
        "award": row.get("award") or None,
        "industry_credential": row.get("industry_credential") or None,
        "accreditation": row.get("accreditation") or None,
        "listed_on": _day(row, problems),
    }
    try:
        missing = gaps(content_of(said), School(COUNTRY, row.get("provider")))
    except UnreadableContent as wrong:
        problems += [RowProblem(row.line, fault.where, "", fault.message) for fault in wrong.problems]
        return Entry(**said)
    return Entry(**said, gaps=tuple(gap.element.value for gap in missing))


def content_of(listing: Any) -> Content:
    """What a listing says, as the content of a draft. Nothing is added: no level, outcome, assessment or skill.

    The calendar length ("3-5 months") is a range and no duration; a provider's accreditation is no statement about
    the course's quality assurance. Raises UnreadableContent.
    """
    price = listing["price"]
    said = {
        "title": listing["title"],
        "description": listing["description"],
        "workloadHours": listing["workload_hours"],
        "price": {"amount": price, "currency": listing["currency"]} if price is not None else None,
        "prerequisites": listing["prerequisites"],
        "fieldOfStudy": listing["field_of_study"],
        "furtherInformation": listing["features"],
    }
    return parse({name: value for name, value in said.items() if value})


def _number(row: Row, name: str, problems: list[RowProblem]) -> Decimal | None:
    text = row.get(name)
    if not text:
        return None
    if NUMBER.fullmatch(text):
        return Decimal(text)
    dotted = text.replace(",", ".")
    remedy = f"use a dot: {dotted}" if NUMBER.fullmatch(dotted) else "digits, with at most two decimals, like 120.50"
    problems.append(row.problem(name, "is not a number", remedy))
    return None


def _day(row: Row, problems: list[RowProblem]) -> date | None:
    text = row.get("listed_on")
    if not text:
        return None
    try:
        return read_day(text)
    except ValueError:
        problems.append(row.problem("listed_on", "is not a date", "like 2023-04-18"))
        return None
