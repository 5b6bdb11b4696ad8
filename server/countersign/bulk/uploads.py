"""Uploads: announced with size and digest, received whole or not at all, gone after a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final
from uuid import UUID

from countersign.bulk import rules
from countersign.bulk.rules import Format, QuotaUsedUp
from countersign.bulk.tables import Upload
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Reader, Tx
from countersign.kit.errors import NotAllowed
from countersign.kit.ids import Sealer, new_id
from countersign.kit.vault import Key, Vault

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


async def look_up(reader: Reader, organization: UUID, upload: UUID, now: datetime | None) -> Announced | None:
    """An upload of this organization, or None."""
    row = await reader.fetchrow(
        "select id, organization_id, size, sha256, format, filename, received_at is not null as received,"
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


async def read_whole(reader: Reader, vault: Vault, upload: UUID) -> bytes | None:
    """The bytes of a received upload; None when it has gone."""
    found = await reader.fetchrow("select size, wrapped_key from uploads where id = $1", upload)
    if found is None or found["wrapped_key"] is None:
        return None
    key = vault.file_key(upload, found["wrapped_key"])
    rows = await reader.fetch("select number, data from upload_chunks where upload_id = $1 order by number", upload)
    data = b"".join(key.open(f"upload_chunks.{row['number']}", row["data"]) for row in rows)
    return data if len(data) == found["size"] else None


async def forget(tx: Tx, organizations: Sequence[UUID]) -> None:
    """Destroy what organizations have sent: nobody reads it any more. An import that waits for it says so."""
    gone = await tx.fetch(
        "update uploads set wrapped_key = null where organization_id = any($1::uuid[]) and wrapped_key is not null"
        " returning id",
        list(organizations),
    )
    await tx.execute("delete from upload_chunks where upload_id = any($1::uuid[])", [row["id"] for row in gone])


async def expire(tx: Tx) -> int:
    """Remove uploads whose time is over, with their bytes; how many."""
    now = await tx.now()
    await tx.execute("delete from upload_chunks c using uploads u where u.id = c.upload_id and u.expires_at <= $1", now)
    return await tx.execute("delete from uploads where expires_at <= $1", now)
