"""`import` and its kinds of files. What they do is in `imports`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from countersign.cli.options import AsJson, Data, DryRun, File, run

imports = typer.Typer(
    name="import",
    help="Bring files in: whole or not at all, every bad row named. --dry-run only looks.",
    no_args_is_help=True,
)


@imports.command("skills")
def import_skills(
    file: File,
    style: Annotated[str | None, typer.Option(help="osmt, esco or onet; else known by the header.")] = None,
    data: Data = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """A framework of skills: rich skill descriptors, ESCO style, O*NET style."""
    run("imports", kind="skills", file=file, style=style, data=data, dry_run=dry_run, json=json)


@imports.command("listings")
def import_listings(file: File, data: Data = None, dry_run: DryRun = False, json: AsJson = False) -> None:
    """A public catalogue of courses: listed, not validated."""
    run("imports", kind="listings", file=file, data=data, dry_run=dry_run, json=json)


@imports.command("awards")
def import_awards(
    file: File,
    school: Annotated[str, typer.Option("--as", help="Handle of the school that awards.")],
    data: Data = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Awards of a school's graduates."""
    run("imports", kind="awards", file=file, school=school, data=data, dry_run=dry_run, json=json)


@imports.command("consents")
def import_consents(file: File, data: Data = None, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Consents that learners gave elsewhere."""
    run("imports", kind="consents", file=file, data=data, dry_run=dry_run, json=json)


@imports.command("support")
def import_support(file: File, data: Data = None, dry_run: DryRun = False, json: AsJson = False) -> None:
    """End-of-life dates of tools; drift alarms follow at once."""
    run("imports", kind="support", file=file, data=data, dry_run=dry_run, json=json)


@imports.command("vacancies")
def import_vacancies(
    file: File,
    corpus: Annotated[str, typer.Option(help="The corpus's name; a newer file of it is another snapshot.")],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day that it covers.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day that it covers.")
    ] = None,
    region: Annotated[str, typer.Option(help="Which region it covers.")] = "not stated",
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "not stated",
    licence: Annotated[str, typer.Option(help="On which terms it may be used.")] = "not stated",
    data: Data = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Vacancies as JSON lines, so that labour-market evidence can be counted again."""
    about = {"since": since and since.date(), "until": until and until.date(), "region": region}
    about |= {"name": corpus, "source": source, "licence": licence}
    run("imports", kind="vacancies", file=file, corpus=about, data=data, dry_run=dry_run, json=json)
