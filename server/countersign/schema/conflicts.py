"""Interests at the front desk: which organizations belong together, as they say or the operator knows."""

import enum
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import strawberry

from countersign.conflicts import service
from countersign.conflicts.rules import LinkKind
from countersign.conflicts.views import OWNERSHIP_LINK
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, one
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization


@strawberry.enum(description="What an ownership link says.")
class OwnershipKind(enum.Enum):
    """What an ownership link says."""

    CONTROLS = strawberry.enum_value("controls", description="The holder controls the other.")
    SAME_OWNER = strawberry.enum_value("same_owner", description="Both have the same owner.")


@strawberry.enum(description="Where an ownership link stands.")
class OwnershipState(enum.Enum):
    """Where an ownership link stands."""

    DECLARED = strawberry.enum_value(
        "declared", description="One side says it; it keeps the two from judging one another."
    )
    CONFIRMED = strawberry.enum_value(
        "confirmed", description="Both sides say it, or the operator knows it; it counts within three steps."
    )
    ENDED = strawberry.enum_value("ended", description="It is over.")


@strawberry.enum(description="How your organization is tied to the other.")
class OwnershipTie(enum.Enum):
    """How the own organization is tied to the other."""

    CONTROLS = strawberry.enum_value("controls", description="It controls the other.")
    CONTROLLED_BY = strawberry.enum_value("controlled_by", description="The other controls it.")
    SAME_OWNER = strawberry.enum_value("same_owner", description="Both have the same owner.")


@bound(OWNERSHIP_LINK, description="An interest, published: two organizations that belong together.")
class OwnershipLink(Node):
    """Two organizations that belong together."""

    kind: OwnershipKind = column(description="What the link says.")
    state: OwnershipState = column(description="Where it stands.")
    by_operator: bool = column(description="Whether the operator wrote it down; otherwise one of the two declared it.")
    declared_at: datetime = column(description="When it was declared.")
    confirmed_at: datetime | None = column(description="When it was confirmed.")
    ended_at: datetime | None = column(description="When it ended.")
    holder: Organization = one(
        on="{child}.id = {parent}.holder_id", description="Who controls; one of the two with the same owner."
    )
    held: Organization = one(on="{child}.id = {parent}.held_id", description="The other of the two.")


@strawberry.input(description="Which ownership links; all conditions must hold.")
class OwnershipLinkFilter:
    """Which ownership links."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those of this organization."
    )
    state: OwnershipState | None = strawberry.field(default=strawberry.UNSET, description="Only those that stand so.")


@strawberry.type
class ConflictQueries:
    """Root fields."""

    ownership_link: OwnershipLink | None = find(description="One ownership link.")
    ownership_links: Connection[OwnershipLink] = connection(
        where={
            "filter.organizationId": "{value:id(org)} in ({child}.holder_id, {child}.held_id)",
            "filter.state": "{child}.state = {value:text}",
        },
        args={"filter": arg(OwnershipLinkFilter | None, "Which of them.")},
        description="The interests of organizations in one another, published.",
    )


@strawberry.input(description="How your organization is tied to another.")
class DeclareOwnershipInput(CommandInput):
    """A declaration."""

    organization_id: strawberry.ID = strawberry.field(description="The other organization.")
    tie: OwnershipTie = strawberry.field(description="How they are tied.")


@strawberry.input(description="Which link you confirm.")
class ConfirmOwnershipInput(CommandInput):
    """A confirmation."""

    ownership_link_id: strawberry.ID = strawberry.field(description="The link that the other declared.")


@strawberry.input(description="Which link is no more.")
class EndOwnershipInput(CommandInput):
    """An end."""

    ownership_link_id: strawberry.ID = strawberry.field(
        description="A link of yours that is only declared; the operator alone ends one that is confirmed."
    )


@payload(description="The declared link.")
class DeclareOwnershipPayload:
    """The declared link."""

    ownership_link: OwnershipLink | None = entity(description="The declared link; everyone sees it.")


@payload(description="The confirmed link.")
class ConfirmOwnershipPayload:
    """The confirmed link."""

    ownership_link: OwnershipLink | None = entity(description="The confirmed link.")


@payload(description="The ended link.")
class EndOwnershipPayload:
    """The ended link."""

    ownership_link: OwnershipLink | None = entity(description="The ended link.")


async def _declare(tx: Tx, actor: Actor, given: DeclareOwnershipInput, _tools: Tools) -> Mapping[str, str]:
    other = reference(given.organization_id, "org", "organization", "organizationId")
    held = given.tie is OwnershipTie.CONTROLLED_BY
    kind = LinkKind.SAME_OWNER if given.tie is OwnershipTie.SAME_OWNER else LinkKind.CONTROLS
    return _link(await service.declare(tx, actor, service.Declare(other, kind, held=held)))


async def _confirm(tx: Tx, actor: Actor, given: ConfirmOwnershipInput, _tools: Tools) -> Mapping[str, str]:
    return _link(await service.confirm(tx, actor, _reference(given.ownership_link_id)))


async def _end(tx: Tx, actor: Actor, given: EndOwnershipInput, _tools: Tools) -> Mapping[str, str]:
    return _link(await service.end(tx, actor, _reference(given.ownership_link_id)))


def _reference(text: str) -> UUID:
    return reference(text, OWNERSHIP_LINK.tag, "link", "ownershipLinkId")


def _link(identity: UUID) -> Mapping[str, str]:
    return {"ownership_link": public_id(OWNERSHIP_LINK.tag, identity)}


@strawberry.type
class ConflictMutations:
    """Root fields."""

    declare_ownership: DeclareOwnershipPayload | None = command(
        DeclareOwnershipInput,
        _declare,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.CREATES,
        description="Declare that your organization and another belong together; everyone sees it.",
    )
    confirm_ownership: ConfirmOwnershipPayload | None = command(
        ConfirmOwnershipInput,
        _confirm,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="a link is confirmed once, and what it says never changes",
        description="Confirm what another organization declared of yours.",
    )
    end_ownership: EndOwnershipPayload | None = command(
        EndOwnershipInput,
        _end,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="a link ends once, and what it said stays to be read",
        description="Take back a link that you declared, or contradict one that another declared of you.",
    )
