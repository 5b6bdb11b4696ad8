"""Members at the front desk: who may do what for an organization, who is invited, who goes."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import strawberry

from countersign.kit.access import Actor, Permission, Role
from countersign.kit.commands import Made
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.organizations import invitations, members, signing_authority
from countersign.organizations.views import ADDRESSED, INVITATION, INVITED, MEMBERSHIP
from countersign.reads.bind import arg, bound, column, connection, entity, find, one, secret
from countersign.reads.orders import Order, Orders
from countersign.schema.base import (
    CommandInput,
    Connection,
    GuardedInput,
    Lock,
    Node,
    Tools,
    command,
    payload,
    reference,
)
from countersign.schema.learners import MemberRole
from countersign.schema.organizations import Organization
from countersign.schema.problems import QuotaExceededError, StaleVersionError, StepUpRequiredError

LINK: Final = "/join#"
"""Where an invitation is accepted; what stands behind `#` reaches no server, no log and no `Referer`."""


@strawberry.enum(description="Where an invitation stands.")
class InvitationState(enum.Enum):
    """Where an invitation stands."""

    OPEN = strawberry.enum_value("open", description="It can be accepted.")
    ACCEPTED = strawberry.enum_value("accepted", description="Somebody became a member by it.")
    WITHDRAWN = strawberry.enum_value(
        "withdrawn", description="It was taken back, or who made it is no admin any more."
    )
    EXPIRED = strawberry.enum_value("expired", description="Its time ran out.")


@bound(MEMBERSHIP, description="What a person may do for an organization. Of the person itself we keep no name.")
class Membership(Node):
    """A person's roles in an organization."""

    roles: list[MemberRole] = column(description="What the member may do.")
    since: datetime = column(description="From when.")
    until: datetime | None = column(description="When it ended.")
    current: bool = column(description="Whether it counts now.")
    signing_until: datetime | None = column(
        description="Until when the member may sign, or since when no more; null for as long as the membership."
    )
    yours: bool = column(description="Whether you are this member.")
    updated_at: datetime = column(description="When it last changed; give it back when you change the roles.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization for which the member acts."
    )


@bound(INVITATION, description="An offer of roles to whoever has an address; of the address we keep only a digest.")
class Invitation(Node):
    """An offer of roles to whoever has an address."""

    state: InvitationState = column(description="Where it stands now.")
    roles: list[MemberRole] = column(description="The roles that it gives.")
    created_at: datetime = column(description="When it was made.")
    expires_at: datetime = column(description="When it runs out.")
    accepted_at: datetime | None = column(description="When it was accepted.")
    withdrawn_at: datetime | None = column(description="When it was taken back.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization that invites."
    )
    membership: Membership | None = one(
        on="{child}.id = {parent}.membership_id", description="The membership that came of it."
    )
    invited_by: Membership | None = one(
        on="{child}.organization_id = {parent}.organization_id and {child}.person_id = {parent}.invited_by",
        order="{child}.valid_from desc, {child}.id desc",
        description="The admin who made it.",
    )


MEMBERSHIP_ORDERS = Orders(
    "MembershipOrder", SINCE=Order("{child}.valid_from", "timestamptz", "By the time from when."), descending=True
)
INVITATION_ORDERS = Orders(
    "InvitationOrder", CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."), descending=True
)


@strawberry.input(description="Which memberships; all conditions must hold.")
class MembershipFilter:
    """Which memberships."""

    role: MemberRole | None = strawberry.field(default=strawberry.UNSET, description="Only with this role.")
    current: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that count now, or only those that do not."
    )
    address: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only those that came of an invitation to this address; for admins and auditors.",
    )


@strawberry.input(description="Which invitations; all conditions must hold.")
class InvitationFilter:
    """Which invitations."""

    state: InvitationState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    address: str | None = strawberry.field(default=strawberry.UNSET, description="Only for this address.")


_CURRENT = MEMBERSHIP.columns["current"].replace("{t}", "{child}")


