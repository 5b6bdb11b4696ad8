"""Award files: every fault named with line, field, value and remedy; all rows or none; the same file twice is once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.awards import service
from countersign.awards.consent import import_consents
from countersign.awards.importing import import_awards
from countersign.awards.service import HOLDER, RevokeAward
from countersign.kit.access import ANONYMOUS, SYSTEM, Role
from countersign.kit.db import Database
from countersign.kit.errors import NotAllowed
from countersign.kit.importing import ImportReport
from countersign.kit.vault import key_of
from countersign.search.service import Drift
from countersign.specs import service as specs
from tests.awards.support import BORIS, Campus, acting, award, campus, consent, facts
from tests.factories import Factory
from tests.specs.support import submitted

HEADER = "email,full_name,country,region,spec,version,awarded_on"
SLUG = "ab-testing-python"
ROW = f"anna@example.com,Anna Example,DE,DE-BE,{SLUG},1.0.0,2026-10-01"


@dataclass
class House:
    """A school and a folder for its files."""

    db: Database
    here: Campus
    folder: Path

    def file(self, *lines: str, header: str = HEADER) -> Path:
        """A file with these lines."""
        path = self.folder / "awards.csv"
        path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
        return path

    async def run(self, path: Path, *, dry_run: bool = False) -> ImportReport:
        """Import as the school's registrar."""
        return await import_awards(self.db, self.here.registrar, path, dry_run=dry_run)

    async def facts(self) -> tuple[int, ...]:
        """Counts of everything."""
        async with self.db.writer() as tx:
            return await facts(tx)


@pytest_asyncio.fixture
async def house(db: Database, make: Factory, tmp_path: Path) -> House:
    async with db.writer() as tx:
        return House(db, await campus(tx, make), tmp_path)


def faults(report: ImportReport) -> Sequence[tuple[int, str, str]]:
    return [(p.line, p.field, p.value) for p in report.problems]


