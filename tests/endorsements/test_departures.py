"""Who goes takes along what was not signed yet; what is signed stays, with the roles of its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.endorsements import jobs, proposals
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import State
from countersign.endorsements.service import EndorseSpec
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import DatabaseClock, FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.organizations import members
from countersign.organizations.members import ChangeRoles
from countersign.reviews import experts
from countersign.reviews import service as reviews
from countersign.reviews.rules import Recommendation
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.endorsements.test_signing import House
from tests.factories import Factory
from tests.organizations.support import membership_of
from tests.reviews.support import favourable, scene, somebody_waits, statements, submitted

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Home(House):
    """An employer with an admin beside the person who reviews and signs, and a school that asked."""

    admin: Actor
    colleague: Actor
    asked: UUID

    async def go(self, *, keeping: frozenset[Role] | None = None) -> None:
        """The employer's person loses the membership or, `keeping` some roles, the others."""
        async with self.db.writer() as tx:
            key = await membership_of(tx, self.here.employer)
            if keeping is None:
                await members.end(tx, self.admin, key)
            else:
                await members.change_roles(tx, self.admin, ChangeRoles(key, keeping))

    async def claim(self) -> None:
        """The person claims what was asked."""
        async with self.db.writer() as tx:
            await reviews.claim(tx, self.here.employer, self.asked)

    async def decide(self, recommendation: Recommendation = Recommendation.ENDORSE) -> UUID:
        """The person claims and decides."""
        await self.claim()
        async with self.db.writer() as tx:
            command = reviews.Decide(self.asked, favourable(recommendation))
            return await reviews.decide(tx, self.here.employer, command)

    async def request(self) -> tuple[object, ...]:
        """State, claimer and end of the request."""
        async with self.db.writer() as tx:
            row = await tx.fetchrow(
                "select state, claimed_by, claimed_until, closed_at from review_requests where id = $1", self.asked
            )
        assert row is not None
        return tuple(row)


async def furnish(db: Database, signer: Signer, make: Factory) -> Home:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        home = Home(db, signer, here)
        home.admin, home.colleague = [
            await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, *roles)
            for roles in ((Role.ORG_ADMIN,), (Role.REVIEWER, Role.SIGNATORY))
        ]
        home.asked = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    return home


@pytest_asyncio.fixture
async def home(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Home]:
    yield await furnish(db, signer, make)


FREE = ("open", None, None, None)
NO_REVIEWER = frozenset({Role.SIGNATORY, Role.RECRUITER})
NO_SIGNATORY = frozenset({Role.REVIEWER, Role.RECRUITER})


@pytest.mark.parametrize("keeping", [None, NO_REVIEWER])
async def test_a_claim_is_open_again_when_its_reviewer_goes(home: Home, keeping: frozenset[Role] | None) -> None:
    await home.claim()
    await home.go(keeping=keeping)
    assert await home.request() == FREE
    async with home.db.writer() as tx:
        await reviews.claim(tx, home.colleague, home.asked)


@pytest.mark.parametrize("keeping", [None, NO_REVIEWER])
@pytest.mark.parametrize("recommendation", Recommendation)
async def test_an_unsigned_decision_is_void_and_kept_and_a_colleague_decides_anew(
    home: Home, keeping: frozenset[Role] | None, recommendation: Recommendation, clock: FrozenClock
) -> None:
    review = await home.decide(recommendation)
    await home.go(keeping=keeping)
    assert await home.value("select voided_at from reviews where id = $1", review) == clock.at
    assert await home.request() == FREE
    async with home.db.writer() as tx:
        await reviews.claim(tx, home.colleague, home.asked)
        second = await reviews.decide(tx, home.colleague, reviews.Decide(home.asked, favourable()))
    assert await home.value("select voided_at from reviews where id = $1", second) is None


async def test_who_only_loses_another_role_keeps_claims_and_decisions(home: Home) -> None:
    review = await home.decide()
    await home.go(keeping=NO_SIGNATORY)
    assert await home.value("select voided_at from reviews where id = $1", review) is None
    assert (await home.request())[0] == "decided"


