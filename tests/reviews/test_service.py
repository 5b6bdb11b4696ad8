"""Review requests and reviews through the service, on real rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pytest

from countersign.conflicts.rules import ConflictOfInterest
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations
from countersign.reviews import service as reviews
from countersign.reviews.rules import LEASE, Leased, LeaseLost, RequestState
from countersign.reviews.rules_due import GRACE, DueInPast
from countersign.reviews.service import AlreadyAsked, Decide, Decline, RequestReview
from countersign.specs import service as specs
from countersign.specs.rules import State as SpecState
from tests.factories import Factory
from tests.reviews.support import Scene, favourable, scene


async def asked(tx: Tx, here: Scene) -> UUID:
    return await reviews.request(tx, here.school, RequestReview(here.version, here.employer_id, "Please look"))


async def rows(tx: Tx) -> list[tuple[object, ...]]:
    requests = await tx.fetch("select id, state, claimed_by, claimed_until from review_requests order by id")
    found = await tx.fetch("select id from reviews order by id")
    versions = await tx.fetch("select id, state from spec_versions order by id")
    return [tuple(row) for row in (*requests, *found, *versions)]


async def refused(tx: Tx, kind: type[Refusal], act: Callable[[], Awaitable[object]]) -> Refusal:
    before = await rows(tx)
    with pytest.raises(kind) as caught:
        async with tx.savepoint():
            await act()
    assert await rows(tx) == before
    return caught.value


async def test_the_first_request_opens_the_review_of_the_version(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    row = await tx.fetchrow("select state, due_on, school_id from review_requests where id = $1", request)
    assert row is not None
    assert tuple(row) == ("open", date(2026, 12, 20), here.school_id)
    version = await specs.lock_version(tx, here.version)
    assert version is not None
    assert version.state is SpecState.IN_REVIEW


async def test_a_published_version_stays_published_when_a_review_is_asked_for(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    await asked(tx, here)
    version = await specs.lock_version(tx, here.version)
    assert version is not None
    assert version.state is SpecState.PUBLISHED


async def test_the_organization_that_was_asked_may_read_the_submitted_version(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    assert not await specs.readable(tx, here.version, here.employer_id)
    await asked(tx, here)
    assert await specs.readable(tx, here.version, here.employer_id)


async def test_only_the_versions_own_school_asks(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    other = await make.school(tx)
    command = RequestReview(here.version, here.employer_id)
    await refused(tx, NotAllowed, lambda: reviews.request(tx, here.employer, command))
    await refused(tx, NotAllowed, lambda: reviews.request(tx, make.without(here.school, Role.AUTHOR), command))
    foreign = await refused(tx, NotFound, lambda: reviews.request(tx, other, command))
    missing = await refused(
        tx, NotFound, lambda: reviews.request(tx, here.school, RequestReview(new_id(), here.employer_id))
    )
    assert (foreign.message, foreign.path) == (missing.message, missing.path)


async def test_a_school_cannot_be_asked_nor_one_that_is_not_there(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    other = await make.school(tx)
    assert other.organization_id is not None
    for target in (other.organization_id, new_id()):
        await refused(tx, NotFound, partial(reviews.request, tx, here.school, RequestReview(here.version, target)))


async def test_an_organization_with_a_tie_to_the_school_is_not_asked(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    daughter = await make.organization(tx, OrganizationKind.EMPLOYER, parent_id=here.school_id)
    command = RequestReview(here.version, daughter)
    found = await refused(tx, ConflictOfInterest, lambda: reviews.request(tx, here.school, command))
    assert "one of them owns the other" in found.message


async def test_one_question_waits_at_a_time(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    first = await asked(tx, here)
    await refused(tx, AlreadyAsked, lambda: asked(tx, here))
    await reviews.cancel(tx, here.school, reviews.Cancel(first))
    assert await asked(tx, here) != first


@pytest.mark.parametrize("days", [0, -1, 366])
async def test_a_due_date_is_after_today_and_within_a_year(tx: Tx, make: Factory, days: int) -> None:
    here = await scene(tx, make)
    due = (await tx.now()).date() + timedelta(days=days)
    command = RequestReview(here.version, here.employer_id, due_on=due)
    await refused(tx, DueInPast, lambda: reviews.request(tx, here.school, command))


@pytest.mark.parametrize("state", ["deprecated", "retired"])
async def test_a_version_that_is_not_offered_is_not_reviewed(tx: Tx, make: Factory, state: str) -> None:
    here = await scene(tx, make, published=True)
    await specs.deprecate(tx, here.school, here.version)
    if state == "retired":
        await specs.retire(tx, here.school, here.version)
    await refused(tx, InvalidState, lambda: asked(tx, here))


async def test_a_claimed_request_is_decided_by_its_reviewer(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    await reviews.claim(tx, here.employer, request)
    review = await reviews.decide(tx, here.employer, Decide(request, favourable()))
    row = await tx.fetchrow(
        "select spec_version_id, reviewer_id, recommendation, scores from reviews where id = $1", review
    )
    assert row is not None
    assert (row["spec_version_id"], row["reviewer_id"]) == (here.version, here.employer.person_id)
    assert row["recommendation"] == "endorse"
    assert row["scores"][0] == {"criterion": "R1", "value": 3, "evidence": "Seen in the assessment brief"}
    assert await tx.fetchval("select state from review_requests where id = $1", request) == "decided"


Step = Callable[[Tx, Actor, UUID], Awaitable[object]]
ANSWERS: dict[str, Step] = {
    "claim": reviews.claim,
    "decide": lambda tx, actor, request: reviews.decide(tx, actor, Decide(request, favourable())),
    "decline": lambda tx, actor, request: reviews.decline(tx, actor, Decline(request, "Not our field")),
}


@pytest.mark.parametrize("step", ANSWERS)
async def test_only_a_reviewer_of_the_organization_asked_answers(tx: Tx, make: Factory, step: str) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    await reviews.claim(tx, here.employer, request)
    rival = await make.employer(tx)
    act = ANSWERS[step]
    await refused(tx, NotAllowed, lambda: act(tx, here.school, request))
    await refused(tx, NotAllowed, lambda: act(tx, make.without(here.employer, Role.REVIEWER), request))
    foreign = await refused(tx, NotFound, lambda: act(tx, rival, request))
    missing = await refused(tx, NotFound, lambda: act(tx, here.employer, new_id()))
    assert (foreign.message, foreign.path) == (missing.message, missing.path)


async def test_only_the_school_that_asked_cancels(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    other = await make.school(tx)
    await refused(tx, NotAllowed, lambda: reviews.cancel(tx, here.employer, reviews.Cancel(request)))
    await refused(tx, NotFound, lambda: reviews.cancel(tx, other, reviews.Cancel(request)))
    await reviews.cancel(tx, here.school, reviews.Cancel(request))
    assert await tx.fetchval("select state from review_requests where id = $1", request) == "cancelled"
    await refused(tx, InvalidState, lambda: reviews.claim(tx, here.employer, request))


async def test_another_reviewer_takes_over_only_after_the_lease(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    colleague = await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
    await reviews.claim(tx, here.employer, request)
    await refused(tx, Leased, lambda: reviews.claim(tx, colleague, request))
    await refused(tx, LeaseLost, lambda: reviews.decide(tx, colleague, Decide(request, favourable())))
    clock.move(LEASE)
    later = Tx(tx.connection, clock)
    await reviews.claim(later, colleague, request)
    await reviews.decide(later, colleague, Decide(request, favourable()))


async def test_a_decline_keeps_its_reason(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    await reviews.decline(tx, here.employer, Decline(request, "Not our field"))
    row = await tx.fetchrow("select state, decline_reason from review_requests where id = $1", request)
    assert row is not None
    assert tuple(row) == ("declined", "Not our field")


async def test_a_request_expires_by_time_and_may_then_be_made_again(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    clock.move(timedelta(days=29) + GRACE)
    later = Tx(tx.connection, clock)
    with pytest.raises(InvalidState, match=RequestState.EXPIRED.value):
        await reviews.claim(later, here.employer, request)
    await asked(later, here)
    assert await tx.fetchval("select state from review_requests where id = $1", request) == "expired"


async def test_nobody_reviews_without_being_a_person(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    request = await asked(tx, here)
    machine = replace(here.employer, person_id=None)
    await refused(tx, NotAllowed, lambda: reviews.claim(tx, machine, request))
    await reviews.claim(tx, here.employer, request)
    await refused(tx, NotAllowed, lambda: reviews.decide(tx, machine, Decide(request, favourable())))


async def test_a_person_with_a_role_in_both_is_a_tie(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    await tx.execute(
        "insert into memberships (id, organization_id, person_id, roles, valid_from) values ($1, $2, $3, $4, $5)",
        new_id(),
        here.school_id,
        here.employer.person_id,
        ["auditor"],
        await tx.now(),
    )
    found = await refused(tx, ConflictOfInterest, lambda: asked(tx, here))
    assert "a person has a role in both" in found.message


async def test_a_suspended_organization_is_not_asked(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    suspended = await organizations.register(
        tx,
        SYSTEM,
        organizations.Register(OrganizationKind.EMPLOYER, "gone-away", "Gone Away Ltd", "DE", verification="suspended"),
    )
    await refused(tx, NotFound, lambda: reviews.request(tx, here.school, RequestReview(here.version, suspended)))
