"""Python's `gql` against the running demo: it introspects, checks its documents, queries, pages through and changes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import GraphQLError

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
MINE = "query($slug: String!) { credentialSpec(by: { slug: $slug }) { id slug } }"
PUBLISHED = "query { credentialSpecs(first: 100, filter: { state: PUBLISHED }) { nodes { slug } } }"


@pytest_asyncio.fixture
async def school(demo: Demo) -> AsyncIterator[AsyncClientSession]:
    """A session as the school, whose documents are checked against the introspected schema."""
    headers = {"Authorization": f"Bearer {demo.token('school')}"}
    transport = HTTPXAsyncTransport(url=demo.said["graphql"], headers=headers)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        yield session


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
    slug = f"gql-{secrets.token_hex(4)}"
    content = {"title": "Made through gql", "language": "en"}
    wanted = gql(CREATE)
    wanted.variable_values = {"input": {"idempotencyKey": f"{slug}-0123456789", "slug": slug, "content": content}}
    made = (await school.execute(wanted))["createSpec"]
    assert made["errors"] == []
    assert made["spec"] == demo.ask(MINE, {"slug": slug}, "school")["credentialSpec"]
    refused = gql("query { awards(first: 1000) { nodes { id } } }")
    with pytest.raises(TransportQueryError) as failed:
        await school.execute(refused)
    assert failed.value.errors is not None
    assert failed.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
