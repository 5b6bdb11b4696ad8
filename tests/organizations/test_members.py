"""Members change roles, leave and are made to leave; what hung on them ends in the same transaction."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, NotAllowed, NotFound, Refusal
from countersign.kit.ids import new_id
from countersign.kit.staleness import Changed
from countersign.organizations import invitations, members, service, tokens
from countersign.organizations.members import ChangeRoles
from countersign.organizations.rules_members import BadInvitation, LastAdmin, MembershipOver
from tests.factories import Factory
from tests.organizations.support import admin_of_new, membership_of, newcomer, refused, signed_in

EMPLOYER = OrganizationKind.EMPLOYER
RECRUITER = frozenset({Role.RECRUITER})


async def colleague(tx: Tx, make: Factory, admin: Actor, *roles: Role) -> Actor:
    assert admin.organization_id is not None
    return await signed_in(tx, make, admin.organization_id, EMPLOYER, *roles)


async def roles_of(tx: Tx, actor: Actor) -> frozenset[Role]:
    assert actor.organization_id is not None
    assert actor.person_id is not None
    return await members.roles_held(tx, actor.organization_id, actor.person_id)


async def test_an_admin_gives_a_member_other_roles(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    admin = await admin_of_new(tx, make)
    person = await colleague(tx, make, admin, Role.REVIEWER)
    await members.change_roles(tx, admin, ChangeRoles(await membership_of(tx, person), RECRUITER, clock.at))
    assert await roles_of(tx, person) == RECRUITER


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ORG_ADMIN])
async def test_nobody_but_an_admin_changes_roles_or_ends_others(tx: Tx, make: Factory, role: Role) -> None:
    admin = await admin_of_new(tx, make)
    person, other = [await colleague(tx, make, admin, role) for _ in range(2)]
    key = await membership_of(tx, other)
    await refused(tx, NotAllowed, lambda: members.change_roles(tx, person, ChangeRoles(key, RECRUITER)))
    await refused(tx, NotAllowed, lambda: members.end(tx, person, key))
    # Whoever says that they are an admin, and is none any more, is asked by the row.
    claims = replace(person, roles=frozenset(Role))
    await refused(tx, NotAllowed, lambda: members.change_roles(tx, claims, ChangeRoles(key, RECRUITER)))
    await refused(tx, NotAllowed, lambda: members.end(tx, claims, key))


async def test_a_member_of_another_organization_is_not_there(tx: Tx, make: Factory) -> None:
    stranger = await admin_of_new(tx, make)
    admin = await admin_of_new(tx, make)
    for key in (await membership_of(tx, admin), new_id()):
        await refused(tx, NotFound, partial(members.end, tx, stranger, key))
        await refused(tx, NotFound, partial(members.change_roles, tx, stranger, ChangeRoles(key, RECRUITER)))


async def test_who_saw_other_roles_or_asks_for_ones_that_mean_nothing_changes_none(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    admin = await admin_of_new(tx, make)
    key = await membership_of(tx, await colleague(tx, make, admin, Role.REVIEWER))
    before = clock.at - timedelta(seconds=1)
    await refused(tx, Changed, lambda: members.change_roles(tx, admin, ChangeRoles(key, RECRUITER, before)))
    registrar = frozenset({Role.REGISTRAR})
    await refused(tx, Invalid, lambda: members.change_roles(tx, admin, ChangeRoles(key, registrar)))


async def test_the_last_admin_neither_leaves_nor_becomes_less(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    await colleague(tx, make, admin, Role.REVIEWER)
    key = await membership_of(tx, admin)
    await refused(tx, LastAdmin, lambda: members.end(tx, admin, key))
    await refused(tx, LastAdmin, lambda: members.change_roles(tx, admin, ChangeRoles(key, RECRUITER)))
    second = await colleague(tx, make, admin, Role.ORG_ADMIN)
    await members.end(tx, admin, key)
    assert await roles_of(tx, admin) == frozenset()
    second_key = await membership_of(tx, second)
    await refused(tx, LastAdmin, lambda: members.end(tx, second, second_key))


async def test_of_two_admins_who_leave_at_once_one_stays(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        first = await admin_of_new(tx, make)
        second = await colleague(tx, make, first, Role.ORG_ADMIN)
        keys = {actor: await membership_of(tx, actor) for actor in (first, second)}

    async def leave(actor: Actor) -> Refusal | None:
        try:
            async with db.writer() as tx:
                await members.end(tx, actor, keys[actor])
        except Refusal as refusal:
            return refusal
        return None

    for _ in range(2):
        outcomes = await asyncio.gather(leave(first), leave(second))
        assert sum(isinstance(outcome, LastAdmin) for outcome in outcomes) == 1


async def test_everybody_may_leave_once(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    person = await colleague(tx, make, admin, Role.AUDITOR)
    key = await membership_of(tx, person)
    await members.end(tx, person, key)
    await refused(tx, MembershipOver, lambda: members.end(tx, admin, key))
    await refused(tx, NotAllowed, lambda: members.end(tx, person, key))


async def test_tokens_end_with_the_membership_and_do_not_come_back_with_a_new_one(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    admin = await admin_of_new(tx, make)
    person = await colleague(tx, make, admin, Role.RECRUITER)
    wanted = tokens.CreateToken("Search", frozenset({Scope.SEARCH_READ}), "dev")
    _, text = await tokens.create(tx, person, wanted)
    _, kept = await tokens.create(tx, admin, replace(wanted, scopes=frozenset({Scope.MEMBER_WRITE})))
    await members.end(tx, admin, await membership_of(tx, person))
    clock.move(timedelta(hours=1))
    await service.enrol(tx, SYSTEM, admin.organization_id or new_id(), RECRUITER, person_id=person.person_id)
    assert await service.authenticate(tx.connection, text, clock.now()) is None
    assert await service.authenticate(tx.connection, kept, clock.now()) is not None
    assert await tx.fetchval("select revoked_because from api_tokens where name = 'Search' and revoked_at is not null")


async def test_who_is_no_admin_any_more_lets_nobody_in_by_an_old_link(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    leaving = await colleague(tx, make, admin, Role.ORG_ADMIN)
    wanted = invitations.Invite("friend@example.com", frozenset({Role.ORG_ADMIN}))
    _, text = await invitations.invite(tx, leaving, wanted)
    await members.change_roles(tx, admin, ChangeRoles(await membership_of(tx, leaving), RECRUITER))
    friend = await newcomer(tx, "friend@example.com")
    await refused(tx, BadInvitation, lambda: invitations.accept(tx, friend, text))
