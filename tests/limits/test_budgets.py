"""Budgets: never over capacity whoever spends, no statement while a lease lasts, and what a crash costs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import SYSTEM, Actor
from countersign.kit.budgets import Budget, Budgets, Charge, holder_of, site
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.placement import table_name
from tests.limits.spend import spend
from tests.patience import WAIT

TOTAL = """select b.available + coalesce((select sum((l.value ->> 0)::float8) from jsonb_each(b.leases) l
                                          where (l.value ->> 1)::float8 > extract(epoch from clock_timestamp())), 0)
           from budgets b where b.holder = $1"""


class Watch:
    """A monotonic clock and the database's, moved together."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """The seconds."""
        return self.seconds

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self._clock.move(timedelta(seconds=seconds))


class Counting(Database):
    """Counts transactions."""

    transactions = 0

    def writer(self) -> Any:
        """One more."""
        self.transactions += 1
        return super().writer()


@pytest.fixture
def actor() -> Actor:
    return Actor(organization_id=uuid4(), token_id=uuid4())


@pytest.fixture
def watch(clock: FrozenClock) -> Watch:
    return Watch(clock)


@pytest_asyncio.fixture
async def four(database_dsn: str) -> AsyncIterator[list[Database]]:
    """Four databases as four workers have them, with the time of the server."""
    opened = [await Database.open(database_dsn, pool_size=2, wait_seconds=WAIT) for _ in range(4)]
    yield opened
    for each in opened:
        await each.close()


async def bucket(db: Database, actor: Actor) -> tuple[float, dict[str, Any]]:
    async with db.fresh_reader() as connection:
        row = await connection.fetchrow("select available, leases from budgets where holder = $1", holder_of(actor))
    assert row is not None
    return row["available"], row["leases"]


@pytest.mark.usefixtures("db")
async def test_many_workers_never_spend_more_than_capacity_and_what_was_restored(
    four: list[Database], actor: Actor, database_dsn: str, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    capacity, restored, seconds = 2_000, 400.0, 1.5
    given = [database_dsn, str(actor.organization_id), str(capacity), str(restored), str(seconds)]
    began = time.monotonic()
    others = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.limits.spend",
            *given,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["server", "."])},
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    workers = [Budgets(each, capacity=capacity, restored=restored) for each in four for _ in range(2)]
    until = time.monotonic() + seconds
    most = 0.0
    spending = asyncio.gather(*(spend(worker, actor, until) for worker in workers for _ in range(3)))
    while not spending.done():
        most = max(most, await owner.fetchval(TOTAL, holder_of(actor)) or 0.0)
        await asyncio.sleep(0.01)
    got = sum(await spending)
    for other in others:
        got += int((await other.communicate())[0])
    async with asyncio.timeout(WAIT):
        while got < capacity * 0.75:  # a slow machine has not come to it yet
            got += await spend(workers[0], actor, time.monotonic() + 0.1)
    elapsed = time.monotonic() - began
    assert most <= capacity + 1e-6
    assert got <= capacity + restored * elapsed
    # And the budget is there to be used, else the loop above has no end: at most some leases lie idle.


async def test_a_lease_in_hand_needs_no_statement(pools: Database, db: Database, actor: Actor, watch: Watch) -> None:
    counting = Counting(pools._pools, db.clock, pools._connect)
    budgets = Budgets(counting, monotonic=watch)
    charges = [await budgets.charge(actor, 5) for _ in range(100)]
    assert counting.transactions == 1
    assert [charge.remaining for charge in charges] == [10_000 - 5 * n for n in range(1, 101)]
    assert charges[-1] == Charge(allowed=True, points=5, limit=10_000, remaining=9_500, reset_seconds=5)
    await budgets.charge(actor, 5)
    assert counting.transactions == 2


async def test_what_is_too_much_is_refused_with_the_time_to_wait(db: Database, actor: Actor, watch: Watch) -> None:
    budgets = Budgets(db, monotonic=watch)
    assert (await budgets.charge(actor, 5_000)).allowed
    assert (await budgets.charge(actor, 4_000)).allowed
    refused = await budgets.charge(actor, 1_300)
    assert (refused.allowed, refused.remaining, refused.retry_after, refused.reset_seconds) == (False, 1_000, 3, 90)
    assert (await budgets.charge(actor, 1_000)).allowed
    watch.move(2.9)
    assert not (await budgets.charge(actor, 300)).allowed
    watch.move(0.1)
    assert (await budgets.charge(actor, 300)).allowed


