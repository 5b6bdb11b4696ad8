"""An organization with people who are signed in, and what may not change when something is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from countersign.accounts import rules as accounts_rules
from countersign.accounts import service as accounts
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Tx
from countersign.kit.errors import Refusal
from countersign.kit.ids import new_id
from tests.factories import Factory

TABLES = ("memberships", "invitations", "api_tokens", "reviews", "review_requests", "endorsements", "outbox")


async def signed_in(tx: Tx, make: Factory, organization: UUID, kind: OrganizationKind, *roles: Role) -> Actor:
    """A new member with a session."""
    member = await make.member(tx, organization, kind, *roles)
    return replace(
        member, token_id=None, login_id=new_id(), account_id=member.person_id, authenticated_at=await tx.now()
    )


async def admin_of_new(tx: Tx, make: Factory, kind: OrganizationKind = OrganizationKind.EMPLOYER) -> Actor:
    """The only member, and admin, of a new organization, with a session."""
    return await signed_in(tx, make, await make.organization(tx, kind), kind, Role.ORG_ADMIN)


async def newcomer(tx: Tx, address: str | None) -> Actor:
    """Somebody who has signed in, member of nothing; the provider vouches for the address."""
    account = await accounts.account_of(tx, "https://people.example", str(new_id()))
    key = accounts_rules.address_key(address) if address is not None else None
    opened = await accounts.open_login(tx, account, authenticated_at=await tx.now(), email_key=key)
    return Actor(person_id=account, account_id=account, login_id=opened.login_id, scopes=frozenset(Scope))


async def membership_of(tx: Tx, actor: Actor) -> UUID:
    """The actor's membership."""
    found: UUID = await tx.fetchval(
        "select id from memberships where person_id = $1 and organization_id = $2",
        actor.person_id,
        actor.organization_id,
    )
    return found


async def rows(tx: Tx) -> list[str]:
    """Everything that people, tokens and decisions are kept as."""
    return [
        row["text"]
        for table in TABLES
        for row in await tx.fetch(f"select to_jsonb(t)::text as text from {table} t order by 1")
    ]


async def refused(tx: Tx, kind: type[Refusal], act: Callable[[], Awaitable[object]]) -> Refusal:
    """What refuses the act, which changes nothing."""
    before = await rows(tx)
    with pytest.raises(kind) as caught:
        async with tx.savepoint():
            await act()
    assert await rows(tx) == before
    return caught.value
