"""What the rooms' own clocks have to tell arrives at whom it concerns, once, even when a worker is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from countersign.endorsements import co_validation, renewal
from countersign.endorsements import jobs as signing
from countersign.endorsements import service as endorsements
from countersign.kit.access import Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.notices import making
from countersign.reviews import reminders
from countersign.reviews import service as reviews
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.conftest import NOW
from tests.factories import Factory
from tests.notices.support import Market, market
from tests.patience import WAIT
from tests.specs.samples import COMPLETE

ROOT = Path(__file__).parents[2]
WAITS = (
    "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    " and query ilike '%outbox%' and pid <> pg_backend_pid())"
)
WORKS = (
    "select exists (select from pg_stat_activity where datname = current_database() and query like '%outbox%'"
    " and state <> 'idle' and pid <> pg_backend_pid())"
)


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Market:
    return await market(db, make)


async def endorsed(here: Market, signer: Signer, by: Actor) -> tuple[str, datetime]:
    """The endorser's word in force, and when it ends."""
    async with here.db.writer() as tx:
        word = endorsements.EndorseSpec(here.made.version, here.made.digest, "We hire every holder.")
        key = await endorsements.endorse(tx, by, word)
    await signing.sign(here.db, signer, key)
    async with here.db.writer() as tx:
        ends: datetime = await tx.fetchval("select valid_until from endorsements where id = $1", key)
    return f"end_{key}", ends


def counted(topics: list[str]) -> Mapping[str, int]:
    """How often each topic was told."""
    return {topic: topics.count(topic) for topic in sorted(set(topics))}


async def test_a_review_that_nobody_answers_reminds_its_reviewers_then_admins_then_the_school(
    here: Market, clock: FrozenClock
) -> None:
    admin = await here.colleague(Role.ORG_ADMIN)
    await here.told()
    request = await here.ask_for_review()
    async with here.db.writer() as tx:
        due = await tx.fetchval("select due_on from review_requests where id = $1", request)
    for days in (7, 3, 1, -1, -7, -15):
        clock.at = datetime.combine(due, NOW.timetz()) - timedelta(days=days)
        for _ in range(2):
            await reminders.look(here.db)
        await here.told()
    reviewer, escalated, school = [await here.notices_of(a) for a in (here.employer, admin, here.school)]
    assert counted(reviewer)["review.reminder"] == 3
    assert counted(reviewer)["review.expired"] == 1
    assert counted(escalated)["review.overdue"] == 1
    assert counted(school)["review.overdue_school"] == 1


async def test_an_endorsement_reminds_its_signatories_and_the_school_60_30_and_7_days_before_its_end(
    here: Market, signer: Signer, clock: FrozenClock
) -> None:
    async with here.db.writer() as tx:
        await specs.publish(tx, here.school, here.made.version)
    _, ends = await endorsed(here, signer, here.employer)
    for days in (60, 30, 7, 0):
        clock.at = ends - timedelta(days=days)
        await renewal.look(here.db)
        await here.told()
    for reader in (here.employer, here.school):
        told = counted(await here.notices_of(reader))
        assert (told["endorsement.expiring"], told["endorsement.expired"]) == (3, 1)


async def test_a_school_is_told_once_that_a_block_is_co_validated_and_once_that_it_is_no_more(
    here: Market, signer: Signer, clock: FrozenClock
) -> None:
    async with here.db.writer() as tx:
        await specs.publish(tx, here.school, here.made.version)
        second = await here.make.employer(tx)
    await endorsed(here, signer, here.employer)
    _, ends = await endorsed(here, signer, second)
    await co_validation.look(here.db)
    await here.told()
    assert counted(await here.notices_of(here.school))["spec.co_validated"] == 1
    clock.at = ends
    for _ in range(2):
        await co_validation.look(here.db)
        await here.told()
    told = counted(await here.notices_of(here.school))
    assert (told["spec.co_validated"], told["spec.co_validation_lost"]) == (1, 1)


async def test_a_lock_that_does_not_come_passes_no_event_over(
    here: Market, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await here.ask_for_review()
    await here.numbered()
    async with owner.transaction():
        await owner.execute("lock table notices in share mode")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await making.look(here.db)
    await here.told()
    assert counted(await here.notices_of(here.employer)) == {"review.requested": 1}


@pytest.mark.campaign
async def test_a_worker_that_is_killed_between_its_rows_and_its_commit_tells_each_event_once(
    here: Market, database_dsn: str, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with here.db.writer() as tx:
        for number in range(3):
            made = await specs.create(tx, here.school, specs.Create(slug=f"more-{number}", content=COMPLETE))
            version = await specs.submit(tx, here.school, specs.Submit(made.draft_id, "1.0.0"))
            await reviews.request(tx, here.school, reviews.RequestReview(version, here.made.employer_id))
    await here.numbered()
    # The worker has written its notices when it waits for the outbox, which the test holds.
    async with owner.transaction():
        await owner.execute("lock table outbox in share mode")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.notices.work_once", database_dsn),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"server{os.pathsep}."},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with asyncio.timeout(WAIT):
            while not await owner.fetchval(WAITS):
                await owner.execute("select pg_stat_clear_snapshot()")
                await asyncio.sleep(0.02)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    async with asyncio.timeout(WAIT):
        while await owner.fetchval(WORKS):  # noqa: ASYNC110 - nor that a backend has noticed
            await asyncio.sleep(0.02)
    assert await owner.fetchval("select count(*) from notices") == 0
    await here.told()
    rows = await owner.fetch("select subject, count(*) as n from notices group by subject")
    assert [row["n"] for row in rows] == [1, 1, 1]
    assert await owner.fetchval("select count(*) from outbox where topic = 'notice.arrived'") == 3
