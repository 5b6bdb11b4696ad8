"""A pause is the endorser's own, counts nowhere while it lasts, and is seen by whoever verifies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.endorsements import jobs, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import NotTheEndorser, State
from countersign.endorsements.rules_co_validation import Countersignature, Range, co_validated
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.endorsements.suspension import Suspend
from countersign.endorsements.views import CO_VALIDATED_AT
from countersign.kit.access import SYSTEM, Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState, NotAllowed, Required
from countersign.organizations import standing
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = "endorsement { state live suspendedAt suspensionReason }"


class Said:
    """A version that two employers have endorsed, over the API."""

    def __init__(self, api: Api, here: Scene, second: Actor, first: UUID) -> None:
        self.api = api
        self.here = here
        self.second = second
        self.first = first

    @property
    def id(self) -> str:
        """The first endorsement."""
        return f"end_{self.first}"

    async def co_validated(self, at: datetime) -> bool:
        """Whether the version counted as co-validated at an instant."""
        expression = CO_VALIDATED_AT.format(v="v", at="$2::timestamptz")
        async with self.api.db.writer() as tx:
            return bool(
                await tx.fetchval(f"select {expression} from spec_versions v where v.id = $1", self.here.version, at)
            )

    async def verdict(self) -> str:
        """What our verifier says of the first credential."""
        served_at = await self.api.client.get(f"/endorsements/{self.first}")
        answer = await self.api.client.post(
            "/verify", content=served_at.content, headers={"content-type": "application/json"}
        )
        return str(answer.json()["verdict"])


@pytest_asyncio.fixture
async def said(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Said]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        second = await make.employer(tx)
    async with served(db, signer, make) as api:
        keys = []
        for actor in (here.employer, second):
            async with db.writer() as tx:
                word = endorsements.EndorseSpec(here.version, here.digest, "We hire.")
                keys.append(await endorsements.endorse(tx, actor, word))
            assert await jobs.sign(db, signer, keys[-1]) is State.IN_FORCE
        yield Said(api, here, second, keys[0])


async def test_a_suspended_endorsement_counts_nowhere_until_it_is_resumed(said: Said, clock: FrozenClock) -> None:
    noon = clock.now()
    assert await said.co_validated(noon)
    clock.move(timedelta(hours=1))
    paused = await said.api.do(
        "suspendEndorsement", SHOWN, said.here.employer, endorsementId=said.id, reason="The tool is down."
    )
    assert paused["endorsement"] == {
        "state": "SUSPENDED",
        "live": False,
        "suspendedAt": "2026-11-22T13:00:00Z",
        "suspensionReason": "The tool is down.",
    }
    clock.move(timedelta(hours=1))
    assert await said.verdict() == "SUSPENDED"
    assert not await said.co_validated(clock.now())
    resumed = await said.api.do("resumeEndorsement", SHOWN, said.here.employer, endorsementId=said.id)
    assert resumed["endorsement"] == {"state": "IN_FORCE", "live": True, "suspendedAt": None, "suspensionReason": None}
    assert await said.verdict() == "VALID"
    # Then and now: the pause is a gap in what was true, and stays one.
    moments = {noon: True, noon + timedelta(minutes=90): False, clock.now(): True}
    assert {at: await said.co_validated(at) for at in moments} == moments


async def test_the_list_of_suspensions_is_served_beside_that_of_revocations(said: Said) -> None:
    async with said.api.db.writer() as tx:
        handle = await tx.fetchval("select handle from organizations where id = $1", said.here.employer_id)
    path = f"/status/{handle}/suspension/1"
    assert (await said.api.client.get(path)).status_code == 404
    await said.api.do("suspendEndorsement", SHOWN, said.here.employer, endorsementId=said.id, reason="A look.")
    paused = (await said.api.client.get(path)).json()
    assert paused["credentialSubject"]["statusPurpose"] == "suspension"
    assert paused["id"].endswith(path)
    assert paused["proof"]["proofValue"]
    await said.api.do("resumeEndorsement", SHOWN, said.here.employer, endorsementId=said.id)
    cleared = (await said.api.client.get(path)).json()
    assert cleared["credentialSubject"]["encodedList"] != paused["credentialSubject"]["encodedList"]


async def test_only_a_signatory_of_the_endorser_suspends_and_resumes(said: Said, make: Factory) -> None:
    async with said.api.db.writer() as tx:
        before = await tx.fetchval("select to_jsonb(e) from endorsements e where id = $1", said.first)
        reviewer = make.without(said.here.employer, Role.SIGNATORY)
        for actor, refusal in (
            (said.second, NotTheEndorser),
            (said.here.school, NotAllowed),
            (reviewer, NotAllowed),
        ):
            with pytest.raises(refusal):
                await suspension.suspend(tx, actor, Suspend(said.first, "We are the school."))
            with pytest.raises((refusal, InvalidState)):
                await suspension.resume(tx, actor, said.first)
        with pytest.raises(Required):
            await suspension.suspend(tx, said.here.employer, Suspend(said.first, " \u202e"))
        assert await tx.fetchval("select to_jsonb(e) from endorsements e where id = $1", said.first) == before
        assert await tx.fetchval("select count(*) from endorsement_suspensions") == 0


async def test_what_is_over_is_neither_suspended_nor_resumed(said: Said) -> None:
    async with said.api.db.writer() as tx:
        await suspension.suspend(tx, said.here.employer, Suspend(said.first, "A look."))
        with pytest.raises(InvalidState):
            await suspension.suspend(tx, said.here.employer, Suspend(said.first, "Again."))
        await endorsements.revoke(tx, said.here.employer, endorsements.Revoke(said.first, "Over."))
        with pytest.raises(InvalidState):
            await suspension.resume(tx, said.here.employer, said.first)
    assert await said.verdict() == "REVOKED"


async def test_a_pause_that_outlasts_the_endorsement_ends_with_it(said: Said, clock: FrozenClock) -> None:
    async with said.api.db.writer() as tx:
        await suspension.suspend(tx, said.here.employer, Suspend(said.first, "We look into it."))
    clock.move(timedelta(days=400))
    seen = await said.api.ask("query ($e: ID!) { endorsement(id: $e) { state live } }", e=said.id)
    assert seen["endorsement"] == {"state": "EXPIRED", "live": False}
    async with said.api.db.writer() as tx:
        with pytest.raises(InvalidState, match="expired"):
            await suspension.resume(tx, said.here.employer, said.first)


async def test_the_endorsements_of_a_suspended_organization_count_to_no_quorum(said: Said, clock: FrozenClock) -> None:
    noon = clock.now()
    clock.move(timedelta(hours=1))
    async with said.api.db.writer() as tx:
        await standing.suspend(tx, SYSTEM, said.here.employer_id, "Court order")
    assert not await said.co_validated(clock.now())
    assert await said.verdict() == "UNTRUSTED_ISSUER"
    clock.move(timedelta(hours=1))
    async with said.api.db.writer() as tx:
        await standing.resume(tx, SYSTEM, said.here.employer_id)
    moments = {noon: True, noon + timedelta(minutes=90): False, clock.now(): True}
    assert {at: await said.co_validated(at) for at in moments} == moments


def test_the_rule_leaves_pauses_out() -> None:
    noon = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    hours = [noon + timedelta(hours=n) for n in range(4)]
    one, other, school = (UUID(int=n) for n in (1, 2, 3))
    always = Range(hours[0], hours[3])
    signed = [Countersignature(one, always), Countersignature(other, always, (Range(hours[1], hours[2]),))]
    assert [co_validated(signed, school, QuorumPolicy(), at) for at in hours] == [True, False, True, False]


async def test_the_filter_in_force_at_leaves_pauses_out(said: Said, clock: FrozenClock) -> None:
    noon = clock.now()
    await said.api.do("suspendEndorsement", SHOWN, said.here.employer, endorsementId=said.id, reason="A look.")
    clock.move(timedelta(hours=1))
    asked = "query ($at: DateTime!) { endorsements(first: 5, filter: {inForceAt: $at}) { nodes { id } } }"
    for at, count in ((noon - timedelta(seconds=1), 0), (clock.now(), 1)):
        shown = await said.api.ask(asked, at=at.isoformat())
        assert len(shown["endorsements"]["nodes"]) == count
