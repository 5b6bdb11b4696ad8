"""Announce attachments, take their bytes, hand them out, use them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final
from uuid import UUID

from countersign.attachments import rasters, rules
from countersign.attachments.sniffing import RASTERS, Kind, kind_of
from countersign.attachments.tables import Attachment, AttachmentFile
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Reader, Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import Sealer, new_id

TAG: Final = "attachment"
_ONE_AT_A_TIME: Final = asyncio.Semaphore(1)
"""A picture of 25 megapixels takes a hundred megabytes while it is written anew."""


@dataclass(frozen=True, slots=True)
class AnnounceAttachment:
    """A file that will be sent: its name, bytes, SHA-256 in lower-case hex."""

    filename: str
    size: int
    sha256: str


async def announce(tx: Tx, actor: Actor, command: AnnounceAttachment) -> UUID:
    """Make room for a file; those of the organization whose time is over go.

    Raises NotAllowed, TooManyUnused, and what `rules.check` raises.
    """
    access.require(actor, Permission.ATTACH)
    if actor.organization_id is None or actor.person_id is None:
        raise NotAllowed(why="Only a member who acts for an organization may do this")
    rules.check(command.filename, command.size, command.sha256)
    organization, now = actor.organization_id, await tx.now()
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('attach ' || $1::text, 0))", str(organization))
    await _expire(tx, organization, now)
    unused = await tx.fetchval(
        "select count(*) from attachments where organization_id = $1 and used_at is null", organization
    )
    if unused >= rules.MOST_UNUSED:
        raise rules.TooManyUnused(limit=rules.MOST_UNUSED)
    row = Attachment(
        id=new_id(),
        organization_id=organization,
        person_id=actor.person_id,
        filename=command.filename,
        size=command.size,
        sha256=command.sha256,
        created_at=now,
        expires_at=now + rules.LIFE,
    )
    await tx.insert(row)
    return row.id


async def _expire(tx: Tx, organization: UUID, now: datetime) -> None:
    over = "organization_id = $1 and used_at is null and expires_at <= $2"
    await tx.execute(
        f"delete from attachment_files where attachment_id in (select id from attachments where {over})",
        organization,
        now,
    )
    await tx.execute(f"delete from attachments where {over}", organization, now)


def seal_upload(sealer: Sealer, organization_id: UUID, attachment_id: UUID) -> str:
    """The unguessable name under which the bytes are sent, good for its own organization alone."""
    return sealer.seal(TAG, organization_id.bytes, attachment_id.bytes)


def open_upload(sealer: Sealer, organization_id: UUID, text: str) -> UUID | None:
    """The attachment that a name means, or None for anything that was not given to this organization."""
    payload = sealer.open(TAG, organization_id.bytes, text)
    return None if payload is None else UUID(bytes=payload)


@dataclass(frozen=True, slots=True)
class Announced:
    """An attachment as it was announced."""

    id: UUID
    organization_id: UUID
    size: int
    sha256: str
    filename: str
    received: bool
    expired: bool


async def look_up(reader: Reader, organization: UUID, attachment: UUID, now: datetime | None) -> Announced | None:
    """An attachment of this organization, or None."""
    row = await reader.fetchrow(
        "select a.id, a.organization_id, a.size, a.sha256, a.filename, f.attachment_id is not null as received,"
        " a.used_at is null and a.expires_at <= coalesce($3::timestamptz, statement_timestamp()) as expired"
        " from attachments a left join attachment_files f on f.attachment_id = a.id"
        " where a.id = $1 and a.organization_id = $2",
        attachment,
        organization,
        now,
    )
    return None if row is None else Announced(**row)


async def keep(db: Database, announced: Announced, file: IO[bytes]) -> bool:
    """Make bytes harmless whose size and digest have been checked, and keep what came of it.

    False when the attachment has expired meanwhile. Raises Unfit for what is not taken; nothing is kept then.
    """
    file.seek(0)
    data = file.read()
    async with _ONE_AT_A_TIME:
        made = await asyncio.to_thread(_harmless, data, announced.filename)
    async with db.writer() as tx:
        now = await tx.now()
        alive = await tx.fetchval(
            "select true from attachments where id = $1 and (used_at is not null or expires_at > $2) for update",
            announced.id,
            now,
        )
        if not alive:
            return False
        if not await tx.fetchval("select true from attachment_files where attachment_id = $1", announced.id):
            await tx.insert(AttachmentFile(attachment_id=announced.id, received_at=now, **made))
    return True


def _harmless(data: bytes, filename: str) -> dict[str, Any]:
    kind: Kind = kind_of(data)
    width = height = None
    if kind in RASTERS:
        picture = rasters.rewritten(data, kind)
        data, width, height = picture.data, picture.width, picture.height
    return {
        "media_type": kind.media_type,
        "name": rules.named(filename, kind.extension),
        "data": data,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": width,
        "height": height,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it is told to whoever signs it: name, media type, bytes, and the SHA-256 of what is handed out."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str


async def hold(tx: Tx, actor: Actor, attachments: Sequence[UUID]) -> None:
    """Lock the organization's own attachments, in the order of their ids: for whoever uses several lists of them.

    Two that use the same files the other way round wait for each other, and neither is refused.
    """
    if attachments:
        await tx.execute(
            "select from attachments where id = any($1) and organization_id = $2 order by id for update",
            *(list(attachments), actor.organization_id),
        )


async def use(tx: Tx, actor: Actor, attachments: Sequence[UUID]) -> list[Kept]:
    """The organization's own attachments, in the order asked for, from now on kept for good.

    Raises NotFound (foreign and missing look the same) and NotReceived, each with its place in `attachmentIds`.
    """
    now = await tx.now()
    rows = await tx.fetch(
        "select a.id, f.name, f.media_type, f.size, f.sha256 from attachments a"
        " left join attachment_files f on f.attachment_id = a.id"
        " where a.id = any($1) and a.organization_id = $2 and (a.used_at is not null or a.expires_at > $3)"
        " order by a.id for update of a",
        *(list(attachments), actor.organization_id, now),
    )
    found = {row["id"]: row for row in rows}
    for number, attachment in enumerate(attachments):
        place = ("attachmentIds", number)
        if attachment not in found:
            raise NotFound(what="attachment", path=place)
        if found[attachment]["name"] is None:
            raise rules.NotReceived(path=place)
    await tx.execute(
        "update attachments set used_at = $2 where id = any($1) and used_at is null", list(attachments), now
    )
    return [Kept(**found[attachment]) for attachment in attachments]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is handed out."""

    name: str
    media_type: str
    data: bytes
    sha256: str


async def file_of(reader: Reader, attachment: UUID, organization: UUID | None = None) -> File | None:
    """A file by its attachment; with `organization` only when it is that one's. Who may see it, the caller knows."""
    row = await reader.fetchrow(
        "select f.name, f.media_type, f.data, f.sha256 from attachment_files f"
        " join attachments a on a.id = f.attachment_id"
        " where a.id = $1 and ($2::uuid is null or a.organization_id = $2)",
        attachment,
        organization,
    )
    return None if row is None else File(**row)
