"""Python's `gql` against the running demo: it introspects, checks its documents, queries, pages, changes, follows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from tests.patience import WAIT
from tests.serving import Demo

STACK = 'query { stack(by: { handle: "product-analyst" }) { id handle title } }'
PAGE = """
query Published($first: Int!, $after: Cursor) {
  credentialSpecs(first: $first, after: $after, filter: { state: PUBLISHED }) {
    nodes { slug }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CREATE = """
mutation Create($input: CreateSpecInput!) {
  createSpec(input: $input) { spec { id slug } errors { ... on UserError { code } } }
}
"""
WATCH = """
subscription Created($since: ID) {
  specChanged(kinds: [CREATED], sinceEventId: $since) { eventId spec { slug } }
}
"""
MINE = "query($slug: String!) { credentialSpec(by: { slug: $slug }) { id slug } }"
PUBLISHED = "query { credentialSpecs(first: 100, filter: { state: PUBLISHED }) { nodes { slug } } }"


@pytest_asyncio.fixture
async def school(demo: Demo) -> AsyncIterator[AsyncClientSession]:
    """A session as the school, whose documents are checked against the introspected schema."""
    headers = {"Authorization": f"Bearer {demo.token('school')}"}
    transport = HTTPXAsyncTransport(url=demo.said["graphql"], headers=headers, timeout=WAIT)
    async with Client(transport=transport, fetch_schema_from_transport=True, execute_timeout=WAIT) as session:
        yield session


async def created(school: AsyncClientSession) -> str:
    """The slug of a new specification."""
    slug = f"gql-{secrets.token_hex(4)}"
    content = {"title": "Made through gql", "language": "en"}
    wanted = gql(CREATE)
    wanted.variable_values = {"input": {"idempotencyKey": f"{slug}-0123456789", "slug": slug, "content": content}}
    made = (await school.execute(wanted))["createSpec"]
    assert made["errors"] == []
    assert made["spec"]["slug"] == slug
    return slug


async def test_gql_introspects_and_refuses_a_document_that_does_not_fit(school: AsyncClientSession) -> None:
    assert school.client.schema is not None
    assert "searchCandidates" in school.client.schema.query_type.fields  # type: ignore[union-attr] # there is one
    with pytest.raises(GraphQLError, match="nothing"):
        await school.execute(gql("{ nothing }"))


async def test_gql_queries(school: AsyncClientSession, demo: Demo) -> None:
    assert await school.execute(gql(STACK)) == demo.ask(STACK)


async def test_gql_pages_through_to_the_end(school: AsyncClientSession, demo: Demo) -> None:
    slugs: list[str] = []
    after = None
    while True:
        page = gql(PAGE)
        page.variable_values = {"first": 4, "after": after}
        found = (await school.execute(page))["credentialSpecs"]
        slugs += [node["slug"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert slugs == [node["slug"] for node in demo.ask(PUBLISHED)["credentialSpecs"]["nodes"]]


async def test_gql_changes_and_reads_a_refusal(school: AsyncClientSession, demo: Demo) -> None:
    slug = await created(school)
    assert demo.ask(MINE, {"slug": slug}, "school")["credentialSpec"]["slug"] == slug
    refused = gql("query { awards(first: 1000) { nodes { id } } }")
    with pytest.raises(TransportQueryError) as failed:
        await school.execute(refused)
    assert failed.value.errors is not None
    assert failed.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


@asynccontextmanager
async def following(demo: Demo, since: str | None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What is created, over a socket of its own."""
    address = demo.said["graphql"].replace("http:", "ws:")
    authorization = {"authorization": f"Bearer {demo.token('school')}"}
    transport = WebsocketsTransport(
        url=address,
        init_payload=authorization,
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        connect_timeout=WAIT,
        ack_timeout=WAIT,
    )
    wanted = gql(WATCH)
    wanted.variable_values = {"since": since}
    async with (
        Client(transport=transport, execute_timeout=WAIT) as session,
        aclosing(session.subscribe(wanted)) as events,
    ):
        yield (event["specChanged"] async for event in events)


async def test_gql_follows_events_and_goes_on_where_it_stopped(school: AsyncClientSession, demo: Demo) -> None:
    async def keep_creating() -> None:
        # When exactly a subscription has begun is not told, so something happens until it is heard.
        while True:
            await created(school)
            await asyncio.sleep(0.5)

    async with asyncio.timeout(WAIT), following(demo, None) as events:
        making = asyncio.create_task(keep_creating())
        heard = await anext(event async for event in events if event["spec"]["slug"].startswith("gql-"))
        making.cancel()
    missed = await created(school)
    after = []
    async with asyncio.timeout(WAIT), following(demo, heard["eventId"]) as events:
        async for event in events:
            after.append(event)
            if event["spec"]["slug"] == missed:
                break
    assert heard not in after
    assert len({event["eventId"] for event in after}) == len(after)
