"""`migrate`: the database at the schema of this version."""

from __future__ import annotations

import asyncio
from pathlib import Path

from countersign.cli.hosting import database, explained, leave_on_sigterm, load, prepare, say


def run(data: Path | None) -> int:
    """Migrate and set the grants."""
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        asyncio.run(prepare(settings))
    say("the database is at the newest migration")
    return 0
