"""Invite somebody by their address, take an invitation back, accept one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.accounts import service as accounts
from countersign.kit import access, events
from countersign.kit.access import Actor, OrganizationKind, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import logged
from countersign.organizations import rules_members as rules
from countersign.organizations.events import TiesChanged
from countersign.organizations.members import hold, lock_members
from countersign.organizations.tables import Invitation

_OPEN = "accepted_at is null and withdrawn_at is null and expires_at > $2"


@dataclass(frozen=True, slots=True)
class Invite:
    """Roles for whoever has an address, until a moment (7 days from now unless given)."""

    address: str
    roles: frozenset[Role]
    expires_at: datetime | None = None


async def invite(tx: Tx, actor: Actor, command: Invite) -> tuple[UUID, str]:
    """Make an invitation; an admin of the organization only. Its id and its text, which is seen this once.

    Nothing is sent to the address, and the answer is the same whether anybody here has it.

    Raises NotAllowed, Invalid, Required and TooLong (address, roles, end), AlreadyInvited, TooManyInvitations.
    """
    access.require(actor, Permission.MANAGE_MEMBERS)
    if actor.organization_id is None or actor.organization_kind is None:
        raise NotAllowed(why="Only for an organization")
    await lock_members(tx, actor.organization_id)
    await hold(tx, actor, Role.ORG_ADMIN)
    return await _make(tx, actor.organization_id, actor.organization_kind, actor.person_id, command)


async def invite_first(tx: Tx, actor: Actor, handle: str, command: Invite) -> tuple[UUID, str]:
    """As `invite`, by the operator: so an organization gets its first admin. Raises NotAllowed, NotFound as well."""
    access.require(actor, Permission.IMPORT)
    row = await tx.fetchrow("select id, kind from organizations where handle = $1", handle)
    if row is None:
        raise NotFound(what="organization", path=("handle",))
    await lock_members(tx, row["id"])
    return await _make(tx, row["id"], OrganizationKind(row["kind"]), None, command)


async def _make(
    tx: Tx, organization_id: UUID, kind: OrganizationKind, invited_by: UUID | None, command: Invite
) -> tuple[UUID, str]:
    now = await tx.now()
    address = rules.address_digest(command.address)
    rules.check_roles(command.roles, kind)
    expires = rules.invitation_end(command.expires_at, now)
    waiting = await tx.fetch(
        f"select address_sha256 from invitations where organization_id = $1 and {_OPEN}", organization_id, now
    )
    if any(row["address_sha256"] == address for row in waiting):
        raise rules.AlreadyInvited(path=("address",))
    if len(waiting) >= rules.OPEN_INVITATIONS:
        raise rules.TooManyInvitations(limit=rules.OPEN_INVITATIONS)
    secret = rules.mint_secret()
    identity = new_id()
    await tx.insert(
        Invitation(
            id=identity,
            organization_id=organization_id,
            address_sha256=address,
            secret_sha256=secret.sha256,
            roles=sorted(role.value for role in command.roles),
            invited_by=invited_by,
            created_at=now,
            expires_at=expires,
        )
    )
    await tx.emit("invitation.made", f"invitation_{identity}")
    return identity, secret.text


async def withdraw(tx: Tx, actor: Actor, invitation_id: UUID) -> UUID:
    """Take an invitation back before it is accepted; an admin of the organization only.

    Raises NotAllowed, NotFound, InvalidState.
    """
    access.require(actor, Permission.MANAGE_MEMBERS)
    now = await tx.now()
    row = await tx.fetchrow(
        "select accepted_at, withdrawn_at, expires_at from invitations where id = $1 and organization_id = $2"
        " for update",
        invitation_id,
        actor.organization_id,
    )
    if row is None:
        raise NotFound(what="invitation", path=("invitationId",))
    state = state_of(row["accepted_at"], row["withdrawn_at"], row["expires_at"], now)
    if state != "open":
        raise InvalidState(what="invitation", state=state, verb="to withdraw it", needed="open")
    await tx.execute("update invitations set withdrawn_at = $2 where id = $1", invitation_id, now)
    await tx.emit("invitation.withdrawn", f"invitation_{invitation_id}")
    return invitation_id


def state_of(accepted: datetime | None, withdrawn: datetime | None, expires: datetime, now: datetime) -> str:
    """Where an invitation stands: accepted, withdrawn, expired or open."""
    if accepted is not None:
        return "accepted"
    if withdrawn is not None:
        return "withdrawn"
    return "open" if expires > now else "expired"


async def accept(tx: Tx, actor: Actor, text: str) -> UUID:
    """Become a member by an invitation: once, in time, with the address for which it was made. The new membership's id.

    The account's sign-in must vouch for the address. Whatever is wrong with the invitation is refused alike.

    Raises NotAllowed, BadInvitation, AlreadyMember.
    """
    access.require(actor, Permission.ACCEPT_INVITATION)
    if actor.account_id is None or actor.login_id is None or not rules.is_secret(text):
        raise rules.BadInvitation(path=("invitation",))
    now = await tx.now()
    row = await tx.fetchrow(
        f"select id, organization_id, address_sha256, roles from invitations where secret_sha256 = $1 and {_OPEN}"
        " for update",
        rules.secret_digest(text),
        now,
    )
    if row is None or row["address_sha256"] != await accounts.vouched_address_key(tx, actor.login_id):
        raise rules.BadInvitation(path=("invitation",))
    standing = await tx.fetchrow(
        "select kind from organizations where id = $1 and verification <> 'suspended' for share",
        row["organization_id"],
    )
    if standing is None:
        raise rules.BadInvitation(path=("invitation",))
    rules.check_roles(frozenset(Role(role) for role in row["roles"]), OrganizationKind(standing["kind"]))
    membership = await tx.fetchval(
        "insert into memberships (id, organization_id, person_id, roles, valid_from, updated_at)"
        " values ($1, $2, $3, $4, $5, $5)"
        " on conflict (organization_id, person_id) where valid_until is null do nothing returning id",
        new_id(),
        row["organization_id"],
        actor.account_id,
        row["roles"],
        now,
    )
    if membership is None:
        raise rules.AlreadyMember(path=("invitation",))
    await tx.execute(
        "update invitations set accepted_at = $2, membership_id = $3 where id = $1", row["id"], now, membership
    )
    await enter(tx, logged.MEMBERSHIPS, membership, actor=actor, action="membership.began")
    await events.publish(tx, TiesChanged((row["organization_id"],)))
    await tx.emit("membership.began", f"membership_{membership}")
    found: UUID = membership
    return found
