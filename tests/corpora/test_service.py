"""A corpus comes in whole or not at all, and the same question of the same snapshot has the same answer for ever."""

from __future__ import annotations

import asyncio
import csv
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from countersign import app
from countersign.corpora import service
from countersign.corpora.service import Corpus, Count
from countersign.kit.access import SYSTEM
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed
from countersign.skills import files
from countersign.skills import service as skills
from countersign.skills.rules import folded
from countersign.trust.signer import Signer
from tests.api import served
from tests.corpora.support import MADE, PERIOD, lines, made_corpus
from tests.factories import Factory
from tests.reviews.support import somebody_waits

COUNTS = Path(__file__).with_name("knowledge_counts.csv")
REAL = Path(app.__file__).parent / "data" / "skillspan"
ALL = (date(2000, 1, 1), date(2030, 1, 1))
ASKED = """query ($q: String!, $from: Date, $to: Date, $region: String, $digest: String) {
  labourMarketEvidence(corpus: "invented  VACANCIES", query: $q, from: $from, to: $to, region: $region,
    snapshotDigest: $digest) { corpus query matched total share snapshotDigest snapshot { vacancies licence } } }"""


async def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "vacancies.jsonl"
    path.write_bytes(data)
    return path


async def rows(db: Database) -> tuple[int, int]:
    async with db.writer() as tx:
        return (
            await tx.fetchval("select count(*) from vacancy_snapshots"),
            await tx.fetchval("select count(*) from vacancies"),
        )


async def test_a_file_comes_in_once_and_a_second_time_changes_nothing(
    db: Database, tmp_path: Path, make: Factory
) -> None:
    path, corpus = await written(tmp_path, lines()), Corpus("Invented vacancies", *PERIOD)
    assert (await service.import_vacancies(db, SYSTEM, path, corpus, dry_run=True)).created == len(MADE)
    assert await rows(db) == (0, 0)
    assert (await service.import_vacancies(db, SYSTEM, path, corpus)).created == len(MADE)
    again = await service.import_vacancies(db, SYSTEM, path, corpus)
    assert (again.created, again.unchanged, await rows(db)) == (0, 5, (1, 5))
    other = await service.import_vacancies(db, SYSTEM, path, Corpus("invented vacancies", date(2020, 1, 1), PERIOD[1]))
    assert [p.problem for p in other.problems] == ["this very file is there with the period 2026-01-01 to 2026-03-31"]
    async with db.writer() as tx:
        stranger = await make.school(tx)
        events = await tx.fetch("select reason from audit_events where action = 'import_vacancies'")
        assert [event["reason"] for event in events] == ["Invented vacancies: 5 vacancies"]
    with pytest.raises(NotAllowed):
        await service.import_vacancies(db, stranger, path, corpus)


