"""Only the learner consents, and the candidate index follows in the same transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, NotAllowed, NotFound, Required
from countersign.kit.ids import new_id
from countersign.kit.vault import key_of
from countersign.learners import consents as allowed
from countersign.learners import service, texts
from countersign.learners.consents import Grant, RecordedConsent
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from tests.factories import Factory

ANNA = Person("anna@example.com", "Anna Example", "DE", "DE-BE")
TALENT = Purpose.TALENT_SEARCH


def acting(learner_id: int) -> Actor:
    return Actor(learner_id=learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))


async def indexed(tx: Tx) -> list[tuple[int, str | None, str]]:
    rows = await tx.fetch("select learner_id, region, country from candidate_search order by learner_id")
    return [(r["learner_id"], r["region"], r["country"]) for r in rows]


async def consents(tx: Tx) -> int:
    return int(await tx.fetchval("select count(*) from consents"))


async def test_a_learner_is_enrolled_once_for_every_spelling_of_the_address(tx: Tx) -> None:
    first = await service.enrol(tx, ANNA)
    again = await service.enrol(tx, Person(" ANNA@example.com", "Another Name", "FR"))
    assert first == again
    row = await tx.fetchrow("select full_name_sealed, country from learners where learner_id = $1", first)
    key = await key_of(tx, first)
    assert row is not None
    assert key is not None
    assert (key.open(service.NAME, row["full_name_sealed"]), row["country"]) == (b"Anna Example", "DE")


async def test_nobody_is_in_the_index_before_consenting(tx: Tx) -> None:
    await service.enrol(tx, ANNA)
    assert await indexed(tx) == []


async def test_granting_puts_the_searchable_facts_into_the_index_and_no_personal_data(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    assert await indexed(tx) == [(learner, "DE-BE", "DE")]
    columns = await tx.fetch(
        "select column_name::text from information_schema.columns where table_name like 'candidate%'"
    )
    assert {c[0] for c in columns}.isdisjoint({"full_name", "email", "id"})


async def test_withdrawing_takes_the_learner_out_and_granting_again_is_a_new_row(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    first = await allowed.grant(tx, acting(learner), Grant(TALENT))
    await allowed.withdraw(tx, acting(learner), TALENT)
    assert await indexed(tx) == []
    second = await allowed.grant(tx, acting(learner), Grant(TALENT))
    assert first != second
    rows = await tx.fetch("select id, withdrawn_at from consents order by id")
    assert [(r["id"], r["withdrawn_at"]) for r in rows] == [(first, clock.now()), (second, None)]
    assert len(await indexed(tx)) == 1


async def test_granting_what_stands_changes_nothing(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    first = await allowed.grant(tx, acting(learner), Grant(TALENT))
    assert await allowed.grant(tx, acting(learner), Grant(TALENT)) == first
    assert await consents(tx) == 1


async def test_another_expiry_ends_the_consent_and_grants_anew(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    until = datetime(2027, 1, 1, tzinfo=UTC)
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    await allowed.grant(tx, acting(learner), Grant(TALENT, until))
    assert await consents(tx) == 2
    assert await tx.fetchval("select consent_expires_at from candidate_search") == until
    assert await tx.fetchval("select count(*) from consents where withdrawn_at = $1", clock.now()) == 1


async def test_withdrawing_what_does_not_stand_changes_nothing(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.withdraw(tx, acting(learner), TALENT)
    assert await consents(tx) == 0


async def test_an_expiry_in_the_past_is_refused(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    with pytest.raises(Invalid):
        await allowed.grant(tx, acting(learner), Grant(TALENT, datetime(2026, 1, 1, tzinfo=UTC)))
    assert (await consents(tx), await indexed(tx)) == (0, [])
    assert clock.now() is not None


async def test_nobody_but_the_learner_consents_or_withdraws(tx: Tx, make: Factory) -> None:
    learner = await service.enrol(tx, ANNA)
    school = await make.school(tx, *Role)
    employer = await make.employer(tx, *Role)
    without_scope = Actor(learner_id=learner, token_id=new_id())
    for actor in (school, employer, SYSTEM, ANONYMOUS, without_scope):
        with pytest.raises(NotAllowed):
            await allowed.grant(tx, actor, Grant(TALENT))
    assert (await consents(tx), await indexed(tx)) == (0, [])
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    for actor in (school, employer, SYSTEM, ANONYMOUS, without_scope):
        with pytest.raises(NotAllowed):
            await allowed.withdraw(tx, actor, TALENT)
    assert len(await indexed(tx)) == 1


async def test_one_learner_consents_for_no_other(tx: Tx) -> None:
    anna = await service.enrol(tx, ANNA)
    boris = await service.enrol(tx, Person("boris@example.com", "Boris Example", "KZ"))
    await allowed.grant(tx, acting(boris), Grant(TALENT))
    assert await indexed(tx) == [(boris, None, "KZ")]
    assert anna != boris


async def test_recorded_consents_say_that_they_came_as_a_file(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    assert await allowed.record_consents(tx, SYSTEM, TALENT, [RecordedConsent("ANNA@example.com", at)]) == [learner]
    row = await tx.fetchrow("select method, granted_at from consents")
    assert row is not None
    assert tuple(row) == ("file", at)
    assert len(await indexed(tx)) == 1


async def test_a_file_never_overrules_the_learner(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    await allowed.withdraw(tx, acting(learner), TALENT)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    assert await allowed.record_consents(tx, SYSTEM, TALENT, [RecordedConsent(ANNA.email, at)]) == []
    assert (await consents(tx), await indexed(tx)) == (1, [])


async def test_only_the_operator_records_consents_and_only_of_learners(tx: Tx, make: Factory) -> None:
    await service.enrol(tx, ANNA)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with pytest.raises(NotAllowed):
        await allowed.record_consents(tx, await make.school(tx, *Role), TALENT, [RecordedConsent(ANNA.email, at)])
    unknown = [RecordedConsent(ANNA.email, at), RecordedConsent("nobody@example.com", at)]
    with pytest.raises(NotFound):
        await allowed.record_consents(tx, SYSTEM, TALENT, unknown)
    assert (await consents(tx), await indexed(tx)) == (0, [])


async def test_an_open_consent_cannot_stand_twice_in_the_database(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    with pytest.raises(asyncpg.UniqueViolationError):
        await tx.execute(
            "insert into consents (learner_id, id, purpose, method, granted_at) values ($1, $2, $3, 'portal', $4)",
            learner,
            new_id(),
            TALENT.value,
            clock.now() + timedelta(seconds=1),
        )


async def test_each_purpose_is_allowed_and_taken_back_by_itself(tx: Tx) -> None:
    learner = await service.enrol(tx, ANNA)
    for purpose in (Purpose.TALENT_SEARCH, Purpose.OUTCOME, Purpose.ANALYTICS, Purpose.PUBLIC_PROFILE):
        await allowed.grant(tx, acting(learner), Grant(purpose))
    await allowed.withdraw(tx, acting(learner), Purpose.ANALYTICS)
    assert len(await indexed(tx)) == 1
    standing = {p for p in Purpose if await allowed.standing(tx, learner, p)}
    assert standing == {Purpose.TALENT_SEARCH, Purpose.OUTCOME, Purpose.PUBLIC_PROFILE}


@pytest.mark.parametrize("purpose", [p for p in Purpose if p not in {TALENT, Purpose.CONTACT_BY}])
async def test_no_other_purpose_makes_a_learner_found(tx: Tx, purpose: Purpose) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.grant(tx, acting(learner), Grant(purpose))
    assert await indexed(tx) == []


async def test_who_may_contact_is_allowed_one_by_one(tx: Tx, make: Factory) -> None:
    learner = await service.enrol(tx, ANNA)
    one, other = [(await make.employer(tx)).organization_id for _ in range(2)]
    await allowed.grant(tx, acting(learner), Grant(Purpose.CONTACT_BY, organization_id=one))
    assert await allowed.standing(tx, learner, Purpose.CONTACT_BY, one) is not None
    assert await allowed.standing(tx, learner, Purpose.CONTACT_BY, other) is None
    await allowed.grant(tx, acting(learner), Grant(Purpose.CONTACT_BY, organization_id=other))
    await allowed.withdraw(tx, acting(learner), Purpose.CONTACT_BY, one)
    assert await allowed.standing(tx, learner, Purpose.CONTACT_BY, one) is None
    assert await allowed.standing(tx, learner, Purpose.CONTACT_BY, other) is not None


async def test_a_consent_to_contact_names_an_employer_or_agency_and_no_other_consent_names_any(
    tx: Tx, make: Factory
) -> None:
    learner = acting(await service.enrol(tx, ANNA))
    school = (await make.school(tx)).organization_id
    employer = (await make.employer(tx)).organization_id
    refused = [
        (Grant(Purpose.CONTACT_BY), Required),
        (Grant(Purpose.CONTACT_BY, organization_id=school), NotFound),
        (Grant(Purpose.CONTACT_BY, organization_id=new_id()), NotFound),
        (Grant(TALENT, organization_id=employer), Invalid),
    ]
    for wanted, kind in refused:
        with pytest.raises(kind):
            await allowed.grant(tx, learner, wanted)
    assert (await consents(tx), await indexed(tx)) == (0, [])


async def test_a_consent_keeps_which_text_was_read_in_which_language(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    version = texts.IN_FORCE[TALENT]
    await allowed.grant(tx, acting(learner), Grant(TALENT, text_version=version, language="ru"))
    row = await tx.fetchrow("select text_version, language, method, granted_at from consents")
    assert row is not None
    assert tuple(row) == (version, "ru", "portal", clock.now())


async def test_a_text_that_is_not_in_force_or_not_written_is_not_consented_to(tx: Tx) -> None:
    learner = acting(await service.enrol(tx, ANNA))
    with pytest.raises(texts.TextNotInForce):
        await allowed.grant(tx, learner, Grant(TALENT, text_version="2020-01-01"))
    with pytest.raises(Invalid):
        await allowed.grant(tx, learner, Grant(TALENT, language="de"))
    assert (await consents(tx), await indexed(tx)) == (0, [])


async def test_reading_the_text_in_another_language_is_another_consent(tx: Tx, clock: FrozenClock) -> None:
    learner = await service.enrol(tx, ANNA)
    await allowed.grant(tx, acting(learner), Grant(TALENT))
    await allowed.grant(tx, acting(learner), Grant(TALENT, language="ru"))
    rows = await tx.fetch("select language, withdrawn_at from consents order by id")
    assert [tuple(r) for r in rows] == [("en", clock.now()), ("ru", None)]
