"""Signing authority may have an end: it is shown, told in time, and after it nothing is signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.accounts import service as accounts
from countersign.endorsements import jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import State
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import NotAllowed
from countersign.organizations import acting, members, rules_members, signing_authority
from countersign.organizations import service as organizations
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = "membership { id roles signingUntil updatedAt }"
STANDING = "query ($id: ID!) { endorsement(id: $id) { live signatoryStanding signatoryLeftOn } }"
DAY = timedelta(days=1)
MINUTES = timedelta(minutes=10)


class House:
    """An employer with an admin, over the API."""

    def __init__(self, api: Api, here: Scene, admin: Actor, signer: Signer) -> None:
        self.api = api
        self.here = here
        self.admin = admin
        self.signer = signer

    async def membership(self) -> Any:
        """The signatory's membership."""
        async with self.api.db.writer() as tx:
            return await tx.fetchrow("select * from memberships where person_id = $1", self.here.employer.person_id)

    async def limit(self, until: datetime | None, actor: Actor | None = None, **given: Any) -> Any:
        """The payload of limitSigningAuthority, as the membership stands now."""
        row = await self.membership()
        seen = row["updated_at"] or row["valid_from"]
        asked = {"membershipId": f"membership_{row['id']}", "ifUnmodifiedSince": seen.isoformat()}
        asked["until"] = None if until is None else until.isoformat()
        return await self.api.do("limitSigningAuthority", SHOWN, actor or self.admin, **(asked | given))

    async def taken(self) -> UUID:
        """An endorsement by the signatory that waits for its signature."""
        async with self.api.db.writer() as tx:
            word = endorsements.EndorseSpec(self.here.version, self.here.digest, "We hire.")
            return await endorsements.endorse(tx, self.here.employer, word)

    async def told(self) -> list[int]:
        """How many days before its end was told, oldest first."""
        await signing_authority.look(self.api.db)
        async with self.api.db.writer() as tx:
            rows = await tx.fetch(
                "select (payload ->> 'days')::int as days from outbox"
                " where topic = 'membership.signing_expiring' order by at, id"
            )
        return [row["days"] for row in rows]


@pytest_asyncio.fixture
async def house(db: Database, signer: Signer, make: Factory) -> AsyncIterator[House]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        admin = await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    async with served(db, signer, make) as api:
        yield House(api, here, admin, signer)


async def test_an_end_is_set_shown_moved_and_lifted(house: House, clock: FrozenClock) -> None:
    until = clock.now() + 30 * DAY
    made = await house.limit(until)
    assert made["errors"] == []
    assert made["membership"]["signingUntil"] == "2026-12-22T12:00:00Z"
    assert "SIGNATORY" in made["membership"]["roles"]
    assert (await house.limit(until + DAY))["membership"]["signingUntil"] == "2026-12-23T12:00:00Z"
    assert (await house.limit(None))["membership"]["signingUntil"] is None


async def test_after_the_end_nothing_is_signed_and_the_role_is_gone(house: House, clock: FrozenClock) -> None:
    await house.limit(clock.now() + 30 * DAY)
    clock.move(30 * DAY - timedelta(seconds=1))
    signed = await house.taken()
    assert await jobs.sign(house.api.db, house.signer, signed) is State.IN_FORCE
    clock.move(timedelta(seconds=1))
    with pytest.raises(NotAllowed):
        await house.taken()
    async with house.api.db.writer() as tx:
        assert Role.SIGNATORY not in await members.roles_held(
            tx, house.here.employer_id, house.here.employer.person_id or UUID(int=0)
        )
    over_http = await house.api.do(
        "revokeEndorsement", "endorsement { id }", house.here.employer, endorsementId=f"end_{signed}", reason="No more"
    )
    assert [e["code"] for e in over_http["errors"]] == ["NOT_ALLOWED"]
    viewer = await house.api.ask("{ viewer { roles memberships { roles } } }", house.here.employer)
    assert viewer["viewer"]["roles"] == ["RECRUITER", "REVIEWER"]
    assert viewer["viewer"]["memberships"] == [{"roles": ["RECRUITER", "REVIEWER"]}]


async def test_what_waits_over_the_end_is_refused_in_the_signers_transaction(house: House, clock: FrozenClock) -> None:
    await house.limit(clock.now() + DAY)
    waiting = await house.taken()
    clock.move(DAY)
    assert await jobs.sign(house.api.db, house.signer, waiting) is State.REFUSED


async def test_the_end_is_told_30_7_and_1_days_before_each_once_and_anew_for_another_end(
    house: House, clock: FrozenClock
) -> None:
    end = clock.now() + 60 * DAY
    await house.limit(end)
    assert await house.told() == []
    for before, told in ((30, [30]), (7, [30, 7]), (1, [30, 7, 1])):
        clock.at = end - before * DAY
        for _ in range(2):
            assert await house.told() == told
    await house.limit(end + 60 * DAY)
    clock.at = end + 31 * DAY
    for _ in range(2):
        assert await house.told() == [30, 7, 1, 29], "what is told late tells the days that are left"


