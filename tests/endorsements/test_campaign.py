"""Long runs of the endorsements room: thousands of races. Left out of the gate; run with `--campaign`."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import pytest

from countersign.endorsements import jobs, pledges
from countersign.endorsements import service as endorsements
from countersign.endorsements.pledge_rules import SettledAlready
from countersign.endorsements.pledges import Release
from countersign.endorsements.rules import AlreadySigning
from countersign.endorsements.service import EndorseSpec, Revoke
from countersign.kit.clock import DatabaseClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState
from countersign.trust.signer import Signer
from tests.endorsements.ledger import Market, market
from tests.factories import Factory
from tests.reviews.support import scene

ROUNDS = 125
CALLERS = 16

INVARIANTS = {
    "more than one in force": "select count(*) from (select 1 from endorsements where state = 'in_force'"
    " group by organization_id, spec_version_id having count(*) > 1) x",
    "overlapping ranges": "select count(*) from endorsements a join endorsements b on a.id < b.id and a.organization_id"
    " = b.organization_id and a.spec_version_id = b.spec_version_id and a.in_force && b.in_force",
    "left unsigned": "select count(*) from endorsements where state = 'signing'",
    "revoked without its bit": "select count(*) from endorsements e join status_entries s on s.list_id ="
    " e.status_list_id and s.idx = e.status_index where (e.state = 'revoked') <> (s.revoked_at is not null)",
    "in force without a signature, or signed and not in force": "select count(*) from endorsements e left join"
    " endorsement_signatures s on s.endorsement_id = e.id where (e.in_force is null) <> (s.endorsement_id is null)",
    "a place given twice": "select count(*) from (select 1 from endorsements group by status_list_id, status_index"
    " having count(*) > 1) x",
    "renewing nothing": "select count(*) from endorsements e join endorsements p on p.id = e.supersedes_id"
    " where p.state <> 'superseded' or upper(p.in_force) <> lower(e.in_force)",
}


@pytest.mark.campaign
async def test_thousands_of_endorsements_and_revocations_at_once_leave_one_in_force(
    db: Database, signer: Signer, make: Factory
) -> None:
    db.clock = DatabaseClock()
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret

    async def call() -> None:
        await asyncio.sleep(chance.random() / 50)
        if chance.random() < 0.2:
            async with db.writer() as tx:
                live = await tx.fetchval("select id from endorsements where state = 'in_force'")
            if live is not None:
                try:
                    async with db.writer() as tx:
                        await endorsements.revoke(tx, here.employer, Revoke(live, "Changed our mind."))
                except InvalidState:
                    pass  # renewed or revoked by another caller meanwhile
            return
        try:
            async with db.writer() as tx:
                word = EndorseSpec(here.version, here.digest, "We interview every holder.")
                made = await endorsements.endorse(tx, here.employer, word)
        except AlreadySigning:
            return
        assert await jobs.settle(db, signer, made, wait=60)

    for _ in range(ROUNDS):
        await asyncio.gather(*(call() for _ in range(CALLERS)))
    async with db.writer() as tx:
        found = {name: await tx.fetchval(sql) for name, sql in INVARIANTS.items()}
        made = await tx.fetchval("select count(*) from endorsements")
    assert found == dict.fromkeys(INVARIANTS, 0)
    assert made > ROUNDS


@pytest.mark.campaign
async def test_a_thousand_races_for_the_last_seats_leave_no_ledger_overdrawn(db: Database, make: Factory) -> None:
    rounds, racers = 1_000, 5
    async with db.writer() as tx:
        here = await market(tx, make)
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret

    async def call(number: int) -> None:
        try:
            async with db.writer() as tx:
                seat = await here.reserve(tx, f"holder-{number}")
            if chance.random() < 0.5:
                async with db.writer() as tx:
                    await pledges.release(tx, chance.choice([here.school, here.employer]), Release(seat, "A reason"))
            else:
                await asyncio.gather(*(_settle(here, db, seat, chance) for _ in range(2)))
        except InvalidState:
            pass  # the last seat was somebody else's

    for number in range(rounds):
        await asyncio.gather(*(call(racers * number + n) for n in range(racers)))
        async with db.writer() as tx:
            wrong = await tx.fetch(LEDGERS)
        assert wrong == [], number
    async with db.writer() as tx:
        assert await tx.fetchval("select reserved from pledges") >= rounds


async def _settle(here: Market, db: Database, seat: UUID, chance: random.Random) -> None:
    try:
        async with db.writer() as tx:
            await pledges.release(tx, chance.choice([here.school, here.employer]), Release(seat, "A reason"))
    except SettledAlready:
        pass  # the other was first


LEDGERS = """
select p.id from pledges p left join lateral (
    select count(*) filter (where kind = 'reserve') as reserved, count(*) filter (where kind = 'redeem') as redeemed,
           count(*) filter (where kind = 'release' and by_id = school_id) as returned,
           count(*) filter (where kind = 'release' and by_id = endorser_id) as broken
    from pledge_entries where pledge_id = p.id) x on true
where (p.reserved, p.redeemed, p.returned, p.broken) is distinct from (x.reserved, x.redeemed, x.returned, x.broken)
   or p.reserved - p.returned - p.broken > p.seats
"""
