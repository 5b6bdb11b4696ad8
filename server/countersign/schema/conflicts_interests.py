"""Tools that organizations make, and who pays whom, at the front desk: declared by themselves, published."""

import enum
from collections.abc import Mapping
from datetime import date, datetime

import strawberry

from countersign.conflicts import interests
from countersign.conflicts.rules_findings import tool_key
from countersign.conflicts.views import SPONSORSHIP, TOOL_MAKER
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.args import Args, Predicates
from countersign.reads.bind import arg, bound, column, connection, entity, find, one
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization


@bound(TOOL_MAKER, description="A tool that an organization makes: what it signs about the tool's use discloses that.")
class ToolMaker(Node):
    """A tool that an organization makes."""

    name: str = column(description="The tool; names are compared without case and doubled spaces.")
    by_operator: bool = column(description="Whether the operator wrote it down; otherwise its maker declared it.")
    declared_at: datetime = column(description="When it was declared.")
    ended_at: datetime | None = column(
        description="When the declaration was withdrawn; it is disclosed for a year yet."
    )
    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Who makes it.")


@bound(SPONSORSHIP, description="One organization pays another, in a period.")
class Sponsorship(Node):
    """One organization pays another."""

    since: date = column(description="The first day.")
    until: date | None = column(description="The last day; null while it goes on. It counts for a year more.")
    by_operator: bool = column(description="Whether the operator wrote it down; otherwise one of the two declared it.")
    declared_at: datetime = column(description="When it was declared.")
    sponsor: Organization = one(on="{child}.id = {parent}.sponsor_id", description="Who pays.")
    sponsored: Organization = one(on="{child}.id = {parent}.sponsored_id", description="Who is paid.")


@strawberry.input(description="Which tools; all conditions must hold.")
class ToolMakerFilter:
    """Which tools."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that this organization makes."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Only the tool of this name.")


@strawberry.input(description="Which sponsorships; all conditions must hold.")
class SponsorshipFilter:
    """Which sponsorships."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those in which this organization pays or is paid."
    )


def _tools(args: Args, sql: Predicates) -> None:
    if "filter.organizationId" in args:
        sql.where("{child}.organization_id = {maker}", maker=args.id("filter.organizationId", "org"))
    if "filter.name" in args:
        given = args.getter("filter.name")
        sql.where("{child}.key = {key}", key=args.custom(lambda call: tool_key(given(call)), "text"))


@strawberry.type
class InterestQueries:
    """Root fields."""

    tool_maker: ToolMaker | None = find(description="One tool and who makes it.")
    tool_makers: Connection[ToolMaker] = connection(
        where=_tools,
        args={"filter": arg(ToolMakerFilter | None, "Which of them.")},
        description="Which organizations make which tools, published.",
    )
    sponsorship: Sponsorship | None = find(description="One sponsorship.")
    sponsorships: Connection[Sponsorship] = connection(
        where={"filter.organizationId": "{value:id(org)} in ({child}.sponsor_id, {child}.sponsored_id)"},
        args={"filter": arg(SponsorshipFilter | None, "Which of them.")},
        description="Who pays whom, published.",
    )


@strawberry.enum(description="Which way the money goes between your organization and the other.")
class Payment(enum.Enum):
    """Which way the money goes."""

    PAYS = strawberry.enum_value("pays", description="Your organization pays the other.")
    IS_PAID = strawberry.enum_value("is_paid", description="The other pays your organization.")


@strawberry.input(description="A tool that your organization makes.")
class DeclareToolInput(CommandInput):
    """A tool."""

    name: str = strawberry.field(description="The tool, as specifications name it; at most 200 characters.")


@strawberry.input(description="Which tool your organization makes no more.")
class WithdrawToolInput(CommandInput):
    """A tool that is made no more."""

    tool_maker_id: strawberry.ID = strawberry.field(description="What your organization declared.")


