"""End-of-life dates of tools: imported as data, and what they say of a tool's names and versions."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from countersign.endorsements import ranges, support_files
from countersign.endorsements.drift_rules import Cycle
from countersign.endorsements.support_files import Entry
from countersign.endorsements.tables_backing import SupportImport
from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id
from countersign.kit.importing import BadRows, ImportReport, Progress, refusal
from countersign.kit.patience import take_time

STYLE: Final = "support"
_FIELDS: Final = ("tool", "tool_key", "keys", "cycle", "released_on", "supported_until", "source")


async def import_support(
    db: Database, actor: Actor, path: Path, *, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import end-of-life dates in one transaction, or refuse the file whole; importing it again changes nothing.

    Cycles that the file does not name stay as they are. Raises NotAllowed for anybody but the operator, OSError when
    the file cannot be read.
    """
    access.require(actor, Permission.IMPORT)
    data = await asyncio.to_thread(path.read_bytes)
    try:
        entries = await asyncio.to_thread(support_files.read, data)
    except BadRows as bad:
        return refusal(path.name, STYLE, 0, bad.problems, dry_run=dry_run)
    async with db.writer() as tx:
        await take_time(tx)
        report = await store(tx, actor, entries, source=path.name, data=data, dry_run=dry_run)
    if progress is not None:
        progress(report.rows, report.rows)
    return report


async def store(
    tx: Tx, actor: Actor, entries: Sequence[Entry], *, source: str, data: bytes, dry_run: bool = False
) -> ImportReport:
    """Write entries down; what stands already the same is left alone."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('support'))")
    rows = await tx.fetch(
        f"select {', '.join(_FIELDS)} from tool_cycles where tool_key = any($1)", [entry.tool_key for entry in entries]
    )
    known = {(row["tool_key"], row["cycle"]): tuple(row[name] for name in _FIELDS) for row in rows}
    told = {(entry.tool_key, entry.cycle): _values(entry) for entry in entries}
    created = [values for place, values in told.items() if place not in known]
    updated = [values for place, values in told.items() if place in known and known[place] != values]
    if not dry_run and (created or updated):
        identity = new_id()
        digest = hashlib.sha256(data).hexdigest()
        now = await tx.now()
        await tx.insert(SupportImport(id=identity, source=source, sha256=digest, rows=len(told), imported_at=now))
        await tx.copy(
            "tool_cycles", ("id", *_FIELDS, "import_id"), [(new_id(), *values, identity) for values in created]
        )
        await tx.execute(
            """
            update tool_cycles c set tool = n.tool, keys = n.keys, released_on = n.released_on,
                supported_until = n.supported_until, source = n.source, import_id = $2
            from jsonb_populate_recordset(null::tool_cycles, $1::jsonb) n
            where c.tool_key = n.tool_key and c.cycle = n.cycle
            """,
            [
                {
                    name: value.isoformat() if hasattr(value, "isoformat") else value
                    for name, value in zip(_FIELDS, values, strict=True)
                }
                for values in updated
            ],
            identity,
        )
        await tx.emit("support.imported", f"sup_{identity}")
        said = f"{source} (SHA-256 {digest}): {len(created)} created, {len(updated)} updated"
        await tx.insert(
            audit.record(actor, "import_support", now, subject=f"sup_{identity}", decision="done", reason=said)
        )
    return ImportReport(
        source=source,
        style=STYLE,
        rows=len(told),
        created=len(created),
        updated=len(updated),
        unchanged=len(told) - len(created) - len(updated),
        dry_run=dry_run,
    )


def _values(entry: Entry) -> tuple[object, ...]:
    return (
        *(entry.tool, entry.tool_key, list(entry.keys), entry.cycle),
        *(entry.released_on, entry.supported_until, entry.source),
    )


async def same_tools(tx: Tx, names: Sequence[str]) -> Mapping[str, str]:
    """Of names of tools, by their keys, the key of the tool that they all name; unknown ones are left out."""
    keys = sorted({ranges.key_of(name) for name in names})
    rows = await tx.fetch(
        "select distinct k.key, c.tool_key from tool_cycles c, unnest(c.keys) k(key)"
        " where c.keys && $1::text[] and k.key = any($1::text[]) order by 1, 2",
        keys,
    )
    return {row["key"]: row["tool_key"] for row in rows}


async def cycles(tx: Tx) -> tuple[Mapping[str, str], Mapping[str, tuple[Cycle, ...]]]:
    """Everything that is known: the tool's own key by each of its names, and its cycles by its own key."""
    rows = await tx.fetch("select tool_key, keys, cycle, supported_until from tool_cycles order by tool_key, cycle")
    same = {key: row["tool_key"] for row in rows for key in row["keys"]}
    by_tool: dict[str, list[Cycle]] = {}
    for row in rows:
        by_tool.setdefault(row["tool_key"], []).append(Cycle(row["cycle"], row["supported_until"]))
    return same, {key: tuple(found) for key, found in by_tool.items()}
