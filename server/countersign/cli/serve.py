"""`serve`: one process or several over one port; the parent owns PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from countersign.cli.hosting import (
    database,
    explained,
    leave_on_sigterm,
    listening,
    load,
    prepare,
    run_application,
    say,
)


def run(port: int | None, host: str | None, data: Path | None, workers: int) -> int:
    """Serve until a signal."""
    started = time.monotonic()
    leave_on_sigterm()
    settings = load(port=port, host=host, data=data)
    with listening(settings, "serve") as bound, explained(), database(settings) as ready_settings:
        asyncio.run(prepare(ready_settings))

        def ready() -> None:
            many = f", {workers} processes" if workers > 1 else ""
            say(f"ready in {time.monotonic() - started:.1f} s   {settings.public_origin}/   ({settings.mode}{many})")

        return run_application(ready_settings, bound, ready, workers)
