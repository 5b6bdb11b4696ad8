"""Admission: the wait is bounded, the order is kept, nobody's place is lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from countersign.edge.admission import Admission, Busy
from countersign.edge.shedding import Shedding
from tests.patience import WAIT


async def test_whoever_finds_a_free_place_is_never_refused() -> None:
    admission = Admission(2)
    admission.pace = 60.0  # whatever the past was like
    for _ in range(2):
        admission.enter()
        await asyncio.wait_for(admission.take(), WAIT)
    with pytest.raises(Busy) as refused:
        admission.enter()
    assert (refused.value.status, refused.value.retry_after) == (503, 60)
    assert admission.inside == 2, "who is refused is not inside"


async def test_the_wait_is_bounded_and_not_the_queue() -> None:
    quick, slow = Admission(1), Admission(1)
    quick.pace, slow.pace = 0.001, 0.2
    for _ in range(200):
        quick.enter()
    for _ in range(2):
        slow.enter()
    assert quick.wait_beyond_reason is None
    assert slow.wait_beyond_reason == 1


async def test_the_interactive_go_before_bulk_and_each_in_its_order() -> None:
    admission, order = Admission(1), list[str]()
    await admission.take()

    async def one(name: str, *, bulk: bool) -> None:
        await admission.take(bulk=bulk)
        order.append(name)
        admission.give_back()

    names = [("bulk 1", True), ("first", False), ("bulk 2", True), ("second", False)]
    tasks = []
    for name, bulk in names:
        tasks.append(asyncio.create_task(one(name, bulk=bulk)))
        await asyncio.sleep(0)
    admission.give_back()
    await asyncio.gather(*tasks)
    assert order == ["first", "second", "bulk 1", "bulk 2"]


async def test_bulk_work_is_refused_where_interactive_work_waits() -> None:
    admission = Admission(1)
    admission.pace = 0.2
    await admission.take()
    waiting = asyncio.create_task(admission.take())
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await admission.take(bulk=True)
    admission.give_back()
    await waiting


async def test_who_leaves_the_queue_takes_no_place_along() -> None:
    admission = Admission(1)
    await admission.take()
    gone, cut, stays = (asyncio.create_task(admission.take()) for _ in range(3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    admission.give_back()  # to the second, who is cancelled in the same moment
    cut.cancel()
    await asyncio.wait_for(stays, WAIT)
    admission.give_back()
    await asyncio.wait_for(admission.take(), WAIT)


async def test_nobody_waits_for_ever() -> None:
    admission = Admission(1, last_resort=0.05)
    await admission.take()
    with pytest.raises(Busy):
        await asyncio.wait_for(admission.take(), WAIT)
    admission.give_back()
    await asyncio.wait_for(admission.take(), WAIT)


async def test_the_pace_follows_what_leaves_while_all_places_are_taken() -> None:
    admission = Admission(1)
    for _ in range(3):
        admission.enter()
    began = time.perf_counter()
    admission.leave()
    await asyncio.sleep(0.02)
    admission.leave()
    assert 0 < admission.pace < 0.06 + time.perf_counter() - began
    before = admission.pace
    await asyncio.sleep(0.05)
    admission.leave()
    assert admission.pace == before, "an idle time says nothing about the pace"


def test_a_no_is_a_whole_answer_that_says_when_to_come_again() -> None:
    admission = Admission(1)
    shedding = Shedding(admission, (b"countersign-mode", b"dev"))
    assert shedding(b"") is None
    admission.enter()
    admission.pace = 2.0
    said = shedding(b"date: today\r\n")
    assert said is not None
    assert said.startswith(
        b"HTTP/1.1 503 Service Unavailable\r\ndate: today\r\ncountersign-mode: dev\r\nretry-after: 2"
    )
    assert b'"code": "UNAVAILABLE"' in said
