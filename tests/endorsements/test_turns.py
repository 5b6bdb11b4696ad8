"""The school is told once when a version becomes co-validated and once when it is so no more, whatever the cause."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import LinkKind
from countersign.endorsements import co_validation, jobs, policies, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.co_validation import GAINED, LOST
from countersign.endorsements.policies import Publish
from countersign.endorsements.rules import State
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.endorsements.service import EndorseSpec, Revoke
from countersign.endorsements.suspension import Suspend
from countersign.endorsements.views import CO_VALIDATED_AT
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.organizations import standing
from countersign.reviews import service as reviews
from countersign.reviews.service import Decide, RequestReview
from countersign.specs import service as specs
from countersign.trust.events import KeyCompromised
from countersign.trust.signer import Signer
from tests.conftest import NOW
from tests.factories import Factory
from tests.reviews.support import Scene, favourable, scene, statements, submitted

TOLD = "select topic from outbox where topic = any($1) order by id"


@dataclass
class Told:
    """A version, employers, and what the school was told of it."""

    db: Database
    signer: Signer
    here: Scene
    employers: list[Actor]

    async def take(self, actor: Actor, **more: Any) -> UUID:
        """Endorse, unsigned."""
        async with self.db.writer() as tx:
            word = EndorseSpec(self.here.version, self.here.digest, "We hire.", **more)
            return await endorsements.endorse(tx, actor, word)

    async def endorse(self, actor: Actor, **more: Any) -> UUID:
        """Endorse, signed."""
        key = await self.take(actor, **more)
        assert await jobs.sign(self.db, self.signer, key) is State.IN_FORCE
        return key

    async def heard(self) -> list[str]:
        """The topics of all turns that were told, in order."""
        async with self.db.writer() as tx:
            return [row["topic"] for row in await tx.fetch(TOLD, [GAINED, LOST])]

    async def is_so(self) -> bool:
        """Whether the version is co-validated now."""
        expression = CO_VALIDATED_AT.format(v="v", at="$2::timestamptz")
        async with self.db.writer() as tx:
            asked = f"select {expression} from spec_versions v where v.id = $1"
            return bool(await tx.fetchval(asked, self.here.version, await tx.now()))


@pytest_asyncio.fixture
async def told(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Told]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        others = [await make.employer(tx) for _ in range(5)]
    yield Told(db, signer, here, [here.employer, *others])


async def test_threat_20_six_approvals_that_race_make_one_turn_and_one_event(told: Told) -> None:
    keys = [await told.take(actor) for actor in told.employers]
    signed = await asyncio.gather(*(jobs.sign(told.db, told.signer, key) for key in keys))
    assert signed == [State.IN_FORCE] * 6
    assert await told.is_so()
    assert await told.heard() == [GAINED]
    async with told.db.writer() as tx:
        turns = await tx.fetch("select number, co_validated from co_validation_turns")
        assert [tuple(row) for row in turns] == [(1, True)]
    assert await co_validation.look(told.db) == 0
    assert await told.heard() == [GAINED]


async def test_a_revocation_that_takes_the_last_needed_one_is_told_in_its_transaction(
    told: Told, clock: FrozenClock
) -> None:
    first, *others = [await told.endorse(actor) for actor in told.employers[:3]]
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await endorsements.revoke(tx, told.employers[0], Revoke(first, "The tool is gone."))
    assert await told.heard() == [GAINED]
    async with told.db.writer() as tx:
        await endorsements.revoke(tx, told.employers[1], Revoke(others[0], "The tool is gone."))
    assert await told.heard() == [GAINED, LOST]
    clock.move(timedelta(hours=1))
    await told.endorse(told.employers[0])
    assert await told.heard() == [GAINED, LOST, GAINED]


async def test_what_is_undone_is_not_told(told: Told) -> None:
    key, _ = [await told.endorse(actor) for actor in told.employers[:2]]

    async def revoke_and_crash() -> None:
        async with told.db.writer() as tx:
            await endorsements.revoke(tx, told.employers[0], Revoke(key, "The tool is gone."))
            await tx.fetchval("select 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await revoke_and_crash()
    assert await told.is_so()
    assert await told.heard() == [GAINED]


async def test_a_pause_and_its_end_are_told(told: Told, clock: FrozenClock) -> None:
    key, _ = [await told.endorse(actor) for actor in told.employers[:2]]
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await suspension.suspend(tx, told.employers[0], Suspend(key, "A look."))
    assert await told.heard() == [GAINED, LOST]
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await suspension.resume(tx, told.employers[0], key)
    assert await told.heard() == [GAINED, LOST, GAINED]


async def test_a_lapse_by_time_is_right_at_once_and_told_once_by_whoever_looks_first(
    told: Told, clock: FrozenClock
) -> None:
    end = clock.now() + timedelta(days=30)
    await told.endorse(told.employers[0], valid_until=end)
    await told.endorse(told.employers[1])
    clock.move(timedelta(days=29))
    assert await co_validation.look(told.db) == 0
    clock.move(timedelta(days=2))
    assert not await told.is_so()  # before anybody has looked
    assert sorted(await asyncio.gather(*(co_validation.look(told.db) for _ in range(4)))) == [0, 0, 0, 1]
    assert await told.heard() == [GAINED, LOST]
    async with told.db.writer() as tx:
        at = await tx.fetchval("select at from co_validation_turns where number = 2")
    assert at == end  # the instant at which it ended, not the one at which it was noticed
    assert await co_validation.look(told.db) == 0


async def test_a_fall_that_nobody_looked_at_before_it_rose_again_is_told_in_order(
    told: Told, clock: FrozenClock
) -> None:
    await told.endorse(told.employers[0], valid_until=clock.now() + timedelta(days=30))
    await told.endorse(told.employers[1])
    clock.move(timedelta(days=31))
    await told.endorse(told.employers[2])
    assert await told.heard() == [GAINED, LOST, GAINED]


async def test_a_suspended_endorser_a_tie_and_a_policy_are_found_by_the_next_look(
    told: Told, clock: FrozenClock
) -> None:
    for actor in told.employers[:2]:
        await told.endorse(actor)
    one, other = (actor.organization_id for actor in told.employers[:2])
    assert one is not None
    assert other is not None
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await standing.suspend(tx, SYSTEM, one, "Court order")
    assert not await told.is_so()
    assert await co_validation.look(told.db) == 1
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await standing.resume(tx, SYSTEM, one)
    assert await co_validation.look(told.db) == 1
    clock.move(timedelta(hours=1))
    async with told.db.writer() as tx:
        await conflicts.record(tx, SYSTEM, one, other, LinkKind.SAME_OWNER)
    assert not await told.is_so()  # two organizations, one control group
    assert await co_validation.look(told.db) == 1
    clock.move(timedelta(hours=1))
    await told.endorse(told.employers[2])
    async with told.db.writer() as tx:
        start = clock.now() + timedelta(days=7)
        await policies.publish(tx, SYSTEM, Publish(QuorumPolicy(groups=3), "Three from next week.", None, start))
    assert await co_validation.look(told.db) == 0
    clock.move(timedelta(days=8))
    assert not await told.is_so()
    assert await co_validation.look(told.db) == 1
    assert await told.heard() == [GAINED, LOST, GAINED, LOST, GAINED, LOST]


async def test_what_nobody_marked_is_looked_at_within_the_hour(told: Told, clock: FrozenClock) -> None:
    for actor in told.employers[:2]:
        await told.endorse(actor)
    async with told.db.writer() as tx:  # as if the mark had been lost
        await standing.suspend(tx, SYSTEM, told.here.employer_id, "Court order")
        await tx.execute("update co_validation_standings set next_at = null")
    assert await co_validation.look(told.db) == 0
    clock.move(timedelta(hours=2))
    assert await co_validation.look(told.db) == 1
    assert await told.heard() == [GAINED, LOST]


async def test_turns_of_before_the_upgrade_are_written_down_and_not_told(
    told: Told, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    for actor in told.employers[:2]:
        await told.endorse(actor)
    clock.move(timedelta(days=1))
    # As the migration leaves what was endorsed before it.
    await owner.execute("delete from co_validation_turns; delete from co_validation_standings; delete from outbox")
    await owner.execute(
        "insert into co_validation_standings (spec_version_id, co_validated, turns, next_at, told_from)"
        " values ($1, false, 0, $2, $2)",
        *(told.here.version, clock.now()),
    )
    assert await co_validation.look(told.db) == 1
    assert await told.heard() == []
    clock.move(timedelta(days=400))
    assert await co_validation.look(told.db) == 1
    assert await told.heard() == [LOST]


async def test_what_the_endorsers_own_review_said_is_kept_with_its_signature(told: Told) -> None:
    async with told.db.writer() as tx:
        request = RequestReview(told.here.version, told.here.employer_id)
        asked = await reviews.request(tx, told.here.school, request)
        await reviews.claim(tx, told.here.employer, asked)
        await reviews.decide(tx, told.here.employer, Decide(asked, favourable()))
    one, other = [await told.endorse(actor) for actor in told.employers[:2]]
    async with told.db.writer() as tx:
        rows = await tx.fetch("select endorsement_id, rubric_mean, rubric_least from endorsement_signatures")
        kept = {row["endorsement_id"]: (row["rubric_mean"], row["rubric_least"]) for row in rows}
        assert kept == {one: (3, 3), other: (None, None)}


async def test_statements_do_not_grow_with_the_words_that_a_lost_key_has_signed(told: Told) -> None:
    employer, asked = told.employers[0], []
    for more in (1, 3):
        async with told.db.writer() as tx:
            several = [await submitted(tx, told.here.school, published=True) for _ in range(more)]
            found = [await specs.lock_version(tx, version) for _, version in several]
        versions = [version for version in found if version is not None]
        for version in versions:
            async with told.db.writer() as tx:
                key = await endorsements.endorse(tx, employer, EndorseSpec(version.id, version.digest, "We hire."))
            assert await jobs.sign(told.db, told.signer, key) is State.IN_FORCE
        async with told.db.writer() as tx:
            credential = await tx.fetchval(
                "select credential from endorsement_signatures where endorsement_id = $1", key
            )
            method = json.loads(credential)["proof"]["verificationMethod"]
            for since, after in ((NOW + timedelta(days=1), "suspended"), (NOW - timedelta(days=1), "revoked")):
                lost = KeyCompromised(employer.organization_id or key, new_id(), method, since)
                with statements(tx) as seen:
                    await suspension.follow_lost_key(tx, lost)
                asked.append((after, len(seen)))
                states = await tx.fetch(
                    "select state from endorsements where spec_version_id = any($1)",
                    [version.id for version in versions],
                )
                assert [row["state"] for row in states] == [after] * more
                status = await tx.fetchval(
                    "select count(*) from audit_events where kind = 'endorsement' and action = $1",
                    f"endorsement.{after}",
                )
                assert status == (1 if more == 1 else 1 + more)
    # Of several rows COPY takes the place of a statement.
    assert all(first >= then for (_, first), (_, then) in zip(asked[:2], asked[2:], strict=True))