async def test_of_two_imports_of_one_file_at_once_the_second_finds_what_the_first_has_brought(
    db: Database, tmp_path: Path, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    path, corpus = await written(tmp_path, lines()), Corpus("Invented vacancies", *PERIOD)
    async with db.writer() as tx:
        await made_corpus(tx)
        second = asyncio.create_task(service.import_vacancies(db, SYSTEM, path, corpus))
        await somebody_waits(owner)
    report = await second
    assert (report.created, report.unchanged, report.refused) == (0, len(MADE), False)
    assert await rows(db) == (1, len(MADE))


@pytest.mark.parametrize(
    ("data", "corpus"),
    [
        (b"nonsense", Corpus("Made", *PERIOD)),
        (lines(), Corpus("Made")),
        (lines(), Corpus(" ", *PERIOD)),
        (lines(), Corpus("x" * 201, *PERIOD)),
        (lines(), Corpus("Made", date(2026, 2, 1), date(2026, 2, 2))),
    ],
)
async def test_what_cannot_be_taken_is_refused_whole(db: Database, tmp_path: Path, data: bytes, corpus: Corpus) -> None:
    report = await service.import_vacancies(db, SYSTEM, await written(tmp_path, data), corpus)
    assert report.refused
    assert await rows(db) == (0, 0)


@pytest.mark.parametrize(
    ("query", "since", "until", "region", "expected"),
    [
        ("python", *ALL, "DE", Count(2, 5)),
        ("PYTHON + sql", *ALL, "DE", Count(1, 5)),
        ("c++, r", *ALL, "DE", Count(2, 5)),
        ("sql", *ALL, "DE-BY", Count(1, 2)),
        ("data analysis", *PERIOD, "DE", Count(1, 5)),
        ("data analysis", PERIOD[0] + timedelta(days=1), PERIOD[1], "DE", Count(0, 4)),
        ("python", date(2026, 2, 10), date(2026, 2, 10), "DE", Count(1, 1)),
        ("سي شارب", *ALL, "DE", Count(1, 5)),
        ("pyth", *ALL, "DE", Count(0, 5)),
    ],
)
async def test_vacancies_are_counted_by_whole_terms_days_and_region(
    tx: Tx, query: str, since: date, until: date, region: str, expected: Count
) -> None:
    await made_corpus(tx)
    assert await service.recount(tx, " INVENTED vacancies ", query, None, since, until, region) == expected


async def test_a_newer_file_leaves_the_answers_of_the_older_one_as_they_were(
    db: Database, signer: Signer, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        await made_corpus(tx)
    async with served(db, signer, make) as api:
        before = (await api.ask(ASKED, q="Python, r"))["labourMarketEvidence"]
        assert before == {
            "corpus": "Invented vacancies",
            "query": "Python, r",
            "matched": 3,
            "total": 5,
            "share": "0.6000",
            "snapshotDigest": before["snapshotDigest"],
            "snapshot": {"vacancies": 5, "licence": "CC0"},
        }
        clock.move(timedelta(days=30))
        async with db.writer() as tx:
            await made_corpus(tx, items=MADE[:1])
        newest = (await api.ask(ASKED, q="Python, r"))["labourMarketEvidence"]
        assert (newest["matched"], newest["total"]) == (1, 1)
        again = (await api.ask(ASKED, q="Python, r", digest=before["snapshotDigest"]))["labourMarketEvidence"]
        assert again == before
        found = await api.ask(ASKED, q="sql", region="DE-BE", **{"from": "2026-01-01", "to": "2026-01-31"})
        assert found["labourMarketEvidence"]["total"] == 1
        assert (await api.ask(ASKED, q="sql", digest="0" * 64))["labourMarketEvidence"] is None
        refused = await api.post(ASKED, q=" , ")
        assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_nobody_changes_what_was_imported(db: Database) -> None:
    async with db.writer() as tx:
        await made_corpus(tx)
    for text in (
        "update vacancies set terms = '{}'",
        "delete from vacancies",
        "update vacancy_snapshots set corpus = ''",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.writer() as tx:
                await tx.execute(text)


async def test_the_real_corpus_counts_as_its_source_counted(db: Database) -> None:
    """SkillSpan's own table says in how many vacancies each term occurs: all 2,374 of them are found again."""
    corpus = Corpus("SkillSpan", date(2012, 1, 1), date(2025, 2, 13), licence="MIT")
    report = await service.import_vacancies(db, SYSTEM, REAL / "vacancies.jsonl", corpus)
    assert (report.created, report.problems) == (198, ())
    with COUNTS.open(encoding="utf-8", newline="") as file:
        told = {folded(row["term"]): int(row["vacancies"]) for row in csv.DictReader(file)}
    async with db.writer() as tx:
        found = await tx.fetch("select term, count(*) as n from vacancies v, unnest(v.terms) term group by term")
        assert await service.recount(tx, "skillspan", "Python", None, *ALL, "not stated") == Count(29, 198)
    counted = {row["term"]: row["n"] for row in found}
    assert len(told) == 2374
    assert {term: counted.get(term) for term in told} == told


SKILLS = """conceptUri,reuseLevel,preferredLabel,altLabels
http://data.europa.eu/esco/skill/00000000-0000-4000-8000-000000000001,cross-sector,SQL,"structured query, language
s + q + l"
http://data.europa.eu/esco/skill/00000000-0000-4000-8000-000000000002,cross-sector,programme in C,"C++
Data Analysis"
"""
BY_SKILLS = """query ($s: [ID!], $q: String) {
  labourMarketEvidence(corpus: "Invented vacancies", skillIds: $s, query: $q) { query matched total } }"""


async def test_vacancies_are_counted_by_skills_under_all_their_names_and_again_by_the_query_it_states(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        await made_corpus(tx)
        await skills.store(tx, SYSTEM, files.read(SKILLS.encode(), files.Style.ESCO), source="skills.csv")
        rows = await tx.fetch("select id from skills order by uri")
    ids = [f"skill_{row['id']}" for row in rows]
    async with served(db, signer, make) as api:
        for wanted, query, matched in (
            (ids[:1], "sql", 2),
            (ids[1:], "c++, data analysis, programme in c", 2),
            ([*ids, ids[0], "skill_x"], "c++, data analysis, programme in c, sql", 4),
        ):
            by_skills = (await api.ask(BY_SKILLS, s=wanted))["labourMarketEvidence"]
            assert by_skills == {"query": query, "matched": matched, "total": 5}
            assert (await api.ask(BY_SKILLS, q=query))["labourMarketEvidence"] == by_skills
        assert (await api.ask(BY_SKILLS, s=["skill_x"]))["labourMarketEvidence"] is None
        for nothing in ({}, {"s": ids, "q": "sql"}):
            refused = await api.post(BY_SKILLS, **nothing)
            assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
