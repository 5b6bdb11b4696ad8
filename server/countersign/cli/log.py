"""`log`: check the transparency log, hand out its newest checkpoint, write it out for others to check."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from countersign import app
from countersign.cli.hosting import BAD_DATA, database, explained, leave_on_sigterm, load, say
from countersign.config import Mode, Settings
from countersign.demo.run import BEGUN
from countersign.kit import audit
from countersign.kit.db import Connection, Database
from countersign.log import bundle, checking, rules, service
from countersign.log.rules_notes import Checkpoint, LogVerifier, NoteRefused, notes_in

SNAPSHOT: Final = {"default_transaction_isolation": "repeatable read", "statement_timeout": "0"}


def run(
    action: str,
    data: Path | None,
    *,
    witness: list[Path] | None = None,
    keep: Path | None = None,
    output: Path | None = None,
    json: bool = False,
) -> int:
    """Exit 0 when everything is as it was recorded, 1 when something is not, 2 when it cannot be looked at."""
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        match action:
            case "verify":
                own = settings.data / app.WITNESS
                notes = [
                    note for path in [*(witness or []), own] if path.exists() for note in notes_in(path.read_text())
                ]
                return _tell(asyncio.run(_check(settings, notes)), len(notes), json=json)
            case "checkpoint":
                kept = notes_in(keep.read_text()) if keep is not None and keep.exists() else []
                note, problem = asyncio.run(_newest(settings, kept))
                if note is None or problem:
                    say(problem or "the log has not begun: it does when the portal runs")
                    return BAD_DATA
                if keep is not None and note not in kept:
                    with keep.open("a") as file:
                        file.write(f"{note}\n")
                sys.stdout.write(note)
                return 0
            case _:
                text = "\n".join(asyncio.run(_bundle(settings))) + "\n"
                if output is None:
                    sys.stdout.write(text)
                else:
                    output.write_text(text)
                return 0


@asynccontextmanager
async def _snapshot(settings: Settings) -> AsyncIterator[tuple[Connection, LogVerifier]]:
    """One view of the database for as long as the look takes, and the public half of the key of its log."""
    db = await Database.open(settings.dsn, pool_size=1)
    try:
        async with db.alone(SNAPSHOT) as connection, connection.transaction(readonly=True):
            # An installation's log is named after the origin that was fixed when its data were made.
            origin = await connection.fetchval("select value from installation where key = 'public_origin'")
            named = settings.model_copy(update={"public_origin": origin or settings.public_origin})
            yield connection, app.log_key(named).verifier
    finally:
        await db.close()


async def _is_a_demo(settings: Settings, connection: Connection) -> bool:
    """Whether the history was made up for a demonstration; never in production, whatever the database says."""
    if settings.mode is Mode.PRODUCTION:
        return False
    made = await connection.fetchval("select exists (select from installation where key = $1)", BEGUN)
    return bool(made)


async def _check(settings: Settings, notes: list[str]) -> checking.Report:
    audit.use_key(settings.log_key_bytes)
    bar = Progress(
        TextColumn("leaves"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    async with _snapshot(settings) as (connection, verifier):
        with bar:
            task = bar.add_task("leaves", total=None)
            return await checking.check(
                connection,
                verifier,
                app.LOGGED,
                seal=audit.sealing_key(),
                witnessed=notes,
                played=await _is_a_demo(settings, connection),
                progress=lambda done, whole: bar.update(task, completed=done, total=whole),
            )


def _tell(report: checking.Report, notes: int, *, json: bool) -> int:
    if json:
        told = {
            "good": not report.found,
            "leaves": report.size,
            "checkpoints": report.checkpoints,
            "things": report.things,
            "waiting": report.waiting,
            "witnessed": notes,
            "found": [{"where": one.where, "what": one.what} for one in report.found],
            "more": report.more,
        }
        sys.stdout.write(json_text.dumps(told, ensure_ascii=False) + "\n")
    else:
        for one in report.found:
            sys.stdout.write(f"{one.where}: {one.what}\n")
        if report.more:
            sys.stdout.write(f"… and {report.more} more\n")
        seen = (
            f"{report.size} leaves, {report.checkpoints} checkpoints, {report.things} signed things, {notes} kept notes"
        )
        verdict = f"{len(report.found) + report.more} found" if report.found else "as recorded"
        sys.stdout.write(f"{verdict}: {seen}; {report.waiting} events wait for the log\n")
    return BAD_DATA if report.found else 0


async def _newest(settings: Settings, kept: list[str]) -> tuple[str | None, str | None]:
    """The newest checkpoint, and why it does not follow on the last one that was kept."""
    async with _snapshot(settings) as (connection, verifier):
        note = await service.checkpoint(connection)
        if note is None or not kept:
            return note, None
        try:
            old, new = verifier.open(kept[-1]), verifier.open(note)
        except NoteRefused as refused:
            return note, str(refused)
        grew = await _grew(connection, old, new)
        return note, None if grew else f"the log does not contain the one of {old.size} leaves that was kept"


async def _grew(connection: Connection, old: Checkpoint, new: Checkpoint) -> bool:
    if old.size == 0 or old == new:
        return True
    proof = await service.consistency(connection, old.size, new.size) or []
    return rules.extends(old.root, old.size, new.root, new.size, proof)


async def _bundle(settings: Settings) -> list[str]:
    async with _snapshot(settings) as (connection, verifier):
        return [f'{{"key": "{verifier.text}"}}', *[line async for line in bundle.lines(connection, app.LOGGED)]]
