"""A pledge whose window is over is told of, and reserved seats without an answer before they count as not kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
import pytest_asyncio

from countersign.endorsements import pledge_clock, pledges
from countersign.endorsements.pledge_rules import SETTLING
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.notices import texts
from countersign.notices.subjects import SUBJECTS
from tests.endorsements.ledger import CLOSES, Market, market, set_state
from tests.factories import Factory

DAY = timedelta(days=1)
LAST_ANSWER = CLOSES + SETTLING


class Ledger:
    """A pledge of two seats until 31 March 2027, in force, and what was told of it."""

    def __init__(self, db: Database, here: Market, clock: FrozenClock) -> None:
        self.db = db
        self.here = here
        self.clock = clock

    async def told(self, day: date) -> list[str]:
        """What is told on a day, looking twice; everything since the beginning, oldest first."""
        self.clock.at = datetime.combine(day, time(0, 1), UTC)
        for _ in range(2):
            await pledge_clock.look(self.db)
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select topic, subject from outbox where topic in ('pledge.lapsed', 'pledge.answer_due',"
                " 'pledge.not_kept') order by at, id"
            )
        assert {row["subject"] for row in rows} <= {f"plg_{self.here.pledge}"}
        return [row["topic"].removeprefix("pledge.") for row in rows]

    async def reserve(self, reference: str = "c-1") -> None:
        """The school takes the endorser at its word."""
        async with self.db.writer() as tx:
            await self.here.reserve(tx, reference)


@pytest_asyncio.fixture
async def ledger(db: Database, make: Factory, clock: FrozenClock) -> AsyncIterator[Ledger]:
    async with db.writer() as tx:
        here = await market(tx, make)
    yield Ledger(db, here, clock)


async def test_who_was_taken_at_their_word_is_told_before_silence_counts_as_not_kept(ledger: Ledger) -> None:
    await ledger.reserve()
    assert await ledger.told(CLOSES) == []
    assert await ledger.told(CLOSES + DAY) == ["lapsed"]
    assert await ledger.told(LAST_ANSWER - 8 * DAY) == ["lapsed"]
    assert await ledger.told(LAST_ANSWER - 7 * DAY) == ["lapsed", "answer_due"]
    assert await ledger.told(LAST_ANSWER) == ["lapsed", "answer_due"]
    assert await ledger.told(LAST_ANSWER + DAY) == ["lapsed", "answer_due", "not_kept"]
    assert await ledger.told(LAST_ANSWER + 20 * DAY) == ["lapsed", "answer_due", "not_kept"]


async def test_a_pledge_nobody_asked_for_lapses_and_asks_for_no_answer(ledger: Ledger) -> None:
    assert await ledger.told(CLOSES + DAY) == ["lapsed"]
    assert await ledger.told(LAST_ANSWER + DAY) == ["lapsed"]


async def test_what_was_answered_is_not_asked_for(ledger: Ledger) -> None:
    async with ledger.db.writer() as tx:
        reservation = await ledger.here.reserve(tx)
        await pledges.redeem(tx, ledger.here.employer, reservation)
    assert await ledger.told(LAST_ANSWER + DAY) == ["lapsed"]


@pytest.mark.parametrize(("late", "news"), [(1, ["not_kept"]), (30, ["not_kept"]), (31, [])])
async def test_after_a_standstill_the_latest_mark_alone_is_told_and_after_a_month_nothing(
    ledger: Ledger, late: int, news: list[str]
) -> None:
    await ledger.reserve()
    assert await ledger.told(LAST_ANSWER + late * DAY) == news


@pytest.mark.parametrize("how", ["withdrawn", "revoked"])
async def test_what_was_taken_back_does_not_lapse_but_what_was_reserved_is_still_asked_for(
    ledger: Ledger, how: str
) -> None:
    await ledger.reserve()
    async with ledger.db.writer() as tx:
        if how == "withdrawn":
            await pledges.withdraw(tx, ledger.here.employer, pledges.Withdraw(ledger.here.pledge, "We hire no more"))
        else:
            await set_state(tx, ledger.here.endorsement, "revoked")
    assert await ledger.told(CLOSES + DAY) == []
    assert await ledger.told(LAST_ANSWER) == ["answer_due"]


async def test_a_pledge_that_was_never_signed_is_not_told_of(db: Database, make: Factory, clock: FrozenClock) -> None:
    async with db.writer() as tx:
        here = await market(tx, make, signed=False)
    assert await Ledger(db, here, clock).told(CLOSES + DAY) == []


async def test_many_who_look_at_once_tell_once(ledger: Ledger) -> None:
    ledger.clock.at = datetime.combine(CLOSES + DAY, time(0, 1), UTC)
    await asyncio.gather(*(pledge_clock.look(ledger.db) for _ in range(4)))
    assert await ledger.told(CLOSES + DAY) == ["lapsed"]


async def test_the_sentence_says_until_when_an_answer_is_waited_for(ledger: Ledger) -> None:
    await ledger.reserve()
    async with ledger.db.writer() as tx:
        (row,) = await tx.fetch(SUBJECTS["plg"], [ledger.here.pledge])
    facts = row["facts"]
    assert (facts["waiting"], facts["answer_by"]) == (1, LAST_ANSWER.isoformat())
    voice = texts.voice_of("pledge.lapsed", "school", facts["case"])
    assert voice == "pledge.lapsed/waiting"
    assert texts.sentence(voice, facts, "en").endswith("is over: 1 reserved seat waits for an answer until 2027-04-30.")
    assert texts.sentence(voice, facts, "ru").count("1 место ждёт") == 1
