"""GraphQL over server-sent events, as raw bytes and as a client of the distinct-connections mode reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.edge import sse
from countersign.edge.negotiation import Streaming, streaming
from tests.live.house import SPECS, House
from tests.patience import WAIT, within

EVENTS = "text/event-stream"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
VIEWER = "{ viewer { organization { id } } }"


@pytest_asyncio.fixture
async def here(at_home: House) -> AsyncIterator[House]:
    yield at_home
    await at_home.until_empty()


class Reader:
    """One stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._parts = response.aiter_raw()
        self._rest = b""

    async def block(self) -> bytes:
        """The next event or comment, with the empty line at its end."""
        async with asyncio.timeout(WAIT):
            while b"\n\n" not in self._rest:
                self._rest += await anext(self._parts)
        found, _, self._rest = self._rest.partition(b"\n\n")
        return found + b"\n\n"

    async def event(self) -> tuple[str, str, Any]:
        """The next event: its name, id and data; comments are passed over."""
        block = await self.block()
        while block.startswith(b":"):
            block = await self.block()
        fields = dict(line.split(": ", 1) for line in block.decode().rstrip("\n").split("\n"))
        return fields["event"], fields.get("id", ""), json.loads(fields["data"] or "null")

    async def ends(self) -> None:
        """Nothing comes any more."""
        assert not self._rest
        async with asyncio.timeout(WAIT):
            assert [part async for part in self._parts] == []


@asynccontextmanager
async def streamed(
    here: House, query: str, *, accept: str = EVENTS, get: bool = False, **headers: str
) -> AsyncIterator[Reader]:
    """A request that is answered by a stream."""
    given = {"accept": accept} | {name.replace("_", "-"): value for name, value in headers.items()}
    asked: dict[str, Any] = {"params": {"query": query}} if get else {"json": {"query": query}}
    async with (
        httpx.AsyncClient(timeout=WAIT) as client,
        client.stream("GET" if get else "POST", here.url, headers=given, **asked) as response,
    ):
        yield Reader(response)


async def post(here: House, query: str, accept: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=WAIT) as client:
        return await client.post(here.url, json={"query": query}, headers={"accept": accept} | headers)


@pytest.mark.parametrize("get", [False, True])
async def test_a_subscription_is_a_stream_of_next_events_with_ids(here: House, get: bool) -> None:
    async with streamed(here, SPECS, get=get) as reader:
        assert reader.response.status_code == 200
        assert reader.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reader.response.headers["cache-control"] == "no-store"
        assert "ratelimit" in reader.response.headers
        assert await reader.block() == b":\n\n", "the head leaves at once"
        await here.follow_up()
        await here.publish_another()
        name, identifier, body = await reader.event()
        assert name == "next"
        assert body["data"]["specChanged"]["eventId"] == identifier


async def test_lines_end_with_lf_alone(here: House) -> None:
    async with streamed(here, "{ __typename }") as reader:
        blocks = [await reader.block(), await reader.block()]
        await reader.ends()
    assert blocks[0].startswith(b'event: next\ndata: {"data":{"__typename":"Query"}')
    assert blocks[1] == b"event: complete\ndata: \n\n"
    assert b"\r" not in b"".join(blocks)


async def test_text_of_several_lines_stays_one_event() -> None:
    assert sse.event(b'{"a":\n1}', "event_x") == b'event: next\nid: event_x\ndata: {"a":\ndata: 1}\n\n'


async def test_last_event_id_goes_on_without_gap_or_repeat(here: House) -> None:
    seen = []
    async with streamed(here, SPECS) as reader:
        await here.follow_up()
        for _ in range(2):
            await here.publish_another()
            seen.append((await reader.event())[1])
        await here.publish_another()
        missed = (await reader.event())[1]
    async with streamed(here, SPECS, last_event_id=seen[1]) as reader:
        assert (await reader.event())[1] == missed
    async with streamed(here, SPECS, last_event_id=seen[0]) as reader:
        assert [(await reader.event())[1] for _ in range(2)] == [seen[1], missed]


@pytest.mark.parametrize(
    "query", ["subscription {", "subscription { nothingLikeThis }", "subscription { reviewRequested { eventId } }"]
)
async def test_what_cannot_be_followed_is_told_in_the_stream(here: House, query: str) -> None:
    async with streamed(here, query) as reader:
        name, _, body = await reader.event()
        assert (name, len(body["errors"])) == ("next", 1)
        assert body["errors"][0]["extensions"]["code"] in {
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
            "UNAUTHENTICATED",
        }
        assert (await reader.event())[0] == "complete"
        await reader.ends()


