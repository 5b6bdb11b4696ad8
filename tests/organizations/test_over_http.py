"""Tokens and members as clients meet them: shown once, from their networks, with a fresh sign-in, ended in public."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign import app
from countersign.kit.access import SCOPES_OF, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.organizations import tokens
from countersign.organizations.rules import PREFIXES, mint_token
from countersign.organizations.tokens import CreateToken
from countersign.organizations.usage import PRECISION, TokenUses
from countersign.schema.base import Tools
from countersign.schema.tokens import TokenScope
from countersign.trust.signer import Signer
from tests.accounts.support import Person, join, person
from tests.factories import Factory
from tests.organizations.support import signed_in

VIEWER = "{ viewer { roles memberships { id yours organization { id } } } }"
TOKENS = "{ tokens(first: 10) { nodes { id name state yours lastUsedAt lastFour scopes networks maker { id } } } }"
SEARCH = CreateToken("Search", frozenset({Scope.SEARCH_READ}), "dev")


class Site:
    """The application, and an organization with an admin who is signed in."""

    def __init__(self, application: Any, db: Database, make: Factory, admin: Person, organization: Any) -> None:
        self.application, self.db, self.make = application, db, make
        self.admin, self.organization = admin, organization

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A client that comes from an address."""
        transport = httpx.ASGITransport(app=self.application, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def ask(self, query: str, headers: dict[str, str], address: str = "127.0.0.1", **variables: Any) -> Any:
        """The answer to an operation."""
        async with self.client(address) as client:
            answer = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    async def do(self, name: str, selection: str, headers: dict[str, str], /, **given: Any) -> Any:
        """The payload of a mutation."""
        given = {"idempotencyKey": str(new_id())} | given
        query = (
            f"mutation ($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i) {{ {selection}"
            " errors { __typename ... on UserError { code path } } } }"
        )
        return (await self.ask(query, headers, i=given))["data"][name]

    @property
    def page(self) -> dict[str, str]:
        """The headers of the admin's own page, acting for the organization."""
        return self.admin.page(self.organization)


@pytest_asyncio.fixture
async def site(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Site]:
    application = app.create_app_with(Tools(db, Sealer(b"s" * 32), signer))
    async with db.writer() as tx:
        organization = await make.organization(tx)
        admin = await person(tx)
        await join(tx, admin, organization, Role.ORG_ADMIN, Role.RECRUITER)
    yield Site(application, db, make, admin, organization)


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


async def test_a_tokens_text_is_shown_once_and_a_repeated_request_tells_it_no_more(site: Site) -> None:
    given = {"name": "Search", "scopes": ["SEARCH_READ"], "idempotencyKey": "k"}
    first = await site.do("createToken", "text token { id prefix lastFour }", site.page, **given)
    assert first["errors"] == []
    text = first["text"]
    assert (first["token"]["prefix"], first["token"]["lastFour"]) == (PREFIXES["dev"], text[-4:])
    again = await site.do("createToken", "text token { id prefix lastFour }", site.page, **given)
    assert again == first | {"text": None}
    shown = await site.ask(VIEWER, bearer(text))
    assert shown["data"]["viewer"]["roles"] == ["ORG_ADMIN", "RECRUITER"]
    (kept,) = [row["t"] for row in await rows_of(site)]
    assert text not in kept


async def rows_of(site: Site) -> Any:
    async with site.db.writer() as tx:
        return await tx.fetch("select to_jsonb(k)::text as t from idempotency_keys k")


async def test_making_tokens_and_members_asks_for_a_fresh_sign_in_and_ending_them_does_not(
    site: Site, clock: FrozenClock
) -> None:
    made = await site.do("createToken", "token { id }", site.page, name="Old", scopes=["SEARCH_READ"])
    clock.move(timedelta(minutes=6))
    create = {"name": "New", "scopes": ["SEARCH_READ"]}
    invite = {"address": "a@example.com", "roles": ["RECRUITER"]}
    for name, given in (("createToken", create), ("inviteMember", invite)):
        payload = await site.do(name, "clientMutationId", site.page, **given)
        assert [(e["__typename"], e["code"]) for e in payload["errors"]] == [("StepUpRequiredError", "NOT_ALLOWED")]
    payload = await site.do("revokeToken", "token { state }", site.page, tokenId=made["token"]["id"])
    assert payload == {"token": {"state": "REVOKED"}, "errors": []}
    async with site.db.writer() as tx:
        assert await tx.fetchval("select count(*) from api_tokens") == 1
        assert await tx.fetchval("select count(*) from invitations") == 0


def test_every_scope_that_a_member_can_give_has_its_name_in_the_api() -> None:
    given = set().union(*SCOPES_OF.values())
    assert {scope.name for scope in TokenScope} == {scope.name for scope in given}


async def test_a_token_is_refused_from_another_network(site: Site) -> None:
    made = await site.do(
        "createToken", "text", site.page, name="Here", scopes=["SEARCH_READ"], networks=["192.0.2.0/24"]
    )
    good = await site.ask(VIEWER, bearer(made["text"]), "192.0.2.7")
    assert good["data"]["viewer"] is not None
    bad = await site.ask(VIEWER, bearer(made["text"]), "198.51.100.7")
    assert [error["extensions"]["code"] for error in bad["errors"]] == ["UNAUTHENTICATED"]


async def test_everybody_sees_their_own_tokens_and_who_supervises_sees_all(site: Site) -> None:
    async with site.db.writer() as tx:
        people = {
            role: await signed_in(tx, site.make, site.organization, OrganizationKind.EMPLOYER, role, Role.RECRUITER)
            for role in (Role.RECRUITER, Role.AUDITOR)
        }
        texts = {}
        for role, actor in people.items():
            wanted = CreateToken(role.value, frozenset({Scope.TOKEN_WRITE, Scope.SEARCH_READ}), "dev")
            _, texts[role] = await tokens.create(tx, actor, wanted)
        _, poor = await tokens.create(tx, people[Role.AUDITOR], SEARCH)
    seen = {
        role: {
            token["name"]: token["yours"] for token in (await site.ask(TOKENS, bearer(text)))["data"]["tokens"]["nodes"]
        }
        for role, text in texts.items()
    }
    assert seen[Role.RECRUITER] == {"recruiter": True}
    assert seen[Role.AUDITOR] == {"recruiter": False, "auditor": True, "Search": True}
    refusal = await site.ask(TOKENS, bearer(poor))
    assert [error["extensions"]["code"] for error in refusal["errors"]] == ["FORBIDDEN"]


async def test_a_signed_in_person_sees_all_their_memberships_and_a_token_one(site: Site) -> None:
    async with site.db.writer() as tx:
        other = await site.make.organization(tx)
        await join(tx, site.admin, other, Role.AUDITOR)
    made = await site.do("createToken", "text", site.page, name="One", scopes=["SEARCH_READ"])
    both = [f"org_{site.organization}", f"org_{other}"]
    for headers, expected in (
        (site.admin.page(), both),
        (site.page, both),
        (bearer(made["text"]), both[:1]),
    ):
        viewer = (await site.ask(VIEWER, headers))["data"]["viewer"]
        assert [m["organization"]["id"] for m in viewer["memberships"]] == expected, headers


async def test_an_invitation_goes_from_the_admin_to_the_member(site: Site) -> None:
    made = await site.do(
        "inviteMember", "link invitation { id state }", site.page, address="New@example.com", roles=["AUDITOR"]
    )
    assert made["errors"] == []
    assert re.fullmatch(r"http://localhost:4600/join#csin_[0-9A-Za-z_-]{43}", made["link"])
    async with site.db.writer() as tx:
        newcomer = await person(tx)
        stranger = await person(tx)
        await tx.execute(
            "update account_logins set email_key = sha256('new@example.com') where id = $1", newcomer.opened.login_id
        )
    wrong = await site.do("acceptInvitation", "membership { id }", stranger.page(), invitation=made["link"])
    assert [(e["code"], e["path"]) for e in wrong["errors"]] == [("NOT_FOUND", ["invitation"])]
    done = await site.do(
        "acceptInvitation", "membership { roles yours organization { id } }", newcomer.page(), invitation=made["link"]
    )
    assert done["errors"] == []
    assert done["membership"]["roles"] == ["AUDITOR"]
    found = await site.ask(
        '{ memberships(first: 5, filter: {address: "new@EXAMPLE.com"}) { nodes { roles current } }'
        ' invitations(first: 5, filter: {address: "new@example.com", state: ACCEPTED}) { totalCount } }',
        site.page,
    )
    assert found["data"] == {
        "memberships": {"nodes": [{"roles": ["AUDITOR"], "current": True}]},
        "invitations": {"totalCount": 1},
    }


async def test_the_pattern_finds_our_tokens_and_says_where_to_report_them(site: Site) -> None:
    async with site.client() as client:
        told = (await client.get("/leaked")).json()
    pattern = re.compile(told["regex"])
    for mode in PREFIXES:
        text = mint_token(mode).text
        assert pattern.findall(f"export TOKEN={text};") == [text]
    assert told["report"]["url"] == "http://localhost:4600/leaked"
    assert not pattern.search(mint_token("dev").text + "A")


async def test_whoever_reports_a_token_ends_it_and_learns_nothing(site: Site) -> None:
    made = await site.do("createToken", "text token { id }", site.page, name="Lost", scopes=["SEARCH_READ"])
    text = made["text"]
    bodies = []
    async with site.client("203.0.113.9") as client:
        for given in ({"tokens": [mint_token("dev").text]}, {"tokens": [text]}, [{"token": text, "type": "x"}]):
            answer = await client.post("/leaked", json=given)
            bodies.append((answer.status_code, answer.content))
    assert set(bodies) == {(202, b'{"received":1}')}
    gone = await site.ask(VIEWER, bearer(text))
    assert [error["extensions"]["code"] for error in gone["errors"]] == ["UNAUTHENTICATED"]
    (shown,) = (await site.ask(TOKENS, site.page))["data"]["tokens"]["nodes"]
    assert shown["state"] == "LEAKED"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"[]", "text/plain", 415),
        (b"{", "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"tokens": "x"}', "application/json", 400),
        (b'{"tokens": [1]}', "application/json", 400),
        (b'{"tokens": [null]}', "application/json", 400),
        (b'["' + b'","' * 100 + b'"]', "application/json", 400),
        (b" " * 70_000, "application/json", 413),
        (b'{"tokens": ["\\u0000"]}', "application/json", 202),
        (b"[]", "application/json", 202),
    ],
)
async def test_what_is_no_report_is_refused(site: Site, body: bytes, kind: str, status: int) -> None:
    async with site.client() as client:
        answer = await client.post("/leaked", content=body, headers={"content-type": kind})
    assert answer.status_code == status


