"""A domain is an organization's when the domain says so, and for as long as it does (threat 27: never by mail)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal
from countersign.organizations import domains, rules_domains
from countersign.organizations.rules_domains import Answer, Claim, Finding, State
from countersign.trust.signer import Signer
from tests.api import served
from tests.factories import Factory
from tests.kit.outside_world import World, world

HOST = "acme.example"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORGANIZATION = "query ($id: ID!) { organization(by: {id: $id}) { verification verifiedDomains domains } }"
CLAIM = "domainClaim { id domain state challenge recordName fileUrl method finding verifiedAt checkDueAt }"


@pytest_asyncio.fixture(scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("outside"), HOST) as made:
        yield made


@pytest_asyncio.fixture
async def admin(db: Database, make: Factory, outside: World) -> Actor:
    """The admin of an organization that nobody has verified; the world says nothing about it."""
    outside.names.hosts = {HOST: [["127.0.0.1"]]}
    outside.names.records = {}
    outside.serves(b"nothing here\n")
    async with db.writer() as tx:
        organization = await make.organization(tx, verification="unverified")
        return await make.member(tx, organization, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)


async def claimed(db: Database, admin: Actor, domain: str = HOST) -> tuple[UUID, str]:
    """A claim that is due, and its challenge."""
    async with db.writer() as tx:
        key = await domains.claim(tx, admin, domain)
        await domains.ask(tx, admin, key)
        return key, await tx.fetchval("select challenge from organization_domains where id = $1", key)


async def row(db: Database, key: UUID) -> dict[str, Any]:
    async with db.writer() as tx:
        found = await tx.fetchrow(
            "select d.*, o.verification, o.domains from organization_domains d"
            " join organizations o on o.id = d.organization_id where d.id = $1",
            key,
        )
        assert found is not None
        return dict(found)


async def test_a_text_record_proves_a_domain(db: Database, admin: Actor, outside: World) -> None:
    key, challenge = await claimed(db, admin)
    outside.names.records[f"_countersign.{HOST}"] = ["v=spf1 -all", challenge]
    assert await domains.check(db, outside.fetcher(), key)
    kept = await row(db, key)
    assert (kept["state"], kept["method"], kept["finding"]) == ("verified", "dns", None)
    assert (kept["verification"], kept["domains"]) == ("domain_verified", [HOST])
    assert kept["check_due_at"] == NOON + timedelta(days=1)


async def test_a_file_proves_a_domain(db: Database, admin: Actor, outside: World) -> None:
    key, challenge = await claimed(db, admin)
    outside.serves(f"someone-else=1\r\n{challenge}\r\n".encode())
    assert await domains.check(db, outside.fetcher(), key)
    kept = await row(db, key)
    assert (kept["state"], kept["method"], kept["verification"]) == ("verified", "file", "domain_verified")
    assert b"GET /.well-known/countersign.txt " in outside.requests[-1]


@pytest.mark.parametrize("trick", ["part of a line", "another claim's", "an inner address", "a redirect"])
async def test_what_does_not_prove_a_domain(db: Database, admin: Actor, outside: World, trick: str) -> None:
    key, challenge = await claimed(db, admin)
    fetcher = outside.fetcher()
    match trick:
        case "part of a line":
            outside.serves(f"x{challenge}".encode())
            outside.names.records[f"_countersign.{HOST}"] = [f"{challenge}x"]
        case "another claim's":
            _, other = await claimed(db, admin, "other.example")
            outside.serves(other.encode())
            outside.names.records[f"_countersign.{HOST}"] = [other]
        case "an inner address":
            outside.serves(challenge.encode())
            fetcher = outside.fetcher(open_loopback=False)
        case _:
            outside.answer = b"HTTP/1.1 302 Found\r\nLocation: https://x.example/\r\nContent-Length: 0\r\n\r\n"
    assert await domains.check(db, fetcher, key)
    kept = await row(db, key)
    assert (kept["state"], kept["verification"], kept["domains"]) == ("pending", "unverified", [])
    assert "no TXT record of _countersign.acme.example is the challenge" in kept["finding"]
    assert kept["check_due_at"] is None


async def test_a_domain_that_stops_saying_it_is_lost_after_three_looks(
    db: Database, admin: Actor, outside: World, clock: FrozenClock
) -> None:
    key, challenge = await claimed(db, admin)
    outside.serves(challenge.encode())
    assert await domains.check_due(db, outside.fetcher()) == 1
    assert await domains.check_due(db, outside.fetcher()) == 0, "it is not due before a day is over"
    outside.serves(b"")
    for looks, state in ((1, "verified"), (2, "verified"), (3, "lost")):
        clock.move(timedelta(days=1))
        assert await domains.check_due(db, outside.fetcher()) == 1
        kept = await row(db, key)
        assert (kept["absences"], kept["state"]) == (looks, state)
    assert kept["verification"] == "unverified"
    assert kept["check_due_at"] is None


async def test_one_process_asks_at_a_time(db: Database, admin: Actor, outside: World) -> None:
    key, challenge = await claimed(db, admin)
    outside.serves(challenge.encode())
    before = len(outside.requests)
    async with db.writer() as tx:
        await tx.fetchrow("select id from organization_domains where id = $1 for update", key)
        assert not await domains.check(db, outside.fetcher(), key)
    assert len(outside.requests) == before


async def test_a_strangers_claim_is_missing_to_an_admin(db: Database, admin: Actor, make: Factory) -> None:
    key, _ = await claimed(db, admin)
    before = await row(db, key)
    async with db.writer() as tx:
        stranger = await make.employer(tx, Role.ORG_ADMIN)
        recruiter = await make.member(tx, before["organization_id"], OrganizationKind.EMPLOYER, Role.RECRUITER)
        for act in (domains.ask, domains.withdraw):
            with pytest.raises(NotFound):
                await act(tx, stranger, key)
            with pytest.raises(NotAllowed):
                await act(tx, recruiter, key)
        with pytest.raises(NotAllowed):
            await domains.claim(tx, recruiter, "mine.example")
    assert await row(db, key) == before


@pytest.mark.parametrize("domain", ["", "ACME.example", "127.0.0.1", "localhost", "acme.example.", "a b.example"])
async def test_what_is_no_domain_is_refused(db: Database, admin: Actor, domain: str) -> None:
    async with db.writer() as tx:
        with pytest.raises(Refusal):
            await domains.claim(tx, admin, domain)
        assert await tx.fetchval("select count(*) from organization_domains") == 0


async def test_a_withdrawn_domain_speaks_for_nobody_and_can_be_claimed_again(
    db: Database, admin: Actor, outside: World
) -> None:
    key, challenge = await claimed(db, admin)
    outside.serves(challenge.encode())
    await domains.check(db, outside.fetcher(), key)
    async with db.writer() as tx:
        await domains.withdraw(tx, admin, key)
        with pytest.raises(InvalidState):
            await domains.ask(tx, admin, key)
    assert (await row(db, key))["verification"] == "unverified"
    assert await claimed(db, admin) == (key, challenge)
    assert (await row(db, key))["state"] == "pending"


def test_unreadable_is_not_absent() -> None:
    silent = Answer(Finding.UNREADABLE)
    claim = Claim(State.VERIFIED, NOON, proved_at=NOON)
    for hours in (6, 24, 24 * 7):
        after = rules_domains.after(claim, silent, NOON + timedelta(hours=hours))
        assert (after.state, after.absences) == (State.VERIFIED, 0)
    assert rules_domains.after(claim, silent, NOON + timedelta(days=7, seconds=1)).state is State.LOST


@pytest.mark.parametrize("present", ["verified", "suspended"])
def test_a_domain_neither_lowers_a_checked_identity_nor_ends_a_suspension(present: str) -> None:
    for count in (0, 1):
        assert rules_domains.verification(present, verified_domains=count) == present


async def test_an_admin_verifies_a_domain_over_the_api(
    db: Database, signer: Signer, make: Factory, admin: Actor, outside: World
) -> None:
    async with served(db, signer, make, fetcher=outside.fetcher()) as api:
        claim = (await api.do("claimDomain", CLAIM, admin, domain=HOST))["domainClaim"]
        assert (claim["state"], claim["recordName"]) == ("PENDING", "_countersign.acme.example")
        assert claim["fileUrl"] == "https://acme.example/.well-known/countersign.txt"
        asked = await api.do("verifyDomain", CLAIM, admin, domainClaimId=claim["id"])
        assert asked["domainClaim"]["state"] == "PENDING"
        assert "no line of" in asked["domainClaim"]["finding"]
        outside.serves(claim["challenge"].encode())
        asked = await api.do("verifyDomain", CLAIM, admin, domainClaimId=claim["id"])
        assert (asked["domainClaim"]["state"], asked["domainClaim"]["method"]) == ("VERIFIED", "FILE")
        shown = await api.ask(ORGANIZATION, id=f"org_{admin.organization_id}")
        assert shown["organization"] == {
            "verification": "DOMAIN_VERIFIED",
            "verifiedDomains": [HOST],
            "domains": [HOST],
        }
        hidden = await api.post("{ domainClaims(first: 5) { nodes { challenge } } }")
        assert hidden["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
