"""An endorsement is told of before its time is over, and is said anew without writing it anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.endorsements import evidence, jobs, recalled, renewal
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import HiringPledge, InterviewGuarantee
from countersign.endorsements.rules import State
from countersign.kit.access import OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.endorsements.samples import EVERY_KIND, LATER, TODAY
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = """endorsement { id state statement outcomeKeys validUntil inForceFrom supersedes { id state inForceUntil }
  evidence { kind narrative } }"""
PLEDGE = HiringPledge(5, "junior analyst", "EU remote", TODAY, LATER)
DAY = timedelta(days=1)


class Said:
    """A version that an employer has endorsed until 22 November 2027, over the API."""

    def __init__(self, api: Api, here: Scene, signer: Signer, clock: FrozenClock) -> None:
        self.api = api
        self.here = here
        self.signer = signer
        self.clock = clock

    async def endorse(self, **changes: Any) -> str:
        """The public id of an endorsement in force."""
        word = endorsements.EndorseSpec(self.here.version, self.here.digest, "We hire.", **changes)
        async with self.api.db.writer() as tx:
            key = await endorsements.endorse(tx, self.here.employer, word)
        assert await jobs.sign(self.api.db, self.signer, key) is State.IN_FORCE
        return f"end_{key}"

    async def renew(self, identity: str, **given: Any) -> Any:
        """The payload of renewEndorsement."""
        asked = {"endorsementId": identity, "expectedDigest": self.here.digest} | given
        return await self.api.do("renewEndorsement", SHOWN, asked.pop("actor", self.here.employer), **asked)

    async def told(self) -> list[tuple[str, str, int | None]]:
        """What the outbox says of ends, oldest first: topic, subject, days."""
        await renewal.look(self.api.db)
        async with self.api.db.writer() as tx:
            rows = await tx.fetch(
                "select topic, subject, (payload ->> 'days')::int as days from outbox"
                " where topic in ('endorsement.expiring', 'endorsement.expired') order by at, id"
            )
        return [(row["topic"], row["subject"], row["days"]) for row in rows]


@pytest_asyncio.fixture
async def said(db: Database, signer: Signer, make: Factory, clock: FrozenClock) -> AsyncIterator[Said]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield Said(api, here, signer, clock)


async def test_the_end_is_told_60_30_and_7_days_before_each_once_and_then_that_it_is_over(said: Said) -> None:
    end = await said.endorse()
    assert await said.told() == []
    ends = said.clock.now() + timedelta(days=365)
    for before, days in ((60, 60), (30, 30), (7, 7)):
        said.clock.at = ends - timedelta(days=before, seconds=1)
        assert days not in [told[2] for told in await said.told()]
        said.clock.move(timedelta(seconds=1))
        for _ in range(2):
            assert (await said.told())[-1] == ("endorsement.expiring", end, days)
    said.clock.at = ends
    expected: list[tuple[str, str, int | None]] = [("endorsement.expiring", end, days) for days in (60, 30, 7)]
    for _ in range(2):
        assert await said.told() == [*expected, ("endorsement.expired", end, None)]


async def test_after_a_standstill_the_nearest_mark_alone_is_told_with_the_days_that_are_left(said: Said) -> None:
    end = await said.endorse()
    said.clock.move(timedelta(days=362))
    for _ in range(2):
        assert await said.told() == [("endorsement.expiring", end, 3)]
    said.clock.move(timedelta(days=2, hours=23))
    assert await said.told() == [("endorsement.expiring", end, 3)]


async def test_a_mark_before_the_endorsement_began_is_never_told(said: Said) -> None:
    end = await said.endorse(valid_until=said.clock.now() + timedelta(days=20))
    assert await said.told() == []
    said.clock.move(timedelta(days=13))
    assert await said.told() == [("endorsement.expiring", end, 7)]


async def test_many_who_look_at_once_tell_once(said: Said) -> None:
    end = await said.endorse()
    said.clock.move(timedelta(days=340))
    await asyncio.gather(*(renewal.look(said.api.db) for _ in range(4)))
    assert await said.told() == [("endorsement.expiring", end, 25)]


async def test_the_clock_begins_anew_with_a_renewal(said: Said) -> None:
    first = await said.endorse()
    said.clock.move(timedelta(days=310))
    assert await said.told() == [("endorsement.expiring", first, 55)]
    second = (await said.renew(first))["endorsement"]["id"]
    said.clock.move(timedelta(days=60))
    assert await said.told() == [("endorsement.expiring", first, 55)]
    said.clock.move(timedelta(days=250))
    assert await said.told() == [("endorsement.expiring", first, 55), ("endorsement.expiring", second, 56)]


async def test_of_what_is_revoked_nothing_more_is_told(said: Said) -> None:
    end = await said.endorse()
    await said.api.do(
        "revokeEndorsement", "endorsement { id }", said.here.employer, endorsementId=end, reason="A look."
    )
    for days in (340, 25):
        said.clock.move(timedelta(days=days))
        assert await said.told() == []


async def test_who_has_paused_it_is_not_asked_to_renew_it_but_that_it_is_over_is_told(said: Said) -> None:
    end = await said.endorse()
    await said.api.do(
        "suspendEndorsement", "endorsement { id }", said.here.employer, endorsementId=end, reason="A look"
    )
    said.clock.move(timedelta(days=340))
    assert await said.told() == []
    said.clock.move(timedelta(days=25))
    for _ in range(2):
        assert await said.told() == [("endorsement.expired", end, None)]


@pytest.mark.parametrize("state", ["deprecated", "retired", "withdrawn"])
async def test_nobody_is_asked_to_renew_what_can_be_endorsed_no_more_but_that_it_is_over_is_told(
    said: Said, state: str
) -> None:
    end = await said.endorse()
    async with said.api.db.writer() as tx:
        await tx.execute("update spec_versions set state = $2 where id = $1", said.here.version, state)
    said.clock.move(timedelta(days=340))
    assert await said.told() == []
    said.clock.move(timedelta(days=25))
    assert await said.told() == [("endorsement.expired", end, None)]


async def test_a_renewal_says_the_same_again_and_takes_the_place_of_the_first(said: Said) -> None:
    first = await said.endorse(evidence=(PLEDGE,), outcomes=("power",))
    said.clock.move(30 * DAY)
    now = said.clock.now().isoformat().replace("+00:00", "Z")
    payload = await said.renew(first)
    assert payload["errors"] == []
    renewed = payload["endorsement"]
    assert renewed["id"] != first
    assert renewed["state"] == "IN_FORCE"
    assert (renewed["statement"], renewed["outcomeKeys"]) == ("We hire.", ["power"])
    assert renewed["evidence"] == [{"kind": "HIRING_PLEDGE", "narrative": PLEDGE.sentence()}]
    assert renewed["validUntil"] == "2027-12-22T12:00:00Z"
    assert renewed["inForceFrom"] == now
    assert renewed["supersedes"] == {"id": first, "state": "SUPERSEDED", "inForceUntil": now}


async def test_a_renewal_may_say_it_otherwise(said: Said) -> None:
    first = await said.endorse(evidence=(PLEDGE,))
    renewed = (await said.renew(first, statement="We hire more.", evidence=[]))["endorsement"]
    assert (renewed["statement"], renewed["evidence"]) == ("We hire more.", [])


async def test_evidence_whose_day_has_passed_is_not_said_again(said: Said) -> None:
    first = await said.endorse(evidence=(InterviewGuarantee("analyst", "EU", 14, LATER), PLEDGE))
    said.clock.move(200 * DAY)
    before = await kept(said.api.db)
    refused = await said.renew(first)
    assert refused["endorsement"] is None
    assert [e["path"] for e in refused["errors"]] == [["evidence", "0", "until"], ["evidence", "1", "closesOn"]]
    assert await kept(said.api.db) == before


async def test_a_suspended_and_an_expired_endorsement_can_be_renewed_a_revoked_one_cannot(said: Said) -> None:
    first = await said.endorse()
    await said.api.do("suspendEndorsement", "endorsement { id }", said.here.employer, endorsementId=first, reason="Now")
    soon = (said.clock.now() + 30 * DAY).isoformat()
    second = (await said.renew(first, validUntil=soon))["endorsement"]
    assert (second["state"], second["supersedes"]["state"]) == ("IN_FORCE", "SUPERSEDED")
    said.clock.move(60 * DAY)
    third = (await said.renew(second["id"]))["endorsement"]
    assert (third["state"], third["supersedes"]["id"], third["supersedes"]["state"]) == (
        "IN_FORCE",
        second["id"],
        "EXPIRED",
    )
    await said.api.do(
        "revokeEndorsement", "endorsement { id }", said.here.employer, endorsementId=third["id"], reason="No"
    )
    before = await kept(said.api.db)
    for identity in (first, third["id"]):
        refused = await said.renew(identity)
        assert [e["code"] for e in refused["errors"]] == ["INVALID_STATE"]
    assert await kept(said.api.db) == before


async def test_what_is_revoked_before_its_renewal_is_signed_stays_revoked(said: Said) -> None:
    first = await said.endorse()
    key = UUID(first.removeprefix("end_"))
    async with said.api.db.writer() as tx:
        renewed = await renewal.renew(tx, said.here.employer, renewal.Renew(key, said.here.digest))
    async with said.api.db.writer() as tx:
        await endorsements.revoke(tx, said.here.employer, endorsements.Revoke(key, "The tool is gone."))
    assert await jobs.sign(said.api.db, said.signer, renewed) is State.REFUSED
    async with said.api.db.writer() as tx:
        states = [row["state"] for row in await tx.fetch("select state from endorsements order by id")]
    assert states == ["revoked", "refused"]


async def test_another_digest_and_another_person_are_refused(said: Said, make: Factory) -> None:
    first = await said.endorse()
    async with said.api.db.writer() as tx:
        stranger = await make.employer(tx)
        reviewer = await make.member(tx, said.here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
    for actor in (said.here.employer, stranger, said.here.school, reviewer):
        await said.api.authorization(actor)
    before = await kept(said.api.db)
    stale = await said.renew(first, expectedDigest="0" * 64)
    assert [(e["code"], e["path"]) for e in stale["errors"]] == [("STALE_VERSION", ["expectedDigest"])]
    foreign = await said.renew(first, actor=stranger)
    assert [e["code"] for e in foreign["errors"]] == ["NOT_ALLOWED"]
    missing = await said.renew(f"end_{new_id()}")
    assert [(e["code"], e["path"]) for e in missing["errors"]] == [("NOT_FOUND", ["endorsementId"])]
    for actor in (said.here.school, reviewer):
        refused = await said.renew(first, actor=actor)
        assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"]
    assert await kept(said.api.db) == before


@pytest.mark.parametrize("piece", EVERY_KIND, ids=lambda piece: piece.kind.value)
def test_every_kind_of_evidence_comes_back_as_it_was_given(piece: Any) -> None:
    assert recalled.recalled(piece.kind.value, evidence.payload(piece)) == piece
