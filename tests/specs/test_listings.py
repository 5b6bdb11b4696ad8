"""Listings of a real catalogue: imported as they are, never filled in, and completed by a school into a draft."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from countersign.kit.access import ANONYMOUS, SYSTEM, Role
from countersign.kit.db import Database
from countersign.kit.errors import Code, NotAllowed, Refusal
from countersign.kit.ids import new_id
from countersign.kit.importing import BadRows
from countersign.specs import service
from countersign.specs.listings import read
from countersign.specs.rules import Element
from tests.factories import Factory
from tests.specs.support import everything

PROGRAMS = Path(str(files("countersign") / "data")) / "new-jersey/programs.csv"
HEADER = "program_id,provider,title,description,clock_hours,total_cost_usd,submitted\n"
ROW = "7,Riverside Institute,Welding basics,Learn to join steel safely in forty lessons.,120,950,2021-02-23\n"
UNSTATED = {
    *(Element.LEARNING_OUTCOMES, Element.PRIMARY_OUTCOME, Element.LEVEL, Element.ASSESSMENT_TYPE, Element.ASSESSMENT),
    *(Element.PARTICIPATION, Element.QUALITY_ASSURANCE, Element.SKILLS),
}


def faults(rows: str) -> list[tuple[int, str, str]]:
    with pytest.raises(BadRows) as caught:
        read((HEADER + rows).encode())
    return [(problem.line, problem.field, problem.sentence()) for problem in caught.value.problems]


def test_what_no_row_states_is_a_named_gap_of_every_row() -> None:
    entries = read(PROGRAMS.read_bytes())
    assert len(entries) == 892
    assert all(set(UNSTATED) <= set(entry.gaps) for entry in entries)
    hourless = [entry for entry in entries if entry.workload_hours is None]
    assert len(hourless) == 25
    assert all((Element.WORKLOAD in entry.gaps) == (entry.workload_hours is None) for entry in entries)


def test_cost_of_nothing_is_not_a_price() -> None:
    (entry,) = read((HEADER + ROW.replace(",950,", ",0,")).encode())
    assert (entry.price, entry.currency) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("120", "12,5".replace(",", ";"), "clock_hours", "not a number"),
        ("120", "0", "clock_hours", "must be 1–5000"),
        ("120", "NaN", "clock_hours", "not a number"),
        ("120", "1E+999999", "clock_hours", "not a number"),
        ("950", "-1", "total_cost_usd", "two decimals"),
        (",950,", ',"950,5",', "total_cost_usd", "use a dot: 950.5"),
        ("2021-02-23", "23.02.2021", "submitted", "like 2023-04-18"),
        ("Welding basics", "", "title", "is empty"),
        ("Riverside Institute", " ", "provider", "is empty"),
    ],
)
def test_bad_cell_of_a_catalogue_is_named(old: str, new: str, field: str, says: str) -> None:
    ((line, where, sentence),) = faults(ROW.replace(old, new))
    assert (line, where) == (2, field)
    assert says in sentence


def test_course_that_stands_twice_is_named() -> None:
    assert faults(ROW + ROW) == [(3, "program_id", "repeats line 2 (keep one of the two)")]


async def test_catalogue_is_imported_and_again_changes_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    first = await service.import_listings(db, SYSTEM, PROGRAMS)
    assert (first.problems, first.created, first.updated, first.unchanged) == ((), 892, 0, 0)
    before = await everything(owner)
    again = await service.import_listings(db, SYSTEM, PROGRAMS)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 892)
    assert await everything(owner) == before
    assert await owner.fetchval("select count(*) from organizations") == 0


async def test_changed_course_is_updated_alone(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    target = tmp_path / "programs.csv"
    await asyncio.to_thread(target.write_text, HEADER + ROW + ROW.replace("7,", "8,", 1), encoding="utf-8")
    await service.import_listings(db, SYSTEM, target)
    await asyncio.to_thread(
        target.write_text, HEADER + ROW + ROW.replace("7,", "8,", 1).replace("120", ""), encoding="utf-8"
    )
    report = await service.import_listings(db, SYSTEM, target)
    assert (report.created, report.updated, report.unchanged) == (0, 1, 1)
    rows = await owner.fetch("select external_id, 'workload' = any(gaps) as gap from listings order by external_id")
    assert [tuple(row) for row in rows] == [("7", False), ("8", True)]


async def test_bad_row_or_dry_run_imports_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    target = tmp_path / "programs.csv"
    await asyncio.to_thread(target.write_text, HEADER + ROW, encoding="utf-8")
    assert (await service.import_listings(db, SYSTEM, target, dry_run=True)).created == 1
    await asyncio.to_thread(target.write_text, HEADER + ROW + "8,,x,y,,,\n", encoding="utf-8")
    assert (await service.import_listings(db, SYSTEM, target)).refused
    with pytest.raises(NotAllowed):
        await service.import_listings(db, ANONYMOUS, target)
    assert await owner.fetchval("select count(*) from listings") == 0


async def test_school_completes_a_listing_into_a_draft_that_says_no_more(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    target = tmp_path / "programs.csv"
    await asyncio.to_thread(target.write_text, HEADER + ROW, encoding="utf-8")
    await service.import_listings(db, SYSTEM, target)
    listing_id = await owner.fetchval("select id from listings")
    before = await owner.fetchval("select to_jsonb(l)::text from listings l")
    async with db.writer() as tx:
        school = await make.school(tx, Role.AUTHOR)
        made = await service.complete_listing(tx, school, service.CompleteListing(listing_id))
    draft = await owner.fetchrow("select content::text as content, gaps, listing_id from spec_drafts")
    assert draft is not None
    assert draft["listing_id"] == listing_id
    assert set(draft["gaps"]) == UNSTATED
    assert '"workloadHours": "120"' in draft["content"]
    assert "Riverside" not in draft["content"]
    assert await owner.fetchval("select slug from specs where id = $1", made.spec_id) == "welding-basics"
    assert await owner.fetchval("select to_jsonb(l)::text from listings l") == before


async def test_completing_is_refused_to_others_and_for_taken_or_impossible_slugs(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    target = tmp_path / "programs.csv"
    await asyncio.to_thread(target.write_text, HEADER + ROW.replace("Welding basics", "Сварка"), encoding="utf-8")
    await service.import_listings(db, SYSTEM, target)
    listing_id = await owner.fetchval("select id from listings")
    async with db.writer() as tx:
        school, employer = await make.school(tx, Role.AUTHOR), await make.employer(tx)
        await service.complete_listing(tx, school, service.CompleteListing(listing_id, "taken"))
    before = await everything(owner)
    attempts = [
        (school, service.CompleteListing(listing_id), Code.INVALID),
        (school, service.CompleteListing(listing_id, "taken"), Code.CONFLICT),
        (school, service.CompleteListing(listing_id, "No Slug"), Code.INVALID),
        (school, service.CompleteListing(new_id(), "other"), Code.NOT_FOUND),
        (employer, service.CompleteListing(listing_id, "other"), Code.NOT_ALLOWED),
        (ANONYMOUS, service.CompleteListing(listing_id, "other"), Code.NOT_ALLOWED),
    ]
    for actor, command, code in attempts:
        with pytest.raises(Refusal) as caught:
            async with db.writer() as tx:
                await service.complete_listing(tx, actor, command)
        assert caught.value.code is code
    assert await everything(owner) == before
