"""`reset`: away with the data of a demo."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import typer

from countersign import config
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, load, say
from countersign.config import Mode
from countersign.kit import embedded


def run(data: Path | None, *, yes: bool) -> int:
    """Remove the data directory: never production's, never one in use, never a folder that is not ours."""
    folder = (data or config.ROOT / ".data").absolute()
    if not folder.exists():
        say(f"{folder} is not there: nothing to remove")
        return 0
    ours = {"postgres", "secret", "key_encryption_key", "log_key"}
    if not ours & {entry.name for entry in folder.iterdir()}:
        say(f"{folder} is no data directory of ours — nothing was removed")
        return BAD_USAGE
    settings = load(data=folder)
    if settings.mode is Mode.PRODUCTION:
        say("this is production — nothing was removed")
        return BAD_USAGE
    if embedded.running(folder / "postgres", "countersign"):
        say(f"{folder} is in use — stop the server first (Ctrl-C there); nothing was removed")
        return BAD_USAGE
    if not yes and (not sys.stdin.isatty() or not typer.confirm(f"Remove {folder} and all that is in it?")):
        say("nothing was removed — to remove it without a question: python3 server reset --yes")
        return BAD_DATA if sys.stdin.isatty() else BAD_USAGE
    shutil.rmtree(folder)
    say(f"{folder} is removed")
    return 0
