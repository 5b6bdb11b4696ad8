"""Imports: an upload through the room's own importer, finished in the transaction of its change."""

from __future__ import annotations

import json
from typing import Final

from countersign.awards.importing import import_award_file
from countersign.bulk import exporting, queue, rules, uploads
from countersign.bulk.files import ERRORS
from countersign.bulk.queue import Failed, Job, Watch
from countersign.bulk.rules import Failure, Format
from countersign.kit.db import Database, Tx
from countersign.kit.importing import ImportReport, RowProblem
from countersign.kit.table_files import TableFile, row_error

WRITE_PATIENCE: Final = "60s"


async def run_import(db: Database, job: Job, watch: Watch) -> None:
    """Import the upload and complete the operation, or fail it with every row error; exactly once.

    What the importer changes and what the operation says of it are one transaction, so that a worker that dies
    leaves both or neither. Raises Failed, LeaseLost, StopWanted.
    """
    actor = await exporting.present_actor(db, job)
    if job.upload_id is None:
        raise LookupError("an import has an upload: the table says so")
    async with db.fresh_reader() as reader:
        data = await uploads.read_whole(reader, db.vault, job.upload_id)
    if data is None:
        raise Failed(Failure.UPLOAD_GONE, "The upload went before its turn came: send it again")

    async def finish(tx: Tx, report: ImportReport) -> None:
        await queue.hold(tx, job)
        # A large file takes a while, and a token that was revoked meanwhile awards nothing any more.
        await exporting.present_actor(db, job)
        await queue.complete(
            tx,
            job,
            rows_done=report.rows,
            rows_total=report.rows,
            rows_created=report.created,
            rows_unchanged=report.unchanged,
        )

    report = await import_award_file(
        db,
        actor,
        TableFile(job.subject, data, json_lines=job.format is Format.JSON_LINES),
        dry_run=job.dry_run,
        progress=watch.progress,
        finish=finish,
        most_problems=rules.MOST_ROW_ERRORS,
    )
    if report.refused:
        await _refused(db, job, report)


async def _refused(db: Database, job: Job, report: ImportReport) -> None:
    errors = [dict(row_error(problem)) for problem in report.problems]
    if report.left_out:
        left_out = RowProblem(0, "", "", f"{report.left_out} further faults are not listed", "correct these first")
        errors.append(dict(row_error(left_out)))
    written = "".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in errors).encode()
    count = len(report.problems) + report.left_out
    async with db.writer() as tx:
        await tx.execute(f"set local statement_timeout = '{WRITE_PATIENCE}'")
        await queue.hold(tx, job)
        for number, start in enumerate(range(0, len(written), rules.CHUNK)):
            await queue.keep_chunk(tx, job, ERRORS, number, written[start : start + rules.CHUNK])
        figures = {
            "rows_done": report.rows,
            "rows_total": report.rows,
            "row_error_count": count,
            "first_row_errors": queue.first(errors),
            "error_bytes": len(written),
        }
        if job.dry_run:
            await queue.complete(tx, job, rows_created=0, rows_unchanged=0, **figures)
        else:
            why = f"{count} {'fault' if count == 1 else 'faults'} in the rows: nothing was imported"
            await queue.fail(tx, job, Failed(Failure.ROWS_REFUSED, why), **figures)
