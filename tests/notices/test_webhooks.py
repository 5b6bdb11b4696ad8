"""Webhooks: signed, through the guarded fetcher, tried again, given up to a list, repeated under the same id."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState
from countersign.notices import delivering, making, rules_webhooks, webhooks
from countersign.notices.rules_sending import LEASE
from countersign.notices.rules_webhooks import MOVES, PATIENCE, PAUSES, Act, State
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.conftest import NOW
from tests.factories import Factory
from tests.kit.outside_world import World, world
from tests.notices.support import Market, market
from tests.reviews.support import everything

HOST = "hooks.employer.example"
URL = f"https://{HOST}/countersign?v=1"
DELIVERY = "id topic body state attempts outcome nextTryAt"
LIST = "query ($state: DeliveryState) { webhookDeliveries(first: 20, filter: {state: $state}) { nodes { id state } } }"
WAITS = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
HOOK = "webhook { id url kinds state failingSince oldSecretUntil updatedAt } secret"


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, HOST) as made:
        yield made


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Market:
    return await market(db, make)


@pytest_asyncio.fixture
async def api(here: Market, signer: Signer, make: Factory, outside: World) -> AsyncIterator[Api]:
    async with served(here.db, signer, make, fetcher=outside.fetcher()) as made:
        yield made


@pytest_asyncio.fixture
async def admin(here: Market) -> Actor:
    found = await here.colleague(Role.ORG_ADMIN)
    await here.told()
    return found


async def hooked(api: Api, admin: Actor, *kinds: str) -> tuple[str, bytes]:
    """A webhook of the employer: its id and its secret."""
    done = await api.do("createWebhook", HOOK, admin, url=URL, kinds=list(kinds or ("REVIEWS",)))
    assert done["errors"] == []
    assert done["secret"].startswith("whsec_")
    return done["webhook"]["id"], base64.b64decode(done["secret"].removeprefix("whsec_"))


def posted(outside: World) -> list[tuple[dict[str, str], bytes]]:
    """The headers and bodies of what was posted."""
    found = []
    for request in outside.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /countersign?v=1 HTTP/1.1"
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:])}
        found.append((headers, body))
    return found


def answers(outside: World, status: str) -> None:
    """What the receiver says from now on."""
    outside.answer = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nLocation: https://{HOST}/else\r\n\r\nno".encode()


def holds(secret: bytes, headers: dict[str, str], body: bytes) -> bool:
    """Whether one of the signatures is by this secret, as the Standard Webhooks specification says."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def test_a_signature_is_that_of_the_specifications_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    made = rules_webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


EXPECTED = {
    (State.WAITING, Act.DELIVER): State.DELIVERED,
    (State.WAITING, Act.FAIL): State.WAITING,
    (State.WAITING, Act.GIVE_UP): State.DEAD,
    (State.DEAD, Act.REDELIVER): State.WAITING,
    (State.DELIVERED, Act.REDELIVER): State.WAITING,
}


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_every_step_of_a_delivery_is_taken_or_refused(state: State, act: Act) -> None:
    if (state, act) in EXPECTED:
        assert rules_webhooks.move(state, act) is EXPECTED[state, act]
    else:
        with pytest.raises(InvalidState, match=f"The delivery is {state.value}"):
            rules_webhooks.move(state, act)
    assert set(MOVES) == set(EXPECTED)


async def test_an_event_is_posted_once_signed_and_says_no_more_than_what_happened_to_what(
    api: Api, here: Market, outside: World, admin: Actor
) -> None:
    _, secret = await hooked(api, admin)
    request = await here.ask_for_review()
    await here.told()
    looks = await asyncio.gather(*(delivering.look(here.db, api.tools.fetcher) for _ in range(3)))
    assert sorted(looks) == [0, 0, 1]
    ((headers, body),) = posted(outside)
    assert holds(secret, headers, body)
    assert not holds(b"x" * 32, headers, body)
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "review.requested",
        "timestamp": "2026-11-22T12:00:00+00:00",
        "data": {"kind": "REVIEWS", "id": f"rrq_{request}"},
    }
    (kept,) = (await api.ask(LIST, admin))["webhookDeliveries"]["nodes"]
    assert kept == {"id": headers["webhook-id"], "state": "DELIVERED"}
    assert await delivering.look(here.db, api.tools.fetcher) == 0