async def test_uses_are_gathered_and_written_together_once_a_minute(site: Site) -> None:
    made = await site.do("createToken", "text token { id }", site.page, name="Used", scopes=["TOKEN_WRITE"])
    (before,) = (await site.ask(TOKENS, site.page))["data"]["tokens"]["nodes"]
    assert before["lastUsedAt"] is None
    for _ in range(3):
        await site.ask(VIEWER, bearer(made["text"]))
    uses: TokenUses = site.application.state.pipeline.uses
    assert await uses.flush(site.db) == 1
    await site.ask(VIEWER, bearer(made["text"]))
    assert await uses.flush(site.db) == 0, "once a minute is enough"
    (after,) = (await site.ask(TOKENS, site.page))["data"]["tokens"]["nodes"]
    assert datetime.fromisoformat(after["lastUsedAt"]) - datetime.now(UTC) < PRECISION


async def test_a_later_use_is_written_and_an_earlier_one_changes_nothing(db: Database) -> None:
    key, moment = new_id(), datetime(2026, 11, 22, 12, tzinfo=UTC)
    for late, process in ((0, TokenUses()), (5, TokenUses()), (2, TokenUses())):
        process.note(key, moment + timedelta(minutes=late))
        assert await process.flush(db) == 1
    async with db.reader() as reader:
        assert await reader.fetchval("select last_used_at from token_uses") == moment + timedelta(minutes=5)
