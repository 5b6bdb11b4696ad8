"""Award files of schools: COPY to a staging table, judged and inserted by a few statements however long the file is."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from countersign.awards import rules
from countersign.awards.factors import keep_factors
from countersign.awards.importing_sql import (
    ENROLLED,
    FRESH,
    INSERT,
    NEW_AWARDS,
    NEWCOMERS,
    POSTINGS,
    PROBLEMS,
    RESOLVED,
    STAGED,
    STAGING,
)
from countersign.awards.rules import Mode
from countersign.awards.rules_claims import LONGEST, Factor, FactorKind, factor_problem
from countersign.awards.service import HOLDER
from countersign.awards.tables import AwardImport
from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed
from countersign.kit.ids import new_id
from countersign.kit.importing import (
    MOST_PROBLEMS,
    BadRows,
    Column,
    ImportReport,
    Progress,
    Row,
    RowProblem,
    read_day,
    refusal,
)
from countersign.kit.patience import take_time
from countersign.kit.table_files import TableFile
from countersign.kit.vault import Vault
from countersign.learners import identities
from countersign.learners import rules as learner_rules
from countersign.learners import service as learners
from countersign.learners.service import Person
from countersign.search import service as search

STYLE: Final = "awards"
COLUMNS: Final = (
    Column("email", ("email", "e-mail"), required=True, longest=learner_rules.EMAIL_LIMIT),
    Column("full_name", ("full_name", "name"), required=True, longest=learner_rules.NAME_LIMIT),
    Column("country", ("country",), required=True, longest=2),
    Column("region", ("region",), longest=6),
    Column("spec", ("spec", "block"), required=True, longest=200),
    Column("version", ("version",), required=True, longest=40),
    Column("awarded_on", ("awarded_on", "earned_on", "date"), required=True, longest=10),
    Column("mode", ("mode",), longest=20),
    # The roster's second factor, one of them: who claims the award must know it too.
    Column("birth_year", ("birth_year",), longest=4),
    Column("student_number", ("student_number",), longest=LONGEST),
)
TAKEN: Final = ("email", "full_name", "country", "region", "spec", "version", "mode")
MODES: Final = {mode.value for mode in Mode}
REPORT_EVERY: Final = 1_000
YIELD_EVERY: Final = 200
INSERTED_AT_ONCE: Final = 1_000

Finish = Callable[[Tx, ImportReport], Awaitable[None]]
"""What else belongs to the import: done in its transaction, just before the commit; raising undoes everything."""


async def import_awards(
    db: Database, actor: Actor, path: Path, *, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import the award file (CSV) of the actor's school, as `import_award_file` does.

    Raises NotAllowed; OSError when the file cannot be read.
    """
    access.require(actor, Permission.ISSUE_AWARD)
    file = TableFile(path.name, await asyncio.to_thread(path.read_bytes))
    return await import_award_file(db, actor, file, dry_run=dry_run, progress=progress)


async def import_award_file(
    db: Database,
    actor: Actor,
    given: TableFile,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    finish: Finish | None = None,
    most_problems: int = MOST_PROBLEMS,
) -> ImportReport:
    """Import the award file of the actor's school: every row or none.

    Learners who are new are enrolled (not consenting); awards of learners who may be found are posted. A row that
    stands already is unchanged, so the same file twice changes nothing. Every fault is reported with line, field,
    value and remedy. A file that is not refused is finished by `finish`, in the transaction of its change. Raises
    NotAllowed, and whatever `finish` raises.
    """
    access.require(actor, Permission.ISSUE_AWARD)
    school = actor.organization_id
    if school is None:
        raise NotAllowed(why="Awards are imported for a school")
    try:
        # In a thread, so that whoever waits for an answer meanwhile gets it.
        rows = await asyncio.to_thread(given.rows, COLUMNS, what="award file")
    except BadRows as bad:
        return refusal(given.name, STYLE, 0, bad.problems, dry_run=dry_run, most=most_problems)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(given.data).hexdigest())
    file = _File(given.name, digest, rows, finish, most_problems)
    try:
        return await _import(db, actor, school, file, dry_run=dry_run, progress=progress)
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
        # Somebody else made one of these awards, or held one of these learners, meanwhile: judge the file again.
        return await _import(db, actor, school, file, dry_run=dry_run, progress=progress)


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    sha256: str
    rows: list[Row]
    finish: Finish | None
    most_problems: int


