"""What of a room's rows the log covers, and how a change of such a row is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countersign.kit import audit
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.db import Tx

ADOPTED: Final = "adoptIntoLog"
"""The action of the events that bring in what was there before the log began."""
ERASED: Final = "erased"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of a room that the log covers.

    `sql` selects, with a `where` at its end, for each row that stands: `subject` (text: its public name),
    `organization_id`, `facts` (text: everything that must not change unnoticed) and `content` (bytea or null: the
    exact bytes that others may hold). `key` is the condition for one row, with `$1`, `$2`…
    """

    kind: str
    subject: str
    sql: str
    key: str

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
    subject = row["subject"] if row else source.subject.format(*key)
    held = content if content is not None else row["content"] if row else None
    await tx.insert(
        audit.record(
            actor,
            action or f"{source.kind}.entered",
            await tx.now(),
            subject=subject,
            decision=audit.Decision.DONE,
            reason=reason,
            on_behalf_of=on_behalf_of,
            organization_id=row["organization_id"] if row else None,
            kind=source.kind,
            after=sha256(row["facts"].encode()) if row else None,
            content=sha256(held) if held is not None else None,
        )
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


async def adopt(tx: Tx, sources: Sequence[Source]) -> int:
    """Write down every row of the sources that no event speaks of; how many. For the log's beginning only."""
    adopted = 0
    for source in sources:
        rows = await tx.fetch(
            f"select f.subject, f.organization_id, f.facts, f.content from ({source.sql}) f where not exists"
            " (select from audit_events e where e.kind = $1 and e.object = f.subject)",
            source.kind,
        )
        now = await tx.now()
        events = [
            audit.record(
                SYSTEM,
                ADOPTED,
                now,
                subject=row["subject"],
                decision=audit.Decision.DONE,
                reason=None,
                organization_id=row["organization_id"],
                kind=source.kind,
                after=sha256(row["facts"].encode()),
                content=sha256(row["content"]) if row["content"] is not None else None,
            )
            for row in rows
        ]
        await tx.insert(*events)
        adopted += len(rows)
    return adopted
