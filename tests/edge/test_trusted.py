"""Trusted documents: named by their digest, looked up afresh, and, where it is asked for, the only ones that run."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.edge.trusted import Trust
from countersign.kit import trusted
from countersign.kit.db import Database
from countersign.kit.trusted import BELIEVED_SECONDS, TrustedDocuments
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory

TEXT = "query Name { __typename }\n"
ID = hashlib.sha256(TEXT.encode()).hexdigest()
MUTATION = (
    'mutation { setConsent(input: {purpose: TALENT_SEARCH, granted: true, idempotencyKey: "k"})'
    " { errors { __typename } } }"
)
UNKNOWN = "0" * 64
JSON = {"accept": "application/json"}


@pytest_asyncio.fixture
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    async with served(db, signer, make) as api:
        yield api


async def register(db: Database, *texts: str) -> None:
    async with db.writer() as tx:
        for text in texts:
            await trusted.add(tx, text, "Name")


async def post(api: Api, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await api.client.post("/graphql", json=body, headers=headers)


def trust(api: Api, **rules: bool) -> None:
    """Serve under other rules."""
    documents = TrustedDocuments(api.db)
    api.door.state.pipeline.trust = Trust(documents, **rules)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


NAMED: list[dict[str, Any]] = [
    {"documentId": ID},
    {"documentId": f"sha256:{ID}"},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ID}}},
    {"extensions": {"persistedQuery": {"sha256Hash": ID}}},
    {"documentId": ID, "query": TEXT},
    {"query": None, "documentId": ID, "operationName": "Name"},
]


@pytest.mark.parametrize("body", NAMED)
async def test_a_registered_document_runs_by_its_id(api: Api, body: dict[str, Any]) -> None:
    await register(api.db, TEXT)
    assert (await post(api, body)).json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("body", NAMED[:4])
async def test_an_unknown_id_is_answered_as_clients_expect(api: Api, body: dict[str, Any]) -> None:
    answer = await post(api, body, **JSON)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert code(answer) == "PERSISTED_QUERY_NOT_FOUND"
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["requestId"]
    assert (await post(api, body)).status_code == 400, "the newer media type says so by the status"


async def test_a_text_that_comes_with_its_id_runs_and_is_not_registered(api: Api) -> None:
    body = {"query": TEXT, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": ID}}}
    assert (await post(api, body)).json()["data"] == {"__typename": "Query"}
    assert code(await post(api, NAMED[2])) == "PERSISTED_QUERY_NOT_FOUND"
    async with api.db.reader() as reader:
        assert await trusted.listed(reader) == []


@pytest.mark.parametrize(
    "body",
    [
        {"query": TEXT, "documentId": UNKNOWN},
        {"query": TEXT, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": ID}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
        {"extensions": {"persistedQuery": "yes"}},
        {"documentId": 7},
    ],
)
async def test_an_id_that_makes_no_sense_is_a_bad_request(api: Api, body: dict[str, Any]) -> None:
    await register(api.db, TEXT)
    answer = await post(api, body)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("identity", ["x", "sha256:", ID.upper(), ID + "0", "'; drop table trusted_documents; --", "é"])
async def test_an_id_of_another_form_is_unknown(api: Api, identity: str) -> None:
    await register(api.db, TEXT)
    assert code(await post(api, {"documentId": identity})) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_registered_document_runs_by_get_and_a_change_still_does_not(api: Api) -> None:
    await register(api.db, TEXT, MUTATION)
    got = await api.client.get("/graphql", params={"documentId": ID})
    assert got.json()["data"] == {"__typename": "Query"}
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": ID}})
    got = await api.client.get("/graphql", params={"extensions": extensions}, headers={"accept": "text/html, */*"})
    assert got.json()["data"] == {"__typename": "Query"}, "an address with an operation is no wish for GraphiQL"
    change = await api.client.get("/graphql", params={"documentId": trusted.digest(MUTATION)})
    assert (change.status_code, change.headers["allow"]) == (405, "POST")


async def test_variables_of_a_registered_document_are_the_requests_own(api: Api) -> None:
    text = "query ($id: ID!) { node(id: $id) { id } }"
    await register(api.db, text)
    body = {"documentId": trusted.digest(text)}
    assert (await post(api, {**body, "variables": {"id": "x"}})).json()["data"] == {"node": None}
    assert code(await post(api, body)) == "BAD_USER_INPUT"


async def test_where_it_is_required_nothing_else_runs(api: Api) -> None:
    await register(api.db, TEXT)
    trust(api, required=True)
    assert (await post(api, {"documentId": ID})).json()["data"] == {"__typename": "Query"}
    assert (await post(api, {"query": TEXT})).json()["data"] == {"__typename": "Query"}, "the very text is as good"
    for body in (
        {"query": "{ __typename }"},
        {"query": "{ __typename }", "documentId": trusted.digest("{ __typename }")},
    ):
        refused = await post(api, body)
        assert (refused.status_code, code(refused)) == (403, "FORBIDDEN")
        assert "data" not in refused.json()
    assert code(await post(api, {"documentId": UNKNOWN})) == "PERSISTED_QUERY_NOT_FOUND"


async def test_in_production_get_runs_trusted_documents_alone(api: Api) -> None:
    await register(api.db, TEXT)
    trust(api, addresses=True)
    for good in ({"documentId": ID}, {"query": TEXT}):
        assert (await api.client.get("/graphql", params=good)).json()["data"] == {"__typename": "Query"}
    refused = await api.client.get("/graphql", params={"query": "{ __typename }"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await post(api, {"query": "{ __typename }"})).json()["data"] == {"__typename": "Query"}


class Ticking:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.at


async def test_a_removed_document_is_gone_within_a_second_and_an_added_one_is_there_at_once(db: Database) -> None:
    seconds = Ticking()
    documents = TrustedDocuments(db, seconds=seconds)
    assert await documents.text(ID) is None
    await register(db, TEXT)
    assert await documents.text(ID) == TEXT, "what was unknown is not remembered"
    async with db.writer() as tx:
        assert await trusted.remove(tx, ID)
    assert await documents.text(ID) == TEXT, "believed for a moment"
    assert BELIEVED_SECONDS < 1
    seconds.at += BELIEVED_SECONDS
    assert await documents.text(ID) is None


async def test_what_is_kept_is_bounded_and_many_who_ask_at_once_ask_once(db: Database) -> None:
    texts = [f"query Q{n} {{ __typename }}" for n in range(5)]
    await register(db, *texts)
    documents = TrustedDocuments(db, seconds=Ticking(), kept=3)
    for text in texts:
        found = await asyncio.gather(*(documents.text(trusted.digest(text)) for _ in range(20)))
        assert found == [text] * 20
    assert len(documents._known) == 3
    assert documents._asking == {}
    assert await documents.text(trusted.digest(texts[0])) == texts[0]


async def test_one_who_leaves_does_not_end_the_look_up_of_the_others(db: Database) -> None:
    await register(db, TEXT)
    documents = TrustedDocuments(db)
    leaving, staying = (asyncio.ensure_future(documents.text(ID)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == TEXT
