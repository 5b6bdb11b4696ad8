"""Exports: a query's list walked page by page under its asker's present authority, into one file."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from countersign.bulk import candidates, queue, rules, rules_csv
from countersign.bulk.files import RESULT
from countersign.bulk.queue import Failed, Job, Watch
from countersign.bulk.rules import Failure, Format
from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database
from countersign.kit.errors import Refusal
from countersign.organizations import acting
from countersign.organizations import service as organizations

PAUSE_SECONDS: Final = 0.005
"""Between pages, so that those who wait for an answer come first."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """A query that can be exported: its list's field, what each asker must hold, the columns of a table of it."""

    subject: str
    permissions: tuple[Permission, ...]
    columns: Sequence[tuple[str, ...]]
    public: bool = True
    """Whether everyone could read all of it; what only members see takes two persons to export."""
    candidates: bool = False
    """Whether it shows candidates, who may withdraw."""


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some rows, where the next page begins (None after the last), and which candidates it shows."""

    rows: Sequence[Mapping[str, Any]]
    after: str | None
    shown: Sequence[int] = ()


class PageRefused(Exception):
    """A page was refused, for a reason that the asker may read; `forbidden` when it is their authority."""

    def __init__(self, why: str, *, forbidden: bool = False) -> None:
        self.forbidden = forbidden
        super().__init__(why)


class Exporter(Protocol):
    """What walks a query; the front desk gives one that goes through the same door as every request."""

    def plan(self, document: str, variables: Mapping[str, Any], actor: Actor) -> ExportPlan:
        """What would be exported. Raises Invalid for what cannot be."""

    async def page(self, document: str, variables: Mapping[str, Any], after: str | None, actor: Actor) -> ExportPage:
        """One page as this actor may see it now. Raises PageRefused; OSError when the database is out of reach."""


async def present_actor(db: Database, job: Job) -> Actor:
    """The asker as they stand now.

    Raises Failed when the token, the session or the membership has ended, or no longer holds what is needed.
    """
    now = db.clock.now()
    async with db.fresh_reader() as reader:
        if job.login_id is not None:
            asker = Actor(organization_id=job.organization_id, login_id=job.login_id)
            actor = next(iter((await acting.still(reader, [asker], now)).values()), None)
        else:
            actor = None if job.token_id is None else await organizations.actor_of_token(reader, job.token_id, now)
    needed = [Permission(name) for name in job.permissions]
    if actor is None:
        raise Failed(Failure.AUTHORITY_LOST, "The token or the session with which this was started has ended")
    for permission in needed:
        if not access.allows(actor, permission):
            raise Failed(Failure.AUTHORITY_LOST, access.explain(permission))
    return actor


async def run_export(
    db: Database, exporter: Exporter, job: Job, watch: Watch, *, largest: int = rules.LARGEST_RESULT
) -> None:
    """Write the whole export and complete the operation. Raises Failed, LeaseLost, StopWanted.

    Every page is read by a statement of its own: a row that is there from the first page to the last, in its place
    in the order, is in the file exactly once; one that comes, goes or moves meanwhile may or may not be.
    """
    document = job.document or ""
    actor = await present_actor(db, job)
    try:
        plan = exporter.plan(document, job.variables, actor)
    except Refusal as refused:
        raise Failed(Failure.QUERY_FAILED, refused.message) from None
    file = _File(db, job, largest)
    if job.format is Format.CSV:
        file.write(rules_csv.header(plan.columns))
    after: str | None = None
    count = 0
    shown: list[int] = []
    while True:
        actor = await present_actor(db, job)
        try:
            page = await exporter.page(document, job.variables, after, actor)
        except PageRefused as refused:
            failure = Failure.AUTHORITY_LOST if refused.forbidden else Failure.QUERY_FAILED
            raise Failed(failure, str(refused)) from None
        for row in page.rows:
            if job.format is Format.CSV:
                file.write(rules_csv.line(rules_csv.flat(row, plan.columns)))
            else:
                file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += len(page.rows)
        shown += page.shown
        watch.progress(count)
        await file.flush()
        after = page.after
        if after is None:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    await file.close(actor, count, shown if plan.candidates else None)


class _File:
    """The result, kept in pieces as it grows."""

    def __init__(self, db: Database, job: Job, largest: int) -> None:
        self._db = db
        self._largest = largest
        self._job = job
        self._buffer = bytearray()
        self._number = 0
        self._size = 0
        self._digest = hashlib.sha256()

    def write(self, text: str) -> None:
        """Add text. Raises Failed when the file would be larger than a file may be."""
        data = text.encode("utf-8", "replace")
        self._size += len(data)
        if self._size > self._largest:
            limit = f"{self._largest // rules.MIB} MiB"
            raise Failed(Failure.RESULT_TOO_LARGE, f"The result is larger than {limit}: narrow the query")
        self._digest.update(data)
        self._buffer += data

    async def flush(self) -> None:
        """Keep every whole piece."""
        while len(self._buffer) >= rules.CHUNK:
            async with self._db.writer() as tx:
                await queue.hold(tx, self._job)
                await queue.keep_chunk(tx, self._job, RESULT, self._number, bytes(self._buffer[: rules.CHUNK]))
            self._number += 1
            del self._buffer[: rules.CHUNK]

    async def close(self, actor: Actor, rows: int, shown: Sequence[int] | None) -> None:
        """Keep the rest, complete the operation and record who took what: one transaction.

        `shown` are the candidates in it, for as long as all of them agree. Raises Failed when one withdrew meanwhile.
        """
        job = self._job
        query = hashlib.sha256((job.document or "").encode()).hexdigest()
        async with self._db.writer() as tx:
            await queue.hold(tx, job)
            if self._buffer:
                await queue.keep_chunk(tx, job, RESULT, self._number, bytes(self._buffer))
            await queue.complete(
                tx,
                job,
                rows_done=rows,
                rows_total=rows,
                result_bytes=self._size,
                result_sha256=self._digest.hexdigest(),
            )
            if shown is not None:
                await candidates.remember(tx, job, shown)
            said = f"{rows} rows of {job.subject}, {self._size} bytes; query sha256 {query}"
            event = audit.record(
                actor, "exported", await tx.now(), subject=f"bulk_{job.id}", decision="done", reason=said
            )
            await tx.insert(event)
