"""Nobody is shown before it is recorded and charged, and only while everything shown still stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import NotAllowed
from countersign.kit.ids import new_id
from countersign.search.reveal import fingerprint, reveal
from countersign.search.rules import QuotaExceeded
from tests.factories import Factory
from tests.search import market as made
from tests.search.market import NOW, Market

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PAST = "2026-11-22T11:59:59Z"
HELD = "select spec_version_id from candidate_award where learner_id = $1"
Marks: TypeAlias = Sequence[tuple[int, int | None]]


def recruiter(organization: UUID) -> Actor:
    return Actor(
        organization_id=organization,
        organization_kind=OrganizationKind.EMPLOYER,
        person_id=new_id(),
        token_id=new_id(),
        roles=frozenset({Role.RECRUITER}),
        scopes=frozenset(Scope),
    )


@pytest_asyncio.fixture
async def market(db: Database, owner: Owner) -> Market:
    market = made.made(8, learners=80)
    await made.write(owner, market)
    assert db is not None
    return market


async def marks(db: Database, learners: Sequence[int]) -> Marks:
    async with db.reader() as reader:
        rows = await reader.fetch(
            f"select n, {fingerprint('n', '$2::timestamptz')} as mark from unnest($1::bigint[]) n", list(learners), NOW
        )
    return [(r["n"], r["mark"]) for r in rows]


def visible(market: Market) -> list[int]:
    return [c.learner for c in market.candidates if c.expires is None]


async def used(db: Database) -> list[tuple[object, ...]]:
    async with db.reader() as reader:
        rows = await reader.fetch("select organization_id, day, used from reveal_quotas order by 1, 2")
        views = await reader.fetchval("select count(*) from candidate_views")
    return [*(tuple(r) for r in rows), (views,)]


async def let_go(db: Database, actor: Actor, shown: Marks, quota: int = 1000) -> bool:
    async with db.writer() as tx:
        return await reveal(tx, actor, shown, quota=quota)


async def test_what_is_shown_is_recorded_and_charged_once_a_day(
    db: Database, market: Market, clock: FrozenClock
) -> None:
    actor = recruiter(market.organizations[0])
    shown = await marks(db, visible(market)[:20])
    assert await let_go(db, actor, shown)
    assert await let_go(db, actor, shown)
    today = NOW.date()
    assert await used(db) == [(market.organizations[0], today, 20), (20,)]
    clock.move(timedelta(days=1))
    assert await let_go(db, actor, shown)
    tomorrow = today + timedelta(days=1)
    assert await used(db) == [(market.organizations[0], today, 20), (market.organizations[0], tomorrow, 20), (40,)]


async def test_an_empty_page_is_let_go_without_a_record(db: Database, market: Market) -> None:
    assert await let_go(db, recruiter(market.organizations[0]), [])
    assert await used(db) == [(0,)]


async def test_the_quota_of_distinct_learners_is_never_passed(db: Database, market: Market) -> None:
    actor = recruiter(market.organizations[0])
    everyone = await marks(db, visible(market)[:30])
    assert await let_go(db, actor, everyone[:20], quota=25)
    before = await used(db)
    with pytest.raises(QuotaExceeded):
        await let_go(db, actor, everyone[10:30], quota=25)
    assert await used(db) == before
    assert await let_go(db, actor, everyone[5:25], quota=25)
    with pytest.raises(QuotaExceeded):
        await let_go(db, actor, everyone[29:], quota=25)
    assert await let_go(db, recruiter(market.organizations[1]), everyone, quota=30)


async def test_the_quota_is_exact_under_parallel_requests(db: Database, market: Market) -> None:
    shown = await marks(db, visible(market)[:32])
    actor = recruiter(market.organizations[0])

    async def one(start: int) -> bool:
        try:
            return await let_go(db, actor, shown[start : start + 2], quota=20)
        except QuotaExceeded:
            return False

    let = await asyncio.gather(*(one(n) for n in range(0, 32, 2)))
    assert sum(let) == 10
    assert await used(db) == [(market.organizations[0], NOW.date(), 20), (20,)]


@pytest.mark.parametrize(
    "change",
    [
        "delete from candidate_search where learner_id = $1",
        f"update candidate_search set consent_expires_at = '{PAST}' where learner_id = $1",
        "delete from candidate_award where learner_id = $1",
        f"update endorsements set state = 'revoked' where spec_version_id in ({HELD})",
        f"update endorsements set in_force = tstzrange(lower(in_force), '{PAST}') where spec_version_id in ({HELD})",
    ],
)
async def test_nothing_is_let_go_when_consent_award_or_endorsement_has_changed(
    db: Database, owner: Owner, market: Market, change: str
) -> None:
    endorsed = {e.version for e in market.endorsements if e.live}
    holders = {a.learner for a in market.awards if a.version in endorsed}
    learners = [n for n in visible(market) if n in holders][:20]
    shown = await marks(db, learners)
    await owner.execute(change, learners[7])
    assert not await let_go(db, recruiter(market.organizations[0]), shown)
    assert await used(db) == [(0,)]


async def test_a_learner_who_may_not_be_shown_is_never_let_go(db: Database, market: Market) -> None:
    expired = next(c.learner for c in market.candidates if c.expires is not None and c.expires <= NOW)
    shown = await marks(db, [expired, visible(market)[0]])
    assert dict(shown)[expired] is None
    assert not await let_go(db, recruiter(market.organizations[0]), shown)
    assert await used(db) == [(0,)]


async def test_only_recruiters_of_an_organization_are_shown_anybody(
    db: Database, market: Market, make: Factory
) -> None:
    shown = await marks(db, visible(market)[:1])
    actor = recruiter(market.organizations[0])
    for other in (make.without(actor, Role.RECRUITER), ANONYMOUS, SYSTEM):
        with pytest.raises(NotAllowed):
            await let_go(db, other, shown)
    assert await used(db) == [(0,)]
