"""What a socket may cost, who may open one, and how it ends when it must."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from countersign.edge import websocket_messages, websocket_session
from countersign.edge.guests import Guests
from countersign.edge.websocket_messages import Malformed
from tests.live.house import SPECS, Client, House, house
from tests.patience import WAIT, within

DEAR_VERSION = (
    "{ endorsements(first: 60) { nodes { endorser { id } evidence { kind } } }"
    " reviewRequests(first: 60) { nodes { id } } }"
)
DEAR = f"{{ credentialSpecs(first: 6) {{ nodes {{ latestVersion {DEAR_VERSION} }} }} }}"
FOLLOWED = "subscription { specChanged { version { reviewRequests(first: 100) { nodes { id } } } } }"


@pytest_asyncio.fixture
async def here(at_home: House) -> AsyncIterator[House]:
    yield at_home
    await at_home.until_empty()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example:4600"])
async def test_a_page_of_another_site_gets_403_and_no_socket(here: House, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with here.socket(additional_headers={"Origin": origin}):
            raise AssertionError("it was let in")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_our_own_page_gets_a_socket(here: House) -> None:
    async with here.socket(additional_headers={"Origin": f"http://localhost:{here.port}"}) as client:
        await client.begin()


async def test_another_host_gets_no_socket(here: House) -> None:
    with pytest.raises((InvalidStatus, InvalidMessage)):
        async with here.socket(additional_headers={"Host": "evil.example"}):
            raise AssertionError("it was let in")


async def test_compression_is_not_agreed_on(here: House) -> None:
    async with here.socket(compression="deflate") as client:
        assert client.connection.response is not None
        assert "Sec-WebSocket-Extensions" not in client.connection.response.headers
        await client.begin()


@pytest.mark.parametrize(("size", "fine"), [(60_000, True), (70_000, False)])
async def test_a_message_has_at_most_64_kib(here: House, size: int, fine: bool) -> None:
    async with here.socket() as client:
        await client.begin()
        with contextlib.suppress(ConnectionClosed):
            await client.say({"type": "pong", "payload": {"x": "a" * size}})
        if fine:
            assert await client.is_alive()
        else:
            assert (await client.closed())[0] == 1009


async def test_text_that_is_not_utf_8_is_1007(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.connection.send(b"\xff\xfe", text=True)
        assert (await client.closed())[0] == 1007


async def test_a_user_has_five_sockets_and_gets_a_place_back(here: House) -> None:
    payload = await here.bearer(here.made.school)
    other = await here.bearer(here.made.employer)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(here.socket()) for _ in range(7)]
        for client in clients[:5]:
            await client.begin(payload)
        await clients[5].say({"type": "connection_init", "payload": payload})
        code, reason = await clients[5].closed()
        assert (code, "5" in reason) == (4429, True)
        await clients[6].begin(other)
        await clients[0].connection.close()
        async with asyncio.timeout(WAIT):
            while here.visits() > 5:  # noqa: ASYNC110 - it ends in a task of its own
                await asyncio.sleep(0.01)
        late = await stack.enter_async_context(here.socket())
        await late.begin(payload)
    await here.until_empty()


async def test_strangers_of_one_address_have_five_sockets(here: House) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await (await stack.enter_async_context(here.socket())).begin()
        sixth = await stack.enter_async_context(here.socket())
        await sixth.say({"type": "connection_init"})
        assert (await sixth.closed())[0] == 4429


async def test_fifty_subscriptions_on_one_socket_are_all_told_and_one_bad_one_harms_none(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        for n in range(50):
            await client.subscribe(f"s{n}", SPECS)
        await client.subscribe("bad", "subscription { nothingLikeThis }")
        assert (await client.hear())["type"] == "error"
        await here.publish_another()
        assert {(await client.hear())["id"] for _ in range(50)} == {f"s{n}" for n in range(50)}


async def test_the_hundred_and_first_operation_is_refused_and_the_others_go_on(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        for n in range(100):
            await client.subscribe(f"s{n}", SPECS)
        await client.subscribe("one-more", SPECS)
        said = await client.hear()
        assert (said["id"], said["type"]) == ("one-more", "error")
        assert said["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await client.say({"id": "s7", "type": "complete"})
        await client.subscribe("one-more", SPECS)
        assert await client.is_alive()


async def test_a_revoked_token_closes_its_sockets_with_4403_within_a_second(here: House) -> None:
    token = await here.token(here.made.school)
    async with here.socket() as idle, here.socket() as busy, here.socket() as stranger:
        for client in (idle, busy):
            await client.begin({"Authorization": f"Bearer {token}"})
        await stranger.begin()
        await busy.subscribe("1", SPECS)
        assert await busy.is_alive()
        await here.revoke(token)
        async with asyncio.timeout(within(1)):
            codes = [(await client.closed())[0] for client in (idle, busy)]
        assert codes == [4403, 4403]
        assert await stranger.is_alive()


async def test_an_operation_after_the_token_ended_is_never_answered(here: House) -> None:
    token = await here.token(here.made.school)
    async with here.socket() as client:
        await client.begin({"Authorization": f"Bearer {token}"})
        await here.revoke(token)
        with contextlib.suppress(ConnectionClosed):
            await client.subscribe("1", "{ viewer { organization { id } } }")
        assert (await client.closed())[0] == 4403


async def test_a_client_that_reads_nothing_is_let_go_and_holds_nobody_up(here: House) -> None:
    school = await here.bearer(here.made.school)
    options = {"max_queue": 1}
    async with here.socket(**options) as slow, here.socket() as quick:
        await slow.begin(school)
        await quick.begin()
        await quick.subscribe("q", SPECS)
        await slow.subscribe("1", "{ __typename }")
        assert [(await slow.hear())["type"] for _ in range(2)] == ["next", "complete"]
        session = next(visit.gone.__self__ for visit in here.door.inside.state.engine.live._visits if visit.actor.known)
        for _ in range(websocket_session.WAITING + 2):
            session.push("x" * 100)
        assert session._closing == (1013, "Too slow: come back, and go on with sinceEventId")
        await here.publish_another()
        assert (await quick.hear())["type"] == "next"


async def test_the_server_beats_every_fifteen_seconds(here: House) -> None:
    sockets = here.sockets()
    assert sockets.beat_seconds == 15
    sockets.beat_seconds = 0.2
    try:
        async with here.socket() as client:
            await client.begin()
            async with asyncio.timeout(WAIT):
                assert json.loads(await client.connection.recv()) == {"type": "ping"}
                assert json.loads(await client.connection.recv()) == {"type": "ping"}
    finally:
        sockets.beat_seconds = 15


async def test_operations_over_a_socket_are_charged_as_over_http(here: House) -> None:
    async with here.db.writer() as tx:
        spender = await here.make.employer(tx)
    budgets = here.door.inside.state.budgets
    restored, budgets.restored = budgets.restored, 0.001
    try:
        for points in (1_000, 100, 10):
            while (await budgets.charge(spender, points)).allowed:
                pass
        async with here.socket() as client:
            await client.begin(await here.bearer(spender))
            for query in (DEAR, FOLLOWED):
                await client.subscribe("1", query)
                said = await client.hear()
                assert (said["id"], said["type"]) == ("1", "error")
                assert said["payload"][0]["extensions"]["code"] == "RATE_LIMITED", said
                assert said["payload"][0]["extensions"]["retryAfter"] >= 1
            assert await client.is_alive()
    finally:
        budgets.restored = restored


async def test_sockets_are_told_when_the_server_goes(
    database_dsn: str, tmp_path_factory: pytest.TempPathFactory, here: House
) -> None:
    assert here.visits() == 0
    data = tmp_path_factory.mktemp("leaving")
    async with house(database_dsn, data, here.made) as leaving, leaving.socket() as client:
        await client.begin()
        leaving.door.inside.state.draining.close()
        assert (await client.closed())[0] == 1001
        async with leaving.socket() as late:
            assert (await late.closed())[0] == 1001


async def test_what_one_process_commits_is_told_by_the_other(
    database_dsn: str, tmp_path_factory: pytest.TempPathFactory, here: House
) -> None:
    data = tmp_path_factory.mktemp("other")
    async with house(database_dsn, data, here.made) as other, other.socket() as there, here.socket() as client:
        for each in (there, client):
            await each.begin()
            await each.subscribe("1", SPECS)
            assert await each.is_alive()
        events = []
        for _ in range(3):
            await here.publish_another()
            heard = [(await each.hear())["payload"]["data"]["specChanged"]["eventId"] for each in (there, client)]
            assert heard[0] == heard[1]
            events.append(heard[0])
        assert len(set(events)) == 3


def test_a_user_gets_places_back_and_nobody_is_remembered() -> None:
    guests = Guests(2)
    assert [guests.sit("a"), guests.sit("a"), guests.sit("a"), guests.sit("b")] == [True, True, False, True]
    for user in ("a", "a", "b"):
        guests.go(lambda: None, user)
    assert not guests._of
    assert guests.sit("a")


def test_a_reason_fits_into_its_frame() -> None:
    assert len(websocket_session._short("ю" * 200).encode()) <= 123


@pytest.mark.parametrize("given", [{"Authorization": 1}, {"authorization": ["Bearer x"]}])
def test_credentials_that_are_no_text_are_malformed(given: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        websocket_messages.credentials(given)


def test_a_text_with_half_a_character_is_malformed() -> None:
    with pytest.raises(Malformed):
        websocket_messages.read({"text": '{"type":"ping","payload":{"a":"\\ud800"}}'})


async def test_a_client_that_goes_without_a_word_leaves_nothing_behind(here: House) -> None:
    async def come_and_go() -> None:
        async with here.socket() as client:
            await client.begin()
            await client.subscribe("1", SPECS)
            assert await client.is_alive()
            client.connection.transport.abort()

    await asyncio.gather(*(come_and_go() for _ in range(4)))
    await here.until_empty()
    assert not here.door.inside.state.engine.live._members
    assert isinstance(here, House)
    async with here.socket() as client:
        assert isinstance(client, Client)
        await client.begin()