@strawberry.type
class MemberQueries:
    """Root fields."""

    memberships: Connection[Membership] = connection(
        on="{child}.organization_id = {actor_organization}",
        orders=MEMBERSHIP_ORDERS,
        where={
            "filter.role": "{value:text} = any({child}.roles)",
            "filter.current": _CURRENT + " = {value:boolean}",
            "filter.address": INVITED,
        },
        args={"filter": arg(MembershipFilter | None, "Which of them.")},
        requires=Permission.READ_MEMBERS,
        description="The members of the organization for which you act, the newest first.",
    )
    invitations: Connection[Invitation] = connection(
        orders=INVITATION_ORDERS,
        where={
            "filter.state": INVITATION.columns["state"].replace("{t}", "{child}") + " = {value:text}",
            "filter.address": ADDRESSED,
        },
        args={"filter": arg(InvitationFilter | None, "Which of them.")},
        requires=Permission.READ_INVITATIONS,
        description="The invitations that the organization for which you act has made, the newest first.",
    )
    membership: Membership | None = find(description="One membership: a colleague's or your own.")
    invitation: Invitation | None = find(
        requires=Permission.READ_INVITATIONS, description="One invitation of the organization for which you act."
    )


@strawberry.input(description="Whom to invite, and for what.")
class InviteMemberInput(CommandInput):
    """Whom to invite, and for what."""

    address: str = strawberry.field(
        description="The e-mail address for which the invitee's sign-in must vouch; it is not kept, nothing is sent."
    )
    roles: list[MemberRole] = strawberry.field(description="What the new member may do.")
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it runs out, within 30 days; in 7 days if left out."
    )


@strawberry.input(description="An invitation to take back.")
class WithdrawInvitationInput(CommandInput):
    """An invitation to take back."""

    invitation_id: strawberry.ID = strawberry.field(description="The open invitation.")


@strawberry.input(description="An invitation that was given to you.")
class AcceptInvitationInput(CommandInput):
    """An invitation that was given to you."""

    invitation: str = strawberry.field(
        description="Its text, beginning with csin_: what stands behind `#` in its link."
    )


@strawberry.input(description="Other roles for a member.")
class ChangeMemberRolesInput(GuardedInput):
    """Other roles for a member."""

    membership_id: strawberry.ID = strawberry.field(description="The membership.")
    roles: list[MemberRole] = strawberry.field(description="All the roles that the member shall have from now on.")


@strawberry.input(description="A membership to end.")
class EndMembershipInput(CommandInput):
    """A membership to end."""

    membership_id: strawberry.ID = strawberry.field(description="Your own membership or, as an admin, a colleague's.")


@payload(
    description="The new invitation, and its text, which is shown this once.",
    errors=(StepUpRequiredError, QuotaExceededError),
)
class InviteMemberPayload:
    """The new invitation."""

    invitation: Invitation | None = entity(description="The new invitation.")
    link: str | None = secret(
        description="What to give to the invitee, by a way that you trust. It is shown this once: null when the"
        " mutation is repeated with its idempotency key."
    )


@payload(description="The invitation that was taken back.", errors=(StepUpRequiredError,))
class WithdrawInvitationPayload:
    """The invitation that was taken back."""

    invitation: Invitation | None = entity(description="The invitation that was taken back.")


@payload(description="Your new membership.")
class AcceptInvitationPayload:
    """Your new membership."""

    membership: Membership | None = entity(description="Your new membership.")


@payload(description="The membership with its new roles.", errors=(StaleVersionError, StepUpRequiredError))
class ChangeMemberRolesPayload:
    """The membership with its new roles."""

    membership: Membership | None = entity(description="The membership with its new roles.")


@strawberry.input(description="Until when a member may sign for your organization.")
class LimitSigningAuthorityInput(GuardedInput):
    """An end of signing authority."""

    membership_id: strawberry.ID = strawberry.field(description="The membership of a signatory.")
    until: datetime | None = strawberry.field(
        description="From this moment on the member signs no more; null for as long as the membership lasts."
    )


@payload(description="The membership with its signing authority.", errors=(StaleVersionError, StepUpRequiredError))
class LimitSigningAuthorityPayload:
    """The membership with its signing authority."""

    membership: Membership | None = entity(description="The membership with its signing authority.")


