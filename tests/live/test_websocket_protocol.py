"""graphql-transport-ws as a client meets it: 46 behaviours, each over a socket of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from countersign.edge.websocket import Sockets
from tests.live.house import SPECS, Client, House, fresh_key
from tests.patience import WAIT

Behaviour = Callable[[House], Awaitable[None]]
CHECKS: list[Behaviour] = []
ROLES = "{ __typename }"
MUTATION = (
    "mutation ($input: PublishSpecInput!) { publishSpec(input: $input) {"
    " version { state } errors { ... on UserError { code } } clientMutationId } }"
)


def check(behaviour: Behaviour) -> Behaviour:
    CHECKS.append(behaviour)
    return behaviour


async def refused(client: Client, identifier: str, code: str) -> dict[str, Any]:
    """The `error` of one operation; the socket goes on."""
    said = await client.hear()
    assert (said["type"], said["id"]) == ("error", identifier)
    assert [error["extensions"]["code"] for error in said["payload"]] == [code]
    assert all(error["extensions"]["requestId"] for error in said["payload"])
    assert await client.is_alive()
    first: dict[str, Any] = said["payload"][0]
    return first


def malformed(name: str, message: Any) -> None:
    """A message that closes the socket with 4400 and a reason."""

    async def behaviour(here: House) -> None:
        async with here.socket() as client:
            await client.begin()
            await client.say(message)
            code, reason = await client.closed()
        assert code == 4400
        assert len(reason) > 10

    behaviour.__name__ = name
    check(behaviour)


# -- the handshake


@check
async def the_protocol_is_chosen_among_several(here: House) -> None:
    async with here.socket("graphql-ws", "graphql-transport-ws") as client:
        assert client.connection.subprotocol == "graphql-transport-ws"
        await client.begin()


@check
async def the_old_protocol_is_refused_with_4406(here: House) -> None:
    async with here.socket("graphql-ws") as client:
        assert client.connection.subprotocol is None
        assert (await client.closed())[0] == 4406


@check
async def no_protocol_is_refused_with_4406(here: House) -> None:
    async with here.socket("") as client:
        assert (await client.closed())[0] == 4406


# -- beginning


@check
async def init_is_acknowledged(here: House) -> None:
    async with here.socket() as client:
        await client.begin()


@check
async def init_may_carry_a_payload(here: House) -> None:
    async with here.socket() as client:
        await client.begin({"client": "a test", "deep": {"er": [1, None]}})


@check
async def init_may_carry_null(here: House) -> None:
    async with here.socket() as client:
        await client.say('{"type":"connection_init","payload":null}')
        assert await client.hear() == {"type": "connection_ack"}


@check
async def a_second_init_is_4429(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.say({"type": "connection_init"})
        assert (await client.closed())[0] == 4429


@check
async def no_init_is_4408_after_three_seconds(here: House) -> None:
    assert Sockets().init_seconds == 3
    sockets = here.sockets()
    sockets.init_seconds = 0.2
    try:
        async with here.socket() as client:
            assert (await client.closed())[0] == 4408
    finally:
        sockets.init_seconds = WAIT


@check
async def subscribe_before_init_is_4401(here: House) -> None:
    async with here.socket() as client:
        await client.subscribe("1", ROLES)
        assert (await client.closed())[0] == 4401


@check
async def a_token_that_is_not_good_is_4403(here: House) -> None:
    async with here.socket() as client:
        await client.say({"type": "connection_init", "payload": {"Authorization": "Bearer ctsd_nonsense"}})
        assert (await client.closed())[0] == 4403


@check
async def a_token_in_the_payload_signs_in(here: House) -> None:
    token = (await here.bearer(here.made.school))["Authorization"]
    async with here.socket() as client:
        await client.begin({"authorization": token})
        await client.subscribe("1", "{ viewer { organization { id } } }")
        data = (await client.hear())["payload"]["data"]
        assert data["viewer"]["organization"]["id"] == f"org_{here.made.school_id}"


@check
async def a_token_in_the_handshake_signs_in(here: House) -> None:
    async with here.socket(additional_headers=await here.bearer(here.made.school)) as client:
        await client.begin()
        await client.subscribe("1", "{ viewer { organization { id } } }")
        data = (await client.hear())["payload"]["data"]
        assert data["viewer"]["organization"]["id"] == f"org_{here.made.school_id}"


# -- pings


@check
async def a_ping_is_answered(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.say({"type": "ping"})
        assert await client.hear() == {"type": "pong"}


@check
async def a_ping_is_answered_before_init_with_its_payload(here: House) -> None:
    async with here.socket() as client:
        await client.say({"type": "ping", "payload": {"n": 1}})
        assert await client.hear() == {"type": "pong", "payload": {"n": 1}}
        await client.begin()


@check
async def a_pong_that_nobody_asked_for_is_taken(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.say({"type": "pong"}, {"type": "pong", "payload": {"n": 1}})
        assert await client.is_alive()


# -- malformed messages: 4400, and never 1006

malformed("what_is_no_json_is_4400", "nonsense{")
malformed("an_empty_message_is_4400", "")
malformed("a_list_is_4400", "[]")
malformed("null_is_4400", "null")
malformed("a_message_without_type_is_4400", {"id": "1"})
malformed("a_type_that_is_no_text_is_4400", {"type": 1})
malformed("an_unknown_type_is_4400", {"type": "start", "id": "1", "payload": {"query": ROLES}})
malformed("a_type_of_the_server_is_4400", {"type": "next", "id": "1", "payload": {}})
malformed("a_binary_message_is_4400", b'{"type":"ping"}')
malformed("deep_nesting_is_4400", '{"type":"ping","payload":' + '{"a":' * 40 + "1" + "}" * 41)
malformed("a_payload_that_is_no_object_is_4400", {"type": "ping", "payload": [1]})
malformed("subscribe_without_id_is_4400", {"type": "subscribe", "payload": {"query": ROLES}})
malformed("an_id_that_is_no_text_is_4400", {"id": 1, "type": "subscribe", "payload": {"query": ROLES}})
malformed("an_empty_id_is_4400", {"id": "", "type": "subscribe", "payload": {"query": ROLES}})
malformed("subscribe_without_payload_is_4400", {"id": "1", "type": "subscribe"})
malformed("subscribe_without_query_is_4400", {"id": "1", "type": "subscribe", "payload": {}})
malformed("a_query_that_is_no_text_is_4400", {"id": "1", "type": "subscribe", "payload": {"query": 1}})
malformed(
    "variables_that_are_no_object_are_4400",
    {"id": "1", "type": "subscribe", "payload": {"query": ROLES, "variables": [1]}},
)
malformed("complete_without_id_is_4400", {"type": "complete"})


# -- operations


@check
async def a_query_is_answered_and_completed(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("q", "query Q { __typename }", operationName="Q", variables={}, extensions=None)
        said = await client.hear()
        assert (said["id"], said["type"], said["payload"]["data"]) == ("q", "next", {"__typename": "Query"})
        assert await client.hear() == {"id": "q", "type": "complete"}


@check
async def a_mutation_is_done_once_and_completed(here: House) -> None:
    async with here.socket() as client:
        await client.begin(await here.bearer(here.made.school))
        given = {"idempotencyKey": fresh_key(), "clientMutationId": "mine", "versionId": f"version_{here.made.version}"}
        for identifier in ("first", "again"):
            await client.subscribe(identifier, MUTATION, variables={"input": given})
            said = await client.hear()
            assert await client.hear() == {"id": identifier, "type": "complete"}
            done = {"version": {"state": "PUBLISHED"}, "errors": [], "clientMutationId": "mine"}
            assert said["payload"]["data"] == {"publishSpec": done}
        assert said["payload"]["extensions"]["idempotency"] == "replayed"


@check
async def a_subscription_tells_events_until_it_is_completed(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("s", SPECS)
        assert await client.is_alive()
        for _ in range(2):
            await here.publish_another()
            said = await client.hear()
            assert (said["id"], said["type"]) == ("s", "next")
            assert said["payload"]["data"]["specChanged"]["kind"] == "PUBLISHED"
        await client.say({"id": "s", "type": "complete"})
        assert await client.is_alive()
        await here.publish_another()
        await asyncio.sleep(0.5)
        assert await client.is_alive(), "nothing comes after complete"


@check
async def a_document_that_cannot_be_read_is_an_error_of_its_operation(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "subscription {")
        await refused(client, "1", "GRAPHQL_PARSE_FAILED")


@check
async def a_document_that_is_not_valid_is_an_error_of_its_operation(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "subscription { nothingLikeThis }")
        await refused(client, "1", "GRAPHQL_VALIDATION_FAILED")


@check
async def an_unknown_operation_name_is_an_error_of_its_operation(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "query A { __typename }", operationName="B")
        await refused(client, "1", "OPERATION_RESOLUTION_FAILURE")


@check
async def bad_variables_are_an_error_of_their_operation(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "query ($n: Int!) { skills(first: $n) { totalCount } }", variables={"n": "x"})
        await refused(client, "1", "BAD_USER_INPUT")


@check
async def what_needs_authority_is_an_error_of_its_operation(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "subscription { reviewRequested { eventId } }")
        error = await refused(client, "1", "UNAUTHENTICATED")
        assert error["path"] == ["reviewRequested"]


@check
async def an_id_that_is_in_use_is_4409(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("same", SPECS)
        await client.subscribe("same", SPECS)
        code, reason = await client.closed()
        assert (code, reason) == (4409, "Subscriber for same already exists")


@check
async def an_id_is_free_again_after_its_end(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("1", "{ nothingLikeThis }")
        await refused(client, "1", "GRAPHQL_VALIDATION_FAILED")
        for _ in range(2):
            await client.subscribe("1", ROLES)
            assert [(await client.hear())["type"] for _ in range(2)] == ["next", "complete"]
        await client.subscribe("1", SPECS)
        await client.say({"id": "1", "type": "complete"})
        await client.subscribe("1", ROLES)
        assert [(await client.hear())["type"] for _ in range(2)] == ["next", "complete"]


@check
async def completing_what_does_not_run_changes_nothing(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.say({"id": "nobody", "type": "complete"})
        assert await client.is_alive()


@check
async def operations_side_by_side_do_not_disturb_one_another(here: House) -> None:
    async with here.socket() as client:
        await client.begin()
        await client.subscribe("s", SPECS)
        await client.subscribe("bad", "{")
        await client.subscribe("q", ROLES)
        heard = [await client.hear() for _ in range(3)]
        assert {(said["id"], said["type"]) for said in heard} == {("bad", "error"), ("q", "next"), ("q", "complete")}
        await here.publish_another()
        assert (await client.hear())["id"] == "s"


def test_the_bar_is_46() -> None:
    assert len({behaviour.__name__ for behaviour in CHECKS}) == len(CHECKS) == 46


@pytest.mark.parametrize("behaviour", CHECKS, ids=lambda behaviour: behaviour.__name__)
async def test_a_socket_behaves(at_home: House, behaviour: Behaviour) -> None:
    await behaviour(at_home)
    await at_home.until_empty()
