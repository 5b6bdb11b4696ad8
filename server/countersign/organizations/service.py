"""Register organizations, enrol members, issue and revoke tokens, authenticate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg

from countersign.kit import access, events
from countersign.kit.access import Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.db import Connection, Reader, Tx
from countersign.kit.errors import Invalid, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import enter, enter_many
from countersign.organizations import logged, rules
from countersign.organizations.events import StandingChanged
from countersign.organizations.rules_tokens import good_from
from countersign.organizations.tables import ApiToken, Membership, Organization
from countersign.organizations.views import ROLES_NOW

TOKEN_LIFE_LIMIT = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Register:
    """A new organization."""

    kind: OrganizationKind
    handle: str
    legal_name: str
    country: str
    display_name: str | None = None
    url: str | None = None
    domains: tuple[str, ...] = ()
    parent_id: UUID | None = None
    verification: str = "unverified"
    fictional: bool = False


async def register(tx: Tx, actor: Actor, command: Register) -> UUID:
    """Register an organization; only the operator may. Its control group is its topmost parent.

    Raises NotAllowed, Invalid, TooLong, NotFound (parent), HandleTaken.
    """
    access.require(actor, Permission.IMPORT)
    rules.check_names(command.handle, command.legal_name, command.country, command.domains)
    identity = new_id()
    control_group = identity
    if command.parent_id is not None:
        control_group = await tx.fetchval("select control_group from organizations where id = $1", command.parent_id)
        if control_group is None:
            raise NotFound(what="parent organization", path=("parentId",))
    row = Organization(
        id=identity,
        kind=command.kind.value,
        handle=command.handle,
        legal_name=command.legal_name,
        display_name=command.display_name or command.legal_name,
        country=command.country,
        url=command.url,
        domains=list(command.domains),
        parent_id=command.parent_id,
        control_group=control_group,
        verification=command.verification,
        fictional=command.fictional,
        created_at=await tx.now(),
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise rules.HandleTaken(handle=command.handle, path=("handle",)) from None
    await enter(tx, logged.ORGANIZATIONS, identity, actor=actor, action="organization.registered")
    await tx.emit("organization.registered", f"org_{identity}")
    return identity


async def group(tx: Tx, groups: Mapping[UUID, UUID]) -> int:
    """Put organizations into control groups, as `conflicts` has worked them out; how many were in another.

    Where they were until now is kept: a question about the past is answered with the groups of then.
    """
    await tx.execute(
        "insert into former_control_groups (organization_id, until, control_group)"
        " select o.id, $3, o.control_group from unnest($1::uuid[], $2::uuid[]) as g(id, name)"
        " join organizations o on o.id = g.id where o.control_group <> g.name on conflict do nothing",
        *(list(groups), list(groups.values()), await tx.now()),
    )
    rows = await tx.fetch(
        "update organizations o set control_group = g.name from unnest($1::uuid[], $2::uuid[]) as g(id, name)"
        " where o.id = g.id and o.control_group <> g.name returning o.id",
        *(list(groups), list(groups.values())),
    )
    if rows:
        keys = [(row["id"],) for row in rows]
        await enter_many(tx, logged.ORGANIZATIONS, keys, action="organization.regrouped")
        await events.publish(tx, StandingChanged(tuple(row["id"] for row in rows)))
    return len(rows)


async def enrol(
    tx: Tx, actor: Actor, organization_id: UUID, roles: Iterable[Role], *, person_id: UUID | None = None
) -> UUID:
    """Make an account, or a new person without one, a member with roles; only the operator may. The person's id."""
    access.require(actor, Permission.IMPORT)
    person, membership = person_id or new_id(), new_id()
    await tx.insert(
        Membership(
            id=membership,
            organization_id=organization_id,
            person_id=person,
            roles=sorted(r.value for r in roles),
            valid_from=await tx.now(),
        )
    )
    await enter(tx, logged.MEMBERSHIPS, membership, actor=actor, action="membership.began")
    return person


@dataclass(frozen=True, slots=True)
class IssueToken:
    """A token for a member (organization and person) or for a learner."""

    name: str
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    organization_id: UUID | None = None
    person_id: UUID | None = None
    learner_id: int | None = None
    life: timedelta = timedelta(days=90)
    mode: str = "demo"