async def test_only_events_of_ones_own_and_of_the_kinds_that_were_named_are_posted(
    api: Api, here: Market, admin: Actor
) -> None:
    await hooked(api, admin, "REMINDERS", "VERSIONS")
    request = await here.ask_for_review()
    async with here.db.writer() as tx:
        await tx.emit("review.claimed", f"rrq_{request}")
    await here.told()
    assert await delivering.look(here.db, api.tools.fetcher) == 0, "one is of another kind, one the school's"
    await here.emit("review.reminder", f"rrq_{request}", days=3)
    await here.told()
    assert await delivering.look(here.db, api.tools.fetcher) == 1


async def test_what_fails_is_tried_after_growing_pauses_then_given_up_to_a_list_and_repeated_under_its_id(
    api: Api, here: Market, outside: World, admin: Actor, clock: FrozenClock
) -> None:
    await hooked(api, admin)
    await here.ask_for_review()
    await here.told()
    answers(outside, "302 Found")
    assert await delivering.look(here.db, api.tools.fetcher) == 1
    for pause in PAUSES:
        clock.move(pause - timedelta(seconds=1))
        assert await delivering.look(here.db, api.tools.fetcher) == 0
        clock.move(timedelta(seconds=1))
        assert await delivering.look(here.db, api.tools.fetcher) == 1
    (dead,) = (await api.ask(LIST, admin, state="DEAD"))["webhookDeliveries"]["nodes"]
    assert len(outside.requests) == len(PAUSES) + 1
    clock.move(timedelta(days=1))
    assert await delivering.look(here.db, api.tools.fetcher) == 0
    answers(outside, "204 No Content")
    outside.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    again = await api.do("redeliverWebhook", f"delivery {{ {DELIVERY} }}", admin, deliveryId=dead["id"])
    assert (again["delivery"]["state"], again["delivery"]["attempts"]) == ("WAITING", 0)
    assert again["delivery"]["outcome"] == "answered 302"
    assert await delivering.look(here.db, api.tools.fetcher) == 1
    ids = {headers["webhook-id"] for headers, _ in posted(outside)}
    assert ids == {dead["id"]}
    refused = await api.do("redeliverWebhook", f"delivery {{ {DELIVERY} }}", admin, deliveryId="msg_x")
    assert [e["code"] for e in refused["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-5", 0),
        ("1.5", 0),
        ("٣", 0),
        ("9" * 18, 86_400),
        ("9" * 5_000, 0),
        ("Sun, 22 Nov 2026 12:10:00 GMT", 600),
        ("Sunday, 22-Nov-26 12:10:00 GMT", 600),
        ("Sun Nov 22 12:10:00 2026", 600),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 9999 23:59:59 GMT", 86_400),
        ("Sun, 99 Nov 2026 12:10:00 GMT", 0),
        ("soon", 0),
    ],
)
def test_how_long_a_receiver_asks_to_be_left_alone(said: str | None, seconds: int) -> None:
    assert rules_webhooks.asked_pause(said, NOW) == timedelta(seconds=seconds)


async def test_a_receiver_that_says_when_to_come_again_is_left_alone_until_then_but_for_a_day_at_most(
    api: Api, here: Market, outside: World, admin: Actor, clock: FrozenClock
) -> None:
    await hooked(api, admin)
    await here.ask_for_review()
    await here.told()
    for asked, pause in (("3600", timedelta(hours=1)), ("99999999", timedelta(days=1)), ("1", PAUSES[2])):
        outside.answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n".encode()
        assert await delivering.look(here.db, api.tools.fetcher) == 1
        clock.move(pause - timedelta(seconds=1))
        assert await delivering.look(here.db, api.tools.fetcher) == 0
        clock.move(timedelta(seconds=1))
    assert await delivering.look(here.db, api.tools.fetcher) == 1