async def test_a_refusal_stands_for_a_second_without_asking_the_database(
    pools: Database, db: Database, actor: Actor, watch: Watch
) -> None:
    counting = Counting(pools._pools, db.clock, pools._connect)
    budgets = Budgets(counting, monotonic=watch)
    for points in (5_000, 5_000):
        assert (await budgets.charge(actor, points)).allowed
    asked = counting.transactions
    for _ in range(50):
        assert not (await budgets.charge(actor, 4_000)).allowed
    assert counting.transactions - asked <= 1
    watch.move(1.5)
    assert not (await budgets.charge(actor, 4_000)).allowed
    assert counting.transactions - asked <= 2


async def test_a_worker_that_dies_loses_its_lease_and_nothing_more(db: Database, actor: Actor, watch: Watch) -> None:
    dead, alive = Budgets(db, monotonic=watch), Budgets(db, monotonic=watch)
    await dead.charge(actor, 100)
    available, leases = await bucket(db, actor)
    assert (available, [points for points, _ in leases.values()]) == (9_500, [500])
    # While its lease lasts its points are not restored: they may still be spent.
    watch.move(9)
    await alive.charge(actor, 1)
    assert (await bucket(db, actor))[0] == 9_000
    watch.move(11)
    assert (await alive.charge(actor, 5_000)).allowed
    assert (await alive.charge(actor, 5_000)).allowed


async def test_a_worker_that_ends_gives_its_lease_back(db: Database, actor: Actor, watch: Watch) -> None:
    budgets = Budgets(db, monotonic=watch)
    await budgets.charge(actor, 100)
    await budgets.close()
    assert await bucket(db, actor) == (9_900, {})


async def test_an_expired_lease_is_not_spent(db: Database, actor: Actor, watch: Watch) -> None:
    budgets = Budgets(db, capacity=6_000, restored=1.0, monotonic=watch)
    await budgets.charge(actor, 100)  # leases 300, keeps 200
    watch.move(20)
    charge = await budgets.charge(actor, 100)
    assert charge.remaining == 6_000 - 300 + 20 - 100  # the 200 are gone until they are restored


async def test_a_clock_that_goes_back_takes_nothing(db: Database, actor: Actor, clock: FrozenClock) -> None:
    await Budgets(db).charge(actor, 100)
    clock.move(timedelta(seconds=-60))
    await Budgets(db).charge(actor, 100)
    assert (await bucket(db, actor))[0] == 9_000


async def test_what_was_not_spent_comes_back(db: Database, actor: Actor, watch: Watch) -> None:
    budgets = Budgets(db, monotonic=watch)
    charge = await budgets.charge(actor, 4_000)
    assert charge.remaining == 6_000
    settled = budgets.settle(actor, charge, 1_200)
    assert (settled.points, settled.remaining) == (1_200, 8_800)
    assert (await budgets.charge(actor, 2_800)).remaining == 6_000
    assert budgets.settle(actor, charge, 9_999) == charge


async def test_tokens_of_an_organization_share_and_learners_do_not(db: Database, actor: Actor, watch: Watch) -> None:
    budgets = Budgets(db, monotonic=watch)
    assert (await budgets.charge(actor, 5_000)).allowed
    assert (await budgets.charge(replace(actor, token_id=uuid4(), person_id=uuid4()), 5_000)).allowed
    assert not (await budgets.charge(actor, 1)).allowed
    for _ in range(2):
        learner = Actor(learner_id=7, token_id=uuid4())
        assert (await budgets.charge(learner, 5_000)).remaining == 5_000
    for _ in range(5):
        assert (await budgets.charge(SYSTEM, 5_000)).allowed


async def test_strangers_are_counted_by_their_network_without_a_statement(
    pools: Database, db: Database, watch: Watch
) -> None:
    counting = Counting(pools._pools, db.clock, pools._connect)
    budgets = Budgets(counting, monotonic=watch)
    assert (await budgets.charge("2001:db8:1:2::1", 6_000)).allowed
    refused = await budgets.charge("2001:db8:1:2:ffff::9", 6_000)
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 4_000, 20)
    assert (await budgets.charge("2001:db8:1:3::1", 6_000)).allowed
    assert (await budgets.charge("203.0.113.9", 6_000)).allowed
    assert not (await budgets.charge("::ffff:203.0.113.9", 6_000)).allowed
    watch.move(20)
    assert (await budgets.charge("2001:db8:1:2::1", 6_000)).allowed
    assert counting.transactions == 0


def test_a_stranger_without_an_address_is_one_stranger() -> None:
    assert site("") == ""
    assert site("10.0.0.1") == "10.0.0.1"


async def test_a_budget_names_nobody(tx: Tx) -> None:
    assert holder_of(Actor(learner_id=7, token_id=UUID(int=9))) == f"token:{UUID(int=9)}"
    kind = await tx.fetchval("select relpersistence from pg_class where relname = $1", table_name(Budget))
    assert kind == b"u"  # not a word of it reaches the write-ahead log