async def test_a_decision_that_was_signed_stays_with_the_roles_of_the_time(home: Home) -> None:
    review = await home.decide()
    identity = await home.endorse()
    await home.go()
    assert await home.value("select voided_at from reviews where id = $1", review) is None
    assert (await home.row(identity))["state"] == "in_force"
    roles = await home.value("select signatory_roles from endorsement_signatures where endorsement_id = $1", identity)
    assert roles == ["recruiter", "reviewer", "signatory"]


async def test_decisions_about_other_versions_and_of_others_stay(home: Home) -> None:
    async with home.db.writer() as tx:
        _, version = await submitted(tx, home.here.school)
        ask = reviews.RequestReview(version, home.here.employer_id)
        other = await reviews.request(tx, home.here.school, ask)
        await reviews.claim(tx, home.colleague, other)
    await home.decide()
    await home.go()
    assert await home.value("select state from review_requests where id = $1", other) == "claimed"


async def test_dissent_whose_day_has_passed_stays_and_a_recommendation_to_endorse_does_not(
    home: Home, clock: FrozenClock
) -> None:
    dissent = await home.decide(Recommendation.DECLINE)
    async with home.db.writer() as tx:
        _, version = await submitted(tx, home.here.school)
        ask = reviews.RequestReview(version, home.here.employer_id)
        other = await reviews.request(tx, home.here.school, ask)
        await reviews.claim(tx, home.here.employer, other)
        praise = await reviews.decide(tx, home.here.employer, reviews.Decide(other, favourable()))
    clock.move(timedelta(days=43))
    await home.go()
    assert await home.value("select voided_at from reviews where id = $1", dissent) is None
    assert await home.value("select voided_at from reviews where id = $1", praise) == clock.at
    assert await home.value("select state from review_requests where id = $1", other) == "decided"


async def test_a_school_that_has_asked_anew_is_not_asked_twice(home: Home) -> None:
    review = await home.decide()
    async with home.db.writer() as tx:
        ask = reviews.RequestReview(home.here.version, home.here.employer_id)
        anew = await reviews.request(tx, home.here.school, ask)
    await home.go()
    assert await home.value("select voided_at is not null from reviews where id = $1", review)
    assert (await home.request())[0] == "decided"
    assert await home.value("select state from review_requests where id = $1", anew) == "open"


async def test_of_two_decisions_about_one_version_the_last_question_is_open_again(home: Home) -> None:
    first = await home.decide()
    async with home.db.writer() as tx:
        ask = reviews.RequestReview(home.here.version, home.here.employer_id)
        anew = await reviews.request(tx, home.here.school, ask)
        await reviews.claim(tx, home.here.employer, anew)
        second = await reviews.decide(tx, home.here.employer, reviews.Decide(anew, favourable()))
    await home.go()
    for review in (first, second):
        assert await home.value("select voided_at is not null from reviews where id = $1", review)
    assert (await home.request())[0] == "decided"
    assert await home.value("select state from review_requests where id = $1", anew) == "open"


