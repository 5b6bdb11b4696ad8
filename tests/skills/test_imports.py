"""Importing skills: whole or not at all, once and only once; and finding them again."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from countersign.kit.access import ANONYMOUS, SYSTEM, Actor
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.importing import ImportReport
from countersign.skills import service
from countersign.skills.files import Style
from countersign.skills.rules import Label, LabelKind
from tests.factories import Factory
from tests.patience import within
from tests.skills.samples import CLEANED_ESCO, ONET, OSMT_EXPORT, OSMT_IMPORT

DATA = Path(str(files("countersign") / "data"))
HASKELL = "http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02"
TABLES = ("skill_frameworks", "skills", "skill_labels", "audit_events")


async def rows(owner: asyncpg.Connection[asyncpg.Record]) -> list[Any]:
    return [await owner.fetch(f"select to_jsonb(t)::text from {name} t order by 1") for name in TABLES]


async def load(db: Database, path: Path, text: str, **options: Any) -> ImportReport:
    target = path / "skills.csv"
    await asyncio.to_thread(target.write_text, text, encoding="utf-8")
    return await service.import_skills(db, SYSTEM, target, **options)


def counts(report: ImportReport) -> tuple[int, int, int]:
    assert report.problems == ()
    return report.created, report.updated, report.unchanged


@pytest.mark.parametrize(
    ("name", "style", "number"),
    [
        ("esco/skills.csv", Style.ESCO, 2_529),
        ("osmt/rsd.csv", Style.RSD, 143),
        ("osmt/Skills-Import.csv", Style.RSD, 2),
    ],
)
async def test_real_file_is_imported_and_again_changes_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], name: str, style: Style, number: int
) -> None:
    first = await service.import_skills(db, SYSTEM, DATA / name)
    assert (first.style, counts(first)) == (style.value, (number, 0, 0))
    before = await rows(owner)
    assert counts(await service.import_skills(db, SYSTEM, DATA / name)) == (0, 0, number)
    assert await rows(owner) == before


async def test_technologies_are_imported_in_seconds(db: Database) -> None:
    started = time.perf_counter()
    report = await service.import_skills(db, SYSTEM, DATA / "onet/technologies.csv", Style.ONET)
    assert counts(report) == (8_768, 0, 0)
    assert time.perf_counter() - started <= within(10)


async def test_dry_run_counts_and_writes_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    report = await load(db, tmp_path, ONET, dry_run=True)
    assert counts(report) == (1, 0, 0)
    assert report.dry_run
    assert await rows(owner) == [[], [], [], []]


async def test_file_with_one_bad_row_changes_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    report = await load(db, tmp_path, ONET + "Word,12,,Y,,\n")
    assert report.refused
    assert [(problem.line, problem.field, problem.value) for problem in report.problems] == [
        (3, "commodity_code", "12")
    ]
    assert await rows(owner) == [[], [], [], []]


@pytest.mark.parametrize("data", [b"", b"\xff\xfeN\x00", b"a,b\n1,2\n", b"technology\nx\n", b"uri,label_en\n\x00,x\n"])
async def test_file_that_is_no_skill_file_is_refused(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path, data: bytes
) -> None:
    target = tmp_path / "bad.csv"
    await asyncio.to_thread(target.write_bytes, data)
    assert (await service.import_skills(db, SYSTEM, target)).refused
    assert await rows(owner) == [[], [], [], []]


async def test_changed_row_updates_only_its_skill(db: Database, tmp_path: Path) -> None:
    other = ONET.splitlines()[1].replace("Excel", "Word")
    await load(db, tmp_path, f"{ONET}{other}\n")
    report = await load(db, tmp_path, f"{ONET.replace(',Y,', ',N,')}{other}\n")
    assert counts(report) == (0, 1, 1)
    async with db.reader() as reader:
        assert [row["hot"] for row in await reader.fetch("select hot from skills order by hot")] == [False, True]


async def test_changed_labels_replace_the_old_ones(db: Database, tmp_path: Path) -> None:
    await load(db, tmp_path, CLEANED_ESCO)
    report = await load(db, tmp_path, CLEANED_ESCO.replace("Haskell language", "Haskell 98"))
    assert counts(report) == (0, 1, 0)
    async with db.reader() as reader:
        texts = await reader.fetch("select text from skill_labels order by text")
    assert [row["text"] for row in texts] == ["Haskell", "Haskell 98", "Haskell techniques"]


async def test_skill_of_another_framework_is_not_taken_over(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    await load(db, tmp_path, CLEANED_ESCO)
    before = await rows(owner)
    stolen = OSMT_EXPORT.replace("https://osmt.example/api/skills/2444c3b2-37b9-4f4d-92a0-6260ad0a33dd", HASKELL)
    report = await load(db, tmp_path, stolen)
    assert "belongs to esco" in report.problems[0].problem
    assert await rows(owner) == before


async def test_two_imports_at_once_make_each_skill_once(db: Database, tmp_path: Path) -> None:
    target = tmp_path / "skills.csv"
    await asyncio.to_thread(target.write_text, OSMT_IMPORT, encoding="utf-8")
    reports = await asyncio.gather(*(service.import_skills(db, SYSTEM, target) for _ in range(4)))
    assert sorted(counts(report) for report in reports) == [(0, 0, 1)] * 3 + [(1, 0, 0)]


async def test_progress_ends_at_the_number_of_rows(db: Database) -> None:
    told: list[tuple[int, int]] = []
    await service.import_skills(db, SYSTEM, DATA / "osmt/rsd.csv", progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (143, 143)


async def test_import_that_breaks_off_in_the_middle_leaves_nothing(
    db: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    def break_off(done: int, of: int) -> None:
        if done < of:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await service.import_skills(db, SYSTEM, DATA / "onet/technologies.csv", progress=break_off)
    assert await rows(owner) == [[], [], [], []]
    assert counts(await service.import_skills(db, SYSTEM, DATA / "onet/technologies.csv")) == (8_768, 0, 0)


async def test_import_whose_connection_is_killed_leaves_nothing_and_may_be_repeated(
    db: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    kills: list[asyncio.Task[Any]] = []

    def kill(done: int, _of: int) -> None:
        statement = (
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
        )
        if done == service.BATCH:
            kills.append(asyncio.create_task(owner.fetch(statement)))

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await service.import_skills(db, SYSTEM, DATA / "onet/technologies.csv", progress=kill)
    await asyncio.gather(*kills)
    assert await rows(owner) == [[], [], [], []]
    assert counts(await service.import_skills(db, SYSTEM, DATA / "onet/technologies.csv")) == (8_768, 0, 0)


@pytest.mark.parametrize("who", ["anonymous", "school", "employer"])
async def test_only_the_operator_imports_skills(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path, who: str
) -> None:
    actor: Actor = ANONYMOUS
    async with db.writer() as tx:
        if who != "anonymous":
            actor = await make.school(tx) if who == "school" else await make.employer(tx)
    target = tmp_path / "skills.csv"
    await asyncio.to_thread(target.write_text, ONET, encoding="utf-8")
    with pytest.raises(NotAllowed):
        await service.import_skills(db, actor, target)
    assert (await rows(owner))[:3] == [[], [], []]


async def test_own_label_is_marked_found_and_kept_by_a_later_import(db: Database, tmp_path: Path) -> None:
    await load(db, tmp_path, CLEANED_ESCO)
    russian = [service.OwnLabel(HASKELL, Label("ru", LabelKind.PREFERRED, "Хаскелл"))]
    async with db.writer() as tx:
        assert await service.add_labels(tx, SYSTEM, russian) == 1
        assert await service.add_labels(tx, SYSTEM, russian) == 0
    await load(db, tmp_path, CLEANED_ESCO.replace("principles", "rules"))
    async with db.reader() as reader:
        found = await service.find(reader, "хаскел", language="ru")
        assert [match.label for match in found] == ["Хаскелл"]
        assert await reader.fetchval("select product_made from skill_labels where language = 'ru'")
        assert (await service.by_uri(reader, [HASKELL], "ru"))[HASKELL].name == "Хаскелл"
        assert (await service.by_uri(reader, [HASKELL], "de"))[HASKELL].name == "Haskell"


async def test_own_label_of_an_unknown_skill_is_refused(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await service.add_labels(tx, SYSTEM, [service.OwnLabel("urn:x", Label("ru", LabelKind.ALIAS, "икс"))])


@pytest.mark.parametrize(
    ("text", "label", "alike"),
    [
        ("haskell", "Haskell", 1.0),
        ("HASKELL  techniques", "Haskell techniques", 1.0),
        ("haskel", "Haskell", 0.5),
        ("haskell techniqes", "Haskell techniques", 0.5),
    ],
)
async def test_skill_is_found_by_label_alias_and_likeness(
    db: Database, tmp_path: Path, text: str, label: str, alike: float
) -> None:
    await load(db, tmp_path, CLEANED_ESCO)
    async with db.reader() as reader:
        (found,) = await service.find(reader, text)
    assert found.label == label
    assert found.alike >= alike


async def test_look_up_keeps_to_the_language_and_finds_nothing_for_nothing(db: Database, tmp_path: Path) -> None:
    await load(db, tmp_path, CLEANED_ESCO)
    async with db.reader() as reader:
        assert await service.find(reader, "haskell", language="ru") == []
        assert await service.find(reader, "") == []
        assert await service.find(reader, "underwater basket") == []
