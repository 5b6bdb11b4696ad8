"""The other side of the fan-out: a Strawberry subscription for each listener, as its documentation shows it.

The event's facts are handed over with the request that fires it, so that this side asks no database at all.
`python -m countersign.bench.strawberry_side PORT` serves it.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

LISTENERS: set[asyncio.Queue[dict[str, Any]]] = set()


@strawberry.type
class School:
    """A school."""

    display_name: str


@strawberry.type
class Spec:
    """A spec."""

    id: strawberry.ID
    slug: str
    title: str
    school: School


@strawberry.type
class Version:
    """A version."""

    semver: str
    state: str
    digest: str


@strawberry.type
class SpecEvent:
    """Something happened to a spec."""

    event_id: strawberry.ID
    kind: str
    spec: Spec
    version: Version


@strawberry.type
class Query:
    """A schema has a query."""

    ready: bool = True


@strawberry.type
class Subscription:
    """What can be followed."""

    @strawberry.subscription
    async def spec_changed(self) -> AsyncGenerator[SpecEvent, None]:
        """Every event."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        LISTENERS.add(queue)
        try:
            while True:
                facts = await queue.get()
                spec = facts["spec"]
                yield SpecEvent(
                    event_id=facts["eventId"],
                    kind=facts["kind"],
                    spec=Spec(
                        id=spec["id"],
                        slug=spec["slug"],
                        title=spec["title"],
                        school=School(display_name=spec["school"]),
                    ),
                    version=Version(**facts["version"]),
                )
        finally:
            LISTENERS.discard(queue)


async def fire(request: Request) -> Response:
    """Tell everybody."""
    facts = await request.json()
    for queue in LISTENERS:
        queue.put_nowait(facts)
    return Response(b"{}", media_type="application/json")


def application() -> Starlette:
    """The server."""
    schema = strawberry.Schema(query=Query, subscription=Subscription)
    graphql: GraphQL[None, None] = GraphQL(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    return Starlette(routes=[Route("/fire", fire, methods=["POST"]), Mount("/graphql", graphql)])


if __name__ == "__main__":
    uvicorn.run(
        application, factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False
    )
