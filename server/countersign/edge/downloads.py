"""`GET /bulk-files/<sealed>`: a file that a bulk operation left, for its own organization, as an attachment."""

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

TYPES: Final = {"json_lines": "application/jsonl; charset=utf-8", "csv": "text/csv; charset=utf-8; header=present"}


def routes() -> list[BaseRoute]:
    """The one address."""
    return [Route("/bulk-files/{name}", fetch, methods=["GET"])]


async def fetch(request: Request) -> Response:
    """The file, streamed; 404 for one that is missing, gone, another's or beyond the caller's authority."""
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
    stored = await files.find(tools.db, tools.sealer, actor, request.path_params["name"])
    if stored is None:
        return refuse("There is no such file, or it is not yours", "NOT_FOUND", 404, JSON, request_id)
    await files.record_fetch(tools.db, actor, stored)
    headers = {
        "content-type": TYPES[stored.format],
        "content-length": str(stored.size),
        "content-disposition": f'attachment; filename="{stored.name}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-store",
    }
    body = files.pieces(tools.db, stored) if request.method == "GET" else iter(())
    return StreamingResponse(body, headers=headers)
