"""An invitation lets in whoever has its text and its address: once, in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal
from countersign.kit.ids import new_id
from countersign.organizations import invitations, members
from countersign.organizations.invitations import Invite
from countersign.organizations.rules_members import (
    OPEN_INVITATIONS,
    AlreadyInvited,
    AlreadyMember,
    BadInvitation,
    TooManyInvitations,
    mint_secret,
)
from tests.factories import Factory
from tests.organizations.support import admin_of_new, newcomer, refused, signed_in

ANNA = "Anna@Example.com"
INVITE = Invite(ANNA, frozenset({Role.REVIEWER, Role.SIGNATORY}))


async def test_who_was_invited_becomes_a_member_with_these_roles(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    identity, text = await invitations.invite(tx, admin, INVITE)
    anna = await newcomer(tx, " anna@example.COM")
    membership = await invitations.accept(tx, anna, text)
    assert admin.organization_id is not None
    assert anna.account_id is not None
    assert await members.roles_held(tx, admin.organization_id, anna.account_id) == INVITE.roles
    row = await tx.fetchrow("select membership_id, accepted_at from invitations where id = $1", identity)
    assert row is not None
    assert (row["membership_id"], row["accepted_at"]) == (membership, await tx.now())


async def test_neither_address_nor_text_is_in_the_database(tx: Tx, make: Factory) -> None:
    _, text = await invitations.invite(tx, await admin_of_new(tx, make), INVITE)
    kept = await tx.fetchval("select to_jsonb(i)::text from invitations i")
    assert "anna" not in kept.lower()
    assert text.removeprefix("csin_") not in kept
    outbox = " ".join(row["t"] for row in await tx.fetch("select to_jsonb(o)::text as t from outbox o"))
    assert "anna" not in outbox.lower()


async def test_an_invitation_is_good_once_in_time_for_its_address_alone(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    admin = await admin_of_new(tx, make)
    _, used = await invitations.invite(tx, admin, INVITE)
    await invitations.accept(tx, await newcomer(tx, ANNA), used)
    withdrawn_id, withdrawn = await invitations.invite(tx, admin, Invite("b@example.com", INVITE.roles))
    await invitations.withdraw(tx, admin, withdrawn_id)
    _, other = await invitations.invite(tx, admin, Invite("c@example.com", INVITE.roles))
    _, late = await invitations.invite(
        tx, admin, Invite("d@example.com", INVITE.roles, clock.now() + timedelta(minutes=5))
    )
    tries = [
        (ANNA, used),
        ("b@example.com", withdrawn),
        (ANNA, other),
        (None, other),
        ("c@example.com", mint_secret().text),
        ("c@example.com", ""),
        ("c@example.com", other + "A"),
    ]
    said = set()
    for address, text in tries:
        who = await newcomer(tx, address)
        found = await refused(tx, BadInvitation, partial(invitations.accept, tx, who, text))
        said.add(found.message)
    clock.move(timedelta(minutes=5))
    d = await newcomer(tx, "d@example.com")
    again = Tx(tx.connection, clock)
    said.add((await refused(again, BadInvitation, lambda: invitations.accept(again, d, late))).message)
    assert len(said) == 1, "nobody learns what was wrong with it"
    await invitations.accept(again, await newcomer(again, "c@example.com"), other)


async def test_of_two_who_accept_at_once_one_comes_in(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        _, text = await invitations.invite(tx, await admin_of_new(tx, make), INVITE)
        people = [await newcomer(tx, ANNA) for _ in range(4)]

    async def accept(who: Actor) -> Refusal | None:
        try:
            async with db.writer() as tx:
                await invitations.accept(tx, who, text)
        except Refusal as refusal:
            return refusal
        return None

    outcomes = await asyncio.gather(*(accept(who) for who in people))
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, BadInvitation) for outcome in outcomes) == 3


async def test_a_token_accepts_nothing_and_a_member_not_twice(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    _, first = await invitations.invite(tx, admin, INVITE)
    anna = await newcomer(tx, ANNA)
    machine = replace(anna, login_id=None, token_id=new_id())
    await refused(tx, NotAllowed, lambda: invitations.accept(tx, machine, first))
    await invitations.accept(tx, anna, first)
    _, second = await invitations.invite(tx, admin, INVITE)
    await refused(tx, AlreadyMember, lambda: invitations.accept(tx, anna, second))


async def test_a_suspended_organization_lets_nobody_in(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    _, text = await invitations.invite(tx, admin, INVITE)
    await tx.execute("update organizations set verification = 'suspended' where id = $1", admin.organization_id)
    anna = await newcomer(tx, ANNA)
    await refused(tx, BadInvitation, lambda: invitations.accept(tx, anna, text))


async def test_only_an_admin_of_the_organization_invites_and_withdraws(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    identity, _ = await invitations.invite(tx, admin, INVITE)
    assert admin.organization_id is not None
    others = tuple(role for role in Role if role is not Role.ORG_ADMIN)
    person = await signed_in(tx, make, admin.organization_id, OrganizationKind.EMPLOYER, *others)
    another = Invite("b@example.com", INVITE.roles)
    await refused(tx, NotAllowed, lambda: invitations.invite(tx, person, another))
    await refused(tx, NotAllowed, lambda: invitations.withdraw(tx, person, identity))
    stranger = await admin_of_new(tx, make)
    await refused(tx, NotFound, lambda: invitations.withdraw(tx, stranger, identity))
    await invitations.withdraw(tx, admin, identity)
    await refused(tx, InvalidState, lambda: invitations.withdraw(tx, admin, identity))


async def test_an_address_has_one_open_invitation_and_an_organization_few(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    await invitations.invite(tx, admin, INVITE)
    again = Invite(ANNA.upper(), INVITE.roles)
    await refused(tx, AlreadyInvited, lambda: invitations.invite(tx, admin, again))
    await tx.execute(
        "insert into invitations (id, organization_id, address_sha256, secret_sha256, roles, created_at, expires_at)"
        " select gen_random_uuid(), $1, sha256(n::text::bytea), sha256(n::text::bytea), '{reviewer}', $2, $3"
        " from generate_series(2, $4) n",
        admin.organization_id,
        await tx.now(),
        await tx.now() + timedelta(days=1),
        OPEN_INVITATIONS,
    )
    another = Invite("z@example.com", INVITE.roles)
    await refused(tx, TooManyInvitations, lambda: invitations.invite(tx, admin, another))


async def test_a_membership_that_ended_can_begin_anew(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    anna = await newcomer(tx, ANNA)
    for _ in range(2):
        _, text = await invitations.invite(tx, admin, INVITE)
        await members.end(tx, admin, await invitations.accept(tx, anna, text))
    assert await tx.fetchval("select count(*) from memberships where person_id = $1", anna.account_id) == 2
