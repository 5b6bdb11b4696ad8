"""A session says who somebody is; the organization for which they act is said in every request."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from countersign.accounts import rules, service
from countersign.kit.access import OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import Invalid
from countersign.kit.ids import new_id
from countersign.organizations import acting
from countersign.organizations.acting import NOBODY, Choice
from tests.accounts.support import ISSUER, Person, employee, join, person
from tests.factories import Factory

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def found(db: Database, who: Person, choice: Choice = NOBODY) -> acting.SignedIn | None:
    async with db.reader() as reader:
        return await acting.actor_for(reader, who.digest, choice, db.clock.now())


async def test_a_session_acts_for_the_chosen_organization_with_its_roles_and_every_scope(
    db: Database, make: Factory
) -> None:
    who, here = await employee(db, make, Role.REVIEWER)
    async with db.writer() as tx:
        there = await make.organization(tx, OrganizationKind.SCHOOL)
        await join(tx, who, there, Role.AUTHOR)
    at_work, at_school, alone = [await found(db, who, c) for c in (Choice(here), Choice(there), NOBODY)]
    assert at_work is not None
    assert (at_work.actor.organization_id, at_work.actor.roles) == (here, frozenset({Role.REVIEWER}))
    assert at_work.actor.organization_kind is OrganizationKind.EMPLOYER
    assert at_work.actor.scopes == set(Scope)
    assert at_work.actor.person_id == at_work.actor.account_id == who.account_id
    assert (at_work.actor.login_id, at_work.actor.token_id) == (who.opened.login_id, None)
    assert at_school is not None
    assert (at_school.actor.organization_id, at_school.actor.roles) == (there, frozenset({Role.AUTHOR}))
    assert alone is not None
    assert (alone.actor.organization_id, alone.actor.roles, alone.actor.known) == (None, frozenset(), True)


async def test_foreign_missing_and_suspended_organizations_are_refused_alike(
    db: Database, make: Factory, owner: Owner
) -> None:
    who, mine = await employee(db, make)
    async with db.writer() as tx:
        foreign = await make.organization(tx)
    await owner.execute("update organizations set verification = 'suspended' where id = $1", mine)
    said = set()
    for choice in (Choice(foreign), Choice(new_id()), Choice(mine)):
        with pytest.raises(acting.NotYours) as refused:
            await found(db, who, choice)
        said.add(refused.value.message)
    assert len(said) == 1


async def test_an_ended_membership_lends_no_authority(
    db: Database, make: Factory, clock: FrozenClock, owner: Owner
) -> None:
    who, here = await employee(db, make)
    await owner.execute("update memberships set valid_until = $2 where organization_id = $1", here, clock.at)
    with pytest.raises(acting.NotYours):
        await found(db, who, Choice(here))


async def test_a_session_ends_after_half_an_hour_of_silence_and_twelve_hours_in_all(
    db: Database, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        who = await person(tx)
    for _ in range(24):
        clock.move(rules.IDLE - timedelta(seconds=1))
        assert await found(db, who) is not None
        async with db.writer() as tx:
            await service.seen(tx, who.opened.login_id)
    clock.move(timedelta(seconds=24) - timedelta(microseconds=1))
    assert await found(db, who) is not None
    clock.move(timedelta(microseconds=1))
    assert await found(db, who) is None
    async with db.writer() as tx:
        late = await person(tx)
    clock.move(rules.IDLE)
    assert await found(db, late) is None


async def test_signing_out_ends_one_session_and_everywhere_ends_all(db: Database) -> None:
    async with db.writer() as tx:
        here, elsewhere = await person(tx, "one"), await person(tx, "one")
        another = await person(tx, "two")
        await service.end_login(tx, here.opened.login_id)
    assert here.account_id == elsewhere.account_id != another.account_id
    assert await found(db, here) is None
    assert await found(db, elsewhere) is not None
    async with db.writer() as tx:
        assert await service.end_all_logins(tx, here.account_id) == 1
    assert await found(db, elsewhere) is None
    assert await found(db, another) is not None


async def test_issuer_and_subject_only_together_name_an_account(db: Database) -> None:
    async with db.writer() as tx:
        one = await service.account_of(tx, ISSUER, "42")
        assert await service.account_of(tx, ISSUER, "42") == one
        assert await service.account_of(tx, "https://other.example", "42") != one
        assert await service.account_of(tx, f'{ISSUER}", "', "42") != one


async def test_neither_cookie_nor_subject_nor_address_is_in_the_database(db: Database, owner: Owner) -> None:
    canary = "canary-of-the-subject@example.com"
    async with db.writer() as tx:
        account = await service.account_of(tx, ISSUER, canary)
        opened = await service.open_login(tx, account, email_key=rules.address_key(canary))
    kept = str(await owner.fetch("select a::text as a, l::text as l from accounts a, account_logins l"))
    assert opened.cookie not in kept
    assert canary not in kept
    assert str(opened.login_id) in kept


async def test_the_vouched_address_is_forgotten_with_the_session(db: Database) -> None:
    async with db.writer() as tx:
        account = await service.account_of(tx, ISSUER, "ann")
        opened = await service.open_login(tx, account, email_key=rules.address_key(" Ann@Example.com "))
        key = await service.vouched_address_key(tx, opened.login_id)
        assert key == rules.address_key("ann@example.com")
        await service.end_login(tx, opened.login_id)
        assert await service.vouched_address_key(tx, opened.login_id) is None
        assert await tx.fetchval("select email_key from account_logins where id = $1", opened.login_id) is None


async def test_an_account_is_one_learner_and_a_learner_one_account(db: Database) -> None:
    async with db.writer() as tx:
        ann, bob = await person(tx), await person(tx)
        await service.bind_learner(tx, ann.account_id, 7)
        await service.bind_learner(tx, ann.account_id, 7)
        for account, learner in ((ann.account_id, 8), (bob.account_id, 7)):
            with pytest.raises(service.LearnerBound):
                await service.bind_learner(tx, account, learner)
        assert await service.learner_of(tx, ann.account_id) == 7
        assert await service.account_of_learner(tx, 7) == ann.account_id
        assert await service.learner_of(tx, bob.account_id) is None
    own = await found(db, ann, Choice(own=True))
    assert own is not None
    assert (own.actor.learner_id, own.actor.organization_id, own.actor.roles) == (7, None, frozenset())
    alone = await found(db, ann)
    assert alone is not None
    assert alone.actor.learner_id is None
    with pytest.raises(acting.NoLearner):
        await found(db, bob, Choice(own=True))


async def test_what_is_no_choice_is_refused() -> None:
    key = UUID("01a201ed-90b8-7454-9f81-2c3ff255b64f")
    assert acting.read_choice(None) == acting.read_choice("") == NOBODY
    assert acting.read_choice("self") == Choice(own=True)
    assert acting.read_choice(f"org_{key}") == Choice(key)
    for text in (str(key), f"spec_{key}", f"org_{key}, self", "SELF", "org_", "*"):
        with pytest.raises(Invalid):
            acting.read_choice(text)
