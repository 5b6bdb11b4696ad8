"""`mail-report`: what a mail server reports of a letter that came back later, as it is piped in."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from countersign.app import tools_of
from countersign.cli.hosting import database, explained, leave_on_sigterm, load, prepare
from countersign.config import Settings
from countersign.kit import audit
from countersign.kit.access import SYSTEM
from countersign.notices import reports, rules_reports
from countersign.notices.rules_reports import Report

NOTHING = "no report about a letter of ours that ends anything: nothing changed"
LETTER = "the letter is noted; its address gets mail as before"
CHANGED = "its address gets nothing more, and its owner is told in the inbox"


def run(file: Path | None, data: Path | None) -> int:
    """Take one report from a file or standard input and print what came of it; what is no report is no fault."""
    given = sys.stdin.buffer if file is None else file.open("rb")
    with given:
        found = rules_reports.read(given.read(rules_reports.LARGEST + 1))
    if found is None:
        sys.stdout.write(f"{NOTHING}\n")
        return 0
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        sys.stdout.write(f"{asyncio.run(_take(settings, found))}\n")
    return 0


async def _take(settings: Settings, report: Report) -> str:
    await prepare(settings)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        mailbox = await reports.take(tx, report)
        if mailbox is None:
            return LETTER
        event = audit.record(
            SYSTEM, "mail_report", await tx.now(), subject=f"mailbox_{mailbox}", decision="done", reason=None
        )
        await tx.insert(event)
    return CHANGED
