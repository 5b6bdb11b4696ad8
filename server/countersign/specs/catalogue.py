"""Listings: import a real catalogue, and complete one entry into a draft."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, NotFound
from countersign.kit.ids import new_id
from countersign.kit.importing import BadRows, ImportReport, Progress, refusal
from countersign.kit.patience import take_time
from countersign.specs import drafts, listings, rules
from countersign.specs.drafts import Created
from countersign.specs.listings import FIELDS, SOURCE, Entry
from countersign.specs.rules import Kind

STYLE: Final = "listings"
UPDATED: Final = tuple(name for name in FIELDS if name != "external_id")


async def import_listings(
    db: Database, actor: Actor, path: Path, *, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import a course catalogue in one transaction, or refuse it whole; importing it again changes nothing.

    Raises NotAllowed for anybody but the operator, OSError when the file cannot be read.
    """
    access.require(actor, Permission.IMPORT)
    data = await asyncio.to_thread(path.read_bytes)
    try:
        entries = await asyncio.to_thread(listings.read, data)
    except BadRows as bad:
        return refusal(path.name, STYLE, 0, bad.problems, dry_run=dry_run)
    async with db.writer() as tx:
        await take_time(tx)
        report = await _store(tx, actor, entries, source=path.name, dry_run=dry_run)
    if progress is not None:
        progress(report.rows, report.rows)
    return report


async def _store(tx: Tx, actor: Actor, entries: tuple[Entry, ...], *, source: str, dry_run: bool) -> ImportReport:
    await tx.execute("select pg_advisory_xact_lock(hashtext('listings'))")
    rows = await tx.fetch(
        f"select id, {', '.join(FIELDS)} from listings where source = $1 and external_id = any($2)",
        SOURCE,
        [entry.external_id for entry in entries],
    )
    known: dict[str, tuple[UUID, Entry]] = {}
    for row in rows:
        facts = {name: row[name] for name in FIELDS} | {"gaps": tuple(row["gaps"])}
        known[row["external_id"]] = (row["id"], Entry(**facts))
    created = [entry for entry in entries if entry.external_id not in known]
    updated = [
        (known[entry.external_id][0], entry)
        for entry in entries
        if entry.external_id in known and known[entry.external_id][1] != entry
    ]
    if not dry_run and (created or updated):
        await _write(tx, created, updated)
        await tx.insert(
            audit.record(
                actor,
                "import_listings",
                await tx.now(),
                subject=SOURCE,
                decision="done",
                reason=f"{source}: {len(created)} created, {len(updated)} updated",
            )
        )
    return ImportReport(
        source=source,
        style=STYLE,
        rows=len(entries),
        created=len(created),
        updated=len(updated),
        unchanged=len(entries) - len(created) - len(updated),
        dry_run=dry_run,
    )


async def _write(tx: Tx, created: list[Entry], updated: list[tuple[UUID, Entry]]) -> None:
    now = await tx.now()
    columns = ("id", "source", *FIELDS, "imported_at")
    await tx.copy("listings", columns, [(new_id(), SOURCE, *_values(entry), now) for entry in created])
    await tx.execute(
        f"""
        update listings l set {", ".join(f"{name} = n.{name}" for name in UPDATED)}
        from jsonb_populate_recordset(null::listings, $1::jsonb) n where l.id = n.id
        """,
        [{"id": str(key), **dict(zip(FIELDS, _values(entry), strict=True))} for key, entry in updated],
    )


def _values(entry: Entry) -> tuple[Any, ...]:
    values = (getattr(entry, name) for name in FIELDS)
    return tuple(list(value) if isinstance(value, tuple) else value for value in values)


@dataclass(frozen=True, slots=True)
class CompleteListing:
    """Begin a specification of the actor's school from a listing; `slug` None: made of the title."""

    listing_id: UUID
    slug: str | None = None


async def complete_listing(tx: Tx, actor: Actor, command: CompleteListing) -> Created:
    """Make a draft that says what the listing says and no more; what is missing stays a named gap.

    The listing is not changed and says nothing about the school that completes it. Raises NotAllowed; NotFound;
    Invalid for the slug; Conflict when it is taken.
    """
    access.require(actor, Permission.CREATE_SPEC)
    listing = await tx.fetchrow(f"select {', '.join(FIELDS)} from listings where id = $1", command.listing_id)
    if listing is None:
        raise NotFound(what="listing", path=("listingId",))
    slug = command.slug if command.slug is not None else rules.slug_from(listing["title"])
    if slug is None:
        raise Invalid(problem="No slug can be made of this title; choose one", path=("slug",))
    return await drafts.make(
        tx,
        drafts.organization_of(actor),
        slug,
        Kind.BLOCK,
        listings.content_of(listing),
        listing_id=command.listing_id,
    )
