"""What time does to review requests, and what their two sides do about it; the clock is passed in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.kit.access import OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal
from countersign.kit.ids import new_id
from countersign.kit.staleness import Changed
from countersign.reviews import reminders
from countersign.reviews import service as reviews
from countersign.reviews.reminders import Looked, look
from countersign.reviews.rules import LEASE, LeaseLost
from countersign.reviews.rules_due import STEPS, NotLater, steps_due
from countersign.reviews.service import Extend, RequestReview
from tests.conftest import NOW
from tests.factories import Factory
from tests.reviews.support import Scene, everything, favourable, scene, submitted

DUE = date(2026, 12, 20)


@dataclass
class Bench:
    """A request that was made, and the clock."""

    db: Database
    clock: FrozenClock
    here: Scene
    request: UUID

    def at(self, days: float) -> None:
        """Let it be so many days after the due date (negative: before)."""
        self.clock.move(DUE - NOW.date() + timedelta(days=days) - (self.clock.now() - NOW))

    async def told(self) -> list[tuple[str, str | None]]:
        """The topics and audiences of what was told about requests, in order."""
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select topic, payload->>'audience' as audience from outbox where subject = $1 and topic in"
                " ('review.reminder', 'review.overdue', 'review.overdue_school', 'review.expired', 'review.returned')"
                " order by at, id",
                f"rrq_{self.request}",
            )
        return [(row["topic"], row["audience"]) for row in rows]

    async def days(self) -> list[int]:
        """The days that were told to be left, in order."""
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select (payload->>'days')::int as days from outbox where subject = $1 and payload ? 'days'"
                " order by at, id",
                f"rrq_{self.request}",
            )
        return [row["days"] for row in rows]

    async def row(self) -> Any:
        """The request as it lies."""
        async with self.db.writer() as tx:
            return await tx.fetchrow("select * from review_requests where id = $1", self.request)

    async def refused(self, kind: type[Refusal], act: Callable[[Any], Awaitable[object]]) -> None:
        """An act that is refused and changes nothing."""
        before = await everything(self.db)
        with pytest.raises(kind):
            async with self.db.writer() as tx:
                await act(tx)
        assert await everything(self.db) == before


@pytest_asyncio.fixture
async def bench(db: Database, make: Factory, clock: FrozenClock) -> Bench:
    async with db.writer() as tx:
        here = await scene(tx, make)
        request = await reviews.request(tx, here.school, RequestReview(here.version, here.employer_id))
    return Bench(db, clock, here, request)


async def test_everything_is_told_once_on_its_day(bench: Bench) -> None:
    assert (await look(bench.db)).nothing
    for day in range(-20, 18):
        bench.at(day)
        for _ in range(2):
            await look(bench.db)
    assert await bench.told() == [
        *[("review.reminder", "reviewers")] * 3,
        ("review.overdue", "admins"),
        ("review.overdue_school", "school"),
        ("review.expired", None),
    ]
    assert (await bench.row())["state"] == "expired"


async def test_the_statement_names_the_steps_that_the_rule_names(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    today = NOW.date()
    expected = Counter[str]()
    clock.move(timedelta(days=-28))
    async with db.writer() as tx:
        here = await scene(tx, make)
        judges = [await make.organization(tx) for _ in range(22)]
    clock.move(timedelta(days=28))
    for asked_ago in (0, 2, 6, 28):
        clock.move(timedelta(days=-asked_ago))
        async with db.writer() as tx:
            _, version = await submitted(tx, here.school)
            for judge, due_in in zip(judges, range(-12, 10), strict=True):
                due, asked = today + timedelta(days=due_in), today - timedelta(days=asked_ago)
                if due > asked:
                    await reviews.request(tx, here.school, RequestReview(version, judge, due_on=due))
                    expected.update(step.name for step in steps_due(due, asked, today))
        clock.move(timedelta(days=asked_ago))
    assert (await look(db)).told == expected.total()
    async with db.writer() as tx:
        found = await tx.fetch("select step, count(*) as n from review_reminders group by step")
    assert {row["step"]: row["n"] for row in found} == dict(expected)
    assert set(expected) == {step.name for step in STEPS}


async def test_after_a_stop_the_latest_is_told_and_not_everything_at_once(bench: Bench) -> None:
    bench.at(0)
    assert await look(bench.db) == Looked(told=1)
    bench.at(9)
    assert await look(bench.db) == Looked(told=2)
    assert [topic for topic, _ in await bench.told()] == ["review.reminder", "review.overdue", "review.overdue_school"]


@pytest.mark.parametrize(("day", "left"), [(-7, 7), (-5, 5), (-1, 1), (0, 0)])
async def test_a_reminder_that_comes_late_tells_the_days_that_are_left(bench: Bench, day: int, left: int) -> None:
    bench.at(day)
    await look(bench.db)
    assert await bench.days() == [left]


async def test_nobody_is_reminded_of_days_that_are_not_left(bench: Bench) -> None:
    bench.at(2)
    assert await look(bench.db) == Looked(told=1)
    assert await bench.told() == [("review.overdue", "admins")]
    assert await bench.days() == [-2]


async def test_two_who_look_at_once_tell_once(bench: Bench) -> None:
    bench.at(-7)
    looked = await asyncio.gather(*(look(bench.db) for _ in range(6)))
    assert sum(found.told for found in looked) == 1
    assert len(await bench.told()) == 1


async def test_what_was_answered_is_not_reminded_of(bench: Bench) -> None:
    async with bench.db.writer() as tx:
        await reviews.claim(tx, bench.here.employer, bench.request)
        await reviews.decide(tx, bench.here.employer, reviews.Decide(bench.request, favourable()))
    bench.at(-3)
    assert (await look(bench.db)).nothing


async def test_an_overdue_request_is_still_answered_until_its_last_day(bench: Bench) -> None:
    bench.at(14.4)
    async with bench.db.writer() as tx:
        await reviews.claim(tx, bench.here.employer, bench.request)
        await reviews.decide(tx, bench.here.employer, reviews.Decide(bench.request, favourable()))


async def test_after_its_last_day_nobody_answers_whether_or_not_anybody_looked(bench: Bench) -> None:
    bench.at(15)
    await bench.refused(InvalidState, lambda tx: reviews.claim(tx, bench.here.employer, bench.request))
    assert (await look(bench.db)).expired == 1
    await bench.refused(InvalidState, lambda tx: reviews.claim(tx, bench.here.employer, bench.request))


async def test_a_request_of_the_first_release_ends_on_its_due_date(bench: Bench) -> None:
    async with bench.db.writer() as tx:
        await tx.execute("update review_requests set expires_on = null")
    bench.at(1)
    await bench.refused(InvalidState, lambda tx: reviews.claim(tx, bench.here.employer, bench.request))


async def test_a_claim_that_ran_out_comes_back_and_is_counted(bench: Bench) -> None:
    async with bench.db.writer() as tx:
        await reviews.claim(tx, bench.here.employer, bench.request)
    bench.clock.move(LEASE - timedelta(seconds=1))
    assert (await look(bench.db)).returned == 0
    bench.clock.move(timedelta(seconds=1))
    before = await bench.row()
    assert (await look(bench.db)).returned == 1
    assert (await look(bench.db)).nothing
    after = await bench.row()
    assert (after["state"], after["claimed_by"], after["claimed_until"], after["returns"]) == ("open", None, None, 1)
    assert after["updated_at"] > before["updated_at"]
    assert await bench.told() == [("review.returned", None)]


async def test_two_who_look_at_once_return_a_claim_once(bench: Bench) -> None:
    async with bench.db.writer() as tx:
        await reviews.claim(tx, bench.here.employer, bench.request)
    bench.clock.move(LEASE)
    looked = await asyncio.gather(*(look(bench.db) for _ in range(6)))
    assert sum(found.returned for found in looked) == 1
    assert (await bench.row())["returns"] == 1


async def test_a_reviewer_gives_back_their_own_claim_only(bench: Bench, make: Factory) -> None:
    here = bench.here
    async with bench.db.writer() as tx:
        colleague = await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
        rival = await make.employer(tx)
    await bench.refused(InvalidState, lambda tx: reviews.give_back(tx, here.employer, bench.request))
    async with bench.db.writer() as tx:
        await reviews.claim(tx, here.employer, bench.request)
    await bench.refused(LeaseLost, lambda tx: reviews.give_back(tx, colleague, bench.request))
    await bench.refused(NotFound, lambda tx: reviews.give_back(tx, rival, bench.request))
    await bench.refused(NotAllowed, lambda tx: reviews.give_back(tx, here.school, bench.request))
    async with bench.db.writer() as tx:
        await reviews.give_back(tx, here.employer, bench.request)
        await reviews.claim(tx, colleague, bench.request)
    assert (await bench.row())["returns"] == 1


async def test_the_school_gives_more_time_and_is_reminded_of_anew(bench: Bench) -> None:
    bench.at(-7)
    await look(bench.db)
    async with bench.db.writer() as tx:
        await reviews.extend(tx, bench.here.school, Extend(bench.request, DUE + timedelta(days=7)))
    assert (await look(bench.db)).nothing
    bench.at(0)
    assert (await look(bench.db)).told == 1
    row = await bench.row()
    assert (row["due_on"], row["expires_on"]) == (DUE + timedelta(days=7), DUE + timedelta(days=21))


async def test_only_the_school_that_asked_gives_more_time_to_what_waits(bench: Bench, make: Factory) -> None:
    longer = Extend(bench.request, DUE + timedelta(days=7))
    async with bench.db.writer() as tx:
        other = await make.school(tx)
    await bench.refused(NotFound, lambda tx: reviews.extend(tx, other, longer))
    await bench.refused(NotAllowed, lambda tx: reviews.extend(tx, bench.here.employer, longer))
    await bench.refused(
        NotFound, lambda tx: reviews.extend(tx, bench.here.school, replace(longer, request_id=new_id()))
    )
    await bench.refused(NotLater, lambda tx: reviews.extend(tx, bench.here.school, replace(longer, due_on=DUE)))
    stale = replace(longer, seen=NOW - timedelta(days=1))
    await bench.refused(Changed, lambda tx: reviews.extend(tx, bench.here.school, stale))
    bench.at(15)
    late = Extend(bench.request, DUE + timedelta(days=60))
    await bench.refused(InvalidState, lambda tx: reviews.extend(tx, bench.here.school, late))


async def test_many_due_requests_are_told_of_by_a_few_statements(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make)
        for _ in range(8):
            _, version = await submitted(tx, here.school)
            await reviews.request(tx, here.school, RequestReview(version, here.employer_id))
    clock.move(timedelta(days=21))
    assert [(await look(db, 5)).told for _ in range(3)] == [5, 3, 0]
    assert {step.name for step in STEPS} == set(reminders.TOPICS)
