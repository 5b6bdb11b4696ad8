"""Uploads: announced with size and digest, received whole or not at all, gone with their import or after a day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final
from uuid import UUID

import asyncpg

from countersign.bulk import rules
from countersign.bulk.mentions import addressed, effort
from countersign.bulk.rules import Format, QuotaUsedUp
from countersign.bulk.tables import Upload
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Reader, Tx
from countersign.kit.errors import NotAllowed
from countersign.kit.ids import Sealer, new_id
from countersign.kit.vault import Key, Vault
from countersign.learners.service import directory_key

TAG: Final = "upload"
WRITE_PATIENCE: Final = "60s"


@dataclass(frozen=True, slots=True)
class AnnounceUpload:
    """What is going to be sent: how it is written, its bytes, its SHA-256 in lower-case hex."""

    format: Format
    size: int
    sha256: str
    filename: str | None = None


async def announce(tx: Tx, actor: Actor, command: AnnounceUpload) -> UUID:
    """Make room for a file. Raises NotAllowed, Invalid, QuotaUsedUp."""
    access.require(actor, Permission.ISSUE_AWARD)
    organization = own_organization(actor)
    rules.check_upload(command.size, command.sha256, command.filename)
    await one_after_the_other(tx, organization)
    now = await tx.now()
    row = await tx.fetchrow(
        "select count(*) as many, coalesce(sum(size), 0) as bytes from uploads"
        " where organization_id = $1 and expires_at > $2",
        organization,
        now,
    )
    if row is not None and row["many"] >= rules.MOST_UPLOADS:
        raise QuotaUsedUp(what="Uploads", limit=rules.MOST_UPLOADS)
    if row is not None and row["bytes"] + command.size > rules.UPLOAD_QUOTA:
        raise QuotaUsedUp(what="Uploads", limit=f"{rules.UPLOAD_QUOTA // rules.MIB} MiB", path=("size",))
    identity = new_id()
    await tx.insert(
        Upload(
            id=identity,
            organization_id=organization,
            person_id=actor.person_id,
            format=command.format.value,
            size=command.size,
            sha256=command.sha256,
            filename=command.filename,
            created_at=now,
            expires_at=now + rules.UPLOAD_LIFE,
        )
    )
    return identity


def own_organization(actor: Actor) -> UUID:
    """The organization for which somebody acts. Raises NotAllowed for those who act for none."""
    if actor.organization_id is None or actor.person_id is None:
        raise NotAllowed(why="Only a member who acts for an organization may do this")
    return actor.organization_id


async def one_after_the_other(tx: Tx, organization: UUID) -> None:
    """Let no other transaction of this organization count its quotas until this one ends."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('bulk ' || $1::text, 0))", str(organization))


def seal_upload(sealer: Sealer, organization_id: UUID, upload_id: UUID) -> str:
    """The unguessable name under which the bytes are sent, good for its own organization alone."""
    return sealer.seal(TAG, organization_id.bytes, upload_id.bytes)


def open_upload(sealer: Sealer, organization_id: UUID, text: str) -> UUID | None:
    """The upload that a name means, or None for anything that was not given to this organization."""
    payload = sealer.open(TAG, organization_id.bytes, text)
    return None if payload is None else UUID(bytes=payload)


@dataclass(frozen=True, slots=True)
class Announced:
    """An upload as it was announced."""

    id: UUID
    organization_id: UUID
    size: int
    sha256: str
    format: Format
    filename: str | None
    received: bool
    expired: bool
    used: bool
    """Its bytes went with the import that they were sent for."""


async def look_up(reader: Reader, organization: UUID, upload: UUID, now: datetime | None) -> Announced | None:
    """An upload of this organization, or None."""
    row = await reader.fetchrow(
        "select id, organization_id, size, sha256, format, filename, received_at is not null as received,"
        " received_at is not null and wrapped_key is null as used,"
        " expires_at <= coalesce($3::timestamptz, statement_timestamp()) as expired"
        " from uploads where id = $1 and organization_id = $2",
        upload,
        organization,
        now,
    )
    return None if row is None else Announced(**{**row, "format": Format(row["format"])})


