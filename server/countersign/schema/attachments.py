"""Attachments at the front desk: files behind an endorsement, announced here and sent by PUT."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from countersign.attachments import service
from countersign.attachments.views import ATTACHMENT
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.args import Call
from countersign.reads.bind import bound, column, entity, find, slot
from countersign.schema.base import CommandInput, Lock, Node, Tools, command, payload
from countersign.schema.scalars import URL

_UUID: Final = 16
_ORIGIN: Final = "(select convert_to(i.value, 'UTF8') from installation i where i.key = 'public_origin')"


def _upload_link(payload: bytes, call: Call) -> str | None:
    organization, owner = call.actor.organization_id, UUID(bytes=payload[_UUID : 2 * _UUID])
    if organization != owner:
        return None
    sealed = service.seal_upload(call.sealer, owner, UUID(bytes=payload[:_UUID]))
    return f"{payload[2 * _UUID :].decode()}/attachments/{sealed}"


@bound(ATTACHMENT, description="A file behind an endorsement: a PNG, JPEG or WebP picture, a PDF or plain text.")
class Attachment(Node):
    """A file behind an endorsement."""

    filename: str = column(description="Its name as it was announced.")
    created_at: datetime = column(description="When it was announced.")
    upload_url: URL | None = slot(
        payload=f"uuid_send({{t}}.id) || uuid_send({{t}}.organization_id) || {_ORIGIN}",
        maker=_upload_link,
        description="Where your organization PUTs exactly the announced bytes; null for anybody else.",
    )
    received: bool = column(description="Whether its bytes have come and were taken; what follows is null before.")
    name: str | None = column(description="The name under which it is downloaded, with the extension of what it is.")
    media_type: str | None = column(description="What it is, by its bytes.")
    size: int | None = column(description="The bytes of the download: pictures are written anew.")
    sha256: str | None = column(description="The SHA-256 of the download, in hex; this is what is signed.")
    width: int | None = column(description="A picture's width in pixels.")
    height: int | None = column(description="A picture's height in pixels.")
    url: URL | None = column(
        description="Where it is downloaded: by anyone, once something about a public version is signed with it."
    )


@strawberry.type
class AttachmentQueries:
    """Root fields."""

    attachment: Attachment | None = find(description="One attachment of your organization.")


@strawberry.input(description="A file that you are going to send.")
class AnnounceAttachmentInput(CommandInput):
    """A file that will be sent."""

    filename: str = strawberry.field(description="Its name, without a path; everyone may read it.")
    size: int = strawberry.field(description="Its bytes; at most 5 MiB.")
    sha256: str = strawberry.field(description="The SHA-256 of its bytes, in lower-case hex.")


@payload(description="The announced attachment.")
class AnnounceAttachmentPayload:
    """The announced attachment."""

    attachment: Attachment | None = entity(description="The attachment, with the address for its bytes.")


async def _announce(tx: Tx, actor: Actor, given: AnnounceAttachmentInput, _tools: Tools) -> Mapping[str, str]:
    announced = service.AnnounceAttachment(given.filename, given.size, given.sha256)
    return {"attachment": public_id(ATTACHMENT.tag, await service.announce(tx, actor, announced))}


@strawberry.type
class AttachmentMutations:
    """Root fields."""

    announce_attachment: AnnounceAttachmentPayload | None = command(
        AnnounceAttachmentInput,
        _announce,
        permission=Permission.ATTACH,
        lock=Lock.CREATES,
        description="Announce a file for an endorsement, then PUT its bytes to its uploadUrl. What is not signed with"
        " goes after seven days.",
    )
