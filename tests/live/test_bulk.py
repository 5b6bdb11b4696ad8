"""How a bulk operation goes on is told to its organization while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from countersign.kit import relay
from countersign.kit.access import ANONYMOUS
from countersign.kit.db import Database
from countersign.reads.errors import Unreadable
from countersign.trust.signer import Signer
from tests.api import served
from tests.awards.support import campus
from tests.bulk.support import House, lines, row
from tests.factories import Factory
from tests.live.support import Desk
from tests.patience import WAIT

PROGRESS = (
    "subscription ($id: ID) { bulkOperationProgressed(id: $id)"
    " { eventId kind operation { id state rowsDone rowsTotal } } }"
)


@pytest_asyncio.fixture
async def school(db: Database, make: Factory, signer: Signer) -> AsyncIterator[House]:
    async with db.writer() as tx:
        here = await campus(tx, make)
    stop = asyncio.Event()
    async with served(db, signer, make) as api, asyncio.TaskGroup() as jobs:
        jobs.create_task(relay.run(db, stop))
        jobs.create_task(api.engine.live.run(stop))
        try:
            yield House(api, db, here, api.tools)
        finally:
            stop.set()


async def test_an_import_is_followed_from_the_queue_to_its_end_by_its_own_organization(
    school: House, make: Factory
) -> None:
    desk = Desk(school.db, school.engine, make)
    async with school.db.writer() as tx:
        foreign = await make.school(tx)
    registrar = await desk.signed_in(school.registrar)
    every = await desk.follow(registrar, PROGRESS)
    stranger = await desk.follow(await desk.signed_in(foreign), PROGRESS)
    done = await school.imported(lines([row(n) for n in range(3)]))
    other = await desk.follow(registrar, PROGRESS, id="bulk_00000000-0000-7000-8000-000000000000")
    again = await desk.follow(registrar, PROGRESS, id=done["id"])
    async with asyncio.timeout(WAIT):
        while not every.told or every.told[-1]["kind"] != "COMPLETED":
            await every.until(len(every.told) + 1)
    assert every.told[0]["kind"] == "QUEUED"
    assert "RUNNING" in [event["kind"] for event in every.told]
    assert every.told[-1]["operation"] == {"id": done["id"], "state": "COMPLETED", "rowsDone": 3, "rowsTotal": 3}
    await desk.settled()
    assert stranger.told == other.told == []
    assert again.errors is None


async def test_nobody_follows_bulk_operations_without_signing_in(school: House, make: Factory) -> None:
    with pytest.raises(Unreadable) as refused:
        await Desk(school.db, school.engine, make).follow(ANONYMOUS, PROGRESS)
    assert refused.value.errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