@payload(description="The membership that has ended.")
class EndMembershipPayload:
    """The membership that has ended."""

    membership: Membership | None = entity(
        description="The membership that has ended; null when it was your own and you see it no more."
    )


def _roles(given: list[MemberRole]) -> frozenset[Role]:
    return frozenset(Role[role.name] for role in given)


async def _invite(tx: Tx, actor: Actor, given: InviteMemberInput, tools: Tools) -> Made:
    wanted = invitations.Invite(given.address, _roles(given.roles), given.expires_at or None)
    made, text = await invitations.invite(tx, actor, wanted)
    link = f"{tools.signer.addresses.origin}{LINK}{text}"
    return Made({"invitation": public_id("invitation", made)}, {"link": link})


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawInvitationInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.invitation_id, "invitation", "invitation", "invitationId")
    return {"invitation": public_id("invitation", await invitations.withdraw(tx, actor, key))}


async def _accept(tx: Tx, actor: Actor, given: AcceptInvitationInput, _tools: Tools) -> Mapping[str, str]:
    text = given.invitation.strip().rpartition("#")[2]
    return {"membership": public_id("membership", await invitations.accept(tx, actor, text))}


async def _change(tx: Tx, actor: Actor, given: ChangeMemberRolesInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.membership_id, "membership", "membership", "membershipId")
    wanted = members.ChangeRoles(key, _roles(given.roles), given.if_unmodified_since)
    return {"membership": public_id("membership", await members.change_roles(tx, actor, wanted))}


async def _limit(tx: Tx, actor: Actor, given: LimitSigningAuthorityInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.membership_id, "membership", "membership", "membershipId")
    wanted = signing_authority.Limit(key, given.until, given.if_unmodified_since)
    return {"membership": public_id("membership", await signing_authority.limit(tx, actor, wanted))}


async def _end(tx: Tx, actor: Actor, given: EndMembershipInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.membership_id, "membership", "membership", "membershipId")
    return {"membership": public_id("membership", await members.end(tx, actor, key))}


@strawberry.type
class MemberMutations:
    """Root fields."""

    invite_member: InviteMemberPayload | None = command(
        InviteMemberInput,
        _invite,
        permission=Permission.MANAGE_MEMBERS,
        lock=Lock.CREATES,
        description="Invite somebody to become a member of your organization.",
    )
    withdraw_invitation: WithdrawInvitationPayload | None = command(
        WithdrawInvitationInput,
        _withdraw,
        permission=Permission.MANAGE_MEMBERS,
        lock=Lock.STATE,
        because="only an open invitation is taken back, and nobody has written anything in it",
        description="Take back an invitation that nobody has accepted yet.",
    )
    accept_invitation: AcceptInvitationPayload | None = command(
        AcceptInvitationInput,
        _accept,
        permission=Permission.ACCEPT_INVITATION,
        lock=Lock.CREATES,
        description="Become a member of an organization by an invitation that was made for your address.",
    )
    change_member_roles: ChangeMemberRolesPayload | None = command(
        ChangeMemberRolesInput,
        _change,
        permission=Permission.MANAGE_MEMBERS,
        lock=Lock.UNMODIFIED_SINCE,
        description="Give a member other roles. Claims and unsigned decisions that hang on a lost role end with it.",
    )
    limit_signing_authority: LimitSigningAuthorityPayload | None = command(
        LimitSigningAuthorityInput,
        _limit,
        permission=Permission.MANAGE_MEMBERS,
        lock=Lock.UNMODIFIED_SINCE,
        description="Say until when a signatory may sign for your organization. What was signed before stands; its end"
        " is told 30, 7 and 1 days before.",
    )
    end_membership: EndMembershipPayload | None = command(
        EndMembershipInput,
        _end,
        permission=Permission.END_MEMBERSHIP,
        lock=Lock.STATE,
        because="it ends once, at once, whatever the roles have become",
        description="Leave your organization or, as an admin, end a colleague's membership: at once, with the member's"
        " tokens, claims and unsigned decisions.",
    )