async def issue_token(tx: Tx, actor: Actor, command: IssueToken) -> str:
    """Make a token and answer its text, the only time it is seen; only the operator may.

    Raises NotAllowed; Invalid for a life of nothing or over a year.
    """
    access.require(actor, Permission.IMPORT)
    if not timedelta(0) < command.life <= TOKEN_LIFE_LIMIT:
        raise Invalid(problem="A token lives at most one year", path=("life",))
    token = rules.mint_token(command.mode)
    now = await tx.now()
    await tx.insert(
        ApiToken(
            id=new_id(),
            organization_id=command.organization_id,
            person_id=command.person_id,
            learner_id=command.learner_id,
            name=command.name,
            prefix=token.prefix,
            last4=token.last4,
            sha256=token.sha256,
            scopes=sorted(s.value for s in command.scopes),
            created_at=now,
            expires_at=now + command.life,
        )
    )
    return token.text


async def revoke_token(tx: Tx, actor: Actor, token_id: UUID) -> None:
    """End a token at once; only the operator may. Ending it twice changes nothing."""
    access.require(actor, Permission.IMPORT)
    await tx.execute(
        "update api_tokens set revoked_at = coalesce(revoked_at, $2) where id = $1", token_id, await tx.now()
    )


_ACTORS = f"""
select k.id, k.organization_id, k.person_id, k.learner_id, k.scopes, k.networks, o.kind,
       array(select distinct r from memberships m, unnest({ROLES_NOW.format(m="m", now="n.now")}) r
             where m.organization_id = k.organization_id and m.person_id = k.person_id
               and m.valid_from <= n.now and (m.valid_until is null or m.valid_until > n.now)) as roles
from (select coalesce($2::timestamptz, statement_timestamp()) as now) n
join api_tokens k on {{which}} and k.revoked_at is null and k.expires_at > n.now
left join organizations o on o.id = k.organization_id
where o.verification is distinct from 'suspended'
  and (k.organization_id is null or exists (
       select from memberships m where m.organization_id = k.organization_id and m.person_id = k.person_id
         and m.valid_from <= n.now and (m.valid_until is null or m.valid_until > n.now)))
"""
AUTHENTICATE = _ACTORS.format(which="k.sha256 = $1")
STILL = _ACTORS.format(which="k.id = any($1)")


@dataclass(frozen=True, slots=True)
class Profile:
    """What everybody may know of an organization."""

    handle: str
    kind: str
    legal_name: str
    display_name: str
    country: str
    verification: str
    domains: tuple[str, ...]
    fictional: bool


async def profile(reader: Reader, handle: str) -> Profile | None:
    """An organization by its handle, for everybody; None when there is none."""
    row = await reader.fetchrow(
        "select handle, kind, legal_name, display_name, country, verification, domains, fictional"
        " from organizations where handle = $1",
        handle,
    )
    return None if row is None else Profile(**{**row, "domains": tuple(row["domains"])})


async def authenticate(
    connection: Connection, token: str, now: object = None, *, address: str | None = None
) -> Actor | None:
    """The actor whom a token stands for, by one statement; None for anything that is not a live token.

    A token ends with its person's membership: what only members read is not read by who was one. One that was made for
    some networks is good only for who comes from an `address` in them.
    A text with a wrong checksum never reaches the database.
    """
    if not rules.is_token(token):
        return None
    row = await connection.fetchrow(AUTHENTICATE, rules.token_digest(token), now)
    return _actor(row) if row is not None and good_from(row["networks"], address) else None


async def actor_of_token(reader: Reader, token_id: UUID, now: object = None) -> Actor | None:
    """The actor for whom a token stands now, for work that goes on after its request; None when the token has ended.

    Roles, scopes and membership are those of this moment.
    """
    return (await still(reader, [token_id], now)).get(token_id)


async def still(reader: Reader, tokens: Iterable[UUID], now: object = None) -> dict[UUID, Actor]:
    """The actors whom tokens stand for now, by token, by one statement; those that ended are not in it."""
    rows = await reader.fetch(STILL, list(tokens), now)
    return {row["id"]: _actor(row) for row in rows}


def _actor(row: asyncpg.Record) -> Actor:
    return Actor(
        organization_id=row["organization_id"],
        organization_kind=OrganizationKind(row["kind"]) if row["kind"] else None,
        person_id=row["person_id"],
        learner_id=row["learner_id"],
        token_id=row["id"],
        roles=frozenset(Role(r) for r in row["roles"]),
        scopes=frozenset(Scope(s) for s in row["scopes"]),
    )
