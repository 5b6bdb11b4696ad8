"""Only the version's school awards and revokes it, once for each learner, and the index follows at once."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import asyncpg
import pytest

from countersign.awards import service
from countersign.awards.service import IssueAward, RevokeAward
from countersign.kit.access import ANONYMOUS, Actor, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, Invalid, InvalidState, NotAllowed, NotFound, Refusal, Required
from countersign.kit.ids import new_id
from countersign.learners.service import Person
from countersign.search.service import Drift
from countersign.specs import service as specs
from tests.awards.support import ANNA, BORIS, DAY, acting, award, campus, consent, facts
from tests.factories import Factory
from tests.specs.support import submitted

RIGHT = Drift(0, 0, 0, 0, 0)


async def posted(tx: Tx) -> list[tuple[int, UUID]]:
    return [tuple(r) for r in await tx.fetch("select learner_id, award_id from candidate_award order by 1, 2")]


async def test_a_school_awards_its_published_version(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    made = await award(tx, here)
    row = await tx.fetchrow("select state, mode, awarded_on, organization_id, document is not null from awards")
    assert row is not None
    assert tuple(row) == ("issued", "study", DAY, here.school, True)
    assert await posted(tx) == []
    assert await tx.fetchval("select count(*) from learners where learner_id = $1", made.learner_id) == 1


async def test_awards_of_a_consenting_learner_are_posted_and_of_others_not(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await award(tx, here)
    await consent(tx, anna.learner_id)
    assert await posted(tx) == [(anna.learner_id, anna.award_id)]
    other = await campus(tx, make, "another-block")
    second = await award(tx, other)
    await award(tx, here, BORIS)
    assert await posted(tx) == [(anna.learner_id, anna.award_id), (anna.learner_id, second.award_id)]
    assert await service.check_index(tx) == RIGHT


async def test_withdrawing_consent_and_granting_it_again_brings_every_valid_award_back(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await award(tx, here)
    await consent(tx, anna.learner_id)
    await consent(tx, anna.learner_id, granted=False)
    assert await posted(tx) == []
    await consent(tx, anna.learner_id)
    assert await posted(tx) == [(anna.learner_id, anna.award_id)]
    assert await service.check_index(tx) == RIGHT


async def test_a_revoked_award_leaves_the_index_sets_its_bit_and_never_comes_back(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await award(tx, here)
    await consent(tx, anna.learner_id)
    await service.revoke(tx, here.registrar, RevokeAward(anna.learner_id, anna.award_id, "Plagiarism"))
    assert await posted(tx) == []
    assert await tx.fetchval("select count(*) from status_entries where revoked_at is not null") == 1
    await consent(tx, anna.learner_id, granted=False)
    await consent(tx, anna.learner_id)
    assert await posted(tx) == []
    assert await service.check_index(tx) == RIGHT


async def test_a_learner_holds_a_version_once_and_may_hold_it_again_after_revocation(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    first = await award(tx, here)
    before = await facts(tx)
    with pytest.raises(Conflict):
        await attempt(tx, here.registrar, IssueAward(here.version, ANNA, date(2026, 11, 1)))
    assert await facts(tx) == before
    await service.revoke(tx, here.registrar, RevokeAward(first.learner_id, first.award_id, "Wrong day"))
    second = await award(tx, here)
    assert second.learner_id == first.learner_id
    with pytest.raises(asyncpg.UniqueViolationError):
        await tx.execute(
            "insert into awards"
            " (learner_id, id, spec_version_id, organization_id, holder_name, state, mode, awarded_on, issued_at)"
            " select learner_id, $1, spec_version_id, organization_id, holder_name, 'issued', mode, awarded_on,"
            " issued_at"
            " from awards where state = 'issued'",
            new_id(),
        )


async def attempt(tx: Tx, actor: Actor, command: IssueAward) -> None:
    async with tx.savepoint():
        await service.issue(tx, actor, command)


async def test_nobody_else_awards_and_nothing_changes(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    elsewhere = await campus(tx, make, "elsewhere")
    others = [
        elsewhere.registrar,
        make.without(here.registrar, Role.REGISTRAR),
        await make.employer(tx, *Role),
        acting(1),
        ANONYMOUS,
    ]
    before = await facts(tx)
    for actor in others:
        with pytest.raises((NotAllowed, NotFound)):
            await attempt(tx, actor, IssueAward(here.version, ANNA, DAY))
    assert await facts(tx) == before


async def test_foreign_versions_that_are_not_public_look_missing(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    elsewhere = await campus(tx, make, "elsewhere")
    hidden = await submitted(tx, elsewhere.registrar, "hidden-block")
    messages = set()
    for version in (hidden, new_id()):
        with pytest.raises(NotFound) as refused:
            await attempt(tx, here.registrar, IssueAward(version, ANNA, DAY))
        messages.add(refused.value.message)
    assert len(messages) == 1


async def test_published_and_deprecated_versions_are_awarded_and_no_others(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    fresh = await submitted(tx, here.registrar, "not-yet")
    with pytest.raises(InvalidState):
        await attempt(tx, here.registrar, IssueAward(fresh, ANNA, DAY))
    await specs.deprecate(tx, here.registrar, here.version)
    held = await award(tx, here)
    await specs.retire(tx, here.registrar, here.version)
    with pytest.raises(InvalidState):
        await attempt(tx, here.registrar, IssueAward(here.version, BORIS, DAY))
    # Retiring a version never touches awards.
    state = await tx.fetchval("select state from awards where id = $1", held.award_id)
    assert state == "issued"


@pytest.mark.parametrize(
    ("person", "day", "kind"),
    [
        (Person("nobody", "Anna", "DE"), DAY, Invalid),
        (Person("a@example.com", "", "DE"), DAY, Required),
        (Person("a@example.com", "Anna", "DE", "FR-75"), DAY, Invalid),
        (ANNA, date(2026, 11, 23), Invalid),
    ],
)
async def test_malformed_awards_are_refused_and_nothing_changes(
    tx: Tx, make: Factory, person: Person, day: date, kind: type[Refusal]
) -> None:
    here = await campus(tx, make)
    before = await facts(tx)
    with pytest.raises(kind):
        await attempt(tx, here.registrar, IssueAward(here.version, person, day))
    assert await facts(tx) == before


async def test_nobody_else_revokes_and_foreign_awards_look_missing(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    elsewhere = await campus(tx, make, "elsewhere")
    anna = await award(tx, here)
    before = await facts(tx)
    for actor in (make.without(here.registrar, Role.REGISTRAR), acting(anna.learner_id), ANONYMOUS):
        with pytest.raises(NotAllowed):
            await service.revoke(tx, actor, RevokeAward(anna.learner_id, anna.award_id, "No"))
    messages = set()
    for award_id in (anna.award_id, new_id()):
        with pytest.raises(NotFound) as refused:
            await service.revoke(tx, elsewhere.registrar, RevokeAward(anna.learner_id, award_id, "No"))
        messages.add(refused.value.message)
    assert len(messages) == 1
    assert await facts(tx) == before
    assert await tx.fetchval("select state from awards") == "issued"


async def test_an_award_is_revoked_once_and_with_a_reason(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await award(tx, here)
    with pytest.raises(Required):
        await service.revoke(tx, here.registrar, RevokeAward(anna.learner_id, anna.award_id, " "))
    await service.revoke(tx, here.registrar, RevokeAward(anna.learner_id, anna.award_id, "Wrong learner"))
    with pytest.raises(InvalidState):
        await service.revoke(tx, here.registrar, RevokeAward(anna.learner_id, anna.award_id, "Again"))


async def test_the_check_of_the_index_sees_what_was_changed_behind_its_back(tx: Tx, make: Factory) -> None:
    here = await campus(tx, make)
    anna = await award(tx, here)
    await consent(tx, anna.learner_id)
    await tx.execute("delete from candidate_award")
    assert await service.check_index(tx) == Drift(0, 0, 0, 1, 0)
    await tx.execute("delete from candidate_search")
    assert await service.check_index(tx) == Drift(1, 0, 0, 1, 0)
