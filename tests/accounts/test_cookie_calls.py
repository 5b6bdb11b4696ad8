"""A cookie is good for our own pages alone, and its session acts as the request says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from countersign.accounts import rules, service
from countersign.edge.gates import Gates
from countersign.edge.identity import set_cookie
from countersign.kit.access import Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.trust.signer import Signer
from tests.accounts.support import Person, employee, person
from tests.api import Api, served
from tests.factories import Factory

WHO = {"query": "{ viewer { organization { id } roles } }"}


@pytest_asyncio.fixture
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    async with served(db, signer, make) as made:
        yield made


async def test_our_own_page_acts_for_the_organization_that_it_names(api: Api, make: Factory) -> None:
    who, here = await employee(api.db, make, Role.SIGNATORY)
    said = await api.client.post("/graphql", json=WHO, headers=who.page(here))
    assert said.json()["data"] == {"viewer": {"organization": {"id": f"org_{here}"}, "roles": ["SIGNATORY"]}}
    by_origin = {**who.page(here), "origin": "http://localhost"}
    del by_origin["sec-fetch-site"]
    assert (await api.client.post("/graphql", json=WHO, headers=by_origin)).json() == said.json()
    nobody = await api.client.post("/graphql", json=WHO, headers=who.page())
    assert nobody.json()["data"] == {"viewer": {"organization": None, "roles": []}}


def elsewhere(who: Person) -> dict[str, dict[str, str]]:
    """Calls with the cookie that our own page did not make."""
    mark = {"x-countersign": "1"}
    return {
        "without the header": {**who.cookie, "sec-fetch-site": "same-origin"},
        "a program with a stolen cookie": {**who.cookie, **mark},
        "a form": {**who.cookie, "sec-fetch-site": "cross-site"},
        "another page": {**who.cookie, **mark, "origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        "another page says same-origin": {
            **who.cookie,
            **mark,
            "origin": "https://evil.example",
            "sec-fetch-site": "same-origin",
        },
        "a sandboxed frame": {**who.cookie, **mark, "origin": "null"},
        "a neighbour": {**who.cookie, **mark, "sec-fetch-site": "same-site"},
        "typed into the browser": {**who.cookie, **mark, "sec-fetch-site": "none"},
        "another port": {**who.cookie, **mark, "origin": "http://localhost:9999"},
    }


async def test_a_cookie_call_that_our_page_did_not_make_is_refused(api: Api, make: Factory) -> None:
    who, _ = await employee(api.db, make)
    for name, headers in elsewhere(who).items():
        said = await api.client.post("/graphql", json=WHO, headers=headers)
        assert said.status_code == 403, name
        assert said.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN", name
        by_get = await api.client.get("/graphql", params=WHO, headers=headers)
        assert by_get.status_code == 403, name


async def test_forms_and_plain_text_are_refused_before_the_cookie_is_looked_at(api: Api, make: Factory) -> None:
    who, here = await employee(api.db, make)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        said = await api.client.post(
            "/graphql",
            content=b'{"query": "mutation { __typename }"}',
            headers={**who.page(here), "content-type": kind},
        )
        assert said.status_code == 415, kind
    by_get = await api.client.get("/graphql", params={"query": "mutation { __typename }"}, headers=who.page(here))
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")


async def test_an_ended_session_is_401_and_the_browser_forgets_it(api: Api, make: Factory, clock: FrozenClock) -> None:
    who, here = await employee(api.db, make)
    async with api.db.writer() as tx:
        await service.end_login(tx, who.opened.login_id)
        late = await person(tx)
    clock.move(rules.IDLE)
    for cookie in (who.opened.cookie, late.opened.cookie, rules.new_secret(), "x", "'", '"'):
        headers = {**who.page(here), "cookie": f"cs={cookie}"}
        said = await api.client.post("/graphql", json=WHO, headers=headers)
        assert (said.status_code, said.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
        assert said.headers["set-cookie"] == "cs=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"


async def test_two_cookies_of_one_name_are_none(api: Api, make: Factory) -> None:
    who, here = await employee(api.db, make)
    headers = {**who.page(here), "cookie": f"cs={rules.new_secret()}; cs={who.opened.cookie}"}
    assert (await api.client.post("/graphql", json=WHO, headers=headers)).json()["data"] == {"viewer": None}


async def test_a_foreign_organization_is_403_and_a_malformed_one_400(api: Api, make: Factory) -> None:
    who, _ = await employee(api.db, make)
    _, foreign = await employee(api.db, make)
    for organization, status in ((foreign, 403), (new_id(), 403), ("self", 403), ("org_1", 400), ("*", 400)):
        said = await api.client.post("/graphql", json=WHO, headers=who.page(organization))
        assert said.status_code == status, organization


async def test_a_token_acts_for_its_own_organization_alone(api: Api, make: Factory) -> None:
    async with api.db.writer() as tx:
        actor = await make.employer(tx)
    bearer = await api.authorization(actor)
    own = {**bearer, "x-countersign-organization": f"org_{actor.organization_id}"}
    assert (await api.client.post("/graphql", json=WHO, headers=own)).status_code == 200
    for other in (f"org_{new_id()}", "self"):
        headers = {**bearer, "x-countersign-organization": other}
        assert (await api.client.post("/graphql", json=WHO, headers=headers)).status_code == 403


async def test_a_request_keeps_its_session_alive_and_writes_that_once_a_minute(
    api: Api, make: Factory, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    who, _ = await employee(api.db, make)
    seen = "select seen_at from account_logins where id = $1"
    begun = await owner.fetchval(seen, who.opened.login_id)
    for seconds, moved in ((59, False), (1, True), (59, False)):
        clock.move(timedelta(seconds=seconds))
        assert (await api.client.post("/graphql", json=WHO, headers=who.page())).status_code == 200
        now = await owner.fetchval(seen, who.opened.login_id)
        assert (now > begun) is moved
        begun = now


async def test_a_session_without_an_organization_has_a_budget_of_its_own(api: Api, make: Factory) -> None:
    who, _ = await employee(api.db, make)
    query = {"query": "{ rateLimit { remaining } organizations(first: 100) { nodes { id } } }"}
    said = await api.client.post("/graphql", json=query, headers=who.page())
    assert said.json()["data"]["rateLimit"]["remaining"] < 10_000


@pytest.mark.parametrize("secure", [True, False])
async def test_on_https_the_cookie_belongs_to_this_host_alone(secure: bool) -> None:
    from_ = Gates.of("https://portal.example" if secure else "http://localhost:4600", "", "", loopback=not secure)
    made = set_cookie(from_, "x" * 43)
    assert (
        made
        == ("__Host-cs=" if secure else "cs=") + "x" * 43 + "; Path=/; HttpOnly; SameSite=Lax" + "; Secure" * secure
    )
