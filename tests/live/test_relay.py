"""The relay numbers committed events without gaps, in the order of commits, whoever it is and whatever dies."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from countersign.kit import outbox, relay
from countersign.kit.db import Database
from countersign.kit.ids import new_id, public_id
from countersign.kit.outbox import EventExpired, EventUnknown
from countersign.kit.relay import Relay
from tests.patience import WAIT, meanwhile

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
BEGIN = "insert into outbox_head (single, sequence) values (true, 0) on conflict do nothing"


@pytest.fixture(autouse=True)
async def head(db: Database, owner: Owner) -> None:
    assert not await owner.fetchval("select count(*) from outbox"), db
    await owner.execute(BEGIN)


async def emit(db: Database, subject: str) -> None:
    async with db.writer() as tx:
        await tx.emit("toy.happened", subject)


async def numbered(db: Database) -> list[str]:
    """Subjects in the order of their numbers, which must have no gap."""
    async with db.fresh_reader() as reader:
        rows = await reader.fetch("select sequence, subject from outbox where sequence is not null order by sequence")
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["subject"] for row in rows]


async def until(db: Database, count: int) -> None:
    async with asyncio.timeout(WAIT):
        while len(await numbered(db)) < count:  # noqa: ASYNC110 - it ends in another process, perhaps
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(db: Database, candidates: int = 1) -> AsyncIterator[None]:
    async with meanwhile(*[partial(relay.run, db)] * candidates):
        yield


async def test_an_event_of_a_long_transaction_comes_after_those_committed_before_it(db: Database) -> None:
    async with running(db):
        async with db.writer() as long:
            await long.emit("toy.happened", "long")
            for n in range(3):
                await emit(db, f"short-{n}")
            await until(db, 3)
        await until(db, 4)
    assert await numbered(db) == ["short-0", "short-1", "short-2", "long"]


async def test_commits_of_one_look_are_ordered_by_their_times_where_postgresql_keeps_them(
    db: Database, owner: Owner
) -> None:
    candidate = Relay()
    async with db.alone() as connection, db.writer() as early:
        await early.emit("toy.happened", "written first")
        await emit(db, "committed first")
        await candidate._set_up(connection)
    async with db.alone() as connection:
        await candidate._set_up(connection)
        await candidate.look(connection)
    kept = await owner.fetchval("select current_setting('track_commit_timestamp') = 'on'")
    expected = ["committed first", "written first"]
    assert await numbered(db) == (expected if kept else expected[::-1])


async def test_several_candidates_number_what_many_writers_commit_once_and_without_gaps(db: Database) -> None:
    writers, each = 6, 15
    commits: dict[str, tuple[float, float]] = {}
    now = asyncio.get_running_loop().time

    async def write(writer: int) -> None:
        chance = random.Random(writer)  # noqa: S311 - a repeatable jitter
        for n in range(each):
            async with db.writer() as tx:
                await tx.emit("toy.happened", f"{writer}-{n}")
                await asyncio.sleep(chance.random() * 0.02)
                begun = now()
            commits[f"{writer}-{n}"] = (begun, now())

    async with running(db, 3):
        await asyncio.gather(*(write(n) for n in range(writers)))
        await until(db, writers * each)
    order = await numbered(db)
    assert sorted(order) == sorted(commits)
    for writer in range(writers):
        own = [subject for subject in order if subject.startswith(f"{writer}-")]
        assert own == [f"{writer}-{n}" for n in range(each)], "one writer's events keep their order"
    wrong = [
        (later, earlier)
        for place, later in enumerate(order)
        for earlier in order[place + 1 :]
        if commits[earlier][1] + relay.POLL < commits[later][0]
    ]
    assert wrong == [], "what was committed a look earlier has the lower number"


async def test_a_second_relay_numbers_nothing_while_the_first_has_the_lease(db: Database, owner: Owner) -> None:
    first, second = Relay(), Relay()
    async with db.alone() as one, db.alone() as two:
        assert await first.look(one) == 0
        await emit(db, "a")
        assert await second.look(two) is None
        assert await numbered(db) == []
        assert await first.look(one) == 1
        await owner.execute("update outbox_head set lease_until = clock_timestamp() - interval '1 second'")
        await emit(db, "b")
        assert await second.look(two) == 1
        await emit(db, "c")
        # The first wakes up and does not know yet that it was replaced.
        assert await first.look(one) is None
        assert await second.look(two) == 1
    assert await numbered(db) == ["a", "b", "c"]


async def test_two_relays_at_the_same_instant_do_not_number_twice(db: Database, owner: Owner) -> None:
    for round_ in range(10):
        await emit(db, str(round_))
        await owner.execute("update outbox_head set lease_until = clock_timestamp() - interval '1 second'")
        async with db.alone() as one, db.alone() as two:
            found = await asyncio.gather(Relay().look(one), Relay().look(two))
        assert sorted(found, key=str) == [1, None]
    assert await numbered(db) == [str(n) for n in range(10)]


async def test_a_relay_that_loses_its_connection_in_the_middle_leaves_no_gap(db: Database, owner: Owner) -> None:
    async with running(db):
        for n in range(12):
            await emit(db, str(n))
            if n % 4 == 3:
                await owner.execute(
                    "select pg_terminate_backend(a.pid) from pg_stat_activity a, pg_locks l"
                    " where l.pid = a.pid and a.datname = current_database() and a.query like '%outbox%'"
                    " and a.pid <> pg_backend_pid()"
                )
        await until(db, 12)
    assert await numbered(db) == [str(n) for n in range(12)]


RELAY_PROCESS = """
import asyncio, sys
from countersign.kit import relay
from countersign.kit.db import Database
from tests.patience import WAIT