async def test_a_delivery_whose_sender_died_is_posted_again_after_its_lease(
    api: Api, here: Market, outside: World, admin: Actor, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await hooked(api, admin)
    await here.ask_for_review()
    await here.told()
    await delivering.look(here.db, api.tools.fetcher)
    # As it is when the process dies after the answer and before its commit.
    await owner.execute("update webhook_deliveries set state = 'waiting', due_at = $1", clock.at + LEASE)
    assert await delivering.look(here.db, api.tools.fetcher) == 0
    clock.move(LEASE)
    assert await delivering.look(here.db, api.tools.fetcher) == 1
    first, second = (headers["webhook-id"] for headers, _ in posted(outside))
    assert first == second


async def test_a_webhook_that_fails_for_days_is_switched_off_and_its_admins_are_told(
    api: Api, here: Market, outside: World, admin: Actor, clock: FrozenClock
) -> None:
    hook, _ = await hooked(api, admin)
    answers(outside, "500 Broken")
    request = await here.ask_for_review()
    await here.told()
    await delivering.look(here.db, api.tools.fetcher)
    clock.move(PATIENCE)
    await here.emit("review.extended", f"rrq_{request}")
    await here.told()
    assert await delivering.look(here.db, api.tools.fetcher) == 2
    await here.told()
    assert "webhook.disabled" in await here.notices_of(admin)
    shown = (await api.ask("query ($id: ID!) { webhook(id: $id) { state updatedAt } }", admin, id=hook))["webhook"]
    assert shown["state"] == "DISABLED"
    dead = (await api.ask(LIST, admin, state="DEAD"))["webhookDeliveries"]["nodes"]
    assert len(dead) == 2
    await here.emit("review.extended", f"rrq_{request}")
    await here.told()
    assert await delivering.look(here.db, api.tools.fetcher) == 0
    off = await api.do("redeliverWebhook", "delivery { id }", admin, deliveryId=dead[0]["id"])
    assert [e["code"] for e in off["errors"]] == ["INVALID_STATE"]
    since, selection = shown["updatedAt"], "webhook { state failingSince }"
    on = await api.do("changeWebhook", selection, admin, webhookId=hook, enabled=True, ifUnmodifiedSince=since)
    assert on["webhook"] == {"state": "ACTIVE", "failingSince": None}
    outside.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    await api.do("redeliverWebhook", "delivery { id }", admin, deliveryId=dead[0]["id"])
    assert await delivering.look(here.db, api.tools.fetcher) == 1


async def test_a_receiver_that_says_gone_is_left_at_once(api: Api, here: Market, outside: World, admin: Actor) -> None:
    hook, _ = await hooked(api, admin)
    answers(outside, "410 Gone")
    await here.ask_for_review()
    await here.told()
    await delivering.look(here.db, api.tools.fetcher)
    shown = (await api.ask("query ($id: ID!) { webhook(id: $id) { state } }", admin, id=hook))["webhook"]
    assert shown["state"] == "DISABLED"


async def test_a_new_secret_signs_beside_the_old_one_until_its_grace_is_over(
    api: Api, here: Market, outside: World, admin: Actor, clock: FrozenClock
) -> None:
    hook, old = await hooked(api, admin)
    rolled = await api.do("rollWebhookSecret", HOOK, admin, webhookId=hook, graceDays=2, idempotencyKey="roll")
    new = base64.b64decode(rolled["secret"].removeprefix("whsec_"))
    assert rolled["webhook"]["oldSecretUntil"] == "2026-11-24T12:00:00Z"
    again = await api.do("rollWebhookSecret", HOOK, admin, webhookId=hook, graceDays=2, idempotencyKey="roll")
    assert again["secret"] is None, "a secret is shown once"
    seen = []
    for _ in range(2):
        await api.do("testWebhook", f"delivery {{ {DELIVERY} }}", admin, webhookId=hook)
        await delivering.look(here.db, api.tools.fetcher)
        headers, body = posted(outside)[-1]
        seen.append((holds(new, headers, body), holds(old, headers, body)))
        clock.move(timedelta(days=2))
    assert seen == [(True, True), (True, False)]
    assert json.loads(body)["type"] == "webhook.test"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "192.168.0.7"])
async def test_no_delivery_reaches_an_address_that_is_not_public(
    api: Api, here: Market, outside: World, admin: Actor, address: str
) -> None:
    await hooked(api, admin)
    await here.ask_for_review()
    await here.told()
    outside.names.hosts[HOST] = [[address]]
    guarded = outside.fetcher(open_loopback=False)
    assert await delivering.look(here.db, guarded) == 1
    assert outside.requests == []
    (kept,) = (await api.ask("{ webhookDeliveries(first: 5) { nodes { state outcome } } }", admin))[
        "webhookDeliveries"
    ]["nodes"]
    assert kept == {"state": "WAITING", "outcome": f"{HOST} does not lead to the public internet"}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://hooks.example:8443/",
        "https://user:word@hooks.example/",
        "https://hooks.example/#part",
        "https://хук.example/",
        "https://hooks.example/\r\nX: y",
        "https://hooks.example/" + "x" * 500,
        "ftp://hooks.example",
        "",
    ],
)
async def test_an_address_that_is_no_plain_https_one_is_refused(api: Api, here: Market, admin: Actor, url: str) -> None:
    done = await api.do("createWebhook", HOOK, admin, url=url, kinds=["REVIEWS"])
    assert [(e["code"], e["path"]) for e in done["errors"]] == [("INVALID", ["url"])]
    assert (await api.ask("{ webhooks(first: 5) { totalCount } }", admin))["webhooks"]["totalCount"] == 0
    assert here.db is api.db


