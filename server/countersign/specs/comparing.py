"""Differences between versions, as rows for whoever reads them and as values for whoever decides on them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.specs.change_classes import IN_FORCE
from countersign.specs.diff import Change, Diff, differences

AT_ONCE: Final = 200

_MISSING: Final = (
    "select a.id as from_id, a.content as before, b.id as to_id, b.content as after"
    " from spec_versions b join spec_versions a on a.spec_id = b.spec_id and a.ordinal < b.ordinal"
    " where not exists (select from spec_version_diffs d"
    f" where d.from_id = a.id and d.to_id = b.id and d.table_version >= {IN_FORCE.version})"
)
_KEEP: Final = (
    "insert into spec_version_diffs (from_id, to_id, table_version, change_class, sections, changes)"
    " select r.from_id, r.to_id, $2, r.change_class, r.sections, r.changes"
    " from jsonb_to_recordset($1) r(from_id uuid, to_id uuid, change_class text, sections text[], changes jsonb)"
    " on conflict (from_id, to_id) do update set table_version = excluded.table_version,"
    " change_class = excluded.change_class, sections = excluded.sections, changes = excluded.changes"
)


async def difference(tx: Tx, from_id: UUID, to_id: UUID) -> Diff:
    """What differs between two frozen versions, worked out anew from their contents.

    Raises NotFound when one of them does not exist, and when they are versions of two specifications.
    """
    row = await tx.fetchrow(
        "select a.content as before, b.content as after from spec_versions a"
        " join spec_versions b on b.spec_id = a.spec_id where a.id = $1 and b.id = $2",
        from_id,
        to_id,
    )
    if row is None:
        raise NotFound(what="version")
    return differences(row["before"], row["after"])


async def compare_with_earlier(tx: Tx, version_id: UUID) -> int:
    """Write down what differs between a version and each earlier one of its specification; how many these are."""
    return await _write(tx, f"{_MISSING} and b.id = $1", version_id)


async def fill(tx: Tx) -> int:
    """Write down the next differences that are missing, or classed by an earlier table; how many."""
    return await _write(tx, f"{_MISSING} order by b.id, a.id limit $1", AT_ONCE)


async def _write(tx: Tx, sql: str, value: object) -> int:
    rows = await tx.fetch(sql, value)
    made = []
    for row in rows:
        diff = differences(row["before"], row["after"])
        made.append(
            {
                "from_id": str(row["from_id"]),
                "to_id": str(row["to_id"]),
                "change_class": diff.change_class.value if diff.change_class else None,
                "sections": [section.value for section in diff.sections],
                "changes": [_json(change) for change in diff.changes],
            }
        )
    if made:
        await tx.execute(_KEEP, made, IN_FORCE.version)
    return len(made)


def _json(change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "section": change.section.value,
        "kind": change.kind.value,
        "changeClass": change.change_class.value,
        "why": change.why,
        "before": change.before,
        "after": change.after,
        "words": [{"change": run.piece.value, "text": run.text} for run in change.words],
        "movedFrom": change.moved_from,
        "movedTo": change.moved_to,
    }
