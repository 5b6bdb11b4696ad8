"""Tokens of members: make one, roll it, revoke it, and end those that were found in public."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission, Role, Scope
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import rules
from countersign.organizations import rules_tokens as limits
from countersign.organizations.members import hold
from countersign.organizations.tables import ApiToken

LEAKED_AT_ONCE: Final = 100
"""How many tokens one report may hold."""


@dataclass(frozen=True, slots=True)
class CreateToken:
    """A token for the organization for which its maker acts; 90 days and from everywhere unless said otherwise.

    `mode` decides by which prefix it is known.
    """

    name: str
    scopes: frozenset[Scope]
    mode: str
    expires_at: datetime | None = None
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollToken:
    """A new token in place of one that stays good for the grace."""

    token_id: UUID
    mode: str
    grace: timedelta = field(default=timedelta(days=1))


async def create(tx: Tx, actor: Actor, command: CreateToken) -> tuple[UUID, str]:
    """Make a token; any member. Its id and its text, which is seen this once.

    It never holds more scopes than the maker's roles allow at this moment; made with a token, never more than that
    token's scopes, life and networks. It ends with its maker's membership.

    Raises NotAllowed, Required, TooLong, Invalid, BeyondYourself, OutlivesItsMaker, TooManyTokens.
    """
    access.require(actor, Permission.CREATE_TOKEN)
    maker = await _maker(tx, actor)
    now = await tx.now()
    limits.check_name(command.name)
    limits.check_scopes(command.scopes, maker)
    await _find_room(tx, actor, now)
    made = rules.mint_token(command.mode)
    row = ApiToken(
        id=new_id(),
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        name=command.name.strip(),
        prefix=made.prefix,
        last4=made.last4,
        sha256=made.sha256,
        scopes=sorted(scope.value for scope in command.scopes),
        created_at=now,
        expires_at=limits.check_end(command.expires_at, now, maker),
        networks=list(limits.check_networks(command.networks, maker)) or None,
    )
    await tx.insert(row)
    await tx.emit("token.made", f"token_{row.id}")
    return row.id, made.text


async def roll(tx: Tx, actor: Actor, command: RollToken) -> tuple[UUID, str]:
    """Replace a token by one of the same name, scopes, networks and length of life; the person who made it only.

    The old one stays good for the grace (0 to 7 days), and never longer than it would have been. Scopes that the
    person's roles do not allow any more are left out. A token may roll itself. The new one's id and text.

    With a grace there are two for a while, and there must be room for both. Raises NotAllowed, NotFound, TokenEnded,
    Invalid (grace), BeyondYourself, OutlivesItsMaker, TooManyTokens.
    """
    access.require(actor, Permission.CREATE_TOKEN)
    limits.check_grace(command.grace)
    maker = await _maker(tx, actor)
    row = await _locked(tx, actor, command.token_id)
    if row["person_id"] != actor.person_id:
        raise NotAllowed(why="Only the person who made a token rolls it; an admin may revoke it")
    now = await tx.now()
    _require_good(row, now)
    if await tx.fetchval("select true from api_tokens where replaces_id = $1", command.token_id):
        raise limits.TokenEnded(path=("tokenId",))
    everything = access.scopes_to_give(replace(actor, scopes=frozenset(Scope), roles=await hold(tx, actor)))
    scopes = frozenset(Scope(text) for text in row["scopes"]) & everything
    limits.check_scopes(scopes, maker)
    if command.grace:
        await _find_room(tx, actor, now)
    ends = limits.end_of_successor(row["created_at"], row["expires_at"], now)
    if maker.until is not None and actor.token_id != command.token_id:
        ends = min(ends, maker.until)
    made = rules.mint_token(command.mode)
    successor = ApiToken(
        id=new_id(),
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        name=row["name"],
        prefix=made.prefix,
        last4=made.last4,
        sha256=made.sha256,
        scopes=sorted(scope.value for scope in scopes),
        created_at=now,
        expires_at=ends,
        networks=list(limits.check_networks(row["networks"] or (), maker)) or None,
        replaces_id=command.token_id,
    )
    await tx.insert(successor)
    if command.grace:
        await tx.execute(
            "update api_tokens set expires_at = least(expires_at, $2) where id = $1",
            command.token_id,
            now + command.grace,
        )
    else:
        await _end(tx, [command.token_id], "rolled", now)
    await tx.emit("token.rolled", f"token_{successor.id}")
    return successor.id, made.text


async def revoke(tx: Tx, actor: Actor, token_id: UUID) -> UUID:
    """End a token at once; who made it, or an admin of the organization. Open sockets end within a second.

    Raises NotAllowed, NotFound, TokenEnded.
    """
    access.require(actor, Permission.REVOKE_TOKEN)
    held = await hold(tx, actor)
    row = await _locked(tx, actor, token_id)
    if row["person_id"] != actor.person_id and Role.ORG_ADMIN not in held & actor.roles:
        raise NotAllowed(why="Only the person who made a token and the admins of the organization revoke it")
    now = await tx.now()
    _require_good(row, now)
    await _end(tx, [token_id], "revoked", now)
    await tx.emit("token.revoked", f"token_{token_id}")
    return token_id


async def report_leaked(tx: Tx, texts: Iterable[str]) -> int:
    """End tokens that somebody found where they should not be; nobody needs authority for that. How many ended.

    Whoever has a token's text could use it, and so may as well end it. What is no token of ours is passed over.
    """
    digests = {rules.token_digest(text) for text in texts if rules.is_token(text)}
    if not digests:
        return 0
    now = await tx.now()
    found = await tx.fetch(
        "select id, organization_id from api_tokens where sha256 = any($1) and revoked_at is null and expires_at > $2"
        " order by id for update",
        list(digests),
        now,
    )
    await _end(tx, [row["id"] for row in found], "leaked", now)
    for row in found:
        subject = f"token_{row['id']}"
        told = Actor(system=True, organization_id=row["organization_id"])
        await tx.insert(
            audit.record(
                told, "reportLeaked", now, subject=subject, decision="done", reason="The token was found in public"
            )
        )
        await tx.emit("token.leaked", subject)
    return len(found)


async def end_of_learners(tx: Tx, learner_ids: Sequence[int]) -> None:
    """End every token of these learners: they are erased, or were claimed. The caller has authorized."""
    await tx.execute(
        "update api_tokens set revoked_at = $2, revoked_because = $3"
        " where learner_id = any($1::bigint[]) and revoked_at is null",
        list(learner_ids),
        await tx.now(),
        "revoked",
    )


async def _maker(tx: Tx, actor: Actor) -> limits.Maker:
    """What the actor may hand on at this moment. Raises NotAllowed when membership or token have ended."""
    held = await hold(tx, actor)
    scopes = access.scopes_to_give(replace(actor, roles=held & actor.roles, learner_id=None))
    if actor.login_id is not None:
        return limits.Maker(scopes)
    row = await tx.fetchrow(
        "select expires_at, networks from api_tokens where id = $1 and revoked_at is null for share", actor.token_id
    )
    if row is None:
        raise NotAllowed(why="Your token has ended")
    return limits.Maker(scopes, row["expires_at"], tuple(row["networks"] or ()))


async def _find_room(tx: Tx, actor: Actor, now: datetime) -> None:
    """Refuse a token too many; until the end of the transaction nobody else of the organization counts."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('tokens ' || $1, 0))", str(actor.organization_id))
    row = await tx.fetchrow(
        "select count(*) filter (where person_id = $2) as of_member, count(*) as of_organization"
        " from api_tokens where organization_id = $1 and revoked_at is null and expires_at > $3",
        actor.organization_id,
        actor.person_id,
        now,
    )
    if row is not None:
        limits.check_room(row["of_member"], row["of_organization"])


async def _locked(tx: Tx, actor: Actor, token_id: UUID) -> asyncpg.Record:
    """A token that the actor may see, locked; what they may not see is not there."""
    row = await tx.fetchrow(
        "select id, organization_id, person_id, name, scopes, networks, created_at, expires_at, revoked_at"
        " from api_tokens where id = $1 and organization_id = $2 for no key update",
        token_id,
        actor.organization_id,
    )
    if row is None or (row["person_id"] != actor.person_id and not access.allows(actor, Permission.SUPERVISE_TOKENS)):
        raise NotFound(what="token", path=("tokenId",))
    return row


def _require_good(row: asyncpg.Record, now: datetime) -> None:
    if row["revoked_at"] is not None or row["expires_at"] <= now:
        raise limits.TokenEnded(path=("tokenId",))


async def _end(tx: Tx, tokens: list[UUID], because: str, now: datetime) -> None:
    await tx.execute(
        "update api_tokens set revoked_at = $2, revoked_because = $3 where id = any($1)", tokens, now, because
    )
