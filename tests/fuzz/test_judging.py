"""The judge of fuzzing sees each fault that it is there for, and none in a good answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fuzz.judging import Answered, faults
from tests.fuzz.running import shrunk
from tests.fuzz.wire import Asked

ASKED = Asked("POST", "/graphql", (("content-type", "application/json"),), b'{"query": "{ nothing }"}')


def answered(body: Any, status: int = 400, seconds: float = 0.1, **headers: str) -> Answered:
    given = {
        "content-type": "application/graphql-response+json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return Answered(status, given, json.dumps(body).encode(), seconds)


def error(message: str = "Cannot query field", code: str | None = "GRAPHQL_VALIDATION_FAILED") -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code, "requestId": "r"}}]}


def test_a_good_answer_has_no_fault() -> None:
    assert faults(ASKED, answered(error())) == []
    assert faults(ASKED, answered({"data": {"x": 1}}, 200)) == []
    assert faults(ASKED, answered(error(code="RATE_LIMITED"), 429, retry_after="3")) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (answered(error(), seconds=2.5), "it took 2.5 s"),
        (answered(error(code="INTERNAL_SERVER_ERROR"), 500), "status 500"),
        (answered(error(code="OOPS")), "an error with code OOPS"),
        (answered(error(code=None)), "an error with code None"),
        (answered({"errors": [{"message": "x", "extensions": {"code": "BAD_REQUEST"}}]}), "without the request's id"),
        (answered(error("'NoneType' is wrong")), "an error says 'NoneType'"),
        (answered(error('relation "specs" does not exist')), "an error says"),
        (
            answered({"data": {"x": {"errors": [{"code": "INVALID", "message": "KeyError: 3"}]}}}, 200),
            "payload's error says",
        ),
        (answered({"data": {"x": "Traceback (most recent call last)"}}, 200), "it says"),
        (answered({}, 200), "neither data nor errors"),
        (answered(error(code="RATE_LIMITED"), 429), "without Retry-After"),
        (answered(error(), 503, retry_after="1"), "without its code"),
        (Answered(200, {"content-type": "application/json"}, b"{", 0.1), "not JSON"),
        (Answered(200, {"content-type": "text/plain"}, b"ok", 0.1), "the body is text/plain"),
        (Answered(0, {}, b"", 0.0), "hangs up"),
    ],
)
def test_each_fault_is_seen(wrong: Answered, says: str) -> None:
    assert any(says in fault for fault in faults(ASKED, wrong))


def test_a_word_that_the_client_said_first_is_not_ours() -> None:
    said = Asked("POST", "/graphql", (), b'{"query": "{ NoneType }"}')
    assert faults(said, answered(error("Cannot query field 'NoneType'"))) == []


async def test_what_failed_is_made_smaller_while_it_still_fails() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        bad = b"boom" in request.content
        body = json.dumps(error(code="INTERNAL_SERVER_ERROR" if bad else "BAD_REQUEST")).encode()
        kind = {"content-type": "application/json"}
        return httpx.Response(500 if bad else 400, headers=kind, stream=httpx.ByteStream(body))

    big = Asked("POST", "/graphql", (), json.dumps({"query": "a" * 300 + "boom" + "b" * 300}).encode())
    async with httpx.AsyncClient(transport=httpx.MockTransport(serve), base_url="http://localhost") as client:
        smallest = await shrunk(client, big, ["status 500"])
    assert b"boom" in smallest.content
    assert len(smallest.content) < 40
