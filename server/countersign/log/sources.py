"""What of a room's rows the log covers, and how a change of such a row is written down."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from countersign.kit import audit
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.db import Tx

ERASED: Final = "erased"
_PLACE: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of a room that the log covers.

    `sql` selects, with a `where` at its end, for each row that stands: `subject` (text: its public name),
    `organization_id`, `facts` (text: everything that must not change unnoticed) and `content` (bytea or null: the
    exact bytes that others may hold). `key` is the condition for one row, with `$1`, `$2`… of the `types`.

    `late`: covered only since a later release than its rows; what was there before is taken in once (`adopting`).
    """

    kind: str
    subject: str
    sql: str
    key: str
    types: tuple[str, ...] = ("uuid",)
    late: bool = False

    @property
    def erased(self) -> str:
        """The action of the event which says that a thing's content can be read no more (`erase`)."""
        return f"{self.kind}.{ERASED}"


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


async def enter(
    tx: Tx,
    source: Source,
    *key: object,
    actor: Actor = SYSTEM,
    action: str | None = None,
    reason: str | None = None,
    on_behalf_of: str | None = None,
    content: bytes | None = None,
) -> None:
    """Write down what a row of a source says now, in the transaction that made or changed it.

    A row that does not stand (any more) is written down as gone. `content` is for bytes that the database holds only
    encrypted.
    """
    row = await tx.fetchrow(f"{source.sql} and {source.key}", *key)
    told = _Told(actor, action or f"{source.kind}.entered", await tx.now(), reason, on_behalf_of)
    await tx.insert(_event(source, key, row, told, content))


async def enter_many(
    tx: Tx,
    source: Source,
    keys: Sequence[tuple[object, ...]],
    *,
    action: str,
    actor: Actor = SYSTEM,
    reason: str | None = None,
) -> None:
    """As `enter`, for any number of rows in two statements."""
    if not keys:
        return
    names = [f"k{number}" for number in range(1, len(source.types) + 1)]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(source.types, start=1))
    key = _PLACE.sub(r"k.k\1", source.key)
    # `offset 0`: looked up key by key, and not joined with all that the source selects.
    rows = await tx.fetch(
        "select f.subject, f.organization_id, f.facts, f.content"
        f" from unnest({arrays}) with ordinality k({', '.join(names)}, place)"
        f" left join lateral (select * from ({source.sql} and {key}) x offset 0) f on true"
        " order by k.place",
        *map(list, zip(*keys, strict=True)),
    )
    told = _Told(actor, action, await tx.now(), reason)
    await tx.insert(*(_event(source, key, row, told) for key, row in zip(keys, rows, strict=True)))


@dataclass(frozen=True, slots=True)
class _Told:
    """Who did what to rows, when and why."""

    actor: Actor
    action: str
    at: datetime
    reason: str | None = None
    on_behalf_of: str | None = None


def _event(
    source: Source, key: tuple[object, ...], row: asyncpg.Record | None, told: _Told, content: bytes | None = None
) -> audit.AuditEvent:
    stands = row is not None and row["subject"] is not None
    held = content if content is not None else row["content"] if row is not None else None
    return audit.record(
        told.actor,
        told.action,
        told.at,
        subject=row["subject"] if row is not None and stands else source.subject.format(*key),
        decision=audit.Decision.DONE,
        reason=told.reason,
        on_behalf_of=told.on_behalf_of,
        organization_id=row["organization_id"] if row is not None else None,
        kind=source.kind,
        after=sha256(row["facts"].encode()) if row is not None and stands else None,
        content=sha256(held) if held is not None else None,
    )


async def erase(tx: Tx, source: Source, *key: object, actor: Actor = SYSTEM) -> None:
    """Write down that nobody can read any more what was signed about a row, and forget the salts that tell of it."""
    await enter(tx, source, *key, actor=actor, action=source.erased)
    await forget_salts(tx, source.kind, [source.subject.format(*key)])


async def forget_salts(tx: Tx, kind: str, subjects: Sequence[str]) -> None:
    """Forget the salts of what was signed about things, so that their leaves can be matched with nothing any more."""
    await tx.execute(
        "update log_leaves set content_salt = null where event_id = any(array("
        "select id from audit_events where kind = $1 and object = any($2::text[])))",
        kind,
        list(subjects),
    )