async def test_statements_do_not_grow_with_what_somebody_leaves_behind(tx: Tx, make: Factory) -> None:
    asked = []
    for many in (1, 6):
        here = await scene(tx, make, published=True)
        admin = await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
        for number in range(3 * many):
            _, version = await submitted(tx, here.school, published=True)
            request = await reviews.request(tx, here.school, reviews.RequestReview(version, here.employer_id))
            if number % 3 == 0:
                await experts.invite(tx, here.employer, experts.InviteExpert(request))
                continue
            await reviews.claim(tx, here.employer, request)
            if number % 3 == 1:
                wanted = reviews.Decide(request, favourable(Recommendation.REQUEST_CHANGES))
                await reviews.decide(tx, here.employer, wanted)
            frozen = await specs.lock_version(tx, version)
            assert frozen is not None
            proposal = EndorseSpec(version, frozen.digest, "We would sign this.")
            await proposals.propose(tx, here.employer, proposal)
            await endorsements.endorse(tx, here.employer, EndorseSpec(version, frozen.digest, "We stand by it."))
        with statements(tx) as one:
            await members.end(tx, admin, await membership_of(tx, here.employer))
        asked.append(one)
        left = await tx.fetch(
            "select state, count(*) as n from review_requests where organization_id = $1 group by state",
            here.employer_id,
        )
        assert {row["state"]: row["n"] for row in left} == {"open": 3 * many}
        for table, state in (("endorsements", "refused"), ("endorsement_proposals", "refused")):
            gone = await tx.fetchval(
                f"select count(*) from {table} where organization_id = $1 and state = $2", here.employer_id, state
            )
            assert gone == 2 * many
        assert (
            await tx.fetchval(
                "select count(*) from review_experts where organization_id = $1 and withdrawn_at is not null",
                here.employer_id,
            )
            == many
        )
    assert len(asked[0]) >= len(asked[1])


@pytest.mark.parametrize("keeping", [None, NO_SIGNATORY])
async def test_what_waits_for_the_signature_of_who_goes_is_refused_at_once(
    home: Home, keeping: frozenset[Role] | None
) -> None:
    identity = await home.take()
    await home.go(keeping=keeping)
    row = await home.row(identity)
    assert (row["state"], row["credential"]) == ("refused", None)
    assert "signing authority" in row["refusal"]
    assert await jobs.sign(home.db, home.signer, identity) is None


async def test_an_end_that_fails_voids_nothing(home: Home) -> None:
    await home.decide()
    before = await home.request()

    async def end_and_fail() -> None:
        async with home.db.writer() as tx:
            await members.end(tx, home.admin, await membership_of(tx, home.here.employer))
            raise NotFound(what="anything")

    with pytest.raises(NotFound):
        await end_and_fail()
    assert await home.request() == before
    assert await home.value("select count(*) from reviews where voided_at is not null") == 0


async def test_a_decision_that_races_the_end_of_the_membership_is_refused(home: Home, owner: Owner) -> None:
    await home.claim()

    async def decide() -> None:
        async with home.db.writer() as tx:
            await reviews.decide(tx, home.here.employer, reviews.Decide(home.asked, favourable()))

    async with home.db.writer() as tx:
        await members.end(tx, home.admin, await membership_of(tx, home.here.employer))
        deciding = asyncio.create_task(decide())
        await somebody_waits(owner)
    with pytest.raises(NotAllowed, match="ended"):
        await deciding
    assert await home.value("select count(*) from reviews") == 0


async def test_a_signature_that_was_begun_before_the_end_and_comes_after_it_is_refused(
    db: Database,
    signer: Signer,
    make: Factory,
    clock: FrozenClock,
    owner: Owner,
) -> None:
    clock.at = datetime.now(UTC) - timedelta(hours=1)
    home = await furnish(db, signer, make)
    identity = await home.take()
    db.clock = DatabaseClock()

    async def hold_version(tx: Tx) -> None:
        await tx.execute("select from spec_versions where id = $1 for update", home.here.version)

    async with db.writer() as holding:
        await hold_version(holding)
        # The signer has read its time and locked the endorsement, and waits for the version; meanwhile the person goes.
        signing = asyncio.create_task(jobs.sign(db, signer, identity))
        await somebody_waits(owner)
        await home.go()
    assert await signing is State.REFUSED
    row = await home.row(identity)
    assert (row["state"], row["credential"]) == ("refused", None)
    assert "signing authority" in row["refusal"]


async def test_nobody_endorses_or_revokes_with_a_role_that_is_gone(home: Home) -> None:
    identity = await home.endorse()
    await home.go(keeping=NO_SIGNATORY)
    with pytest.raises(NotAllowed):
        await home.take()
    with pytest.raises(NotAllowed):
        await home.revoke(identity)
    assert (await home.row(identity))["state"] == "in_force"
    assert await home.value("select count(*) from endorsements") == 1
