"""The files that an operation leaves: how they are named to the outside, and how they are read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database
from countersign.kit.ids import Sealer

RESULT: Final = "result"
ERRORS: Final = "errors"
FILES: Final = (RESULT, ERRORS)
TAG: Final = "file"
_UUID: Final = 16


def seal_file(sealer: Sealer, organization_id: UUID, operation_id: UUID, file: str) -> str:
    """The unguessable name of a file, good for its own organization alone."""
    return sealer.seal(TAG, organization_id.bytes, operation_id.bytes + file.encode())


def open_file(sealer: Sealer, organization_id: UUID, text: str) -> tuple[UUID, str] | None:
    """The operation and the file that a name means; None for anything that was not given to this organization."""
    payload = sealer.open(TAG, organization_id.bytes, text)
    if payload is None or payload[_UUID:].decode("ascii", "replace") not in FILES:
        return None
    return UUID(bytes=payload[:_UUID]), payload[_UUID:].decode()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that may be fetched now."""

    operation_id: UUID
    file: str
    name: str
    format: str
    size: int


async def find(db: Database, sealer: Sealer, actor: Actor, text: str) -> StoredFile | None:
    """The file of a name, for an actor who may have it; None when there is none, it is gone, or it is another's.

    Who fetches must hold what the operation's asker had to hold: a result is worth as much as the questions in it.
    """
    if actor.organization_id is None:
        return None
    opened = open_file(sealer, actor.organization_id, text)
    if opened is None:
        return None
    identity, file = opened
    async with db.fresh_reader() as reader:
        row = await reader.fetchrow(
            "select subject, format, permissions, created_at,"
            " case when $3 = 'result' then result_bytes else error_bytes end as size"
            " from bulk_operations where id = $1 and organization_id = $2 and state in ('completed', 'failed')"
            " and expires_at > coalesce($4::timestamptz, statement_timestamp())",
            identity,
            actor.organization_id,
            file,
            db.clock.now(),
        )
    if row is None or row["size"] is None:
        return None
    if not all(access.allows(actor, Permission(name)) for name in row["permissions"]):
        return None
    written = "json_lines" if file == ERRORS else row["format"]
    ending = "csv" if written == "csv" else "jsonl"
    kind = "-errors" if file == ERRORS else ""
    name = f"{row['subject']}{kind}-{row['created_at']:%Y-%m-%d}.{ending}"
    return StoredFile(identity, file, name, written, row["size"])


async def record_fetch(db: Database, actor: Actor, stored: StoredFile) -> None:
    """Write down who takes which file, before its first byte leaves."""
    async with db.writer() as tx:
        await tx.insert(
            audit.record(
                actor,
                "fetchedBulkFile",
                await tx.now(),
                subject=f"bulk_{stored.operation_id}",
                decision="done",
                reason=stored.file,
            )
        )


async def pieces(db: Database, stored: StoredFile) -> AsyncIterator[bytes]:
    """The bytes of a file, piece by piece; no connection is held while the receiver takes its time.

    Raises LookupError when the file goes while it is read, so that nobody takes a part for the whole.
    """
    sent = number = 0
    while sent < stored.size:
        async with db.fresh_reader() as reader:
            row = await reader.fetchrow(
                "select c.data, o.wrapped_key from bulk_chunks c join bulk_operations o on o.id = c.operation_id"
                " where c.operation_id = $1 and c.file = $2 and c.number = $3 and o.wrapped_key is not null",
                stored.operation_id,
                stored.file,
                number,
            )
        if row is None:
            raise LookupError("the file has gone while it was read")
        key = db.vault.file_key(stored.operation_id, row["wrapped_key"])
        data = key.open(f"bulk_chunks.{stored.file}.{number}", row["data"])
        sent += len(data)
        number += 1
        yield data
