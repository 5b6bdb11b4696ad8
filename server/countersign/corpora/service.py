"""Import vacancies, and count them again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath
from typing import Final
from uuid import UUID

from countersign.corpora import rules_files
from countersign.corpora.rules import read_query
from countersign.corpora.tables import VacancySnapshot
from countersign.corpora.views import COUNTED
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Path
from countersign.kit.ids import new_id
from countersign.kit.importing import BadRows, ImportReport, Progress, RowProblem, refusal
from countersign.kit.patience import take_time
from countersign.log.sources import Source, enter
from countersign.skills.rules import folded

STYLE: Final = "vacancies"
NAME_LIMIT: Final = 200
NOT_STATED: Final = "not stated"
BATCH: Final = 5_000
PATIENCE: Final = "2min"
"""How long an import waits for another one of the same corpus."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is said of a corpus as a whole; `since` and `until` may be left out when every vacancy tells its day."""

    name: str
    since: date | None = None
    until: date | None = None
    region: str = NOT_STATED
    source: str = NOT_STATED
    licence: str = NOT_STATED


@dataclass(frozen=True, slots=True)
class Count:
    """How many vacancies match, of how many."""

    matched: int
    total: int


async def import_vacancies(
    db: Database,
    actor: Actor,
    path: FilePath,
    corpus: Corpus,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a file of vacancies as a snapshot in one transaction, or refuse it whole; a second time changes nothing.

    Raises NotAllowed for anybody but the operator, OSError when the file cannot be read.
    """
    access.require(actor, Permission.IMPORT)
    data = await asyncio.to_thread(path.read_bytes)
    try:
        _check(corpus)
        read = await asyncio.to_thread(rules_files.read, data)
        start, end = rules_files.period(read.vacancies, corpus.since, corpus.until)
        async with db.writer() as tx:
            # A file takes longer than a request may, and may wait for another one of the same corpus.
            await take_time(tx, for_a_lock=PATIENCE)
            await _hold(tx, corpus)
            known = await tx.fetchrow(
                "select period_from, period_to from vacancy_snapshots where key = $1 and digest = $2",
                *(folded(corpus.name), read.digest),
            )
            if known is not None:
                _check_period((known["period_from"], known["period_to"]), (start, end))
            if known is None and not dry_run:
                await store(tx, actor, corpus, read, (start, end))
    except BadRows as bad:
        return refusal(path.name, STYLE, 0, bad.problems, dry_run=dry_run)
    total = len(read.vacancies)
    if progress is not None:
        progress(total, total)
    return ImportReport(
        source=path.name,
        style=STYLE,
        rows=total,
        created=total if known is None else 0,
        unchanged=0 if known is None else total,
        dry_run=dry_run,
    )


async def recount(
    tx: Tx,
    corpus: str,
    query: str,
    digest: str | None,
    since: date,
    until: date,
    region: str,
    *,
    path: Path = ("query",),
) -> Count | None:
    """How many vacancies of a snapshot of ours match; None for a corpus, or a snapshot of it, that is not ours.

    Raises what `rules.read_query` refuses.
    """
    row = await tx.fetchrow(
        f"select t.matched, t.total from {_RECOUNT} t",
        *(folded(corpus), digest, read_query(query, path), since, until, region),
    )
    return Count(row["matched"], row["total"]) if row else None


async def is_ours(tx: Tx, corpus: str, digest: str) -> bool:
    """Whether a corpus of this name, or a snapshot of this digest, is ours."""
    return bool(
        await tx.fetchval(
            "select exists (select from vacancy_snapshots where key = $1 or digest = $2)", folded(corpus), digest
        )
    )


_RECOUNT: Final = COUNTED.format(
    said="null::text",
    corpus_key="$1::text",
    digest="$2::text",
    query="$3::jsonb",
    since="$4::date",
    until="$5::date",
    region="$6::text",
)

LOGGED: Final = Source(
    kind="vacancy_snapshot",
    subject="vsn_{0}",
    sql="""
        select 'vsn_' || s.id as subject, null::uuid as organization_id, null::bytea as content, row(
            s.id, s.corpus, s.key, s.digest, s.vacancies, s.period_from, s.period_to, s.region, s.source, s.licence,
            s.imported_at, (select encode(sha256(convert_to(string_agg(
                row(v.snapshot_id, v.no, v.external_id, v.terms, v.published_on, v.region)::text, '' order by v.no),
                'UTF8')), 'hex') from vacancies v where v.snapshot_id = s.id))::text as facts
        from vacancy_snapshots s where true""",
    key="s.id = $1",
)
"""What the log covers of a snapshot: all of it, and every vacancy."""


def _check(corpus: Corpus) -> None:
    faults = []
    for field, value in (
        ("--corpus", corpus.name),
        ("--region", corpus.region),
        ("--source", corpus.source),
        ("--licence", corpus.licence),
    ):
        if not folded(value) or len(value) > NAME_LIMIT or "\x00" in value:
            faults.append(RowProblem(0, field, value, f"must be a text of up to {NAME_LIMIT} characters"))
    if faults:
        raise BadRows(faults)


def _check_period(stands: tuple[date, date], said: tuple[date, date]) -> None:
    if stands != said:
        words = f"this very file is there with the period {stands[0]} to {stands[1]}"
        raise BadRows([RowProblem(0, "", "", words)])


async def store(tx: Tx, actor: Actor, corpus: Corpus, read: rules_files.VacancyFile, period: tuple[date, date]) -> UUID:
    """Write a file down as a snapshot of its own. Raises NotAllowed for anybody but the operator."""
    access.require(actor, Permission.IMPORT)
    await _hold(tx, corpus)
    row = VacancySnapshot(
        id=new_id(),
        corpus=" ".join(corpus.name.split()),
        key=folded(corpus.name),
        digest=read.digest,
        vacancies=len(read.vacancies),
        period_from=period[0],
        period_to=period[1],
        region=corpus.region.strip(),
        source=corpus.source.strip(),
        licence=corpus.licence.strip(),
        imported_at=await tx.now(),
    )
    await tx.insert(row)
    columns = ("snapshot_id", "no", "external_id", "terms", "published_on", "region")
    for start in range(0, len(read.vacancies), BATCH):
        await tx.copy(
            "vacancies",
            columns,
            [
                (row.id, number, v.external_id, list(v.terms), v.published_on, v.region)
                for number, v in enumerate(read.vacancies[start : start + BATCH], start=start + 1)
            ],
        )
    reason = f"{row.corpus}: {row.vacancies} vacancies"
    await enter(tx, LOGGED, row.id, actor=actor, action="import_vacancies", reason=reason)
    return row.id


async def _hold(tx: Tx, corpus: Corpus) -> None:
    """Keep other imports of the corpus waiting until the commit; then they find what this one has brought."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('vacancies ' || $1, 0))", folded(corpus.name))
