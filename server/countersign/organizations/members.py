"""Who is a member with which roles: change them, end a membership, and hold one against change while it decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit import access, events
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.staleness import next_change, require_unmodified
from countersign.log.sources import enter
from countersign.organizations import logged
from countersign.organizations import rules_members as rules
from countersign.organizations.events import MembershipEnded, TiesChanged

_HELD: Final = (
    "select roles, valid_from, valid_until, signing_until from memberships"
    " where organization_id = $1 and person_id = $2"
)


@dataclass(frozen=True, slots=True)
class ChangeRoles:
    """Other roles for a member; `seen` is the membership's `updatedAt` as it was read."""

    membership_id: UUID
    roles: frozenset[Role]
    seen: datetime | None = None


async def roles_held(tx: Tx, organization_id: UUID, person_id: UUID) -> frozenset[Role]:
    """The roles that a person has in an organization at this moment; they cannot change until the commit.

    Read `FOR SHARE`, and judged by the time after the rows were locked: an end that was committed while this
    transaction waited counts, whatever time the transaction began at.
    """
    rows = await tx.fetch(f"{_HELD} for share", organization_id, person_id)
    now = await tx.fetchval("select coalesce($1::timestamptz, clock_timestamp())", tx.clock.now())
    return frozenset(
        role
        for row in rows
        if row["valid_from"] <= now and (row["valid_until"] is None or row["valid_until"] > now)
        for role in rules.roles_in_force(row["roles"], row["signing_until"], now)
    )


async def hold(tx: Tx, actor: Actor, *needed: Role) -> frozenset[Role]:
    """As `roles_held`, for who acts.

    Call it before other rows are locked: the end of a membership locks these after the membership's own.

    Raises NotAllowed when the actor is no member any more, or has none of the roles that are needed.
    """
    if actor.organization_id is None or actor.person_id is None:
        raise NotAllowed(why="Only a member of an organization may do this")
    held = await roles_held(tx, actor.organization_id, actor.person_id)
    if not held:
        raise NotAllowed(why="Your membership has ended")
    if needed and held.isdisjoint(needed):
        names = " or ".join(sorted(role.value for role in needed))
        raise NotAllowed(why=f"You do not have the role {names} any more")
    return held


async def change_roles(tx: Tx, actor: Actor, command: ChangeRoles) -> UUID:
    """Give a member other roles; an admin of the organization only. What hangs on a role that is lost ends with it.

    Raises NotAllowed, NotFound, MembershipOver, Changed, Required and Invalid (roles), LastAdmin.
    """
    access.require(actor, Permission.MANAGE_MEMBERS)
    row = await locked(tx, actor, command.membership_id)
    await hold(tx, actor, Role.ORG_ADMIN)
    now = await present(tx)
    before = _roles_in_force(row, now)
    changed_at = row["updated_at"] or row["valid_from"]
    require_unmodified(changed_at, command.seen, what="membership")
    if actor.organization_kind is None:
        raise NotAllowed(why="Only for an organization")
    rules.check_roles(command.roles, actor.organization_kind)
    rules.check_admins(before, command.roles, await _other_admins(tx, row, now))
    await tx.execute(
        "update memberships set roles = $2, updated_at = $3, signing_until = $4 where id = $1",
        row["id"],
        sorted(role.value for role in command.roles),
        next_change(now, changed_at),
        rules.signing_end(frozenset(Role(role) for role in row["roles"]), command.roles, row["signing_until"], now),
    )
    await enter(tx, logged.MEMBERSHIPS, row["id"], actor=actor, action="membership.changed")
    await _lose(tx, row, before - command.roles, now)
    await events.publish(tx, TiesChanged((row["organization_id"],)))
    await tx.emit("membership.changed", f"membership_{row['id']}")
    return command.membership_id