async def main():
    db = await Database.open(sys.argv[1], pool_size=1, wait_seconds=WAIT)
    await relay.run(db, asyncio.Event())

asyncio.run(main())
"""


async def test_another_process_takes_over_when_the_relay_is_killed(db: Database, database_dsn: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", RELAY_PROCESS, database_dsn, env=environment)
    try:
        await emit(db, "by the first")
        await until(db, 1)
        process.send_signal(signal.SIGSTOP)  # frozen, as a machine that swaps: it still believes to be the relay
        await emit(db, "by the second")
        async with running(db):
            await until(db, 2)
            process.send_signal(signal.SIGCONT)
            await emit(db, "by the second too")
            await until(db, 3)
    finally:
        process.kill()
        await process.wait()
    assert await numbered(db) == ["by the first", "by the second", "by the second too"]


async def test_a_process_that_begins_numbers_what_was_left_before_it_serves(db: Database) -> None:
    for n in range(3):
        await emit(db, str(n))
    candidate = Relay()
    async with meanwhile(partial(relay.run, db, relay=candidate)):
        async with asyncio.timeout(WAIT):
            await candidate.caught_up.wait()
        assert await numbered(db) == ["0", "1", "2"]


async def test_a_relay_that_is_told_to_stop_leaves_its_place_at_once(db: Database, owner: Owner) -> None:
    async with running(db):
        await emit(db, "a")
        await until(db, 1)
    assert await owner.fetchval("select holder from outbox_head") is None


async def test_the_relay_says_that_it_has_numbered_events(db: Database) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with db.alone() as listener, running(db):
        await listener.add_listener(outbox.CHANNEL, lambda *given: heard.put_nowait(str(given[-1])))
        await emit(db, "a")
        async with asyncio.timeout(WAIT):
            assert await heard.get() == "1"


async def test_only_what_was_told_over_a_week_ago_is_deleted(db: Database, owner: Owner) -> None:
    for subject in ("old", "young", "waiting"):
        await emit(db, subject)
        if subject != "waiting":
            async with db.alone() as connection:
                await Relay(UUID(int=1)).look(connection)
    await owner.execute("update outbox set told_at = now() - interval '7 days 1 minute' where subject = 'old'")
    await owner.execute("update outbox set told_at = now() - interval '6 days 23 hours' where subject = 'young'")
    async with db.alone() as connection:
        await relay.clean(connection)
    assert {row["subject"] for row in await owner.fetch("select subject from outbox")} == {"young", "waiting"}
    assert await owner.fetchval("select sequence from outbox_head") == 2, "numbers go on"


async def test_an_event_that_is_gone_says_whether_it_was_too_old(db: Database) -> None:
    fresh = new_id()
    milliseconds = (fresh.int >> 80) - int(timedelta(days=8).total_seconds() * 1000)
    old = UUID(int=(fresh.int & (1 << 80) - 1) | milliseconds << 80)
    async with db.fresh_reader() as reader:
        with pytest.raises(EventExpired, match="7 days"):
            await outbox.sequence_of(reader, public_id("event", old))
        for unknown in (public_id("event", fresh), public_id("spec", old), "nonsense", ""):
            with pytest.raises(EventUnknown):
                await outbox.sequence_of(reader, unknown)