async def test_an_unknown_event_id_says_so(here: House) -> None:
    async with streamed(here, SPECS, last_event_id="event_00000000-0000-7000-8000-000000000000") as reader:
        _, _, body = await reader.event()
    assert body["errors"][0]["extensions"]["reason"] == "EVENT_EXPIRED"


@pytest.mark.parametrize(
    "accept", ["application/json", "application/graphql-response+json", "*/*", f"{EVENTS};q=0, */*"]
)
async def test_a_subscription_over_plain_post_is_refused(here: House, accept: str) -> None:
    answer = await post(here, SPECS, accept)
    assert answer.status_code == 406
    assert answer.headers["content-type"].startswith("application/")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert EVENTS in error["message"]


@pytest.mark.parametrize("accept", [URQL, f"application/json, {EVENTS}", f"{EVENTS};q=0.5, */*"])
async def test_a_query_is_json_when_events_are_not_preferred(here: House, accept: str) -> None:
    answer = await post(here, "{ __typename }", accept)
    assert answer.headers["content-type"].startswith("application/")
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_a_subscription_is_a_stream_for_a_client_that_lists_all_it_knows(here: House) -> None:
    async with streamed(here, SPECS, accept=URQL) as reader:
        assert reader.response.headers["content-type"].startswith(EVENTS)
        assert await reader.block() == b":\n\n"


async def test_a_mutation_may_not_come_by_get(here: House) -> None:
    async with streamed(here, "mutation { __typename }", get=True) as reader:
        assert reader.response.status_code == 405


async def test_a_page_of_another_site_is_refused(here: House) -> None:
    answer = await post(here, SPECS, EVENTS, origin="https://evil.example")
    assert answer.status_code == 403


async def test_a_bad_token_is_401_before_any_stream(here: House) -> None:
    answer = await post(here, SPECS, EVENTS, authorization="Bearer ctsd_nonsense")
    assert answer.status_code == 401


async def test_a_query_as_somebody_is_answered_in_the_stream(here: House) -> None:
    token = (await here.bearer(here.made.school))["Authorization"]
    async with streamed(here, VIEWER, authorization=token) as reader:
        _, identifier, body = await reader.event()
        assert identifier == ""
        assert body["data"]["viewer"]["organization"]["id"] == f"org_{here.made.school_id}"


async def test_a_revoked_token_ends_its_stream_within_a_second(here: House) -> None:
    token = await here.token(here.made.school)
    async with streamed(here, SPECS, authorization=f"Bearer {token}") as reader:
        assert await reader.block() == b":\n\n"
        await here.follow_up()
        await here.revoke(token)
        async with asyncio.timeout(within(1)):
            _, _, body = await reader.event()
            assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert (await reader.event())[0] == "complete"
        await reader.ends()


async def test_streams_of_one_address_are_counted(here: House) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=WAIT, limits=httpx.Limits(max_connections=None))
        )
        given: dict[str, Any] = {"json": {"query": SPECS}, "headers": {"accept": EVENTS}}
        for _ in range(sse.STREAMS):
            await stack.enter_async_context(client.stream("POST", here.url, **given))
        async with asyncio.timeout(WAIT):
            while here.visits() < sse.STREAMS:  # noqa: ASYNC110 - they begin in tasks of their own
                await asyncio.sleep(0.01)
        refused = await client.post(here.url, **given)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
    await here.until_empty()


async def test_a_client_that_is_too_slow_is_told_to_come_back() -> None:
    stream = sse.Stream("test")
    for n in range(sse.WAITING + 1):
        stream.news("{}", f"event_{n}")
    parts = b"".join([part async for part in stream.parts()])
    assert parts.count(b"event: next") == 1
    assert b"Last-Event-ID" in parts
    assert parts.endswith(b"event: complete\ndata: \n\n")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, Streaming.NO),
        ("", Streaming.NO),
        ("*/*", Streaming.NO),
        ("application/json", Streaming.NO),
        (f"{EVENTS};q=0", Streaming.NO),
        (EVENTS, Streaming.PREFERRED),
        ("Text/Event-Stream", Streaming.PREFERRED),
        (f"{EVENTS}, */*;q=0.1", Streaming.PREFERRED),
        (f"{EVENTS}, application/json", Streaming.ALLOWED),
        (f"application/json;q=0.9, {EVENTS};q=0.8", Streaming.ALLOWED),
        (URQL, Streaming.ALLOWED),
    ],
)
def test_events_are_preferred_only_above_any_json(accept: str | None, expected: Streaming) -> None:
    assert streaming(accept) is expected
