"""Files as attachments: `/bulk-files/<sealed>` for an organization, `/my-data/<sealed>` for a learner."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from structlog.contextvars import get_contextvars

from countersign.bulk import files
from countersign.edge import identity
from countersign.edge.negotiation import JSON
from countersign.edge.responses import Refused, refuse
from countersign.kit.access import Actor
from countersign.privacy import files as copies

TYPES: Final = {"json_lines": "application/jsonl; charset=utf-8", "csv": "text/csv; charset=utf-8; header=present"}


def routes() -> list[BaseRoute]:
    """The two addresses."""
    return [
        Route("/bulk-files/{name}", fetch, methods=["GET"]),
        Route("/my-data/{name}", fetch_copy, methods=["GET"]),
    ]


async def _asker(request: Request) -> Actor | Response:
    """Who asks, or what they are answered when they cannot be known."""
    request_id = str(get_contextvars().get("request_id", ""))
    tools = request.app.state.tools
    try:
        given = identity.of_request(request)
        actor = await identity.actor(tools.db, given)
        request.app.state.pipeline.uses.note(actor.token_id)
    except identity.NotSignedIn:
        actor = None
    except Refused as refused:
        return refuse(refused.message, refused.code, refused.status, JSON, request_id)
    if actor is None or not actor.known:
        message = "Send your token: Authorization: Bearer …"
        return refuse(message, "UNAUTHENTICATED", 401, JSON, request_id, www_authenticate="Bearer")
    return actor


async def fetch_copy(request: Request) -> Response:
    """The copy of their data that a learner had made; 404 for anybody else, and once it is gone."""
    asker = await _asker(request)
    if isinstance(asker, Response):
        return asker
    tools = request.app.state.tools
    archive = await copies.fetch(tools.db, tools.sealer, asker, request.path_params["name"])
    if archive is None:
        request_id = str(get_contextvars().get("request_id", ""))
        return refuse("There is no such file, or it is not yours", "NOT_FOUND", 404, JSON, request_id)
    return Response(archive.data, headers=_headers("application/zip", archive.name))


async def fetch(request: Request) -> Response:
    """The file, streamed; 404 for one that is missing, gone, another's or beyond the caller's authority."""
    actor = await _asker(request)
    if isinstance(actor, Response):
        return actor
    request_id = str(get_contextvars().get("request_id", ""))
    tools = request.app.state.tools
    stored = await files.find(tools.db, tools.sealer, actor, request.path_params["name"])
    if stored is None:
        return refuse("There is no such file, or it is not yours", "NOT_FOUND", 404, JSON, request_id)
    await files.record_fetch(tools.db, actor, stored)
    headers = _headers(TYPES[stored.format], stored.name) | {"content-length": str(stored.size)}
    body = files.pieces(tools.db, stored) if request.method == "GET" else iter(())
    return StreamingResponse(body, headers=headers)


def _headers(kind: str, name: str) -> dict[str, str]:
    """A file that a browser keeps and does not show, and that nobody else keeps."""
    return {
        "content-type": kind,
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-store",
    }
