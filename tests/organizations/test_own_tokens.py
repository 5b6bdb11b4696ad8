"""Members make, roll and revoke tokens; who finds one may end it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import rules, service, tokens
from countersign.organizations.rules_tokens import (
    MOST_OF_A_MEMBER,
    BeyondYourself,
    OutlivesItsMaker,
    TokenEnded,
    TooManyTokens,
)
from countersign.organizations.tokens import CreateToken, RollToken
from tests.factories import Factory
from tests.organizations.support import admin_of_new, refused, rows, signed_in

DAY = timedelta(days=1)
SEARCH = CreateToken("Nightly search", frozenset({Scope.SEARCH_READ}), "dev")
EMPLOYER = OrganizationKind.EMPLOYER


async def recruiter(tx: Tx, make: Factory) -> Actor:
    return await signed_in(tx, make, await make.organization(tx), EMPLOYER, Role.RECRUITER)


async def acting(tx: Tx, text: str, address: str | None = None) -> Actor | None:
    return await service.authenticate(tx.connection, text, tx.clock.now(), address=address)


async def test_a_member_makes_a_token_that_acts_for_the_organization_with_its_scopes(tx: Tx, make: Factory) -> None:
    person = await recruiter(tx, make)
    identity, text = await tokens.create(tx, person, SEARCH)
    actor = await acting(tx, text)
    assert actor is not None
    assert (actor.token_id, actor.organization_id, actor.person_id) == (
        identity,
        person.organization_id,
        person.person_id,
    )
    assert (actor.scopes, actor.roles) == (frozenset({Scope.SEARCH_READ}), frozenset({Role.RECRUITER}))
    row = await tx.fetchrow("select prefix, last4, name, to_jsonb(k)::text as kept from api_tokens k")
    assert row is not None
    assert text not in row["kept"]
    assert (text[:5], text[-4:], row["name"]) == (row["prefix"], row["last4"], "Nightly search")


async def test_nobody_makes_a_token_for_more_than_the_roles_of_this_moment(tx: Tx, make: Factory) -> None:
    person = await recruiter(tx, make)
    beyond = replace(SEARCH, scopes=frozenset({Scope.SEARCH_READ, Scope.ENDORSE_SIGN}))
    found = await refused(tx, BeyondYourself, lambda: tokens.create(tx, person, beyond))
    assert "endorse:sign" in found.message
    # The session still says signatory; the membership says otherwise.
    stale = replace(person, roles=person.roles | {Role.SIGNATORY})
    await refused(tx, BeyondYourself, lambda: tokens.create(tx, stale, beyond))
    stranger = replace(person, person_id=new_id())
    await refused(tx, NotAllowed, lambda: tokens.create(tx, stranger, SEARCH))


async def test_a_token_makes_none_that_holds_more_lives_longer_or_reaches_further(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    person = await recruiter(tx, make)
    limited = CreateToken(
        "Maker",
        frozenset({Scope.TOKEN_WRITE, Scope.SEARCH_READ}),
        "dev",
        expires_at=clock.now() + 5 * DAY,
        networks=("10.0.0.0/8",),
    )
    _, text = await tokens.create(tx, person, limited)
    machine = await acting(tx, text, "10.0.0.1")
    assert machine is not None
    identity, _ = await tokens.create(tx, machine, SEARCH)
    row = await tx.fetchrow("select expires_at, networks from api_tokens where id = $1", identity)
    assert row is not None
    assert (row["expires_at"], row["networks"]) == (limited.expires_at, ["10.0.0.0/8"])
    export = replace(SEARCH, scopes=frozenset({Scope.EXPORT_READ}))
    await refused(tx, BeyondYourself, lambda: tokens.create(tx, machine, export))
    longer = replace(SEARCH, expires_at=clock.now() + 6 * DAY)
    await refused(tx, OutlivesItsMaker, lambda: tokens.create(tx, machine, longer))
    further = replace(SEARCH, networks=("0.0.0.0/0",))
    await refused(tx, BeyondYourself, lambda: tokens.create(tx, machine, further))
    await tokens.revoke(tx, machine, machine.token_id or new_id())
    await refused(tx, NotAllowed, lambda: tokens.create(tx, machine, SEARCH))


async def test_a_token_is_good_from_its_networks_alone(tx: Tx, make: Factory) -> None:
    _, text = await tokens.create(tx, await recruiter(tx, make), replace(SEARCH, networks=("192.0.2.0/24",)))
    assert await acting(tx, text, "192.0.2.9") is not None
    assert await acting(tx, text, "192.0.3.9") is None
    assert await acting(tx, text) is None


async def test_a_rolled_token_stays_good_for_its_grace_and_the_new_one_may_do_the_same(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    person = await recruiter(tx, make)
    old, old_text = await tokens.create(tx, person, replace(SEARCH, networks=("192.0.2.0/24",)))
    clock.move(80 * DAY)
    tx = Tx(tx.connection, clock)
    new, text = await tokens.roll(tx, person, RollToken(old, "dev", 2 * DAY))
    found = await acting(tx, text, "192.0.2.1")
    assert found is not None
    assert (found.token_id, found.scopes) == (new, frozenset({Scope.SEARCH_READ}))
    row = await tx.fetchrow("select replaces_id, expires_at, name from api_tokens where id = $1", new)
    assert row is not None
    assert tuple(row) == (old, clock.now() + 90 * DAY, "Nightly search")
    assert await acting(tx, old_text, "192.0.2.1") is not None
    await refused(tx, TokenEnded, lambda: tokens.roll(tx, person, RollToken(old, "dev")))
    clock.move(2 * DAY)
    assert await acting(tx, old_text, "192.0.2.1") is None
    assert await acting(tx, text, "192.0.2.1") is not None


async def test_a_token_rolled_without_grace_ends_at_once_and_grace_never_prolongs(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    person = await recruiter(tx, make)
    at_once, text = await tokens.create(tx, person, SEARCH)
    await tokens.roll(tx, person, RollToken(at_once, "dev", timedelta(0)))
    assert await acting(tx, text) is None
    short, _ = await tokens.create(tx, person, replace(SEARCH, expires_at=clock.now() + DAY))
    await tokens.roll(tx, person, RollToken(short, "dev", 7 * DAY))
    assert await tx.fetchval("select expires_at from api_tokens where id = $1", short) == clock.now() + DAY
    third, _ = await tokens.create(tx, person, SEARCH)
    await refused(tx, Invalid, lambda: tokens.roll(tx, person, RollToken(third, "dev", 8 * DAY)))


async def test_only_its_maker_rolls_a_token_and_with_no_more_than_the_roles_of_now(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    assert admin.organization_id is not None
    person = await signed_in(tx, make, admin.organization_id, EMPLOYER, Role.RECRUITER, Role.REVIEWER)
    colleague = await signed_in(tx, make, admin.organization_id, EMPLOYER, Role.RECRUITER)
    both = replace(SEARCH, scopes=frozenset({Scope.SEARCH_READ, Scope.REVIEW_WRITE}))
    identity, _ = await tokens.create(tx, person, both)
    # An admin sees it and could act as its maker with a new one; a colleague and a stranger do not even see it.
    await refused(tx, NotAllowed, lambda: tokens.roll(tx, admin, RollToken(identity, "dev")))
    await refused(tx, NotFound, lambda: tokens.roll(tx, colleague, RollToken(identity, "dev")))
    stranger = await recruiter(tx, make)
    await refused(tx, NotFound, lambda: tokens.roll(tx, stranger, RollToken(identity, "dev")))
    await tx.execute("update memberships set roles = '{recruiter}' where person_id = $1", person.person_id)
    new, _ = await tokens.roll(tx, person, RollToken(identity, "dev"))
    assert await tx.fetchval("select scopes from api_tokens where id = $1", new) == ["search:read"]


async def test_its_maker_and_an_admin_revoke_a_token_and_nobody_else(tx: Tx, make: Factory) -> None:
    admin = await admin_of_new(tx, make)
    assert admin.organization_id is not None
    person = await signed_in(tx, make, admin.organization_id, EMPLOYER, Role.RECRUITER)
    auditor = await signed_in(tx, make, admin.organization_id, EMPLOYER, Role.AUDITOR)
    (first, text), (second, other) = [await tokens.create(tx, person, SEARCH) for _ in range(2)]
    await refused(tx, NotAllowed, lambda: tokens.revoke(tx, auditor, first))
    stranger = await admin_of_new(tx, make)
    await refused(tx, NotFound, lambda: tokens.revoke(tx, stranger, first))
    await tokens.revoke(tx, person, first)
    await tokens.revoke(tx, admin, second)
    assert [await acting(tx, text), await acting(tx, other)] == [None, None]
    await refused(tx, TokenEnded, lambda: tokens.revoke(tx, person, first))


async def test_who_finds_a_token_ends_it_and_the_organization_reads_why(tx: Tx, make: Factory) -> None:
    person = await recruiter(tx, make)
    identity, text = await tokens.create(tx, person, SEARCH)
    _, kept = await tokens.create(tx, person, SEARCH)
    strange = rules.mint_token("dev").text
    assert await tokens.report_leaked(tx, [text, text, strange, text[:-1], ""]) == 1
    assert await acting(tx, text) is None
    assert await acting(tx, kept) is not None
    told = await tx.fetchrow("select organization_id, action, object from audit_events where kind is null")
    assert told is not None
    assert tuple(told) == (person.organization_id, "reportLeaked", f"token_{identity}")
    assert await tx.fetchval("select revoked_because from api_tokens where id = $1", identity) == "leaked"
    after = await rows(tx)
    assert await tokens.report_leaked(tx, [text]) == 0
    assert await rows(tx) == after


COPIES = """
insert into api_tokens (id, organization_id, person_id, name, prefix, last4, sha256, scopes, created_at, expires_at)
select gen_random_uuid(), organization_id, person_id, name, prefix, last4, uuid_send(gen_random_uuid()), scopes,
       created_at, expires_at
