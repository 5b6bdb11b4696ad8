"""The production profile: what the scanner graphql-cop looks for is not there, and who signed in loses nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import get_introspection_query

from countersign import app
from countersign.config import Mode, Settings
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.patience import WAIT

ORIGIN = "https://credentials.example"
JSON = {"content-type": "application/json"}


def profile(mode: Mode) -> Settings:
    """Settings of a mode with secrets of its own."""
    return Settings.model_validate(
        {
            "mode": mode,
            "public_origin": ORIGIN,
            "secret": "s" * 16 + "0123456789abcdefg",
            "key_encryption_key": "k" * 16 + "0123456789abcdefg",
            "log_key": "l" * 16 + "0123456789abcdefg",
            "request_seconds": WAIT,
        }
    )


@pytest_asyncio.fixture(params=[Mode.PRODUCTION])
async def http(request: pytest.FixtureRequest, db: Database, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    served = app.create_app_with(Tools(db, Sealer(b"s" * 32), signer), profile(request.param))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=served), base_url=ORIGIN) as client:
        yield client


async def ask(http: httpx.AsyncClient, query: str, **headers: str) -> dict[str, Any]:
    response = await http.post("/graphql", json={"query": query}, headers=headers)
    body: dict[str, Any] = response.json()
    return body


def code(body: dict[str, Any]) -> str:
    assert body.get("data") is None
    found: str = body["errors"][0]["extensions"]["code"]
    return found


async def test_cop_1_aliases_are_not_piled_up(http: httpx.AsyncClient) -> None:
    aliases = " ".join(f"alias{n}: __typename" for n in range(101))
    assert code(await ask(http, f"query cop {{ {aliases} }}")) == "DOCUMENT_LIMIT_EXCEEDED"


async def test_cop_2_batches_are_not_taken(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json=[{"query": "query cop { __typename }"}] * 10)
    assert (response.status_code, code(response.json())) == (400, "BAD_REQUEST")


async def test_cop_3_directives_are_not_piled_up(http: httpx.AsyncClient) -> None:
    assert code(await ask(http, f"query cop {{ __typename {'@aa' * 60} }}")) == "DOCUMENT_LIMIT_EXCEEDED"


async def test_cop_4_introspection_does_not_go_in_circles(http: httpx.AsyncClient) -> None:
    text = "__schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } }"
    assert code(await ask(http, f"query cop {{ {text} }}")) in {"UNAUTHENTICATED", "GRAPHQL_VALIDATION_FAILED"}


async def test_cop_5_fields_are_not_repeated_without_end(http: httpx.AsyncClient) -> None:
    assert code(await ask(http, f"query cop {{ {'__typename ' * 500} }}")) == "DOCUMENT_LIMIT_EXCEEDED"


async def test_cop_6_no_field_is_suggested(http: httpx.AsyncClient) -> None:
    for text in (
        "query cop { __schema { directive } }",
        "{ organizatoins(first: 1) { nodes { id } } }",
        "{ organizations(frist: 1) { nodes { id } } }",
        "{ organizations(first: 1, filter: {kinde: SCHOOL}) { nodes { id } } }",
        "{ organizations(first: 1, filter: {kind: SCHOOLL}) { nodes { id } } }",
        "{ node(id: 1) { ... on Organisation { id } } }",
    ):
        assert "Did you mean" not in json.dumps(await ask(http, text))


async def test_cop_7_get_runs_no_document_of_a_strangers(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": "query cop { __typename }"})
    assert (response.status_code, code(response.json())) == (405, "BAD_REQUEST")


async def test_cop_8_forms_are_not_taken(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", data={"query": "query cop { __typename }"})
    assert response.status_code == 415
    assert code(response.json()) == "BAD_REQUEST"


async def test_cop_9_get_changes_nothing(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": "mutation cop { __typename }"})
    assert (response.status_code, code(response.json())) == (405, "BAD_REQUEST")


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8"])
async def test_cop_10_no_editor_is_served_where_programs_ask(http: httpx.AsyncClient, accept: str) -> None:
    response = await http.get("/graphql", headers={"accept": accept})
    assert response.status_code in {400, 406}
    assert "graphiql" not in response.text.lower()
    assert "playground" not in response.text.lower()


async def test_cop_11_the_schema_is_not_told_to_strangers(http: httpx.AsyncClient) -> None:
    for text in (
        get_introspection_query(),
        "query cop { __schema { types { name fields { name } } } }",
        '{ __type(name: "Query") { name } }',
        "{ _service { sdl } }",
        "{ ...F } fragment F on Query { a: __schema { queryType { name } } rubric { code } }",
    ):
        body = await ask(http, text)
        assert code(body) == "UNAUTHENTICATED"
        assert body["errors"][0]["message"] == "Sign in to read the schema"


async def test_cop_12_no_trace_is_told(http: httpx.AsyncClient) -> None:
    body = await ask(http, "query cop { __typename }", **{"apollo-federation-include-trace": "ftv1"})
    assert set(body["extensions"]) == {"cost"}
    assert "tracing" not in json.dumps(body)


async def test_who_signed_in_reads_the_schema_in_production(
    http: httpx.AsyncClient, db: Database, make: Factory
) -> None:
    async with db.writer() as tx:
        token = await make.token(tx, await make.school(tx))
    body = await ask(http, get_introspection_query(), authorization=f"Bearer {token}")
    assert "errors" not in body
    assert body["data"]["__schema"]["queryType"]["name"] == "Query"
    body = await ask(http, "{ _service { sdl } }", authorization=f"Bearer {token}")
    assert "extend schema" in body["data"]["_service"]["sdl"]


@pytest.mark.parametrize("http", [Mode.DEV], indirect=True)
async def test_elsewhere_the_schema_and_its_editor_are_open(http: httpx.AsyncClient) -> None:
    body = await ask(http, get_introspection_query())
    assert body["data"]["__schema"]["queryType"]["name"] == "Query"
    page = await http.get("/graphql", headers={"accept": "text/html"})
    assert "GraphiQL" in page.text
    assert (await http.get("/graphiql")).status_code == 404