async def keep(db: Database, upload: Announced, file: IO[bytes]) -> bool:
    """Keep bytes whose size and digest have been checked; whether they are kept now (by us or by who came before).

    All in one transaction: of several who send the same at once one writes, and the others find it there.
    False when the upload has expired meanwhile.
    """
    async with db.writer() as tx:
        await tx.execute(f"set local statement_timeout = '{WRITE_PATIENCE}'")
        await tx.execute(f"set local lock_timeout = '{WRITE_PATIENCE}'")
        now = await tx.now()
        key, wrapped = tx.vault.new_file_key(upload.id)
        fresh = await tx.fetchval(
            "update uploads set received_at = $2, wrapped_key = $3"
            " where id = $1 and received_at is null and expires_at > $2 returning true",
            upload.id,
            now,
            wrapped,
        )
        if fresh:
            await tx.copy("upload_chunks", ("upload_id", "number", "data"), _pieces(upload.id, key, file))
            return True
        return bool(
            await tx.fetchval(
                "select true from uploads where id = $1 and received_at is not null and expires_at > $2", upload.id, now
            )
        )


def _pieces(upload: UUID, key: Key, file: IO[bytes]) -> Iterator[tuple[UUID, int, bytes]]:
    file.seek(0)
    number = 0
    while data := file.read(rules.CHUNK):
        yield upload, number, key.seal(f"upload_chunks.{number}", data)
        number += 1


async def read_whole(reader: Reader | Tx, vault: Vault, upload: UUID) -> bytes | None:
    """The bytes of a received upload; None when it has gone."""
    found = await reader.fetchrow("select size, wrapped_key from uploads where id = $1", upload)
    if found is None or found["wrapped_key"] is None:
        return None
    key = vault.file_key(upload, found["wrapped_key"])
    rows = await reader.fetch("select number, data from upload_chunks where upload_id = $1 order by number", upload)
    data = b"".join(key.open(f"upload_chunks.{row['number']}", row["data"]) for row in rows)
    return data if len(data) == found["size"] else None


_WAITED_FOR: Final = (
    "select from bulk_operations o where o.upload_id = u.id and not o.dry_run"
    " and o.state in ('queued', 'running', 'canceling')"
)


async def use_up(tx: Tx, operation_id: UUID) -> None:
    """An import is over, well, badly or cancelled: what was sent for it is destroyed, unless another waits for it.

    A trial (`dry_run`) leaves it, since the real import is still to come.
    """
    # One after the other: of two that end at once the second sees that the first has.
    await tx.execute(
        "select from uploads u join bulk_operations d on d.upload_id = u.id where d.id = $1 for update of u",
        operation_id,
    )
    gone = await tx.fetch(
        "update uploads u set wrapped_key = null from bulk_operations d"
        " where d.id = $1 and not d.dry_run and u.id = d.upload_id and u.wrapped_key is not null"
        f" and not exists ({_WAITED_FOR} and o.id <> d.id) returning u.id",
        operation_id,
    )
    await _clear(tx, gone)


async def forget(tx: Tx, organizations: Sequence[UUID], marks: frozenset[bytes]) -> None:
    """Destroy what these organizations have sent, and what others have sent that names an address with such a mark.

    An import that waits for a file of the first says that it is gone. One of another organization that waits for its
    turn is that organization's own doing: its file goes when it is over. What is too much to look through goes unread.
    """
    gone = await tx.fetch(
        "update uploads set wrapped_key = null where organization_id = any($1::uuid[]) and wrapped_key is not null"
        " returning id",
        list(organizations),
    )
    await _clear(tx, gone)
    lying = await tx.fetch(
        f"select u.id, u.size from uploads u where u.wrapped_key is not null and not exists ({_WAITED_FOR})"
        " order by u.size, u.id"
    )
    left, toil = rules.LOOKED_THROUGH, rules.LOOKED_FOR
    named = []
    for row in lying:
        left -= row["size"]
        data = await read_whole(tx, tx.vault, row["id"]) if left >= 0 else None
        toil -= 0 if data is None else effort(data)
        if data is None or toil < 0 or await asyncio.to_thread(_names, data, tx.vault, marks):
            named.append(row["id"])
    await _clear(
        tx,
        await tx.fetch(
            "update uploads set wrapped_key = null where id = any($1::uuid[]) and wrapped_key is not null returning id",
            named,
        ),
    )


def _names(data: bytes, vault: Vault, marks: frozenset[bytes]) -> bool:
    """Whether a file names somebody with one of these marks; one that nobody can read might."""
    found = addressed(data)
    return found is None or any(directory_key(vault, address) in marks for address in found)


async def _clear(tx: Tx, gone: Sequence[asyncpg.Record]) -> None:
    await tx.execute("delete from upload_chunks where upload_id = any($1::uuid[])", [row["id"] for row in gone])


async def expire(tx: Tx) -> int:
    """Remove uploads whose time is over, with their bytes; how many."""
    now = await tx.now()
    await tx.execute("delete from upload_chunks c using uploads u where u.id = c.upload_id and u.expires_at <= $1", now)
    return await tx.execute("delete from uploads where expires_at <= $1", now)