@strawberry.input(description="Who pays whom, and when.")
class DeclareSponsorshipInput(CommandInput):
    """A payment."""

    organization_id: strawberry.ID = strawberry.field(description="The other organization.")
    payment: Payment = strawberry.field(description="Which way the money goes.")
    since: date = strawberry.field(description="The first day.")
    until: date | None = strawberry.field(default=strawberry.UNSET, description="The last day, when it is known.")


@strawberry.input(description="Which sponsorship ends, and when.")
class EndSponsorshipInput(CommandInput):
    """The end of a payment."""

    sponsorship_id: strawberry.ID = strawberry.field(description="What your organization declared.")
    until: date | None = strawberry.field(
        default=strawberry.UNSET, description="The last day; today if left out, and never a day that is over."
    )


@payload(description="The declared tool.")
class DeclareToolPayload:
    """The declared tool."""

    tool_maker: ToolMaker | None = entity(description="The tool and its maker; everyone sees it.")


@payload(description="The withdrawn declaration.")
class WithdrawToolPayload:
    """The withdrawn declaration."""

    tool_maker: ToolMaker | None = entity(description="The withdrawn declaration.")


@payload(description="The declared sponsorship.")
class DeclareSponsorshipPayload:
    """The declared sponsorship."""

    sponsorship: Sponsorship | None = entity(description="The sponsorship; everyone sees it.")


@payload(description="The sponsorship that ends.")
class EndSponsorshipPayload:
    """The sponsorship that ends."""

    sponsorship: Sponsorship | None = entity(description="The sponsorship that ends.")


async def _declare_tool(tx: Tx, actor: Actor, given: DeclareToolInput, _tools: Tools) -> Mapping[str, str]:
    return {"tool_maker": public_id(TOOL_MAKER.tag, await interests.declare_tool(tx, actor, given.name))}


async def _withdraw_tool(tx: Tx, actor: Actor, given: WithdrawToolInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.tool_maker_id, TOOL_MAKER.tag, "tool", "toolMakerId")
    return {"tool_maker": public_id(TOOL_MAKER.tag, await interests.withdraw_tool(tx, actor, key))}


async def _declare_sponsorship(
    tx: Tx, actor: Actor, given: DeclareSponsorshipInput, _tools: Tools
) -> Mapping[str, str]:
    other = reference(given.organization_id, "org", "organization", "organizationId")
    wanted = interests.DeclareSponsorship(other, given.payment is Payment.PAYS, given.since, given.until or None)
    return {"sponsorship": public_id(SPONSORSHIP.tag, await interests.declare_sponsorship(tx, actor, wanted))}


async def _end_sponsorship(tx: Tx, actor: Actor, given: EndSponsorshipInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.sponsorship_id, SPONSORSHIP.tag, "sponsorship", "sponsorshipId")
    return {
        "sponsorship": public_id(SPONSORSHIP.tag, await interests.end_sponsorship(tx, actor, key, given.until or None))
    }


@strawberry.type
class InterestMutations:
    """Root fields."""

    declare_tool: DeclareToolPayload | None = command(
        DeclareToolInput,
        _declare_tool,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.CREATES,
        description="Declare that your organization makes a tool; everyone sees it.",
    )
    withdraw_tool: WithdrawToolPayload | None = command(
        WithdrawToolInput,
        _withdraw_tool,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="a declaration is withdrawn once, and what it said stays to be read",
        description="Say that your organization makes a tool no more; it is disclosed for a year yet.",
    )
    declare_sponsorship: DeclareSponsorshipPayload | None = command(
        DeclareSponsorshipInput,
        _declare_sponsorship,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.CREATES,
        description="Declare that your organization pays another, or is paid by it; everyone sees it.",
    )
    end_sponsorship: EndSponsorshipPayload | None = command(
        EndSponsorshipInput,
        _end_sponsorship,
        permission=Permission.MANAGE_ORGANIZATION,
        lock=Lock.STATE,
        because="a sponsorship ends once, and what it said stays to be read",
        description="Say when a payment that your organization declared ends; it counts for a year more.",
    )
