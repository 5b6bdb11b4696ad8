"""What may be tried how often, what is forgotten when, and that refusals do not tell one from the other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from countersign.accounts import jobs, limits, rules, service, sign_ins
from countersign.edge.door import Door
from countersign.edge.signin import BEGINS, FAILURES
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from tests.accounts.provider import CALLBACK, NAME, Browser, browser
from tests.accounts.support import person

SEALER = Sealer(b"s" * 32)
MINUTE = timedelta(minutes=1)


async def tried(db: Database, who: str, what: str = "claim") -> bool:
    async with db.writer() as tx:
        return await limits.take(tx, SEALER, what, who, most=3, within=MINUTE)


async def test_so_many_tries_and_no_more_until_the_span_is_over(db: Database, clock: FrozenClock) -> None:
    assert [await tried(db, "ann") for _ in range(5)] == [True, True, True, False, False]
    assert await tried(db, "bob")
    assert await tried(db, "ann", "another thing")
    clock.move(MINUTE - timedelta(microseconds=1))
    assert not await tried(db, "ann")
    clock.move(timedelta(microseconds=1))
    assert await tried(db, "ann")


async def test_tries_at_once_are_counted_exactly(db: Database) -> None:
    assert sum(await asyncio.gather(*(tried(db, "ann") for _ in range(12)))) == 3


async def test_who_tried_is_not_in_the_database(db: Database, owner: asyncpg.Connection[asyncpg.Record]) -> None:
    await tried(db, "203.0.113.77")
    kept = await owner.fetchrow("select * from attempts")
    assert kept is not None
    assert "203.0.113" not in str(tuple(kept))
    assert bytes(kept["key"]) not in {
        rules.secret_digest("203.0.113.77"),
        rules.address_key("203.0.113.77"),
        Sealer(b"t" * 32).fingerprint("attempts claim", "203.0.113.77"),
    }


@pytest.mark.node
async def test_an_address_that_begins_too_many_sign_ins_waits_and_others_do_not(
    ann: Browser, door: Door, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await ann.asked(f"/auth/sign-in/{NAME}")
    await owner.execute("update attempts set count = $1", BEGINS - 1)
    await ann.asked(f"/auth/sign-in/{NAME}")
    refused = await ann.ours.get(f"/auth/sign-in/{NAME}")
    assert (refused.status_code, "location" in refused.headers) == (429, False)
    async with browser(door, client=("203.0.113.9", 1)) as another:
        await another.asked(f"/auth/sign-in/{NAME}")


async def answers(ann: Browser, door: Door, owner: asyncpg.Connection[asyncpg.Record]) -> dict[str, Any]:
    """What is answered to everything that is not good, each for a reason of its own."""
    good = await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}"))
    async with browser(door) as stranger:
        await stranger.asked(f"/auth/sign-in/{NAME}")
        found = {"begun in another browser": await stranger.come_back(good)}
    async with browser(door) as bare:
        found["no cookie"] = await bare.come_back(good)
    found["an unknown state"] = await ann.ours.get(CALLBACK, params={"state": rules.new_secret(), "code": "x"})
    found["no state"] = await ann.ours.get(CALLBACK)
    found["another issuer"] = await ann.come_back(f"{good.partition('&iss=')[0]}&iss=https%3A%2F%2Fevil.example")
    found["a used state"] = await ann.come_back(good)
    late = await ann.provider_answers(await ann.asked(f"/auth/sign-in/{NAME}"))
    await owner.execute("update sign_ins set expires_at = now()")
    found["too late"] = await ann.come_back(late)
    return found


@pytest.mark.node
async def test_whatever_is_not_good_is_answered_with_the_same_bytes(
    ann: Browser, door: Door, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    found = await answers(ann, door, owner)
    assert {answer.status_code for answer in found.values()} == {400}
    assert len({answer.content for answer in found.values()}) == 1
    assert len({tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in found.values()}) == 1
    async with browser(door) as russian:
        said = await russian.ours.get(CALLBACK, headers={"accept-language": "ru-RU,ru;q=0.9"})
    assert "Войти не получилось" in said.text
    await owner.execute("update attempts set count = $1 where count > 3", FAILURES)
    assert (await ann.ours.get(CALLBACK)).status_code == 429


@pytest.mark.node
async def test_a_first_sign_in_and_a_later_one_are_answered_alike(ann: Browser) -> None:
    first = await ann.sign_in()
    second = await ann.sign_in()
    assert (first.status_code, first.content, list(first.headers)) == (
        second.status_code,
        second.content,
        list(second.headers),
    )


async def test_an_unknown_provider_is_404(ann: Browser) -> None:
    for path in ("/auth/sign-in/another", "/auth/callback/another"):
        assert (await ann.ours.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        (None, "/"),
        ("", "/"),
        ("/v/1?lang=ru#x", "/v/1?lang=ru#x"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("/a b", "/"),
        ("/a\r\nset-cookie: x=1", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "a" * 600, "/"),
        ("/é", "/"),
    ],
)
def test_after_sign_in_one_stays_on_this_portal(asked: str | None, goes: str) -> None:
    assert rules.return_path(asked) == goes


async def test_what_is_over_is_forgotten_and_what_is_not_stays(db: Database, clock: FrozenClock) -> None:
    async with db.writer() as tx:
        who = await person(tx)
        await sign_ins.begin(tx, "browser", NAME, "/")
        await sign_ins.ticket(tx, who.opened.login_id)
    await tried(db, "ann")
    assert await jobs.forget(db) == 0
    clock.move(timedelta(minutes=10))
    assert await jobs.forget(db) == 2
    clock.move(timedelta(days=1))
    assert await jobs.forget(db) == 1
    assert await jobs.forget(db) == 0
    clock.move(timedelta(days=7))
    assert await jobs.forget(db) == 1


async def test_a_ticket_and_a_link_are_good_once_in_time_and_for_what_they_are(
    db: Database, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        who = await person(tx)
        ticket, late = [await sign_ins.ticket(tx, who.opened.login_id) for _ in range(2)]
        link, stale = [await sign_ins.link(tx, who.account_id) for _ in range(2)]
        assert await sign_ins.redeem_link(tx, ticket) is None
        assert await sign_ins.redeem_ticket(tx, link) is None
        assert [await sign_ins.redeem_ticket(tx, ticket) for _ in range(2)] == [who.opened.login_id, None]
        opened = await sign_ins.redeem_link(tx, link)
        assert opened is not None
        assert opened.account_id == who.account_id
        assert await sign_ins.redeem_link(tx, link) is None
    clock.move(rules.TICKET)
    async with db.writer() as tx:
        assert await sign_ins.redeem_ticket(tx, late) is None
    clock.move(rules.LINK)
    async with db.writer() as tx:
        assert await sign_ins.redeem_link(tx, stale) is None
        assert await service.login_of(tx, who.opened.cookie, clock.now()) is None
