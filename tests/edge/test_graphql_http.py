"""GraphQL over HTTP: what reaches the engine, what is refused before, and how answers are labelled."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from countersign import app
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.trust.signer import Signer
from tests.factories import Factory

NEW = "application/graphql-response+json"
OLD = "application/json"


@pytest_asyncio.fixture
async def http(db: Database, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    served = app.create_app_with(Tools(db, Sealer(b"s" * 32), signer))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=served), base_url="http://localhost", headers={"accept": NEW}
    ) as client:
        yield client


async def post(http: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    kept = {"content-type": OLD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await http.post("/graphql", content=content, headers=kept)


def code(response: httpx.Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


async def test_a_query_is_answered_with_its_request_id(http: httpx.AsyncClient) -> None:
    response = await post(http, b'{"query": "{ __typename }"}', x_request_id="mine-12345")
    assert response.status_code == 200
    cost = b'{"requested":1,"actual":1,"limit":5000}'
    assert response.content == b'{"data":{"__typename":"Query"},"extensions":{"cost":' + cost + b"}}"
    assert response.headers["content-type"] == f"{NEW}; charset=utf-8"
    assert response.headers["x-request-id"] == "mine-12345"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (NEW, NEW),
        (OLD, OLD),
        ("*/*", OLD),
        ("", OLD),
        (f"{OLD}, {NEW}", NEW),
        (f"{NEW};q=0.5, {OLD}", OLD),
        ("application/*", OLD),
        (f"text/html, {OLD};charset=utf-8", OLD),
    ],
)
async def test_the_answer_has_the_media_type_that_is_wanted_most(
    http: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    response = await post(http, b'{"query": "{ __typename }"}', accept=accept)
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"


DEEP = b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "one JSON object"),
        (b'"x"', "one JSON object"),
        (b"{}", "query"),
        (b'{"query": 1}', "query"),
        (b'{"query": "{ __typename }", "variables": []}', "variables"),
        (b'{"query": "{ __typename }", "operationName": 1}', "operationName"),
        (b'{"query": "{ __typename }", "extensions": 1}', "extensions"),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": 1e999}}', "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 200_000 + b"}}", "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": 9007199254740993}}', "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": "\\u0000"}}', "NUL"),
        (b'{"query": "{ __typename }", "variables": {"\\ud800": 1}}', "NUL or half"),
        (DEEP, "levels deep"),
    ],
)
async def test_a_malformed_body_is_a_coded_400(http: httpx.AsyncClient, content: bytes, says: str) -> None:
    response = await post(http, content)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert says in response.json()["errors"][0]["message"]


def nested(levels: int, inmost: bytes = b"") -> bytes:
    """A body that is nested so deeply, its own object and `variables` included."""
    inner = levels - 2
    return b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * inner + inmost + b"]" * inner + b"}}"


@pytest.mark.parametrize("inmost", [b"", b"1"])
async def test_32_levels_are_taken_and_33_are_not(http: httpx.AsyncClient, inmost: bytes) -> None:
    assert (await post(http, nested(32, inmost))).status_code == 200
    assert (await post(http, nested(33, inmost))).status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b'{"query": "{ __typename }", "variables": {"a": 9007199254740992, "b": -0.5e-3, "c": null}}',
        b'{"query": "{ __typename }", "variables": {"a": "\\u00e9 \\ud83d\\ude00 [[[[ \\"{{{{"}}',
        b'\r\n {"query":"{ __typename }", "operationName":null, "variables":null, "extensions":null, "more":[]}\t',
        '{"query": "{ __typename }", "variables": {"имя": "значение \U0001f600"}}'.encode(),
    ],
)
async def test_what_json_allows_is_taken(http: httpx.AsyncClient, content: bytes) -> None:
    assert (await post(http, content)).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + b'{"query": "{ __typename }"}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
        b'{"query": "{ __typename }"} {}',
        b'{"query": "{ __typename }",}',
        b'{"query": "{ __typename }\n"}',
        b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ __typename }", "variables": {"a": 01}}',
        b'{"query": "{ __typename }", "variables": {"a": Infinity}}',
        b'{"query": "{ __typename }", "variables": {"a": "\\udc00x"}}',
        b"{" * 250_000,
        b"null",
        b"7",
    ],
)
async def test_what_json_forbids_is_refused(http: httpx.AsyncClient, content: bytes) -> None:
    refused = await post(http, content)
    assert (refused.status_code, code(refused)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "query", ["query=a&query=b", "query=%ff", "variables=%7B%7D&variables=%7B%7D&query=x", "a&" * 30]
)
async def test_an_address_is_read_in_one_way_only(http: httpx.AsyncClient, query: str) -> None:
    refused = await http.get(f"/graphql?{query}", headers={"accept": NEW})
    assert (refused.status_code, code(refused)) == (400, "BAD_REQUEST")


async def test_pages_of_other_sites_are_refused_even_where_they_hide_their_origin(http: httpx.AsyncClient) -> None:
    good = b'{"query": "{ __typename }"}'
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        refused = await http.post("/graphql", content=good, headers={"content-type": OLD, **headers})
        assert (refused.status_code, code(refused)) == (403, "FORBIDDEN")
    for headers in ({"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        assert (await http.post("/graphql", content=good, headers={"content-type": OLD, **headers})).status_code == 200


async def test_what_is_not_json_in_a_post_is_refused_before_it_is_read(http: httpx.AsyncClient) -> None:
    good = b'{"query": "{ __typename }"}'
    assert (await post(http, good, content_type="text/plain")).status_code == 415
    assert (await post(http, good, content_type="application/json; charset=latin1")).status_code == 415
    assert (await post(http, good, content_encoding="gzip")).status_code == 415
    assert (await post(http, good, accept="text/html")).status_code == 406
    assert (await post(http, b'{"query": "' + b" " * 300_000 + b'"}')).status_code == 413
    refused = await http.put("/graphql", content=good)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_errors_of_the_document_have_the_status_of_their_media_type(http: httpx.AsyncClient) -> None:
    for text, expected in (("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")):
        content = json.dumps({"query": text}).encode()
        newer = await post(http, content, x_request_id="mine-12345")
        assert newer.json()["errors"][0]["extensions"]["requestId"] == "mine-12345"
        assert (newer.status_code, code(newer), "data" in newer.json()) == (400, expected, False)
        assert (await post(http, content, accept=OLD)).status_code == 200


async def test_a_text_with_nul_inside_the_document_is_refused(http: httpx.AsyncClient) -> None:
    text = '{ organization(by: {handle: "a\\u0000b"}) { id } }'
    response = await post(http, json.dumps({"query": text}).encode())
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")


async def test_get_answers_queries_and_refuses_changes(http: httpx.AsyncClient) -> None:
    query = "query ($h: String) { organization(by: {handle: $h}) { id } }"
    asked = await http.get("/graphql", params={"query": query, "variables": '{"h": "x"}'})
    assert asked.json()["data"] == {"organization": None}
    assert (await http.get("/graphql")).status_code == 400
    page = await http.get("/graphql", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_token_makes_an_actor_and_a_bad_one_is_401(
    http: httpx.AsyncClient, db: Database, make: Factory
) -> None:
    async with db.writer() as tx:
        token = await make.token(tx, await make.school(tx))
    good = b'{"query": "{ __typename }"}'
    assert (await post(http, good, authorization=f"Bearer {token}")).status_code == 200
    for bad in ("Bearer nonsense", "Basic abc", f"Bearer {token[:-1]}", "Bearer"):
        refused = await post(http, good, authorization=bad)
        assert (refused.status_code, code(refused)) == (401, "UNAUTHENTICATED")
        assert refused.headers["www-authenticate"] == "Bearer"


async def test_health_is_told(http: httpx.AsyncClient) -> None:
    assert (await http.get("/livez")).status_code == 200
    assert (await http.get("/readyz")).json() == {"ready": True, "database": "ok"}


async def test_nul_in_the_address_is_refused_as_everywhere(http: httpx.AsyncClient) -> None:
    query = '{ organization(by: {handle: "\x00"}) { id } }'
    response = await http.get("/graphql", params={"query": query})
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")


async def test_a_number_of_endless_digits_is_refused_in_our_words(http: httpx.AsyncClient) -> None:
    query = "{ organizations(first: " + "9" * 5_000 + ") { totalCount } }"
    response = await post(http, json.dumps({"query": query}).encode())
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")
    assert response.json()["errors"][0]["message"] == "A number has more than 40 digits"


@pytest.mark.parametrize("arguments", ["", "(first: null)", '(filter: {state: "x"})'])
async def test_a_list_without_a_length_is_refused_in_our_words(http: httpx.AsyncClient, arguments: str) -> None:
    query = f"{{ organizations{arguments} {{ nodes {{ id }} }} }}"
    response = await post(http, json.dumps({"query": query}).encode())
    assert response.status_code == 400
    assert code(response) in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