async def test_only_admins_manage_webhooks_and_nobody_sees_those_of_others(
    api: Api, here: Market, admin: Actor, outside: World
) -> None:
    hook, _ = await hooked(api, admin)
    other = await here.colleague(Role.ORG_ADMIN, of=here.school)
    for actor in (other, here.employer, here.school):
        await api.authorization(actor)
    before = await everything(here.db)
    changes: dict[str, dict[str, Any]] = {
        "changeWebhook": {"webhookId": hook, "enabled": False, "ifUnmodifiedSince": "2026-11-22T12:00:00Z"},
        "rollWebhookSecret": {"webhookId": hook},
        "removeWebhook": {"webhookId": hook},
        "testWebhook": {"webhookId": hook},
    }
    for field, given in changes.items():
        field_of = "delivery { id }" if field == "testWebhook" else "webhook { id }"
        foreign = await api.do(field, field_of, other, **given)
        assert [e["code"] for e in foreign["errors"]] == ["NOT_FOUND"], field
        for actor in (here.employer, here.school):
            done = await api.do(field, field_of, actor, **given)
            assert [e["code"] for e in done["errors"]] == ["NOT_ALLOWED"], field
    body = await api.post("{ webhooks(first: 5) { totalCount } }", here.employer)
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api.ask("query ($id: ID!) { webhook(id: $id) { id } }", other, id=hook))["webhook"] is None
    after = await everything(here.db)
    ours = ("webhooks", "webhook_deliveries")
    assert {k: after[k] for k in ours} == {k: before[k] for k in ours}
    assert outside.requests == []


async def test_a_secret_lies_sealed_and_goes_with_its_webhook(
    api: Api, here: Market, admin: Actor, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    hook, secret = await hooked(api, admin)
    await here.ask_for_review()
    await here.told()
    kept = " ".join(str(row) for rows in (await everything(here.db)).values() for row in rows)
    for text in (secret.hex(), base64.b64encode(secret).decode()):
        assert text not in kept
    removed = await api.do("removeWebhook", "webhook { state }", admin, webhookId=hook)
    assert removed["webhook"] == {"state": "REMOVED"}
    assert await owner.fetchval("select secret_sealed from webhooks") == b""
    assert await delivering.look(here.db, api.tools.fetcher) == 0
    again = await api.do("removeWebhook", "webhook { state }", admin, webhookId=hook)
    assert [e["code"] for e in again["errors"]] == ["INVALID_STATE"]


async def test_an_organization_has_few_webhooks_and_each_names_a_kind(api: Api, admin: Actor) -> None:
    none = await api.do("createWebhook", HOOK, admin, url=URL, kinds=[])
    assert [(e["code"], e["path"]) for e in none["errors"]] == [("REQUIRED", ["kinds"])]
    for _ in range(rules_webhooks.MOST):
        await hooked(api, admin)
    more = await api.do("createWebhook", HOOK, admin, url=URL, kinds=["REVIEWS"])
    assert [e["code"] for e in more["errors"]] == ["CONFLICT"]


async def test_a_slow_receiver_keeps_no_other_waiting(api: Api, here: Market, outside: World, admin: Actor) -> None:
    await hooked(api, admin)
    quick = await here.colleague(Role.ORG_ADMIN, of=here.school)
    await hooked(api, quick, "REVIEWS")
    request = await here.ask_for_review()
    for _ in range(delivering.OF_ONE + 2):
        await here.emit("review.extended", f"rrq_{request}")
    await here.emit("review.claimed", f"rrq_{request}")
    await here.told()
    assert await delivering.look(here.db, api.tools.fetcher, limit=delivering.OF_ONE + 1) == delivering.OF_ONE + 1
    assert sum(b"review.claimed" in body for _, body in posted(outside)) == 1


@pytest.mark.parametrize("enabled", [None, False])
async def test_what_is_queued_while_its_webhook_goes_is_never_posted(
    api: Api,
    here: Market,
    outside: World,
    admin: Actor,
    owner: asyncpg.Connection[asyncpg.Record],
    enabled: bool | None,
) -> None:
    hook, _ = await hooked(api, admin)
    key = UUID(hook.removeprefix("whk_"))
    await here.ask_for_review()
    await here.numbered()
    async with here.db.writer() as tx:
        if enabled is None:
            await webhooks.remove(tx, admin, key)
        else:
            await webhooks.change(tx, admin, webhooks.ChangeWebhook(key, None, None, enabled, None))
        looking = asyncio.create_task(making.look(here.db))
        while not looking.done() and not await owner.fetchval(WAITS):
            pass
    await looking
    assert await delivering.look(here.db, api.tools.fetcher) == 0
    assert posted(outside) == []
