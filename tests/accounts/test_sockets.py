"""A socket of our own page goes with its session, within a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from countersign.accounts import service
from countersign.kit.access import Role
from tests.accounts.support import Person, join, person
from tests.live.conftest import at_home
from tests.live.house import SPECS, House
from tests.patience import WAIT, within

__all__ = ["at_home"]


@pytest_asyncio.fixture
async def here(at_home: House) -> AsyncIterator[House]:
    yield at_home
    await at_home.until_empty()


async def member(here: House) -> Person:
    async with here.db.writer() as tx:
        who = await person(tx)
        school = here.made.school.organization_id
        assert school is not None
        await join(tx, who, school, Role.AUTHOR)
    return who


def handshake(here: House, who: Person) -> dict[str, object]:
    return {"additional_headers": who.cookie, "origin": f"http://localhost:{here.port}"}


async def test_a_cookie_and_our_origin_open_a_socket_that_acts_as_it_says(here: House) -> None:
    who = await member(here)
    async with here.socket(**handshake(here, who)) as client:
        await client.begin({"organization": f"org_{here.made.school.organization_id}"})
        await client.subscribe("1", "{ viewer { organization { id } roles } }")
        told = (await client.hear())["payload"]["data"]["viewer"]
    assert told == {"organization": {"id": f"org_{here.made.school.organization_id}"}, "roles": ["AUTHOR"]}


async def test_a_cookie_without_our_origin_opens_nothing(here: House) -> None:
    who = await member(here)
    async with here.socket(additional_headers=who.cookie) as client:
        await client.say({"type": "connection_init"})
        assert (await client.closed())[0] == 4403
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with here.socket(additional_headers=who.cookie, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_signing_out_closes_the_sockets_and_streams_of_the_session_within_a_second(here: House) -> None:
    who = await member(here)
    async with here.db.writer() as tx:
        other = await person(tx)
    async with (
        here.socket(**handshake(here, who)) as idle,
        here.socket(**handshake(here, who)) as busy,
        here.socket(**handshake(here, other)) as another,
        httpx.AsyncClient(timeout=WAIT) as http,
        http.stream(
            "POST",
            here.url,
            json={"query": SPECS},
            headers={**who.page(here.made.school.organization_id), "accept": "text/event-stream"},
        ) as stream,
    ):
        await idle.begin()
        await busy.begin({"organization": f"org_{here.made.school.organization_id}"})
        await busy.subscribe("1", SPECS)
        assert await busy.is_alive()
        await another.begin()
        lines = stream.aiter_lines()
        assert await anext(lines) == ":"
        async with here.db.writer() as tx:
            await service.end_login(tx, who.opened.login_id)
        async with asyncio.timeout(within(1)):
            codes = [(await client.closed())[0] for client in (idle, busy)]
            said = [line async for line in lines if line.startswith("data: {")]
        assert codes == [4403, 4403]
        assert json.loads(said[0].removeprefix("data: "))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert await another.is_alive()


async def test_an_ended_membership_closes_the_socket_that_acted_by_it(here: House) -> None:
    who = await member(here)
    async with here.socket(**handshake(here, who)) as acting, here.socket(**handshake(here, who)) as alone:
        await acting.begin({"organization": f"org_{here.made.school.organization_id}"})
        await alone.begin()
        assert await acting.is_alive()
        async with here.db.writer() as tx:
            await tx.execute("update memberships set valid_until = now() where person_id = $1", who.account_id)
        async with asyncio.timeout(within(1)):
            assert (await acting.closed())[0] == 4403
        assert await alone.is_alive()


async def ticket(here: House, who: Person) -> str:
    async with httpx.AsyncClient(base_url=f"http://localhost:{here.port}", timeout=WAIT) as http:
        assert (await http.post("/auth/ticket", headers=who.cookie)).status_code == 403
        assert (await http.post("/auth/ticket", headers={"x-countersign": "1"})).status_code == 401
        said = await http.post("/auth/ticket", headers=who.page())
    assert said.json()["seconds"] == 30
    text: str = said.json()["ticket"]
    return text


async def test_a_ticket_opens_one_socket_and_goes_with_its_session(here: House) -> None:
    who = await member(here)
    text = await ticket(here, who)
    payload = {"ticket": text, "organization": f"org_{here.made.school.organization_id}"}
    async with here.socket() as client, here.socket() as second:
        await client.begin(payload)
        await client.subscribe("1", "{ viewer { roles } }")
        assert (await client.hear())["payload"]["data"] == {"viewer": {"roles": ["AUTHOR"]}}
        assert (await client.hear())["type"] == "complete"
        await second.say({"type": "connection_init", "payload": payload})
        assert (await second.closed())[0] == 4403
        async with here.db.writer() as tx:
            await service.end_login(tx, who.opened.login_id)
        async with asyncio.timeout(within(1)):
            assert (await client.closed())[0] == 4403


async def test_a_socket_with_a_malformed_choice_or_ticket_is_closed(here: House) -> None:
    who = await member(here)
    for payload, code in (({"organization": 7}, 4400), ({"ticket": []}, 4400), ({"organization": "*"}, 4400)):
        async with here.socket(**handshake(here, who)) as client:
            await client.say({"type": "connection_init", "payload": payload})
            assert (await client.closed())[0] == code