async def end(tx: Tx, actor: Actor, membership_id: UUID) -> UUID:
    """End a membership at once: one's own, or, as an admin, anybody's. Its tokens end, its unsigned decisions are void.

    Raises NotAllowed, NotFound, MembershipOver, LastAdmin.
    """
    access.require(actor, Permission.END_MEMBERSHIP)
    row = await locked(tx, actor, membership_id)
    held = await hold(tx, actor)
    now = await present(tx)
    before = _roles_in_force(row, now)
    own = row["person_id"] == actor.person_id
    if not own and not (Role.ORG_ADMIN in held and access.allows(actor, Permission.MANAGE_MEMBERS)):
        raise NotAllowed(why=access.explain(Permission.MANAGE_MEMBERS))
    rules.check_admins(before, frozenset(), await _other_admins(tx, row, now))
    await tx.execute(
        "update memberships set valid_until = $2, updated_at = $3 where id = $1",
        membership_id,
        now,
        next_change(now, row["updated_at"] or row["valid_from"]),
    )
    await tx.execute(
        "update api_tokens set revoked_at = $3, revoked_because = 'membership_ended'"
        " where organization_id = $1 and person_id = $2 and revoked_at is null",
        row["organization_id"],
        row["person_id"],
        now,
    )
    await enter(tx, logged.MEMBERSHIPS, membership_id, actor=actor, action="membership.ended")
    await _lose(tx, row, before, now)
    await events.publish(tx, TiesChanged((row["organization_id"],)))
    await tx.emit("membership.ended", f"membership_{membership_id}")
    return membership_id


async def lock_members(tx: Tx, organization_id: UUID) -> None:
    """Wait for others who change this organization's members or invitations, and keep them waiting until the commit."""
    await tx.execute("select from organizations where id = $1 for no key update", organization_id)


async def locked(tx: Tx, actor: Actor, membership_id: UUID) -> asyncpg.Record:
    """The membership, in the actor's own organization; nobody else changes a member of it until the commit."""
    if actor.organization_id is None:
        raise NotAllowed(why="Only for an organization")
    await lock_members(tx, actor.organization_id)
    row = await tx.fetchrow(
        "select id, organization_id, person_id, roles, valid_from, valid_until, updated_at, signing_until"
        " from memberships"
        " where id = $1 and organization_id = $2 for no key update",
        membership_id,
        actor.organization_id,
    )
    if row is None:
        raise NotFound(what="membership", path=("membershipId",))
    return row


def _roles_in_force(row: asyncpg.Record, now: datetime) -> frozenset[Role]:
    if row["valid_until"] is not None and row["valid_until"] <= now:
        raise rules.MembershipOver(path=("membershipId",))
    return rules.roles_in_force(row["roles"], row["signing_until"], now)


async def _other_admins(tx: Tx, row: asyncpg.Record, now: datetime) -> int:
    found: int = await tx.fetchval(
        "select count(distinct person_id) from memberships where organization_id = $1 and person_id <> $2"
        " and 'org_admin' = any(roles) and valid_from <= $3 and (valid_until is null or valid_until > $3)",
        row["organization_id"],
        row["person_id"],
        now,
    )
    return found


async def _lose(tx: Tx, row: asyncpg.Record, lost: frozenset[Role], now: datetime) -> None:
    if not lost:
        return
    if Role.ORG_ADMIN in lost:
        # Who is no admin any more lets nobody in by a link that was made in time.
        await tx.execute(
            "update invitations set withdrawn_at = $3 where organization_id = $1 and invited_by = $2"
            " and accepted_at is null and withdrawn_at is null",
            row["organization_id"],
            row["person_id"],
            now,
        )
    await events.publish(tx, MembershipEnded(row["organization_id"], row["person_id"], lost, now))


async def present(tx: Tx) -> datetime:
    """The time after what was waited for; what is written is never earlier than what others wrote meanwhile."""
    found: datetime = await tx.fetchval("select coalesce($1::timestamptz, clock_timestamp())", tx.clock.now())
    return found
