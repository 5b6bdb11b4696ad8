"""Pledges and drift alarms as they change: who sees the pledge or the alarm is told, nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta

import pytest_asyncio

from countersign.endorsements import drift, pledge_clock, pledges
from countersign.kit.access import ANONYMOUS
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.endorsements.ledger import CLOSES, Market, alarm, market
from tests.factories import Factory
from tests.live.support import Desk, desk

PLEDGES = (
    "subscription ($pledge: ID, $organization: ID, $kinds: [PledgeEventKind!]) {"
    " pledgeChanged(pledge: $pledge, organization: $organization, kinds: $kinds) {"
    " eventId kind pledge { id waiting redeemed state entries(first: 5) { nodes { kind } } } } }"
)
ALARMS = (
    "subscription ($organization: ID, $kinds: [DriftEventKind!]) {"
    " driftAlarmChanged(organization: $organization, kinds: $kinds) { eventId kind alarm { id state note } } }"
)


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with desk(db, signer, make) as made:
        yield made


async def stand(here: Desk, *, signed: bool = True) -> Market:
    async with here.db.writer() as tx:
        made = await market(tx, here.make, signed=signed)
    await here.settled()
    return made


async def test_a_pledge_is_followed_by_whoever_sees_it_and_its_ledger_stays_between_both_sides(here: Desk) -> None:
    made = await stand(here)
    school = await here.follow(await here.signed_in(made.school), PLEDGES)
    nobody = await here.follow(ANONYMOUS, PLEDGES)
    redeemed = await here.follow(ANONYMOUS, PLEDGES, kinds=["REDEEMED"], pledge=f"plg_{made.pledge}")
    elsewhere = await here.follow(ANONYMOUS, PLEDGES, organization=f"org_{made.school.organization_id}")
    async with here.db.writer() as tx:
        reservation = await made.reserve(tx)
    async with here.db.writer() as tx:
        await pledges.redeem(tx, made.employer, reservation)
    told = await school.until(2)
    assert [event["kind"] for event in told] == ["RESERVED", "REDEEMED"]
    assert told[1]["pledge"]["redeemed"] == 1
    assert [line["kind"] for line in told[1]["pledge"]["entries"]["nodes"]] == ["RESERVE", "REDEEM"]
    public = await nobody.until(2)
    assert [event["kind"] for event in public] == ["RESERVED", "REDEEMED"]
    assert [event["pledge"]["entries"]["nodes"] for event in public] == [[], []]
    assert [event["kind"] for event in await redeemed.until(1)] == ["REDEEMED"]
    assert elsewhere.told == []


async def test_of_a_pledge_that_is_not_signed_only_its_endorser_is_told(here: Desk) -> None:
    made = await stand(here, signed=False)
    endorser = await here.follow(await here.signed_in(made.employer), PLEDGES)
    school = await here.follow(await here.signed_in(made.school), PLEDGES)
    nobody = await here.follow(ANONYMOUS, PLEDGES)
    async with here.db.writer() as tx:
        await pledges.withdraw(tx, made.employer, pledges.Withdraw(made.pledge, "We hire no more"))
    (told,) = await endorser.until(1)
    assert (told["kind"], told["pledge"]["state"]) == ("WITHDRAWN", "WITHDRAWN")
    await here.settled()
    assert school.told == nobody.told == []


async def test_the_end_of_a_window_and_an_answer_that_never_came_are_told_as_they_are_noticed(
    here: Desk, clock: FrozenClock
) -> None:
    made = await stand(here)
    async with here.db.writer() as tx:
        await made.reserve(tx)
    await here.settled()
    nobody = await here.follow(ANONYMOUS, PLEDGES)
    for days in (1, 30, 31):
        clock.at = datetime.combine(CLOSES + timedelta(days=days), time(), UTC)
        await pledge_clock.look(here.db)
        await here.settled()
    told = await nobody.until(3)
    assert [event["kind"] for event in told] == ["LAPSED", "ANSWER_DUE", "NOT_KEPT"]
    assert {(event["pledge"]["state"], event["pledge"]["waiting"]) for event in told} == {("LAPSED", 1)}


async def test_an_alarm_is_followed_from_its_raising_to_its_answer_by_who_sees_the_version(here: Desk) -> None:
    made = await stand(here)
    concerned = await here.follow(await here.signed_in(made.employer), ALARMS)
    own = f"org_{made.employer.organization_id}"
    answered = await here.follow(ANONYMOUS, ALARMS, organization=own, kinds=["RESOLVED"])
    elsewhere = await here.follow(ANONYMOUS, ALARMS, organization=f"org_{made.school.organization_id}")
    async with here.db.writer() as tx:
        raised = await alarm(tx, made.here.version, made.employer.organization_id, made.endorsement)
        await tx.emit("drift.raised", f"drf_{raised}")
    async with here.db.writer() as tx:
        await drift.acknowledge(tx, made.employer, raised)
    async with here.db.writer() as tx:
        await drift.resolve(tx, made.employer, drift.Resolve(raised, "We moved to 3.13"))
    told = await concerned.until(3)
    assert [event["kind"] for event in told] == ["RAISED", "ACKNOWLEDGED", "RESOLVED"]
    assert told[2]["alarm"] == {"id": f"drf_{raised}", "state": "RESOLVED", "note": "We moved to 3.13"}
    assert [event["alarm"]["id"] for event in await answered.until(1)] == [f"drf_{raised}"]
    assert elsewhere.told == []


async def test_an_alarm_about_a_version_that_is_not_public_is_told_to_its_school_alone(
    here: Desk, make: Factory
) -> None:
    made = await stand(here)
    async with here.db.writer() as tx:
        await tx.execute("update spec_versions set state = 'submitted' where id = $1", made.here.version)
        stranger = await make.employer(tx)
    school = await here.follow(await here.signed_in(made.school), ALARMS)
    others = [await here.follow(actor, ALARMS) for actor in (ANONYMOUS, await here.signed_in(stranger))]
    async with here.db.writer() as tx:
        raised = await alarm(tx, made.here.version, made.school.organization_id)
        await tx.emit("drift.raised", f"drf_{raised}")
    assert [event["alarm"]["id"] for event in await school.until(1)] == [f"drf_{raised}"]
    await here.settled()
    assert [other.told for other in others] == [[], []]
