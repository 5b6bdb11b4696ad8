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
from countersign.awards.rules import Mode
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
from countersign.kit.table_files import TableFile
from countersign.learners import rules as learner_rules
from countersign.learners import service as learners
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
)
TAKEN: Final = ("email", "full_name", "country", "region", "spec", "version", "mode")
MODES: Final = {mode.value for mode in Mode}
REPORT_EVERY: Final = 1_000
YIELD_EVERY: Final = 200

Finish = Callable[[Tx, ImportReport], Awaitable[None]]
"""What else belongs to the import: done in its transaction, just before the commit; raising undoes everything."""

STAGING: Final = """
create temporary table award_file_rows (
    line int, award_id uuid, lookup_key bytea, email text, full_name text, country text, region text,
    spec text, version text, awarded_on date, mode text
) on commit drop
"""
STAGED: Final = (
    "line",
    "award_id",
    "lookup_key",
    "email",
    "full_name",
    "country",
    "region",
    "spec",
    "version",
    "awarded_on",
    "mode",
)

RESOLVED: Final = """
create temporary table award_file on commit drop as
select r.line, r.award_id, r.lookup_key, r.email, r.full_name, r.country, r.region, r.spec, r.version,
       r.awarded_on, r.mode, s.id as spec_id, v.id as version_id, v.state, d.learner_id,
       held.awarded_on as held_on,
       row_number() over (partition by r.lookup_key, r.spec, r.version order by r.line) as mention,
       min(r.line) over (partition by r.lookup_key, r.spec, r.version) as first_line,
       first_value(r.line) over person as person_line,
       (first_value(r.full_name) over person, first_value(r.country) over person, first_value(r.region) over person)
           is distinct from (r.full_name, r.country, r.region) as other_person
from award_file_rows r
left join specs s on s.slug = r.spec and s.organization_id = $1
left join spec_versions v on v.spec_id = s.id and v.semver = r.version
left join learner_directory d on d.lookup_key = r.lookup_key
left join awards held on held.learner_id = d.learner_id and held.spec_version_id = v.id
    and held.state in ('issued', 'suspended')
window person as (partition by r.lookup_key order by r.line)
"""

PROBLEMS: Final = """
select line, 'version' as field, version as value,
       'is not a version of ' || spec as problem, coalesce('it has ' || (
           select string_agg(v.semver, ', ' order by v.submitted_at) from spec_versions v where v.spec_id = f.spec_id),
           'submit one first') as remedy, 'NOT_FOUND' as code
from award_file f where spec_id is not null and version_id is null and version <> ''
union all
select line, 'version', version, 'is ' || replace(state, '_', ' ') || ', not published',
       'only published and deprecated versions can be awarded', 'INVALID_STATE'
from award_file where version_id is not null and state not in ('published', 'deprecated')
union all
select line, 'email', email, 'stands with the same spec and version in line ' || first_line, 'remove one of the lines',
       'CONFLICT'
from award_file where mention > 1
union all
select line, 'full_name', full_name,
       'differs, or country or region, from line ' || person_line || ' of the same learner',
       'write them the same in every line', 'CONFLICT'
from award_file where other_person
union all
select line, 'awarded_on', coalesce(awarded_on::text, ''), 'this learner holds the version since ' || held_on,
       'remove the line, or revoke that award first', 'CONFLICT'
from award_file where held_on is distinct from awarded_on and held_on is not null and awarded_on is not null
union all
select distinct f.line, 'awarded_on', f.awarded_on::text,
       'this award was revoked on ' || (a.revoked_at at time zone 'UTC')::date,
       'remove the line; to award the version again write the new day', 'CONFLICT'
from award_file f
join awards a on a.learner_id = f.learner_id and a.spec_version_id = f.version_id and a.awarded_on = f.awarded_on
where f.held_on is null and a.state = 'revoked'
"""

FRESH: Final = "f.held_on is null"

NEWCOMERS: Final = "select line from award_file where learner_id is null and line = person_line"

ENROLLED: Final = """
update award_file f set learner_id = d.learner_id
from learner_directory d where d.lookup_key = f.lookup_key and f.learner_id is null
"""

INSERT: Final = f"""
insert into awards (learner_id, id, spec_version_id, organization_id, holder_name, state, mode, awarded_on, issued_at,
                    import_id)
select f.learner_id, f.award_id, f.version_id, $1, f.full_name, 'issued', f.mode, f.awarded_on, $2, $3
from award_file f where {FRESH} order by f.learner_id, f.award_id
"""

POSTINGS: Final = f"""
select f.learner_id, f.award_id, f.version_id as spec_version_id, f.spec_id, f.awarded_on
from award_file f where {FRESH}
"""


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
        await tx.execute("set local statement_timeout = 0")
        await tx.execute("set local lock_timeout = '30s'")
        await tx.execute("set local idle_in_transaction_session_timeout = 0")
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
            yield _record(row, today, problems)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if progress and number % REPORT_EVERY == 0:
                progress(number // 2, len(rows))

    await tx.copy("award_file_rows", STAGED, records())
    await tx.execute("analyze award_file_rows")
    return problems


def _record(row: Row, today: date, problems: list[RowProblem]) -> tuple[object, ...]:
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
    day = _day(row, today, problems)
    return (
        row.line,
        new_id(),
        learner_rules.lookup_key(email),
        email,
        name,
        country,
        region or None,
        spec,
        version,
        day,
        mode,
    )


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
    found = [
        RowProblem(r["line"], spelt.get(r["field"], r["field"]), r["value"], r["problem"], r["remedy"], r["code"])
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


async def _enrol(tx: Tx) -> int:
    """Make learners of those whom nobody knows yet, and note everybody's number; how many are new."""
    newcomers = [row["line"] for row in await tx.fetch(NEWCOMERS)]
    if not newcomers:
        return 0
    await tx.execute("analyze award_file")
    # Before the directory has statistics, PostgreSQL expects one new learner and would compare each with each.
    await tx.execute("set local enable_nestloop = off")
    enrolled = await learners.enrol_from(
        tx,
        "select f.lookup_key, n.id, f.email, f.full_name, f.country, f.region"
        " from award_file f join unnest($2::int[], $3::uuid[]) n(line, id) on n.line = f.line",
        newcomers,
        [new_id() for _ in newcomers],
    )
    await tx.execute(ENROLLED)
    await tx.execute("set local enable_nestloop = on")
    return enrolled


async def _write(tx: Tx, actor: Actor, school: UUID, file: _File, fresh: int) -> None:
    now = await tx.now()
    identity = new_id()
    if fresh:
        enrolled = await _enrol(tx)
        await tx.execute(INSERT, school, now, identity)
        await search.post_awards(tx, POSTINGS)
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
