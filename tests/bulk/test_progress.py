"""How far an operation is: shown and told at most once a second, and followed by subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from countersign.bulk import jobs, queue
from countersign.bulk.queue import BEAT_SECONDS, Job, LeaseLost, StopWanted, Watch
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.bulk.support import House, key_of, lines, row
from tests.factories import Factory
from tests.live.support import Desk, desk
from tests.patience import WAIT

FOLLOW = (
    "subscription ($id: ID) { bulkOperationProgressed(id: $id)"
    " { eventId kind operation { id state rowsDone rowsCreated } } }"
)


class Ticking:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.at


async def running(house: House) -> Job:
    await house.start_import(lines([row(1)]))
    job = await queue.claim(house.db)
    assert job is not None
    return job


async def told(house: House) -> int:
    async with house.db.reader() as reader:
        return int(await reader.fetchval("select count(*) from outbox where topic = $1", queue.TOPIC))


async def test_progress_is_written_when_it_changed_and_told_with_it(house: House) -> None:
    job, seconds = await running(house), Ticking()
    watch = Watch(house.db, job, seconds=seconds)
    before = await told(house)
    for number in range(1_000):
        watch.progress(number, 5_000)
    await watch._show()
    found = await house.look(f"bulk_{job.id}")
    assert found is not None
    assert (found["rowsDone"], found["rowsTotal"]) == (999, 5_000)
    assert await told(house) == before + 1, "a thousand rows are one event"
    await watch._show()
    assert await told(house) == before + 1, "a lease that is renewed is no news"
    assert BEAT_SECONDS >= 1.0


async def test_a_watch_notices_a_wish_to_stop_and_a_lease_that_is_gone(house: House) -> None:
    job = await running(house)
    await house.api.do("cancelBulkOperation", "bulkOperation { id }", house.registrar, bulkOperationId=f"bulk_{job.id}")
    watch = Watch(house.db, job)
    watch.progress(1, 2)
    with pytest.raises(StopWanted):
        await watch._show()
    await queue.stop(house.db, job)
    with pytest.raises(LeaseLost):
        await watch._show()


async def test_a_watch_does_not_wait_for_the_last_transaction_of_its_own_import(house: House) -> None:
    job = await running(house)
    watch = Watch(house.db, job)
    watch.progress(1, 2)
    async with house.db.writer() as tx:
        await queue.hold(tx, job)
        async with asyncio.timeout(WAIT):
            await watch._show()
        await queue.complete(tx, job)


async def test_a_worker_stops_what_is_cancelled_while_it_works(
    house: House, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    started = await house.start_import(lines([row(n) for n in range(5)]))
    async with owner.transaction():
        # Another transaction holds what the import needs, so that it waits in the middle.
        await owner.execute("lock table learner_directory in access exclusive mode")
        working = asyncio.ensure_future(jobs.take(house.db, house.engine.exporter))
        while (found := await house.look(started["id"])) is not None and found["state"] == "QUEUED":
            assert not working.done()
        await house.api.do(
            "cancelBulkOperation", "bulkOperation { id }", house.registrar, bulkOperationId=started["id"]
        )
        async with asyncio.timeout(WAIT):
            assert await working
    found = await house.look(started["id"])
    assert found is not None
    assert found["state"] == "CANCELED"
    assert await house.awards() == 0


@pytest_asyncio.fixture
async def here(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with desk(db, signer, make) as made:
        yield made


async def test_an_operation_is_followed_from_the_queue_to_its_end(house: House, here: Desk) -> None:
    follower = await here.follow(await here.signed_in(house.registrar), FOLLOW)
    started = await house.start_import(lines([row(1), row(2)]))
    assert await house.work() == 1
    heard = await follower.until(3)
    assert [event["kind"] for event in heard] == ["QUEUED", "RUNNING", "COMPLETED"]
    assert {event["operation"]["id"] for event in heard} == {started["id"]}
    assert heard[-1]["operation"]["rowsCreated"] == 2


async def test_another_organization_hears_nothing_and_another_operation_is_not_told(
    house: House, here: Desk, make: Factory
) -> None:
    async with house.db.writer() as tx:
        foreign = await make.school(tx)
    outside = await here.follow(await here.signed_in(foreign), FOLLOW)
    first = await house.start_import(lines([row(1)]))
    await here.settled()
    one = await here.follow(await here.signed_in(house.registrar), FOLLOW, id=first["id"])
    await house.start_import(lines([row(2)]))
    assert await house.work() == 2
    heard = await one.until(2)
    await here.settled()
    assert outside.heard == []
    assert {key_of(event["operation"]["id"]) for event in heard} == {key_of(first["id"])}
    assert len(one.heard) == 2
