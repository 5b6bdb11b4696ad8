"""`import`: files in, whole or not at all."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from pathlib import Path
from typing import Any

from rich.progress import Progress as Bar

from countersign.app import tools_of
from countersign.awards.consent import import_consents
from countersign.awards.importing import import_awards
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, prepare, say
from countersign.config import Settings
from countersign.corpora.service import Corpus, import_vacancies
from countersign.endorsements import drift
from countersign.endorsements.support import import_support
from countersign.kit.access import SYSTEM, Actor, OrganizationKind
from countersign.kit.importing import ImportReport, Progress
from countersign.schema.base import Tools
from countersign.skills.files import Style
from countersign.skills.service import import_skills
from countersign.specs.catalogue import import_listings


class UnknownName(Exception):
    """A name on the command line means nothing here; the text says what is meant."""


def run(
    kind: str,
    file: Path,
    data: Path | None,
    *,
    dry_run: bool,
    json: bool,
    style: str | None = None,
    school: str | None = None,
    corpus: dict[str, Any] | None = None,
) -> int:
    """Import one file; exit 1 when a row is bad, and then nothing was imported."""
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        try:
            report = asyncio.run(_import(settings, kind, file, style, school, corpus, dry_run=dry_run))
        except UnknownName as unknown:
            say(str(unknown))
            return BAD_USAGE
    if json:
        sys.stdout.write(json_text.dumps(report.to_json(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(report.lines()) + "\n")
    return BAD_DATA if report.refused else 0


async def _import(
    settings: Settings,
    kind: str,
    file: Path,
    style: str | None,
    school: str | None,
    corpus: dict[str, Any] | None,
    *,
    dry_run: bool,
) -> ImportReport:
    await prepare(settings)
    async with tools_of(settings) as tools:
        with Bar(transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(file.name, total=None)

            def progress(done: int, of: int) -> None:
                bar.update(task, completed=done, total=of)

            if corpus is not None:
                about = Corpus(**corpus)
                return await import_vacancies(tools.db, SYSTEM, file, about, dry_run=dry_run, progress=progress)
            return await _by_kind(tools, kind, file, style, school, dry_run=dry_run, progress=progress)


async def _by_kind(
    tools: Tools, kind: str, file: Path, style: str | None, school: str | None, *, dry_run: bool, progress: Progress
) -> ImportReport:
    match kind:
        case "skills":
            chosen = _style(style)
            return await import_skills(tools.db, SYSTEM, file, chosen, dry_run=dry_run, progress=progress)
        case "listings":
            return await import_listings(tools.db, SYSTEM, file, dry_run=dry_run, progress=progress)
        case "awards":
            actor = await _registrar(tools, school or "")
            return await import_awards(tools.db, actor, file, dry_run=dry_run, progress=progress)
        case "support":
            report = await import_support(tools.db, SYSTEM, file, dry_run=dry_run, progress=progress)
            if not (report.refused or dry_run):
                await drift.look(tools.db)
            return report
        case _:
            return await import_consents(tools.db, SYSTEM, file, dry_run=dry_run, progress=progress)


def _style(name: str | None) -> Style | None:
    if name is None:
        return None
    try:
        return Style(name)
    except ValueError:
        raise UnknownName(f"--style {name} is unknown — it is one of {', '.join(s.value for s in Style)}") from None


async def _registrar(tools: Tools, handle: str) -> Actor:
    """The operator, acting for the school of this handle."""
    async with tools.db.reader() as reader:
        found = await reader.fetchval("select id from organizations where handle = $1 and kind = 'school'", handle)
        if found is None:
            near = await reader.fetch(
                "select handle from organizations where kind = 'school' order by similarity(handle, $1) desc limit 3",
                handle,
            )
            names = ", ".join(row["handle"] for row in near) or "none is registered"
            raise UnknownName(f"no school has the handle {handle!r} — did you mean: {names}")
    return Actor(system=True, organization_id=found, organization_kind=OrganizationKind.SCHOOL)
