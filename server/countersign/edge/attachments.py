"""`/attachments/…`: PUT takes an announced file, GET hands it out as a download that no browser shows or runs."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from structlog.contextvars import get_contextvars

from countersign.attachments import service as attachments
from countersign.attachments.views import ATTACHMENT
from countersign.edge import identity
from countersign.edge.negotiation import JSON
from countersign.edge.responses import Refused, refuse
from countersign.edge.uploads import Uploads
from countersign.endorsements import service as endorsements
from countersign.kit.ids import parse_public_id

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def routes() -> list[BaseRoute]:
    """Both ways."""
    return [
        *Uploads("attachments", attachments).routes(),
        Route("/attachments/{name}", fetch, methods=["GET"]),
    ]


async def fetch(request: Request) -> Response:
    """The file: to anybody once it stands behind a public endorsement, else to its own organization; 404 otherwise.

    By its number, as `Attachment.url` has it, or by the whole id that the API tells.
    """
    request_id = str(get_contextvars().get("request_id", ""))
    key = _key(request.path_params["name"])
    tools = request.app.state.tools
    found, public = None, False
    if key is not None:
        async with tools.db.reader() as reader:
            public = await endorsements.public_attachment(reader, key)
        organization = None if public else await _organization(request)
        if public or organization is not None:
            async with tools.db.reader() as reader:
                found = await attachments.file_of(reader, key, organization)
    if found is None:
        return refuse("There is no such file, or it is not for you", "NOT_FOUND", 404, JSON, request_id)
    headers = {
        **HEADERS,
        "content-type": found.media_type,
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "etag": f'"{found.sha256}"',
        "cache-control": "public, max-age=3600" if public else "private, no-store",
    }
    return Response(found.data, headers=headers)


def _key(name: str) -> UUID | None:
    found = parse_public_id(name if "_" in name else f"{ATTACHMENT.tag}_{name}")
    return found[1] if found is not None and found[0] == ATTACHMENT.tag else None


async def _organization(request: Request) -> UUID | None:
    """For whom the caller acts; nobody without credentials that are good."""
    state = request.app.state
    given = identity.Credentials.of(dict(request.scope["headers"]), state.gates)
    try:
        actor = await identity.actor(state.tools.db, given)
    except Refused:
        return None
    return actor.organization_id
