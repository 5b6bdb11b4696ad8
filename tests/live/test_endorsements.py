"""The life of an endorsement as it is followed: every step is told to whoever sees it, and to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest_asyncio

from countersign.endorsements import jobs, renewal, suspension
from countersign.endorsements import service as endorsements
from countersign.kit.access import ANONYMOUS
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.live.support import Desk, desk
from tests.reviews.support import Scene, scene

ENDORSEMENTS = (
    "subscription ($kinds: [EndorsementEventKind!], $organization: ID) {"
    " endorsementChanged(kinds: $kinds, organization: $organization) {"
    " eventId kind endorsement { id state live } } }"
)


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with desk(db, signer, make) as made:
        yield made


@pytest_asyncio.fixture
async def standing(here: Desk) -> Scene:
    """A published version and an employer that has said nothing of it yet."""
    async with here.db.writer() as tx:
        made = await scene(tx, here.make, published=True)
    await here.settled()
    return made


async def endorse(here: Desk, standing: Scene, signer: Signer) -> UUID:
    """An endorsement in force."""
    async with here.db.writer() as tx:
        word = endorsements.EndorseSpec(standing.version, standing.digest, "We hire.")
        key = await endorsements.endorse(tx, standing.employer, word)
    await here.settled()
    await jobs.sign(here.db, signer, key)
    await here.settled()
    return key


async def test_each_step_of_an_endorsement_is_told_to_all_who_see_it(
    here: Desk, standing: Scene, signer: Signer, clock: FrozenClock
) -> None:
    endorser = await here.follow(await here.signed_in(standing.employer), ENDORSEMENTS)
    nobody = await here.follow(ANONYMOUS, ENDORSEMENTS)
    pauses = await here.follow(ANONYMOUS, ENDORSEMENTS, kinds=["SUSPENDED", "RESUMED", "EXPIRED"])
    elsewhere = await here.follow(ANONYMOUS, ENDORSEMENTS, organization=f"org_{standing.school.organization_id}")
    first = await endorse(here, standing, signer)
    async with here.db.writer() as tx:
        await suspension.suspend(tx, standing.employer, suspension.Suspend(first, "We look into it."))
    await here.settled()
    async with here.db.writer() as tx:
        await suspension.resume(tx, standing.employer, first)
    await here.settled()
    async with here.db.writer() as tx:
        second = await renewal.renew(tx, standing.employer, renewal.Renew(first, standing.digest))
    await here.settled()
    await jobs.sign(here.db, signer, second)
    await here.settled()
    clock.move(timedelta(days=365))
    await renewal.look(here.db)
    public = [
        (f"end_{first}", "IN_FORCE", "IN_FORCE", True),
        (f"end_{first}", "SUSPENDED", "SUSPENDED", False),
        (f"end_{first}", "RESUMED", "IN_FORCE", True),
        (f"end_{first}", "SUPERSEDED", "SUPERSEDED", False),
        (f"end_{second}", "IN_FORCE", "IN_FORCE", True),
        (f"end_{second}", "EXPIRED", "EXPIRED", False),
    ]
    told = [
        (event["endorsement"]["id"], event["kind"], event["endorsement"]["state"], event["endorsement"]["live"])
        for event in await nobody.until(len(public))
    ]
    assert sorted(told) == sorted(public)
    assert [event["kind"] for event in await pauses.until(3)] == ["SUSPENDED", "RESUMED", "EXPIRED"]
    own = [event["kind"] for event in await endorser.until(7)]
    assert own.count("TAKEN") == 2
    assert elsewhere.told == []


async def test_a_paused_endorsement_whose_time_is_over_is_told_to_have_expired(
    here: Desk, standing: Scene, signer: Signer, clock: FrozenClock
) -> None:
    first = await endorse(here, standing, signer)
    async with here.db.writer() as tx:
        await suspension.suspend(tx, standing.employer, suspension.Suspend(first, "We look into it."))
    await here.settled()
    nobody = await here.follow(ANONYMOUS, ENDORSEMENTS)
    clock.move(timedelta(days=365))
    await renewal.look(here.db)
    (told,) = await nobody.until(1)
    assert (told["kind"], told["endorsement"]["state"]) == ("EXPIRED", "EXPIRED")


async def test_a_revocation_is_told_with_the_state_that_it_made(here: Desk, standing: Scene, signer: Signer) -> None:
    first = await endorse(here, standing, signer)
    nobody = await here.follow(ANONYMOUS, ENDORSEMENTS, kinds=["REVOKED"])
    async with here.db.writer() as tx:
        await endorsements.revoke(tx, standing.employer, endorsements.Revoke(first, "The tool is gone."))
    (told,) = await nobody.until(1)
    assert (told["kind"], told["endorsement"]["state"]) == ("REVOKED", "REVOKED")
