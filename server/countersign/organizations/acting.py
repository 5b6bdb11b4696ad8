"""For whom a signed-in account acts: one organization, itself as a learner, or nobody; said in every request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.accounts import service as accounts
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Reader
from countersign.kit.errors import Invalid, NotAllowed
from countersign.kit.ids import parse_public_id
from countersign.organizations.views import ROLES_NOW

OWN: Final = "self"


class NotYours(NotAllowed):
    """You cannot act for this organization: there is none that you are a member of and that may act."""


class NoLearner(NotAllowed):
    """Your account is not yet that of a learner: claim an award first, acting for nobody."""


@dataclass(frozen=True, slots=True)
class Choice:
    """For whom somebody asks to act; for nobody when neither is given."""

    organization_id: UUID | None = None
    own: bool = False


NOBODY: Final = Choice()


def read_choice(text: str | None) -> Choice:
    """What a client says of it: `org_<uuid>`, `self`, or nothing. Raises Invalid for anything else."""
    if not text:
        return NOBODY
    if text == OWN:
        return Choice(own=True)
    found = parse_public_id(text)
    if found is None or found[0] != "org":
        raise Invalid(problem="The acting organization is the id of an organization, or self")
    return Choice(found[1])


def choice_of(actor: Actor) -> Choice:
    """What must have been asked for somebody to act as this actor."""
    return Choice(actor.organization_id, own=actor.organization_id is None and actor.learner_id is not None)


_ROLES: Final = """
from memberships m where m.organization_id = o.id and m.person_id = l.account_id
  and m.valid_from <= n.now and (m.valid_until is null or m.valid_until > n.now)
"""
_ACTORS: Final = f"""
select l.id, l.account_id, l.authenticated_at, {accounts.UNSEEN} as unseen, w.organization_id as wanted, w.own,
       b.learner_id, o.id as organization_id, o.kind,
       array(select distinct unnest({ROLES_NOW.format(m="m", now="n.now")}) {_ROLES}) as roles
from (select coalesce($1::timestamptz, statement_timestamp()) as now) n
cross join {{wanted}}
join account_logins l on {{which}} and {accounts.LIVE}
left join account_learners b on w.own and b.account_id = l.account_id
left join organizations o on o.id = w.organization_id and o.verification <> 'suspended' and exists (select {_ROLES})
"""
OF_SECRET: Final = _ACTORS.format(
    wanted="(select $3::uuid as organization_id, $4::boolean as own) w", which="l.sha256 = $2"
)
OF_LOGIN: Final = _ACTORS.format(wanted="(select $3::uuid as organization_id, $4::boolean as own) w", which="l.id = $2")
STILL: Final = _ACTORS.format(
    wanted="unnest($2::uuid[], $3::uuid[], $4::boolean[]) w(login_id, organization_id, own)",
    which="l.id = w.login_id",
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session's actor, and whether its use should be remembered (`accounts.seen`)."""

    actor: Actor
    unseen: bool


async def actor_for(reader: Reader, login: bytes | UUID, choice: Choice, now: object = None) -> SignedIn | None:
    """Who asks with a session (the digest of its cookie, or its id) and acts as chosen; None when it has ended.

    A session carries every scope: the roles of the one organization limit it. Raises NotYours, the same for an
    organization that is foreign, missing or suspended; NoLearner.
    """
    text = OF_LOGIN if isinstance(login, UUID) else OF_SECRET
    row = await reader.fetchrow(text, now, login, choice.organization_id, choice.own)
    if row is None:
        return None
    actor = _actor(row)
    if actor is None:
        raise NoLearner if choice.own else NotYours
    return SignedIn(actor, row["unseen"])


async def still(reader: Reader, actors: Iterable[Actor], now: object = None) -> dict[tuple[UUID, Choice], Actor]:
    """Who acts now with the sessions of these actors, by session and choice; those that ended are not in it."""
    asked = {(actor.login_id, choice_of(actor)) for actor in actors if actor.login_id is not None}
    logins, choices = [login for login, _ in asked], [choice for _, choice in asked]
    rows = await reader.fetch(
        STILL, now, logins, [choice.organization_id for choice in choices], [choice.own for choice in choices]
    )
    found = {(row["id"], Choice(row["wanted"], row["own"])): _actor(row) for row in rows}
    return {key: actor for key, actor in found.items() if actor is not None}


def _actor(row: asyncpg.Record | dict[str, Any]) -> Actor | None:
    if (row["wanted"] is not None and row["organization_id"] is None) or (row["own"] and row["learner_id"] is None):
        return None
    return Actor(
        organization_id=row["organization_id"],
        organization_kind=OrganizationKind(row["kind"]) if row["kind"] else None,
        person_id=row["account_id"],
        learner_id=row["learner_id"],
        roles=frozenset(Role(r) for r in row["roles"]),
        scopes=frozenset(Scope),
        account_id=row["account_id"],
        login_id=row["id"],
        authenticated_at=row["authenticated_at"],
    )
