"""Options that several verbs share, and how a verb is started."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

Data = Annotated[Path | None, typer.Option(help="Data directory [.data].", envvar="COUNTERSIGN_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]
File = Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False, readable=True)]


def run(module: str, **options: Any) -> NoReturn:
    """Load a verb's module, run it, and leave with its exit code."""
    sys.exit(import_module(f"countersign.cli.{module}").run(**options))
