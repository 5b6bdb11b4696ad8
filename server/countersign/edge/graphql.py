"""The endpoint `/graphql`: POST for everything, GET for queries and for the browser's GraphiQL."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from graphql import OperationType
from starlette.types import Receive, Scope

from countersign.edge import body
from countersign.edge.body import Operation
from countersign.edge.exchange import EXCHANGE
from countersign.edge.gates import ALLOW, Gates, Headers, check_body, check_method
from countersign.edge.identity import Credentials
from countersign.edge.negotiation import EVENTS, JSON, RESPONSE, Streaming, accepted, prefers_html, streaming
from countersign.edge.pages import GRAPHIQL_POLICY
from countersign.edge.pipeline import Admitted, Late, Pipeline
from countersign.edge.responses import BadRequest, Header, Refused, Reply, refusal, reply, status_of
from countersign.edge.sse import Streams, once
from countersign.reads.errors import Unreadable

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>GraphiQL is being built · Countersign</title></head>
<body><main><h1>GraphiQL is being built</h1>
<p>The demo builds it once, beside its data; this page looks again every three seconds. Built by hand:
<code>python3 server ui-build</code>. The API itself answers here already (POST, application/json).</p>
<p><a href="/">Back to the page</a></p></main></body></html>
"""


class GraphQLEndpoint:
    """Answers the requests to `/graphql`."""

    def __init__(
        self, pipeline: Pipeline, gates: Gates, streams: Streams, graphiql: Path | None, *, draft: bool = False
    ) -> None:
        self._pipeline = pipeline
        self._streams = streams
        self._gates = gates
        self._graphiql = graphiql
        self._draft = draft

    async def respond(self, scope: Scope, headers: Headers, receive: Receive, request_id: str) -> Reply:
        """Answer one request. Raises Gone when nobody waits for the answer any more."""
        method = scope["method"]
        wanted = headers.get(b"accept", b"").decode("latin-1")
        looks = method in {"GET", "HEAD"} and prefers_html(wanted) and not _asks(scope["query_string"])
        if looks and self._graphiql is not None:
            return _page(self._graphiql)
        stream = streaming(wanted)
        media_type = accepted(wanted) or (JSON if stream is not Streaming.NO else None)
        try:
            check_method(method)
            if method == "OPTIONS":
                return Reply(204, [ALLOW], b"")
            if not self._gates.origin_is_ours(headers):
                raise Refused(403, "FORBIDDEN", "Pages of other sites may not ask here")  # noqa: TRY301 # one way out
            if media_type is None:
                raise BadRequest(f"Accept {RESPONSE}, {JSON} or {EVENTS}", 406)  # as above
            self._pipeline.admission.enter()
        except Refused as refused:
            return refusal(refused, media_type or JSON, request_id)
        try:
            operation = await _operation(scope, headers, receive)
            async with self._pipeline.deadline() as deadline:
                return await self._answer(scope, headers, operation, media_type, stream, request_id)
        except Refused as refused:
            return refusal(refused, media_type, request_id)
        except TimeoutError:
            if not deadline.expired():
                raise
            return refusal(Late(), media_type, request_id)
        finally:
            self._pipeline.admission.leave()

    async def _answer(
        self,
        scope: Scope,
        headers: Headers,
        operation: Operation,
        media_type: str,
        stream: Streaming,
        request_id: str,
    ) -> Reply:
        pipeline = self._pipeline
        address = scope["client"][0] if scope.get("client") else ""
        actor = await pipeline.actor(Credentials.of(headers, self._gates, address=address))
        more: tuple[Header, ...] = ()
        try:
            admitted = await pipeline.admit(operation, actor, address, in_address=scope["method"] != "POST")
        except Unreadable as unreadable:
            answer = pipeline.engine.refused(unreadable, request_id)
        else:
            if admitted.prepared.kind is OperationType.SUBSCRIPTION:
                return self._follow(scope, headers, admitted, stream, request_id)
            if scope["method"] != "POST" and admitted.prepared.kind is not OperationType.QUERY:
                pipeline.release(admitted)
                raise BadRequest("Changes need POST", 405, (b"allow", b"POST"))
            if admitted.prepared.kind is OperationType.QUERY:
                _end_with_client(scope)
            answer = await pipeline.run(admitted, request_id)
            more = pipeline.rate_headers(admitted.charge)
        if stream is Streaming.PREFERRED and scope["method"] != "HEAD":
            return once(answer, *more)
        status = status_of(answer.errors, media_type, answer.data, draft=self._draft)
        if status == 503:  # noqa: PLR2004 # Service Unavailable
            more = (*more, (b"retry-after", b"1"))
        return reply(answer.render(), media_type, status, *more)

    def _follow(self, scope: Scope, headers: Headers, admitted: Admitted, stream: Streaming, request_id: str) -> Reply:
        """The answer to a subscription: a stream, which holds no place and has no deadline."""
        if stream is Streaming.NO or scope["method"] == "HEAD":
            self._pipeline.release(admitted)
            raise BadRequest(f"A subscription is answered as {EVENTS} (say so in Accept), or over a WebSocket", 406)
        _end_with_client(scope)
        address = scope["client"][0] if scope.get("client") else ""
        since = headers.get(b"last-event-id", b"").decode("latin-1") or None
        more = self._pipeline.rate_headers(admitted.charge)
        return self._streams.follow(admitted, address, request_id, since, *more)


def _page(graphiql: Path) -> Reply:
    text = graphiql.read_bytes() if graphiql.is_file() else NOT_BUILT.encode()
    policy = (b"content-security-policy", GRAPHIQL_POLICY.encode())
    return reply(text, "text/html", 200, policy, (b"referrer-policy", b"no-referrer"))


def _asks(query_string: bytes) -> bool:
    """Whether an address holds an operation, and not a wish for GraphiQL."""
    return any(name in query_string for name in (b"query=", b"documentId=", b"persistedQuery"))


def _end_with_client(scope: Scope) -> None:
    """Cancel this request when its client goes, down to the statement in PostgreSQL: nobody reads the answer."""
    exchange = scope.get(EXCHANGE)
    task = asyncio.current_task()
    if exchange is not None and task is not None:
        exchange.on_gone = task.cancel


async def _operation(scope: Scope, headers: Headers, receive: Receive) -> Operation:
    if scope["method"] == "POST":
        check_body(headers)
        return body.operation(body.parse(await body.read(receive)))
    return body.of_address(scope["query_string"])
