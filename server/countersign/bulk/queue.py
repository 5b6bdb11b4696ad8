"""The queue: who works on which operation, how far it has come, how it ended. Whoever lost the lease writes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from countersign.bulk import rules, uploads
from countersign.bulk.rules import Failure, Format, State
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id

BEAT_SECONDS: Final = 1.0
RENEW_SECONDS: Final = 5.0
RETRY_AFTER: Final = timedelta(seconds=5)
TOPIC: Final = "bulk.progressed"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """An operation in the hands of one worker."""

    id: UUID
    organization_id: UUID
    person_id: UUID
    token_id: UUID | None
    login_id: UUID | None
    kind: str
    subject: str
    dry_run: bool
    format: Format
    permissions: tuple[str, ...]
    upload_id: UUID | None
    document: str | None
    variables: dict[str, Any]
    lease: UUID


class LeaseLost(Exception):
    """Another worker has taken the operation over, or it is over."""


class StopWanted(Exception):
    """Somebody asked to stop the operation before its change was committed."""


class Failed(Exception):
    """The operation cannot be done, for a reason that its asker may read."""

    def __init__(self, failure: Failure, why: str) -> None:
        self.failure = failure
        self.why = why
        super().__init__(why)


CLAIM: Final = """
select o.* from bulk_operations o
where (o.state = 'queued' or (o.state in ('running', 'canceling') and o.lease_until <= $1))
  and not exists (select from bulk_operations r where r.organization_id = o.organization_id and r.id <> o.id
                  and r.state in ('running', 'canceling') and r.lease_until > $1)
order by o.created_at, o.id
for update of o skip locked limit 1
"""


async def claim(db: Database) -> Job | None:
    """The oldest operation that waits or whose worker has died; one at a time for each organization.

    One that has been begun too often, or was to be stopped, is ended on the way.
    """
    while True:
        async with db.writer() as tx:
            now = await tx.now()
            row = await tx.fetchrow(CLAIM, now)
            if row is None:
                return None
            if row["state"] == State.CANCELING.value:
                await _end(tx, row["id"], State.CANCELED)
                continue
            if row["attempts"] >= rules.MOST_ATTEMPTS:
                why = f"It was begun {rules.MOST_ATTEMPTS} times and never came to its end"
                await _end(tx, row["id"], State.FAILED, failure_code=Failure.GIVEN_UP.value, failure=why)
                continue
            lease = new_id()
            await tx.execute(
                "update bulk_operations set state = 'running', lease = $2, lease_until = $3, attempts = attempts + 1,"
                " rows_done = 0, rows_total = null, started_at = coalesce(started_at, $4) where id = $1",
                row["id"],
                lease,
                now + rules.LEASE,
                now,
            )
            # What a worker left that died in the middle is of no use to the next one.
            await tx.execute("delete from bulk_chunks where operation_id = $1", row["id"])
            await tx.emit(TOPIC, f"bulk_{row['id']}", state=State.RUNNING.value)
        return Job(
            row["id"],
            row["organization_id"],
            row["person_id"],
            row["token_id"],
            row["login_id"],
            row["kind"],
            row["subject"],
            row["dry_run"],
            Format(row["format"]),
            tuple(row["permissions"]),
            row["upload_id"],
            row["document"],
            row["variables"] or {},
            lease,
        )


async def hold(tx: Tx, job: Job) -> None:
    """Keep others from the operation until the transaction ends. Raises LeaseLost, StopWanted."""
    row = await tx.fetchrow("select state, lease from bulk_operations where id = $1 for update", job.id)
    if row is None or row["lease"] != job.lease or row["state"] not in {State.RUNNING.value, State.CANCELING.value}:
        raise LeaseLost
    if row["state"] == State.CANCELING.value:
        raise StopWanted


async def keep_chunk(tx: Tx, job: Job, file: str, number: int, data: bytes) -> None:
    """Keep a piece of a file, sealed under the operation's own key. The caller holds the operation."""
    wrapped = await tx.fetchval("select wrapped_key from bulk_operations where id = $1", job.id)
    if wrapped is None:
        key, wrapped = tx.vault.new_file_key(job.id)
        await tx.execute("update bulk_operations set wrapped_key = $2 where id = $1", job.id, wrapped)
    else:
        key = tx.vault.file_key(job.id, wrapped)
    await tx.execute(
        "insert into bulk_chunks (operation_id, file, number, data) values ($1, $2, $3, $4)",
        job.id,
        file,
        number,
        key.seal(f"bulk_chunks.{file}.{number}", data),
    )


