"""What a learner's consent does to the candidate index: it brings their awards in, or takes everything out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final
from uuid import UUID

from countersign.awards.service import POSTED
from countersign.kit import access, audit, records
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.importing import (
    BadRows,
    Column,
    ImportReport,
    Progress,
    Row,
    RowProblem,
    read_day,
    read_table,
    refusal,
)
from countersign.kit.patience import take_time
from countersign.learners import consents
from countersign.learners.consents import Grant, RecordedConsent
from countersign.learners.rules import Purpose
from countersign.learners.service import directory_key, self_of
from countersign.search import service as search

COLUMNS: Final = (
    Column("email", ("email", "e-mail"), required=True, longest=254),
    Column("granted_on", ("granted_on", "granted"), required=True, longest=10),
)
STYLE: Final = "consents"


@dataclass(frozen=True, slots=True)
class SetConsent:
    """A learner allows a purpose or takes it back; the rest as in `consents.Grant`."""

    purpose: Purpose
    granted: bool
    expires_at: datetime | None = None
    organization_id: UUID | None = None
    text_version: str | None = None
    language: str = "en"


async def set_consent(tx: Tx, actor: Actor, command: SetConsent) -> int:
    """Grant or withdraw, for oneself only; what recruiters find is right when this commits. The learner's number.

    Raises NotAllowed and what `consents.grant` raises.
    """
    learner_id = self_of(actor, Permission.SET_CONSENT)
    if command.granted:
        wanted = Grant(
            command.purpose, command.expires_at, command.organization_id, command.text_version, command.language
        )
        await consents.grant(tx, actor, wanted)
        if command.purpose is Purpose.TALENT_SEARCH:
            await _post(tx, await records.all_of(tx, learner_id))
    else:
        await consents.withdraw(tx, actor, command.purpose, command.organization_id)
    return learner_id


async def import_consents(
    db: Database, actor: Actor, path: Path, *, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Take consents to be found that learners gave elsewhere (`consents.record_consents`): operator only.

    All rows or none; the same file twice changes nothing. Raises NotAllowed.
    """
    access.require(actor, Permission.IMPORT)
    try:
        rows = read_table(await asyncio.to_thread(path.read_bytes), COLUMNS, what="consent file")
    except BadRows as bad:
        return refusal(path.name, STYLE, 0, bad.problems, dry_run=dry_run)
    async with db.writer() as tx:
        await take_time(tx)
        records, problems = await _read(tx, rows)
        if problems:
            return refusal(path.name, STYLE, len(rows), problems, dry_run=dry_run)
        if dry_run:
            return ImportReport(path.name, STYLE, len(rows), len(rows), 0, 0, dry_run=True)
        learner_ids = await consents.record_consents(tx, actor, Purpose.TALENT_SEARCH, records)
        await _post(tx, learner_ids)
        await tx.insert(
            audit.record(actor, "importConsents", await tx.now(), subject=None, decision="done", reason=None)
        )
    if progress:
        progress(len(rows), len(rows))
    return ImportReport(path.name, STYLE, len(rows), len(learner_ids), 0, len(rows) - len(learner_ids))


async def _read(tx: Tx, rows: list[Row]) -> tuple[list[RecordedConsent], list[RowProblem]]:
    now = await tx.now()
    known = {
        r["lookup_key"]
        for r in await tx.fetch(
            "select lookup_key from learner_directory where lookup_key = any($1::bytea[])",
            [directory_key(tx.vault, r.get("email")) for r in rows],
        )
    }
    records: list[RecordedConsent] = []
    problems: list[RowProblem] = []
    lines: dict[bytes, int] = {}
    for row in rows:
        key = directory_key(tx.vault, row.get("email"))
        if key not in known:
            problems.append(row.problem("email", "belongs to no learner", "import their awards first"))
        elif key in lines:
            problems.append(row.problem("email", f"stands in line {lines[key]} too", "remove one of the lines"))
        lines.setdefault(key, row.line)
        try:
            day = read_day(row.get("granted_on"))
        except ValueError:
            problems.append(row.problem("granted_on", "is not a date", "write YYYY-MM-DD"))
            continue
        if day > now.date():
            problems.append(row.problem("granted_on", "is in the future", "write the day of the consent"))
        records.append(RecordedConsent(row.get("email"), datetime.combine(day, time(), UTC)))
    return records, problems


async def _post(tx: Tx, learner_ids: list[int]) -> None:
    await search.post_awards(tx, f"{POSTED} and a.learner_id = any($1::bigint[])", learner_ids)