async def test_a_good_file_enrols_awards_and_posts_only_those_who_consent(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        boris = await award(tx, await campus(tx, make, "elsewhere"), BORIS)
        await consent(tx, boris.learner_id)
    report = await house.run(
        house.file(ROW, f"BORIS@example.com,Boris Example,KZ,KZ-ALA,{SLUG},1.0.0,2026-10-02", header=HEADER)
    )
    assert (report.rows, report.created, report.unchanged, report.refused) == (2, 2, 0, False)
    async with house.db.writer() as tx:
        rows = await tx.fetch(
            "select awarded_on, document from awards where spec_version_id = $1 order by 1", house.here.version
        )
        assert [(r["awarded_on"], r["document"]) for r in rows] == [
            (date(2026, 10, 1), None),
            (date(2026, 10, 2), None),
        ]
        posted = await tx.fetch("select learner_id from candidate_award")
        assert [r[0] for r in posted] == [boris.learner_id, boris.learner_id]
        assert await service.check_index(tx) == Drift(0, 0, 0, 0, 0)


async def test_the_same_file_twice_changes_nothing(house: House) -> None:
    path = house.file(ROW, f"boris@example.com,Boris Example,KZ,,{SLUG},1.0.0,2026-10-02")
    await house.run(path)
    before = await house.facts()
    again = await house.run(path)
    assert (again.created, again.unchanged, again.refused) == (0, 2, False)
    assert await house.facts() == before


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(house: House) -> None:
    before = await house.facts()
    report = await house.run(house.file(ROW), dry_run=True)
    assert (report.created, report.dry_run, report.refused) == (1, True, False)
    assert await house.facts() == before


@pytest.mark.parametrize(
    ("line", "field", "value", "words"),
    [
        (ROW.replace("anna@example.com", "anna"), "email", "anna", "is not an e-mail address"),
        (ROW.replace("anna@example.com", ""), "email", "", "is empty"),
        (ROW.replace("Anna Example", ""), "full_name", "", "is empty"),
        (ROW.replace(",DE,DE-BE", ",Germ,DE-BE"), "country", "Germ", "longer than 2"),
        (ROW.replace(",DE,DE-BE", ",de,"), "country", "de", "is not a country code"),
        (ROW.replace(",DE-BE", ",FR-75"), "region", "FR-75", "is not a region of DE"),
        (ROW.replace(",DE-BE", ",Berlin"), "region", "Berlin", "is not a region code"),
        (ROW.replace(SLUG, "ab-testing-pyton"), "spec", "ab-testing-pyton", f"did you mean {SLUG}?"),
        (ROW.replace(SLUG, "sculpture"), "spec", "sculpture", "is not a spec of this school"),
        (ROW.replace(SLUG, "foreign-block"), "spec", "foreign-block", "another school"),
        (ROW.replace("1.0.0", "9.9.9"), "version", "9.9.9", "it has 1.0.0"),
        (ROW.replace(SLUG, "fresh-block"), "version", "1.0.0", "is submitted, not published"),
        (ROW.replace("2026-10-01", "01.10.2026"), "awarded_on", "01.10.2026", "is not a date"),
        (ROW.replace("2026-10-01", "2026-02-30"), "awarded_on", "2026-02-30", "is not a date"),
        (ROW.replace("2026-10-01", "2027-10-01"), "awarded_on", "2027-10-01", "is in the future"),
        (ROW.replace("2026-10-01", ""), "awarded_on", "", "is not a date"),
    ],
)
async def test_a_bad_row_is_named_with_its_remedy_and_nothing_is_imported(
    house: House, make: Factory, line: str, field: str, value: str, words: str
) -> None:
    async with house.db.writer() as tx:
        await campus(tx, make, "foreign-block")
        await submitted(tx, house.here.registrar, "fresh-block")
    before = await house.facts()
    good = ROW.replace("anna@", "good@")
    report = await house.run(house.file(good, line))
    assert report.refused
    assert (3, field, value) in faults(report)
    assert any(words in p.sentence() for p in report.problems if p.line == 3), report.problems
    assert all(p.line == 3 for p in report.problems)
    assert await house.facts() == before


async def test_every_fault_of_a_file_is_listed(house: House) -> None:
    report = await house.run(
        house.file(
            ROW,
            ROW,
            ROW.replace("Anna Example", "Hanna Other").replace("1.0.0", "2.0.0"),
            ROW.replace("anna@", "nobody").replace("2026-10-01", "soon"),
        )
    )
    assert sorted(faults(report)) == [
        (3, "email", "anna@example.com"),
        (4, "full_name", "Hanna Other"),
        (4, "version", "2.0.0"),
        (5, "awarded_on", "soon"),
        (5, "email", "nobodyexample.com"),
    ]
    text = "\n".join(report.lines())
    assert "stands with the same spec and version in line 2" in text
    assert text.endswith("nothing was imported")


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (f"{HEADER}\n{ROW}\n\xff".encode("latin-1"), 3, "is not UTF-8"),
        (f"{HEADER}\n{ROW}\x00\n".encode(), 2, "has a NUL character"),
        (f"{HEADER},shoe\n{ROW},42\n".encode(), 1, "is not a column of this award file"),
        (f"{HEADER},consent\n{ROW},yes\n".encode(), 1, "is not a column"),
        (HEADER.replace("awarded_on", "x").encode() + b"\n" + ROW.encode(), 1, "this column is missing"),
        (f"{HEADER}\n{ROW},more\n".encode(), 2, "has 8 cells"),
        (f'{HEADER}\n"{ROW}\n'.encode(), 2, "never closed"),
        (b"", 0, "the file is empty"),
        (f"{HEADER}\n".encode(), 1, "no row after the header"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_with_the_line(
    house: House, data: bytes, line: int, words: str
) -> None:
    before = await house.facts()
    path = house.folder / "awards.csv"
    path.write_bytes(data)
    report = await house.run(path)
    assert report.refused
    assert any(p.line == line and words in p.sentence() for p in report.problems), report.problems
    assert await house.facts() == before


@pytest.mark.parametrize("day", ["20261001", "2026-W40-4", "01.10.2026", "2026-02-30"])
async def test_a_day_has_one_spelling(house: House, day: str) -> None:
    before = await house.facts()
    report = await house.run(house.file(ROW.replace("2026-10-01", day)))
    assert faults(report) == [(2, "awarded_on", day)]
    assert await house.facts() == before


async def test_what_a_learner_holds_with_another_day_is_named(house: House) -> None:
    await house.run(house.file(ROW))
    before = await house.facts()
    report = await house.run(house.file(ROW.replace("2026-10-01", "2026-10-05")))
    assert faults(report) == [(2, "awarded_on", "2026-10-05")]
    assert "holds the version since 2026-10-01" in report.problems[0].problem
    assert await house.facts() == before


async def test_a_revoked_award_is_not_revived_by_its_file(house: House) -> None:
    await house.run(house.file(ROW))
    async with house.db.writer() as tx:
        row = await tx.fetchrow("select learner_id, id from awards")
        assert row is not None
        await service.revoke(tx, house.here.registrar, RevokeAward(row["learner_id"], row["id"], "Plagiarism"))
    report = await house.run(house.file(ROW))
    assert "was revoked on 2026-11-22" in report.problems[0].problem
    again = await house.run(house.file(ROW.replace("2026-10-01", "2026-11-22")))
    assert (again.created, again.refused) == (1, False)


async def test_deprecated_versions_are_taught_out(house: House) -> None:
    async with house.db.writer() as tx:
        await specs.deprecate(tx, house.here.registrar, house.here.version)
    assert (await house.run(house.file(ROW))).created == 1


async def test_two_imports_of_one_file_at_once_import_it_once(house: House) -> None:
    rows = [f"l{n}@example.com,Learner {n},DE,,{SLUG},1.0.0,2026-10-01" for n in range(300)]
    path = house.file(*rows)
    reports = await asyncio.gather(*(house.run(path) for _ in range(4)))
    assert sorted(r.created for r in reports) == [0, 0, 0, 300]
    async with house.db.writer() as tx:
        assert await tx.fetchval("select count(*) from awards") == 300
        assert await tx.fetchval("select count(*) from learners") == 300


async def test_nobody_but_the_schools_registrar_imports(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        employer = await make.employer(tx, *Role)
    before = await house.facts()
    path = house.file(ROW)
    for actor in (make.without(house.here.registrar, Role.REGISTRAR), employer, acting(1), ANONYMOUS, SYSTEM):
        with pytest.raises(NotAllowed):
            await import_awards(house.db, actor, path)
    assert await house.facts() == before


async def test_progress_is_told(house: House) -> None:
    told: list[tuple[int, int]] = []
    rows = [f"l{n}@example.com,Learner {n},DE,,{SLUG},1.0.0,2026-10-01" for n in range(2500)]
    await import_awards(
        house.db, house.here.registrar, house.file(*rows), progress=lambda done, of: told.append((done, of))
    )
    assert told[-1] == (2500, 2500)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


async def test_consents_come_as_a_file_after_the_awards(house: House, tmp_path: Path) -> None:
    await house.run(house.file(ROW, f"boris@example.com,Boris Example,KZ,,{SLUG},1.0.0,2026-10-02"))
    path = tmp_path / "consents.csv"
    path.write_text("email,granted_on\nANNA@example.com,2026-10-03\n", encoding="utf-8")
    assert (await import_consents(house.db, SYSTEM, path, dry_run=True)).created == 1
    before = await house.facts()
    report = await import_consents(house.db, SYSTEM, path)
    assert (report.created, report.refused) == (1, False)
    after = await house.facts()
    assert (before[3:5], after[3:5]) == ((0, 0), (1, 1))
    again = await import_consents(house.db, SYSTEM, path)
    assert (again.created, again.unchanged) == (0, 1)
    assert await house.facts() == after


async def test_bad_consent_files_are_refused_whole(house: House, tmp_path: Path) -> None:
    await house.run(house.file(ROW))
    path = tmp_path / "consents.csv"
    path.write_text(
        "email,granted_on\nanna@example.com,2026-10-03\nanna@example.com,2026-10-03\nghost@example.com,2026-10-03\n"
        "anna@example.com,yesterday\n",
        encoding="utf-8",
    )
    report = await import_consents(house.db, SYSTEM, path)
    assert [p.line for p in report.problems] == [3, 4, 5, 5]
    assert (await house.facts())[3] == 0
    with pytest.raises(NotAllowed):
        await import_consents(house.db, house.here.registrar, path)


async def test_an_imported_award_belongs_to_its_school(house: House) -> None:
    await house.run(house.file(ROW))
    async with house.db.writer() as tx:
        owner: UUID = await tx.fetchval("select organization_id from awards")
    assert owner == house.here.school


async def test_an_imported_award_has_the_name_of_its_own_file(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        await award(tx, await campus(tx, make, "elsewhere"), BORIS)
    await house.run(house.file(f"boris@example.com,B. Example,KZ,,{SLUG},1.0.0,2026-10-02"))
    async with house.db.writer() as tx:
        row = await tx.fetchrow(
            "select learner_id, holder_name_sealed from awards where spec_version_id = $1", house.here.version
        )
        assert row is not None
        key = await key_of(tx, row["learner_id"])
    assert key is not None
    assert key.open(HOLDER, row["holder_name_sealed"]) == b"B. Example"


async def test_a_name_with_characters_that_turn_or_hide_text_is_named(house: House) -> None:
    before = await house.facts()
    report = await house.run(house.file(f"boris@example.com,Boris\u202e Example,KZ,,{SLUG},1.0.0,2026-10-02"))
    assert [(line, field) for line, field, _ in faults(report)] == [(2, "full_name")]
    assert await house.facts() == before