async def complete(tx: Tx, job: Job, **figures: object) -> None:
    """The operation is done. The caller holds it; `figures` are columns."""
    await _end(tx, job.id, State.COMPLETED, **figures)


async def fail(tx: Tx, job: Job, failed: Failed, **figures: object) -> None:
    """The operation cannot be done. The caller holds it."""
    await _end(tx, job.id, State.FAILED, failure_code=failed.failure.value, failure=failed.why, **figures)


async def stop(db: Database, job: Job) -> None:
    """The operation has been stopped, unless its change was committed before."""
    async with db.writer() as tx:
        stopped = await tx.fetchval(
            "select true from bulk_operations where id = $1 and lease = $2 and state = 'canceling' for update",
            job.id,
            job.lease,
        )
        if stopped:
            await tx.execute("delete from bulk_chunks where operation_id = $1", job.id)
            await _end(tx, job.id, State.CANCELED)


async def give_back(db: Database, job: Job, *, after: timedelta | None = None) -> None:
    """Let somebody else take the operation: at once and as if it had not been begun, or after a while.

    One that was to be stopped is claimed and ended, so it is left as it is.
    """
    async with db.writer() as tx:
        until = await tx.now() + (after or timedelta(0))
        if after is None:
            await tx.execute(
                "update bulk_operations set state = 'queued', attempts = attempts - 1, lease = null, lease_until = null"
                " where id = $1 and lease = $2 and state = 'running'",
                job.id,
                job.lease,
            )
        await tx.execute(
            "update bulk_operations set lease_until = $3 where id = $1 and lease = $2", job.id, job.lease, until
        )


async def _end(tx: Tx, identity: UUID, state: State, **figures: object) -> None:
    now = await tx.now()
    names = sorted(figures)
    more = "".join(f", {name} = ${n}" for n, name in enumerate(names, start=5))
    await tx.execute(
        "update bulk_operations set state = $2, finished_at = $3, expires_at = $4, lease = null, lease_until = null"
        f"{more} where id = $1",
        identity,
        state.value,
        now,
        now + rules.RESULT_LIFE,
        *(figures[name] for name in names),
    )
    await uploads.use_up(tx, identity)
    await tx.emit(TOPIC, f"bulk_{identity}", state=state.value)


class Watch:
    """Renews the lease and shows the progress of one operation, at most once a second, until it must stop."""

    def __init__(self, db: Database, job: Job, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._job = job
        self._seconds = seconds
        self._wanted: tuple[int, int | None] = (0, None)
        self._shown: tuple[int, int | None] = (0, None)
        self._renewed = seconds()

    def progress(self, done: int, of: int | None = None) -> None:
        """So many rows of so many; cheap, as often as you like."""
        self._wanted = (done, of)

    async def run(self) -> None:
        """Watch until LeaseLost or StopWanted is raised; a database out of reach is asked again."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if self._wanted == self._shown and self._seconds() - self._renewed < RENEW_SECONDS:
                async with self._db.fresh_reader() as reader:
                    row = await reader.fetchrow("select state, lease from bulk_operations where id = $1", self._job.id)
                self._judge(row["state"] if row and row["lease"] == self._job.lease else None)
            else:
                await self._show()

    async def _show(self) -> None:
        done, total = self._wanted
        async with self._db.writer() as tx:
            now = await tx.now()
            # The last transaction of an import holds the row; then there is nothing to show any more.
            state = await tx.fetchval(
                "with mine as (select id, state from bulk_operations where id = $1 and lease = $2"
                " and state in ('running', 'canceling') for update skip locked)"
                " update bulk_operations o set rows_done = $3, rows_total = $4, lease_until = $5 from mine"
                " where o.id = mine.id returning mine.state",
                self._job.id,
                self._job.lease,
                done,
                total,
                now + rules.LEASE,
            )
            if state is not None and self._wanted != self._shown:
                await tx.emit(TOPIC, f"bulk_{self._job.id}", state=state)
        if state is None:
            async with self._db.fresh_reader() as reader:
                row = await reader.fetchrow("select state, lease from bulk_operations where id = $1", self._job.id)
            self._judge(row["state"] if row and row["lease"] == self._job.lease else None)
            return
        self._shown, self._renewed = (done, total), self._seconds()
        self._judge(state)

    def _judge(self, state: str | None) -> None:
        if state == State.CANCELING.value:
            raise StopWanted
        if state != State.RUNNING.value:
            raise LeaseLost


def first(errors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The row errors that are shown with the operation itself."""
    return list(errors[: rules.SHOWN_ROW_ERRORS])
