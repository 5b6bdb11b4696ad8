"""From events to notices: to whom, once, and whole whatever dies in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.awards import service as awards
from countersign.kit import outbox
from countersign.kit.access import Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.learners.service import Person
from countersign.notices import jobs, leaving, making
from countersign.organizations.events import MembershipEnded
from countersign.privacy import service as privacy
from countersign.reviews import service as reviews
from countersign.specs import service as specs
from tests.conftest import NOW
from tests.factories import Factory
from tests.notices.support import Market, market


@pytest_asyncio.fixture
async def here(db: Database, make: Factory) -> Market:
    return await market(db, make)


async def count(db: Database) -> int:
    async with db.writer() as tx:
        found: int = await tx.fetchval("select count(*) from notices")
    return found


async def test_who_is_asked_and_who_asked_are_told_each_what_concerns_them(here: Market) -> None:
    second, auditor = await here.colleague(Role.REVIEWER), await here.colleague(Role.AUDITOR)
    stranger = await _stranger(here)
    await here.told()
    request = await here.ask_for_review()
    async with here.db.writer() as tx:
        await reviews.claim(tx, here.employer, request)
    await here.told()
    assert await here.notices_of(here.employer) == ["review.requested"]
    assert await here.notices_of(second) == ["review.requested"]
    assert await here.notices_of(auditor) == []
    assert await here.notices_of(stranger) == []
    assert await here.notices_of(here.school) == ["review.claimed"]


async def _stranger(here: Market) -> Actor:
    async with here.db.writer() as tx:
        return await here.make.employer(tx)


async def test_a_reminder_goes_to_who_has_the_review_and_to_all_while_nobody_has(here: Market) -> None:
    second = await here.colleague(Role.REVIEWER)
    await here.told()
    request = await here.ask_for_review()
    await here.emit("review.reminder", f"rrq_{request}", days=7)
    await here.told()
    async with here.db.writer() as tx:
        await reviews.claim(tx, second, request)
    await here.emit("review.reminder", f"rrq_{request}", days=3)
    await here.told()
    assert await here.notices_of(here.employer) == ["review.reminder", "review.requested"]
    assert await here.notices_of(second) == ["review.reminder", "review.reminder", "review.requested"]


async def test_two_looks_at_once_tell_an_event_once(here: Market) -> None:
    await here.ask_for_review()
    await here.numbered()
    assert sorted(await asyncio.gather(*(making.look(here.db) for _ in range(4)))) == [0, 0, 0, 2], (
        "it opens the review besides"
    )
    assert await count(here.db) == 1
    async with here.db.writer() as tx:
        arrived = await tx.fetchval("select count(*) from outbox where topic = $1", making.ARRIVED)
    assert arrived == 1


async def test_the_same_event_told_again_makes_nothing(here: Market) -> None:
    """A cursor that was set back by hand: the notice is there, and no second one arrives."""
    await here.ask_for_review()
    await here.told()
    async with here.db.writer() as tx:
        await tx.execute("update notice_cursor set sequence = 0")
    await here.told()
    assert await here.notices_of(here.employer) == ["review.requested"]


PLACE = "select sequence from notice_cursor"


class Broken(Exception):
    """The process died here."""


async def test_a_look_that_dies_in_the_middle_leaves_nothing_and_the_next_makes_all(here: Market) -> None:
    await here.ask_for_review()
    await here.numbered()

    async def die() -> None:
        async with here.db.writer() as tx:
            await making.tell(tx, await outbox.after(tx, await tx.fetchval(PLACE), 2**62, 100))
            assert await tx.fetchval("select count(*) from notices") == 1
            raise Broken

    with pytest.raises(Broken):
        await die()
    assert await count(here.db) == 0
    await here.told()
    assert await here.notices_of(here.employer) == ["review.requested"]


async def test_nothing_is_told_before_its_commit(here: Market) -> None:
    async def take_back() -> None:
        async with here.db.writer() as tx:
            await reviews.request(tx, here.school, _wanted(here))
            raise Broken

    with pytest.raises(Broken):
        await take_back()
    await here.told()
    assert await count(here.db) == 0


async def test_an_event_that_cannot_be_told_keeps_no_other_back(here: Market) -> None:
    async with here.db.writer() as tx:
        await tx.execute(
            "insert into outbox (id, topic, subject, payload, at) values ($1, 'review.claimed', $2, '[1]', $3)",
            new_id(),
            f"rrq_{await reviews.request(tx, here.school, _wanted(here))}",
            NOW,
        )
    await here.emit("review.requested", "rrq_nonsense")
    await here.emit("nobody.knows", "org_x")
    await here.told()
    assert await here.notices_of(here.employer) == ["review.requested"]
    assert await here.notices_of(here.school) == []


def _wanted(here: Market) -> reviews.RequestReview:
    return reviews.RequestReview(here.made.version, here.made.employer_id, "Please")


async def test_who_has_left_or_come_later_is_not_told(here: Market, clock: FrozenClock) -> None:
    gone = await here.colleague(Role.REVIEWER)
    await here.told()
    await here.ask_for_review()
    async with here.db.writer() as tx:
        await tx.execute("update memberships set valid_until = $2 where person_id = $1", gone.person_id, NOW)
    clock.move(timedelta(minutes=1))
    await here.told()
    assert await here.notices_of(gone) == []
    assert await here.notices_of(here.employer) == ["review.requested"]


async def test_what_was_kept_for_who_leaves_goes_with_the_membership_and_only_there(here: Market) -> None:
    await here.ask_for_review()
    await here.told()
    async with here.db.writer() as tx:
        stays = MembershipEnded(here.made.employer_id, _person(here.employer), frozenset({Role.REVIEWER}), NOW)
        await leaving.after_membership(tx, stays)
    assert await here.notices_of(here.employer) == ["review.requested"], "a role was lost, the membership stands"
    async with here.db.writer() as tx:
        await tx.execute("update memberships set valid_until = $2 where person_id = $1", here.employer.person_id, NOW)
        await leaving.after_membership(tx, stays)
    assert await here.notices_of(here.employer) == []


def _person(actor: Actor) -> UUID:
    assert actor.person_id is not None
    return actor.person_id


async def test_old_notices_and_those_of_memberships_that_ran_out_are_deleted(here: Market, clock: FrozenClock) -> None:
    second = await here.colleague(Role.REVIEWER)
    await here.told()
    await here.ask_for_review()
    await here.told()
    async with here.db.writer() as tx:
        await tx.execute(
            "update memberships set valid_until = $2 where person_id = $1", second.person_id, NOW + timedelta(days=1)
        )
    await jobs.tidy(here.db)
    assert await here.notices_of(second) == ["review.requested"]
    clock.move(timedelta(days=2))
    await jobs.tidy(here.db)
    assert (await here.notices_of(second), await here.notices_of(here.employer)) == ([], ["review.requested"])
    clock.move(jobs.KEPT)
    await jobs.tidy(here.db)
    assert await here.notices_of(here.employer) == []


async def test_a_learner_is_told_of_awards_and_forgotten_with_them(here: Market) -> None:
    async with here.db.writer() as tx:
        await specs.publish(tx, here.school, here.made.version)
        issued = await awards.issue(
            tx,
            here.school,
            awards.IssueAward(here.made.version, Person("anna@example.com", "Anna Sample", "DE"), NOW.date()),
        )
    learner = Actor(learner_id=issued.learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))
    await here.told()
    assert await here.notices_of(learner) == ["award.issued"]
    async with here.db.writer() as tx:
        kept = await tx.fetchval("select facts::text from notices where learner_id = $1", issued.learner_id)
        assert "Anna" not in kept
        assert "anna" not in kept
        await privacy.erase(tx, learner, "erase me for good")
    assert await count(here.db) == 0


async def test_a_look_at_an_empty_portal_begins_at_its_first_event(db: Database) -> None:
    assert await making.look(db) == 0
    async with db.writer() as tx:
        assert await tx.fetchval("select sequence from notice_cursor") == 0
