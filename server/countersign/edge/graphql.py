"""The endpoint `/graphql`: POST for everything, GET for queries and for the browser's GraphiQL."""

from pathlib import Path
from typing import Any, Final, Protocol

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import get_contextvars

from countersign.edge import body, identity
from countersign.edge.body import BadRequest, Operation
from countersign.edge.negotiation import JSON, RESPONSE, accepted, is_json, prefers_html
from countersign.edge.pages import GRAPHIQL_POLICY
from countersign.edge.responses import refuse, respond, status_of
from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.reads.errors import Unreadable

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>GraphiQL is being built · Countersign</title></head>
<body><main><h1>GraphiQL is being built</h1>
<p>The demo builds it once, beside its data; this page looks again every three seconds. Built by hand:
<code>python3 server ui-build</code>. The API itself answers here already (POST, application/json).</p>
<p><a href="/">Back to the page</a></p></main></body></html>
"""


class Answered(Protocol):
    """An answer of the engine."""

    @property
    def data(self) -> bytes | None:
        """None when nothing was executed."""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Errors with codes."""

    def render(self) -> bytes:
        """The response's body."""


class Prepared(Protocol):
    """A request that can run."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""

    @property
    def cost(self) -> int:
        """Its price in points."""


class GraphQL(Protocol):
    """The engine as the edge needs it."""

    def prepare(self, asked: Operation, actor: Actor, /) -> Prepared:
        """Read and price a request. Raises Unreadable."""

    async def execute(self, prepared: Any, actor: Actor, request_id: str, /) -> Answered:
        """Answer what was prepared."""

    def refused(self, unreadable: Unreadable, request_id: str, /) -> Answered:
        """The answer to what could not be prepared."""


class GraphQLEndpoint:
    """The ASGI application of `/graphql`; the engine and the database are the application's."""

    def __init__(self, graphiql: Path) -> None:
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        headers = request.headers
        wanted = headers.get("accept")
        if request.method == "GET" and prefers_html(wanted) and "query" not in request.query_params:
            return self._page()
        identifier = str(get_contextvars().get("request_id", ""))
        engine: GraphQL = request.app.state.engine
        db: Database = request.app.state.tools.db
        media_type = accepted(wanted)
        if media_type is None:
            return refuse(f"Accept {RESPONSE} or {JSON}", "BAD_REQUEST", 406, JSON, identifier)
        try:
            operation = await _operation(request)
            actor = await identity.actor(db, headers.get("authorization"))
        except BadRequest as bad:
            return refuse(bad.message, "BAD_REQUEST", bad.status, media_type, identifier, **bad.headers)
        except identity.NotSignedIn:
            message = "The token is not good (unknown, expired or revoked)"
            return refuse(message, "UNAUTHENTICATED", 401, media_type, identifier, www_authenticate="Bearer")
        try:
            prepared = engine.prepare(operation, actor)
        except Unreadable as unreadable:
            answer = engine.refused(unreadable, identifier)
        else:
            if request.method != "POST" and prepared.kind is not OperationType.QUERY:
                return refuse("Changes need POST", "BAD_REQUEST", 405, media_type, identifier, allow="POST")
            answer = await engine.execute(prepared, actor, identifier)
        status = status_of(answer.errors, media_type, executed=answer.data is not None)
        retry = {"retry_after": "1"} if status == 503 else {}  # noqa: PLR2004 - Service Unavailable
        return respond(answer.render(), media_type, status, **retry)

    def _page(self) -> Response:
        text = self._graphiql.read_bytes() if self._graphiql.is_file() else NOT_BUILT.encode()
        return respond(text, "text/html", 200, content_security_policy=GRAPHIQL_POLICY, referrer_policy="no-referrer")


async def _operation(request: Request) -> Operation:
    if request.method == "POST":
        return await _from_body(request)
    if request.method not in {"GET", "HEAD"}:
        raise BadRequest("Use POST", 405, allow="GET, POST")
    return _from_url(request)


def _from_url(request: Request) -> Operation:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = body.parse(given[name].encode())
    return body.operation(given)


async def _from_body(request: Request) -> Operation:
    if not is_json(request.headers.get("content-type")):
        raise BadRequest("Send application/json", 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Send the body without compression", 415)
    return body.operation(body.parse(await body.read(request)))