from api_tokens, generate_series(1, $2) where id = $1
"""


async def test_a_member_has_so_many_tokens_and_room_again_when_one_ends(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    person = await recruiter(tx, make)
    ended, _ = await tokens.create(tx, person, replace(SEARCH, expires_at=clock.now() + DAY))
    kept, _ = await tokens.create(tx, person, SEARCH)
    await tx.execute(COPIES, kept, MOST_OF_A_MEMBER - 2)
    found = await refused(tx, TooManyTokens, lambda: tokens.create(tx, person, SEARCH))
    assert found.message == "A member may have 50 tokens at a time: revoke one, or roll one without grace."
    await refused(tx, TooManyTokens, lambda: tokens.roll(tx, person, RollToken(kept, "dev", DAY)))
    await tokens.roll(tx, person, RollToken(kept, "dev", 0 * DAY))
    clock.move(2 * DAY)
    tx = Tx(tx.connection, clock)
    assert await tokens.create(tx, person, SEARCH)
    await refused(tx, TooManyTokens, lambda: tokens.create(tx, person, SEARCH))
    colleague = await signed_in(tx, make, person.organization_id or new_id(), EMPLOYER, Role.RECRUITER)
    other, _ = await tokens.create(tx, colleague, SEARCH)
    assert ended != other
    await tokens.revoke(tx, colleague, other)


async def test_tokens_that_are_made_at_once_are_counted_one_by_one(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        person = await recruiter(tx, make)
        kept, _ = await tokens.create(tx, person, SEARCH)
        await tx.execute(COPIES, kept, MOST_OF_A_MEMBER - 2)

    async def one() -> bool:
        try:
            async with db.writer() as tx:
                return bool(await tokens.create(tx, person, SEARCH))
        except TooManyTokens:
            return False

    assert sorted(await asyncio.gather(one(), one(), one())) == [False, False, True]