async def test_only_an_admin_of_the_organization_sets_an_end_ahead_of_a_signatory(
    house: House, make: Factory, clock: FrozenClock
) -> None:
    async with house.api.db.writer() as tx:
        stranger = await make.employer(tx, Role.ORG_ADMIN)
        plain = await make.member(tx, house.here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
        other = await tx.fetchval("select id from memberships where person_id = $1", plain.person_id)
    for actor in (house.admin, stranger, house.here.employer, plain):
        await house.api.authorization(actor)
    before, ahead = await kept(house.api.db), clock.now() + DAY
    refused = [
        (await house.limit(ahead, stranger), "NOT_FOUND"),
        (await house.limit(ahead, house.here.employer), "NOT_ALLOWED"),
        (await house.limit(ahead, plain), "NOT_ALLOWED"),
        (await house.limit(clock.now()), "INVALID"),
        (await house.limit(ahead, membershipId=f"membership_{other}"), "INVALID_STATE"),
        (await house.limit(ahead, ifUnmodifiedSince="2026-01-01T00:00:00Z"), "STALE_VERSION"),
    ]
    assert [[e["code"] for e in answer["errors"]] for answer, _ in refused] == [[code] for _, code in refused]
    assert await kept(house.api.db) == before


async def standing(house: House, identity: UUID) -> Any:
    """What everybody may read of who signed."""
    return (await house.api.ask(STANDING, None, id=f"end_{identity}"))["endorsement"]


@pytest.mark.parametrize("how", ["leaves", "loses the role", "runs out"])
async def test_a_leavers_endorsement_stays_valid_and_says_so(house: House, clock: FrozenClock, how: str) -> None:
    signed = await house.taken()
    await jobs.sign(house.api.db, house.signer, signed)
    assert await standing(house, signed) == {
        "live": True,
        "signatoryStanding": "STILL_SIGNATORY",
        "signatoryLeftOn": None,
    }
    row = await house.membership()
    clock.move(10 * DAY)
    async with house.api.db.writer() as tx:
        if how == "leaves":
            await members.end(tx, house.admin, row["id"])
        elif how == "loses the role":
            kept_roles = frozenset({Role.REVIEWER})
            await members.change_roles(tx, house.admin, members.ChangeRoles(row["id"], kept_roles))
        else:
            end = signing_authority.Limit(row["id"], clock.now() + timedelta(hours=1))
            await signing_authority.limit(tx, house.admin, end)
    clock.move(20 * DAY)
    if how == "loses the role":  # what changes later is not the day on which they left
        async with house.api.db.writer() as tx:
            roles = frozenset({Role.RECRUITER})
            await members.change_roles(tx, house.admin, members.ChangeRoles(row["id"], roles))
    assert await standing(house, signed) == {
        "live": True,
        "signatoryStanding": "LEFT",
        "signatoryLeftOn": "2026-12-02",
    }
    served_at = await house.api.client.get(f"/endorsements/{signed}")
    answer = await house.api.client.post(
        "/verify", content=served_at.content, headers={"content-type": "application/json"}
    )
    assert answer.json()["verdict"] == "VALID"
    assert str(house.here.employer.person_id) not in served_at.text


async def test_who_has_the_role_again_signs_again_without_the_old_end(house: House, clock: FrozenClock) -> None:
    signed = await house.taken()
    await jobs.sign(house.api.db, house.signer, signed)
    row = await house.membership()
    await house.limit(clock.now() + DAY)
    clock.move(2 * DAY)
    assert (await standing(house, signed))["signatoryStanding"] == "LEFT"
    for roles in ({Role.REVIEWER}, {Role.REVIEWER, Role.SIGNATORY}):
        async with house.api.db.writer() as tx:
            await members.change_roles(tx, house.admin, members.ChangeRoles(row["id"], frozenset(roles)))
    assert (await standing(house, signed))["signatoryStanding"] == "STILL_SIGNATORY"
    assert (await house.membership())["signing_until"] is None


def test_an_end_takes_away_the_role_of_signatory_alone() -> None:
    noon = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    roles = ["reviewer", "signatory"]
    both = {Role.REVIEWER, Role.SIGNATORY}
    assert rules_members.roles_in_force(roles, None, noon) == both
    assert rules_members.roles_in_force(roles, noon + DAY, noon) == both
    assert rules_members.roles_in_force(roles, noon, noon) == {Role.REVIEWER}


async def test_tokens_and_sessions_have_the_role_until_its_end_alone(
    house: House, clock: FrozenClock, make: Factory
) -> None:
    async with house.api.db.writer() as tx:
        account = await accounts.account_of(tx, "https://people.example", "the signatory")
        opened = await accounts.open_login(tx, account, authenticated_at=clock.now(), email_key=None)
        await organizations.enrol(
            tx, SYSTEM, house.here.employer_id, (Role.REVIEWER, Role.SIGNATORY), person_id=account
        )
        token = await make.token(tx, replace(house.here.employer, person_id=account))
        end = clock.now() + MINUTES
        await tx.execute("update memberships set signing_until = $2 where person_id = $1", account, end)
    for roles in ({Role.REVIEWER, Role.SIGNATORY}, {Role.REVIEWER}):
        async with house.api.db.reader() as reader:
            by_token = await organizations.authenticate(reader, token, clock.now())
            choice = acting.Choice(house.here.employer_id)
            by_session = await acting.actor_for(reader, opened.login_id, choice, clock.now())
        assert by_token is not None
        assert by_session is not None
        assert set(by_token.roles) == set(by_session.actor.roles) == roles
        clock.move(MINUTES)