async def _import(
    db: Database, actor: Actor, school: UUID, file: _File, *, dry_run: bool, progress: Progress | None
) -> ImportReport:
    async with db.writer() as tx:
        # A file takes longer than a request may, and may wait for a learner who is just changing a consent.
        await take_time(tx)
        problems = await _stage(tx, file.rows, progress)
        await tx.execute(RESOLVED, school)
        problems += await _judge(tx, school, file.rows)
        if problems:
            return refusal(file.name, STYLE, len(file.rows), problems, dry_run=dry_run, most=file.most_problems)
        fresh = int(await tx.fetchval(f"select count(*) from award_file f where {FRESH}"))
        if not dry_run:
            await _write(tx, actor, school, file, fresh)
        report = ImportReport(file.name, STYLE, len(file.rows), fresh, 0, len(file.rows) - fresh, dry_run=dry_run)
        if file.finish is not None:
            await file.finish(tx, report)
    if progress:
        progress(len(file.rows), len(file.rows))
    return report


async def _stage(tx: Tx, rows: list[Row], progress: Progress | None) -> list[RowProblem]:
    await tx.execute(STAGING)
    problems: list[RowProblem] = []
    today = (await tx.now()).date()

    async def records() -> AsyncIterator[tuple[object, ...]]:
        for number, row in enumerate(rows, start=1):
            yield _record(tx.vault, row, today, problems)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if progress and number % REPORT_EVERY == 0:
                progress(number // 2, len(rows))

    await tx.copy("award_file_rows", STAGED, records())
    await tx.execute("analyze award_file_rows")
    return problems


def _record(vault: Vault, row: Row, today: date, problems: list[RowProblem]) -> tuple[object, ...]:
    email, name, country, region, spec, version, mode = [row.get(column) for column in TAKEN]
    fault = learner_rules.email_problem(email)
    if fault:
        problems.append(row.problem("email", fault, "write it as name@example.org"))
    fault = learner_rules.name_problem(name)
    if fault:
        problems.append(row.problem("full_name", fault, "write the learner's name"))
    if not learner_rules.COUNTRY.fullmatch(country):
        problems.append(row.problem("country", "is not a country code", "write two capital letters, such as DE"))
    elif region:
        fault = learner_rules.region_problem(region, country)
        if fault:
            problems.append(row.problem("region", fault, f"write it as {country}-… or leave it empty"))
    if not (spec and version):
        empty = [column for column, value in (("spec", spec), ("version", version)) if not value]
        problems.extend(row.problem(column, "is empty", f"write the {column}") for column in empty)
    mode = mode or Mode.STUDY.value
    if mode not in MODES:
        problems.append(row.problem("mode", "is not a mode", f"write one of {', '.join(sorted(MODES))}"))
    _check_factor(row, problems)
    day = _day(row, today, problems)
    return (
        row.line,
        new_id(),
        learners.directory_key(vault, email),
        vault.mac("name", name.encode()),
        country,
        region or None,
        spec,
        version,
        day,
        mode,
    )


def _factor(row: Row) -> Factor | None:
    """What the roster says of the learner beside the address, if the row says it."""
    for kind in FactorKind:
        if row.get(kind.value):
            return Factor(kind, row.get(kind.value))
    return None


def _check_factor(row: Row, problems: list[RowProblem]) -> None:
    factor = _factor(row)
    if factor is None:
        return
    fault = factor_problem(factor)
    if fault:
        # Without the value: only a mark of it is kept anywhere.
        problems.append(row.problem(factor.kind.value, fault, "correct it or leave it empty", value="", code="INVALID"))
    if row.get(FactorKind.BIRTH_YEAR.value) and row.get(FactorKind.STUDENT_NUMBER.value):
        remedy = "leave one of them empty"
        problems.append(row.problem("student_number", "stands beside a birth year", remedy, value="", code="CONFLICT"))


def _day(row: Row, today: date, problems: list[RowProblem]) -> date | None:
    try:
        day = read_day(row.get("awarded_on"))
    except ValueError:
        problems.append(row.problem("awarded_on", "is not a date", "write YYYY-MM-DD"))
        return None
    fault = rules.awarded_on_problem(day, today)
    if fault:
        problems.append(row.problem("awarded_on", fault, "write the day on which it was earned"))
    return day


async def _judge(tx: Tx, school: UUID, rows: list[Row]) -> list[RowProblem]:
    spelt = rows[0].spelt
    by_line = {row.line: row for row in rows}
    found = [
        RowProblem(
            r["line"],
            spelt.get(r["field"], r["field"]),
            by_line[r["line"]].get(r["field"]) if r["value"] is None else r["value"],
            r["problem"],
            r["remedy"],
            r["code"],
        )
        for r in await tx.fetch(PROBLEMS)
    ]
    unknown = await tx.fetch("select line, spec from award_file where spec_id is null and spec <> '' order by line")
    if unknown:
        own = [r["slug"] for r in await tx.fetch("select slug from specs where organization_id = $1", school)]
        foreign = {
            r["slug"]
            for r in await tx.fetch(
                "select s.slug from specs s where s.slug = any($1::text[]) and exists (select 1 from spec_versions v"
                " where v.spec_id = s.id and v.state in ('published', 'deprecated', 'retired'))",
                list({r["spec"] for r in unknown}),
            )
        }
        found += [_unknown(spelt.get("spec", "spec"), r["line"], r["spec"], own, foreign) for r in unknown]
    return found


def _unknown(field: str, line: int, slug: str, own: list[str], foreign: set[str]) -> RowProblem:
    if slug in foreign:
        return RowProblem(
            line, field, slug, "is a spec of another school", "only its own school can award it", "NOT_ALLOWED"
        )
    close = get_close_matches(slug, own, n=1)
    remedy = f"did you mean {close[0]}?" if close else "publish it first, or correct the name"
    return RowProblem(line, field, slug, "is not a spec of this school", remedy, "NOT_FOUND")


async def _enrol(tx: Tx, rows: dict[int, Row]) -> int:
    """Make learners of those whom nobody knows yet, and note everybody's number; how many are new."""
    newcomers = {row["lookup_key"]: _person(rows[row["line"]]) for row in await tx.fetch(NEWCOMERS)}
    if not newcomers:
        return 0
    await tx.execute("analyze award_file")
    # Before the directory has statistics, PostgreSQL expects one new learner and would compare each with each.
    await tx.execute("set local enable_nestloop = off")
    enrolled = await learners.enrol_all(tx, newcomers)
    await tx.execute(ENROLLED)
    await tx.execute("set local enable_nestloop = on")
    return enrolled


def _person(row: Row) -> Person:
    return Person(row.get("email"), row.get("full_name"), row.get("country"), row.get("region") or None)


async def _insert(tx: Tx, school: UUID, rows: dict[int, Row], identity: UUID) -> list[int]:
    """Write the awards that are new, each with its holder's name sealed.

    A statement for many (COPY knows no row-level security), and time for others in between. Answers the learners whose
    new awards wait for their own claim.
    """
    now = await tx.now()
    fresh = await tx.fetch(NEW_AWARDS)
    waiting = await identities.awaited(tx, {row["learner_id"] for row in fresh})
    for start in range(0, len(fresh), INSERTED_AT_ONCE):
        some = fresh[start : start + INSERTED_AT_ONCE]
        names: list[bytes] = []
        key, whose = None, None
        for row in some:
            if key is None or whose != row["learner_id"]:
                whose = row["learner_id"]
                key = tx.vault.learner_key(whose, row["wrapped"])
            names.append(key.seal(HOLDER, rows[row["line"]].get("full_name")))
        columns = [
            [row[name] for row in some] for name in ("learner_id", "award_id", "version_id", "mode", "awarded_on")
        ]
        await tx.execute(INSERT, school, now, identity, *columns, names, sorted(waiting))
    said = [(row["learner_id"], row["award_id"], _factor(rows[row["line"]])) for row in fresh]
    await keep_factors(tx, [(learner_id, award_id, factor) for learner_id, award_id, factor in said if factor])
    return sorted(waiting)


async def _write(tx: Tx, actor: Actor, school: UUID, file: _File, fresh: int) -> None:
    now = await tx.now()
    identity = new_id()
    if fresh:
        rows = {row.line: row for row in file.rows}
        enrolled = await _enrol(tx, rows)
        waiting = await _insert(tx, school, rows, identity)
        await search.post_awards(tx, POSTINGS, waiting)
        await tx.insert(
            AwardImport(
                id=identity,
                organization_id=school,
                sha256=file.sha256,
                rows=len(file.rows),
                learners=enrolled,
                awards=fresh,
                imported_at=now,
            )
        )
        await tx.emit("awards.imported", f"import:{identity}", awards=fresh)
    await tx.insert(
        audit.record(actor, "importAwards", now, subject=f"import:{identity}", decision="done", reason=file.sha256)
    )
