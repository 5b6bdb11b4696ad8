"""Open calls by skill and sector, their places, and the fair queue."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.conflicts.rules import ConflictOfInterest
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import Invalid, InvalidState, NotAllowed, NotFound, Refusal, Required
from countersign.kit.ids import Sealer, new_id
from countersign.reviews import calls, experts
from countersign.reviews import service as reviews
from countersign.reviews.calls import CloseCall, Offer, OpenCall
from countersign.reviews.reminders import look
from countersign.reviews.rules_calls import (
    CALL_MOVES,
    AlreadyTaken,
    CallAct,
    Caller,
    CallFull,
    CallStands,
    CallState,
    NotTheirs,
    means,
    move,
)
from countersign.reviews.sectors import TITLES, Sector
from countersign.reviews.service import RequestReview
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.conftest import NOW, VAULT
from tests.factories import Factory
from tests.patience import WAIT
from tests.reads.counted import CountedDatabase
from tests.reads.toy import ask_code, ask_data
from tests.reviews.support import Scene, everything, favourable, scene, somebody_waits, submitted

FINANCE = frozenset({Sector.FINANCE})
QUEUE = "{ reviewQueue(first: 50) { totalCount nodes { turn dueOn request { id } call { id } } } }"
OPEN, CLOSED, LAPSED = CallState
EXPECTED = {
    OPEN: {
        CallAct.TAKE: (Caller.REVIEWER, OPEN),
        CallAct.CLOSE: (Caller.SCHOOL, CLOSED),
        CallAct.LAPSE: (Caller.CLOCK, LAPSED),
    },
    CLOSED: {},
    LAPSED: {},
}


@pytest.mark.parametrize(("state", "act", "party"), list(itertools.product(CallState, CallAct, Caller)))
def test_every_state_act_and_party_of_a_call_does_what_the_table_says(
    state: CallState, act: CallAct, party: Caller
) -> None:
    expected = EXPECTED[state].get(act)
    if expected is None:
        with pytest.raises(InvalidState):
            move(state, act, party)
    elif expected[0] is not party:
        with pytest.raises(NotTheirs):
            move(state, act, party)
    else:
        assert move(state, act, party) is expected[1]
    assert len(CALL_MOVES) == 3


def test_a_call_means_who_offers_one_of_its_skills_and_one_of_its_sectors() -> None:
    one, two = UUID(int=1), UUID(int=2)
    energy = frozenset({Sector.ENERGY})
    both = FINANCE | energy
    assert means(({one}, set()), ({one, two}, set()))
    assert means((set(), FINANCE), (set(), both))
    assert means(({one}, FINANCE), ({one}, both))
    assert not means(({one}, FINANCE), ({one}, energy))
    assert not means(({one}, FINANCE), ({two}, FINANCE))
    assert not means(({one}, set()), (set(), both))


def test_the_sectors_are_the_22_sections_of_the_classification() -> None:
    assert "".join(letter for letter, _ in TITLES.values()) == "ABCDEFGHIJKLMNOPQRSTUV"
    assert set(TITLES) == set(Sector)


@dataclass
class Market:
    """A school with a version, employers who review finance, and the API."""

    db: Database
    engine: Engine
    here: Scene
    make: Factory

    async def judge(self, *sectors: Sector) -> Actor:
        """A reviewer of a new employer that reviews these sectors."""
        async with self.db.writer() as tx:
            reviewer = await self.make.employer(tx)
            await calls.offer(tx, reviewer, Offer(sectors=frozenset(sectors or FINANCE)))
        return reviewer

    async def call(self, *, places: int = 1, blind: bool = False, version: UUID | None = None) -> UUID:
        """A call for reviewers of finance."""
        opened = OpenCall(version or self.here.version, frozenset(), FINANCE, places, "Please look", blind=blind)
        async with self.db.writer() as tx:
            return await calls.open_call(tx, self.here.school, opened)

    async def take(self, actor: Actor, call: UUID) -> UUID:
        """Take a place."""
        async with self.db.writer() as tx:
            return await calls.take(tx, actor, call)

    async def refused(self, kind: type[Refusal], act: Callable[[Any], Awaitable[object]]) -> None:
        """An act that is refused and changes nothing."""
        before = await everything(self.db)
        with pytest.raises(kind):
            async with self.db.writer() as tx:
                await act(tx)
        assert await everything(self.db) == before

    async def queue(self, actor: Actor) -> list[tuple[int, str]]:
        """The turns and things of the queue."""
        found = (await ask_data(self.engine, QUEUE, actor))["reviewQueue"]
        assert found["totalCount"] == len(found["nodes"])
        return [(e["turn"], (e["request"] or e["call"])["id"]) for e in found["nodes"]]


@pytest_asyncio.fixture
async def market(db: Database, signer: Signer, make: Factory) -> Market:
    async with db.writer() as tx:
        here = await scene(tx, make)
    return Market(db, Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), here, make)


async def test_a_call_is_in_the_queue_of_those_it_means_and_seen_by_nobody_else(market: Market) -> None:
    meant, other = await market.judge(), await market.judge(Sector.ENERGY)
    call = f"rcl_{await market.call(places=2)}"
    query = """query ($id: ID!) { reviewCall(id: $id) { state places taken sectors skills { id }
      content { title } school { id } } node(id: $id) { id } }"""
    for actor in (meant, market.here.school):
        found = (await ask_data(market.engine, query, actor, id=call))["reviewCall"]
        assert (found["state"], found["places"], found["taken"], found["sectors"]) == ("OPEN", 2, 0, ["FINANCE"])
        assert found["content"]["title"].startswith("A/B testing")
    for actor in (other, market.here.employer):
        assert await ask_data(market.engine, query, actor, id=call) == {"reviewCall": None, "node": None}
    assert await market.queue(meant) == [(1, call)]
    assert await market.queue(other) == []


async def test_a_taken_place_is_a_claimed_request_and_leaves_the_queue(market: Market) -> None:
    meant = await market.judge()
    call = await market.call()
    request = await market.take(meant, call)
    query = """query ($id: ID!) { reviewRequest(id: $id) { state message specVersion { id } }
      reviewCalls(first: 5) { nodes { taken requests(first: 5) { nodes { id } } } } }"""
    for actor in (meant, market.here.school):
        found = await ask_data(market.engine, query, actor, id=f"rrq_{request}")
        assert found["reviewRequest"] == {
            "state": "CLAIMED",
            "message": "Please look",
            "specVersion": {"id": f"version_{market.here.version}"},
        }
        assert found["reviewCalls"]["nodes"] == [{"taken": 1, "requests": {"nodes": [{"id": f"rrq_{request}"}]}}]
    assert await market.queue(meant) == []
    async with market.db.writer() as tx:
        assert await tx.fetchval("select count(*) from outbox where topic = 'review_call.filled'") == 1
        await reviews.decide(tx, meant, reviews.Decide(request, favourable()))


async def test_twelve_who_race_for_three_places_take_three(market: Market) -> None:
    judges = [await market.judge() for _ in range(12)]
    call = await market.call(places=3)
    came = await asyncio.gather(*(market.take(judge, call) for judge in judges), return_exceptions=True)
    assert sum(isinstance(found, UUID) for found in came) == 3
    assert sum(isinstance(found, CallFull) for found in came) == 9
    async with market.db.writer() as tx:
        assert await tx.fetchval("select count(*) from review_requests") == 3
        assert await tx.fetchval("select count(*) from outbox where topic = 'review_call.filled'") == 1


async def test_a_place_that_is_given_back_is_free_for_others_and_gone_for_who_is_late(market: Market) -> None:
    first, second = await market.judge(), await market.judge()
    call = await market.call()
    request = await market.take(first, call)
    await market.refused(AlreadyTaken, lambda tx: calls.take(tx, first, call))
    await market.refused(CallFull, lambda tx: calls.take(tx, second, call))
    async with market.db.writer() as tx:
        await reviews.give_back(tx, first, request)
    assert await market.queue(first) == [(1, f"rcl_{call}")]
    await market.take(second, call)
    await market.refused(CallFull, lambda tx: reviews.claim(tx, first, request))
    await market.refused(CallFull, lambda tx: calls.take(tx, first, call))
    assert await market.queue(first) == []


async def test_a_colleague_who_claims_what_is_being_given_back_does_not_overfill_the_call(
    market: Market, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    first, second = await market.judge(), await market.judge()
    call = await market.call()
    request = await market.take(first, call)
    assert first.organization_id is not None
    async with market.db.writer() as tx:
        colleague = await make.member(tx, first.organization_id, OrganizationKind.EMPLOYER, Role.REVIEWER)

    async def claims() -> None:
        async with market.db.writer() as tx:
            await reviews.claim(tx, colleague, request)

    async with market.db.writer() as other:
        # The colleague has looked at the call and waits for the own membership while the place changes hands.
        await other.execute("select from memberships where person_id = $1 for update", colleague.person_id)
        late = asyncio.create_task(claims())
        await somebody_waits(owner)
        async with market.db.writer() as tx:
            await reviews.give_back(tx, first, request)
        taking = asyncio.create_task(market.take(second, call))
        await asyncio.wait([taking], timeout=0.5)
    came = await asyncio.gather(late, taking, return_exceptions=True)
    assert sum(isinstance(found, CallFull) for found in came) == 1, came
    async with market.db.writer() as tx:
        assert await tx.fetchval("select count(*) from review_requests where state = 'claimed'") == 1


async def test_a_place_of_another_organization_is_as_one_that_is_missing(market: Market) -> None:
    first, second = await market.judge(), await market.judge()
    call = await market.call()
    request = await market.take(first, call)
    async with market.db.writer() as tx:
        await reviews.give_back(tx, first, request)
    await market.take(second, call)
    await market.refused(NotFound, lambda tx: reviews.claim(tx, second, request))
    await market.refused(NotFound, lambda tx: experts.invite(tx, second, experts.InviteExpert(request)))


async def test_who_gave_a_place_back_takes_the_same_request_again(market: Market, clock: FrozenClock) -> None:
    first = await market.judge()
    call = await market.call()
    request = await market.take(first, call)
    clock.move(timedelta(days=7))
    assert (await look(market.db)).returned == 1
    assert await market.take(first, call) == request


async def test_only_a_reviewer_of_an_organization_that_is_meant_takes_a_place(market: Market, make: Factory) -> None:
    meant, other = await market.judge(), await market.judge(Sector.ENERGY)
    call = await market.call()
    await market.refused(NotFound, lambda tx: calls.take(tx, other, call))
    await market.refused(NotFound, lambda tx: calls.take(tx, market.here.employer, call))
    await market.refused(NotFound, lambda tx: calls.take(tx, meant, new_id()))
    await market.refused(NotAllowed, lambda tx: calls.take(tx, market.here.school, call))
    await market.refused(NotAllowed, lambda tx: calls.take(tx, make.without(meant, Role.REVIEWER), call))


async def test_who_is_too_near_takes_no_place_and_is_not_shown_the_call(market: Market, make: Factory) -> None:
    async with market.db.writer() as tx:
        daughter = await make.organization(tx, OrganizationKind.EMPLOYER, parent_id=market.here.school_id)
        near = await make.member(tx, daughter, OrganizationKind.EMPLOYER, Role.REVIEWER)
        await calls.offer(tx, near, Offer(sectors=FINANCE))
    call = await market.call()
    await market.refused(ConflictOfInterest, lambda tx: calls.take(tx, near, call))
    assert await market.queue(near) == []


async def opened(school: Actor, call: OpenCall, tx: Any) -> object:
    return await calls.open_call(tx, school, call)


async def test_what_cannot_be_called_for_is_refused(market: Market) -> None:
    school, version = market.here.school, market.here.version
    for wrong, kind in (
        (OpenCall(version, frozenset(), frozenset()), Required),
        (OpenCall(version, frozenset(), FINANCE, 0), Invalid),
        (OpenCall(version, frozenset(), FINANCE, 21), Invalid),
        (OpenCall(version, frozenset({new_id()}), FINANCE), NotFound),
        (OpenCall(version, frozenset(new_id() for _ in range(101)), FINANCE), Invalid),
        (OpenCall(new_id(), frozenset(), FINANCE), NotFound),
    ):
        await market.refused(kind, partial(opened, school, wrong))
    await market.refused(NotAllowed, lambda tx: calls.open_call(tx, market.here.employer, OpenCall(version)))
    await market.call()
    await market.refused(CallStands, lambda tx: calls.open_call(tx, school, OpenCall(version)))


async def test_who_writes_for_the_school_no_more_asks_and_calls_for_nothing(market: Market) -> None:
    school, version = market.here.school, market.here.version
    async with market.db.writer() as tx:
        asked = await reviews.request(tx, school, RequestReview(version, market.here.employer_id))
        _, other = await submitted(tx, school)
    call = await market.call()
    async with market.db.writer() as tx:
        # The actor says what was true at sign-in; the row has changed since.
        await tx.execute("update memberships set roles = '{registrar}' where person_id = $1", school.person_id)
        judge = await market.make.organization(tx, OrganizationKind.EMPLOYER)
    later = NOW.date() + timedelta(days=60)
    for act in (
        lambda tx: calls.open_call(tx, school, OpenCall(other, sectors=FINANCE)),
        lambda tx: calls.close(tx, school, CloseCall(call)),
        lambda tx: reviews.request(tx, school, RequestReview(version, judge)),
        lambda tx: reviews.extend(tx, school, reviews.Extend(asked, later)),
        lambda tx: reviews.cancel(tx, school, reviews.Cancel(asked)),
    ):
        await market.refused(NotAllowed, act)


async def test_a_call_without_skills_is_for_those_that_the_version_proves(market: Market) -> None:
    async with market.db.writer() as tx:
        call = await calls.open_call(tx, market.here.school, OpenCall(market.here.version))
        skills = await tx.fetchval("select skill_ids from review_calls where id = $1", call)
        assert skills == [await tx.fetchval("select id from skills")]
        await calls.offer(tx, market.here.employer, Offer(frozenset(skills)))
    assert await market.queue(market.here.employer) == [(1, f"rcl_{call}")]


async def test_a_closed_or_lapsed_call_gives_no_place_and_what_was_taken_goes_on(
    market: Market, clock: FrozenClock
) -> None:
    first, second, third = [await market.judge() for _ in range(3)]
    call = await market.call(places=3)
    taken, given = await market.take(first, call), await market.take(second, call)
    async with market.db.writer() as tx:
        await reviews.give_back(tx, second, given)
        other = await market.make.school(tx)
    await market.refused(NotFound, lambda tx: calls.close(tx, other, CloseCall(call)))
    async with market.db.writer() as tx:
        await calls.close(tx, market.here.school, CloseCall(call))
        states = await tx.fetch("select id, state from review_requests")
    assert {row["id"]: row["state"] for row in states} == {taken: "claimed", given: "cancelled"}
    await market.refused(InvalidState, lambda tx: calls.take(tx, third, call))
    await market.refused(InvalidState, lambda tx: calls.close(tx, market.here.school, CloseCall(call)))
    again = await market.call()
    clock.move(timedelta(days=29))
    await market.refused(InvalidState, lambda tx: calls.take(tx, third, again))
    assert await market.queue(third) == []
    assert (await look(market.db)).lapsed == 1


async def test_schools_take_turns_then_what_is_due_first_then_what_is_older(market: Market, clock: FrozenClock) -> None:
    """Three schools; the first asks four times at once and must not keep the others waiting."""
    here = market.here
    asked: dict[str, str] = {}
    async with market.db.writer() as tx:
        now = await tx.now()
        schools = {"a": here.school, "b": await market.make.school(tx), "c": await market.make.school(tx)}
    for name, days in (("a1", 20), ("a2", 9), ("a3", 30), ("a4", 8), ("b1", 15), ("c1", 9), ("b2", 10)):
        async with market.db.writer() as tx:
            _, version = await submitted(tx, schools[name[0]])
            command = RequestReview(version, here.employer_id, due_on=now.date() + timedelta(days=days))
            asked[f"rrq_{await reviews.request(tx, schools[name[0]], command)}"] = name
        clock.move(timedelta(seconds=1))

    async def order() -> list[tuple[int, str]]:
        return [(turn, asked[identity]) for turn, identity in await market.queue(here.employer)]

    first = [(1, "a4"), (1, "c1"), (1, "b2"), (2, "a2"), (2, "b1"), (3, "a1"), (4, "a3")]
    assert await order() == first
    assert await order() == first
    # What is in hand counts as a turn that the school has had.
    taken = next(identity for identity, name in asked.items() if name == "a4")
    async with market.db.writer() as tx:
        await reviews.claim(tx, here.employer, UUID(taken.removeprefix("rrq_")))
    assert await order() == [(1, "c1"), (1, "b2"), (2, "a2"), (2, "b1"), (3, "a1"), (4, "a3")]


async def test_the_queue_is_one_statement_and_pages_without_gaps(
    market: Market, database_dsn: str, clock: FrozenClock, signer: Signer
) -> None:
    async with market.db.writer() as tx:
        for _ in range(5):
            _, version = await submitted(tx, market.here.school)
            await reviews.request(tx, market.here.school, RequestReview(version, market.here.employer_id))
    whole = await market.queue(market.here.employer)
    spy = await CountedDatabase.open(database_dsn, clock=clock, pool_size=2, vault=VAULT, wait_seconds=WAIT)
    assert isinstance(spy, CountedDatabase)
    spy.statements, spy.transactions = [], 0
    await ask_data(Engine(the_schema(), Tools(spy, Sealer(b"s" * 32), signer)), QUEUE, market.here.employer)
    await spy.close()
    assert (len(spy.statements), spy.transactions) == (1, 0)
    page = """query ($after: Cursor) { reviewQueue(first: 2, after: $after) {
      nodes { turn request { id } } pageInfo { endCursor hasNextPage } } }"""
    found, after = [], None
    while True:
        answer = (await ask_data(market.engine, page, market.here.employer, after=after))["reviewQueue"]
        found += [(e["turn"], e["request"]["id"]) for e in answer["nodes"]]
        after = answer["pageInfo"]["endCursor"]
        if not answer["pageInfo"]["hasNextPage"]:
            break
    assert found == whole


async def test_blind_things_share_one_turn(market: Market, make: Factory) -> None:
    here = market.here
    blind = []
    async with market.db.writer() as tx:
        other = await make.school(tx)
        for school in (here.school, other):
            for hidden in (True, False):
                _, version = await submitted(tx, school)
                command = RequestReview(version, here.employer_id, blind=hidden)
                made = await reviews.request(tx, school, command)
                blind += [f"rrq_{made}"] if hidden else []
    turns = {identity: turn for turn, identity in await market.queue(here.employer)}
    assert sorted(turns[identity] for identity in blind) == [1, 2]
    assert sorted(turn for identity, turn in turns.items() if identity not in blind) == [1, 1]


async def test_the_queue_is_for_reviewers(market: Market, make: Factory) -> None:
    assert await ask_code(market.engine, QUEUE, market.here.school) == "FORBIDDEN"
    assert await ask_code(market.engine, QUEUE, make.without(market.here.employer, Role.REVIEWER)) == "FORBIDDEN"
    guest = Actor(person_id=new_id(), token_id=new_id(), request_id=new_id())
    assert await ask_code(market.engine, QUEUE, guest) == "FORBIDDEN"


async def test_an_offer_is_replaced_by_the_next_and_public(market: Market) -> None:
    judge = await market.judge()
    async with market.db.writer() as tx:
        await calls.offer(tx, judge, Offer(sectors=frozenset({Sector.MEDIA})))
    query = "{ reviewOffers(first: 5) { nodes { sectors skills { id } organization { id } } } }"
    (found,) = (await ask_data(market.engine, query))["reviewOffers"]["nodes"]
    assert found == {"sectors": ["MEDIA"], "skills": [], "organization": {"id": f"org_{judge.organization_id}"}}
    await market.refused(NotFound, lambda tx: calls.offer(tx, judge, Offer(frozenset({new_id()}))))
    gone = replace(judge, person_id=new_id())
    await market.refused(NotAllowed, lambda tx: calls.offer(tx, gone, Offer()))
    await market.refused(NotAllowed, lambda tx: calls.offer(tx, market.here.school, Offer()))
