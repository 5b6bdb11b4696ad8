"""Pledged seats at the front desk: the ledger, and how an organization keeps its promises."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, Optional

import strawberry

from countersign.endorsements import pledges
from countersign.endorsements.views_pledges import KEPT_PROMISES, PLEDGE, PLEDGE_ENTRY
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, one
from countersign.reads.orders import Order, Orders
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_backing import PledgeAbilities, PledgeEntryAbilities
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.problems import StepUpRequiredError

if TYPE_CHECKING:
    from countersign.schema.endorsements import Endorsement
    from countersign.schema.organizations import Organization


@strawberry.enum(description="Where a hiring pledge stands now.")
class PledgeState(enum.Enum):
    """Where a hiring pledge stands now."""

    OFFERED = strawberry.enum_value(
        "offered", description="Promised and not open: not signed yet, paused, or its window has not begun."
    )
    OPEN = strawberry.enum_value("open", description="Seats can be reserved.")
    EXHAUSTED = strawberry.enum_value("exhausted", description="Every seat is reserved or redeemed.")
    LAPSED = strawberry.enum_value("lapsed", description="Its window is over; what was reserved can still be redeemed.")
    WITHDRAWN = strawberry.enum_value(
        "withdrawn", description="The endorser took it back, or its endorsement; what was reserved is honoured."
    )


@strawberry.enum(description="What a line of a pledge's ledger says.")
class PledgeEntryKind(enum.Enum):
    """What a line of a pledge's ledger says."""

    RESERVE = strawberry.enum_value("reserve", description="The school reserved a seat.")
    REDEEM = strawberry.enum_value("redeem", description="The endorser filled the seat.")
    RELEASE = strawberry.enum_value("release", description="The seat was given back, by the school or by the endorser.")


PLEDGE_ORDERS = Orders(
    "PledgeOrder",
    CLOSES_ON=Order("{child}.closes_on", "date", "By the last day of the window."),
    SEATS=Order("{child}.seats", "int", "By the number of seats."),
)


@strawberry.input(description="Which pledges; all conditions must hold.")
class PledgeFilter:
    """Which pledges."""

    state: PledgeState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    endorser_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this organization."
    )
    school_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only to holders of this school's credentials."
    )
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only to holders of this version."
    )


_VERSION: Final = (
    "exists (select from endorsements e join spec_versions v on v.id = e.spec_version_id"
    " where e.id = {{child}}.endorsement_id and {condition})"
)
PLEDGE_FILTERS: Final = {
    "filter.state": PLEDGE.columns["state"].replace("{t}", "{child}") + " = {value:text}",
    "filter.endorserId": "{child}.organization_id = {value:id(org)}",
    "filter.schoolId": _VERSION.format(condition="v.organization_id = {value:id(org)}"),
    "filter.specVersionId": _VERSION.format(condition="v.id = {value:id(version)}"),
}


@bound(PLEDGE_ENTRY, description="A line of a pledge's ledger: a seat is reserved, then redeemed or released, once.")
class PledgeEntry(Node):
    """A line of a pledge's ledger."""

    kind: PledgeEntryKind = column(description="What it says.")
    by_school: bool = column(description="Whether the school wrote it; otherwise the endorser.")
    reference: str | None = column(
        description="The school's own word for whom a reserved seat is; null for a line that settles one."
    )
    reason: str | None = column(description="Why a seat was given back; null for other lines.")
    entered_at: datetime = column(description="When it was written.")
    pledge: Optional["Pledge"] = one(on="{child}.id = {parent}.pledge_id", description="The pledge.")
    reservation: Optional["PledgeEntry"] = one(
        on="{child}.id = {parent}.reservation_id", description="The reservation that this line settles."
    )
    settlement: Optional["PledgeEntry"] = one(
        on="{child}.reservation_id = {parent}.id",
        description="The line that settled this reservation; null while it waits for its outcome.",
    )
    viewer_can: PledgeEntryAbilities = viewer_can()


@bound(PLEDGE, description="Seats that an endorser will fill with holders, as a ledger that is never overdrawn.")
class Pledge(Node):
    """Pledged seats."""

    state: PledgeState = column(description="Where it stands now; no job moves it.")
    seats: int = column(description="How many seats were promised.")
    role: str = column(description="For which role.")
    region: str = column(description="Where.")
    opens_on: date = column(description="The first day of the window.")
    closes_on: date = column(description="The last day of the window.")
    seats_left: int = column(description="How many can be reserved now.")
    waiting: int = column(description="How many reserved seats wait for their outcome.")
    reserved: int = column(description="How often a seat was reserved, ever.")
    redeemed: int = column(description="How many seats were filled.")
    returned: int = column(description="How often the school gave a reserved seat back.")
    broken: int = column(description="How often the endorser released a reserved seat.")
    withdrawn_at: datetime | None = column(description="When the endorser took it back.")
    withdrawal_reason: str | None = column(description="Why the endorser took it back.")
    endorsement: Optional[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.endorsement_id", description="The endorsement that promises it."
    )
    endorser: Annotated["Organization", strawberry.lazy("countersign.schema.organizations")] = one(
        on="{child}.id = {parent}.organization_id", description="Whose promise it is."
    )
    entries: Connection[PledgeEntry] = connection(
        on="{child}.pledge_id = {parent}.id",
        description="Its ledger, oldest line first; empty for everybody but the school and the endorser.",
    )
    viewer_can: PledgeAbilities = viewer_can()


@bound(KEPT_PROMISES, description="How an organization kept its hiring pledges.")
class KeptPromises:
    """How an organization kept its hiring pledges."""

    rate: Decimal | None = column(
        description="The share of known outcomes that were kept, 0 to 1; null below 5 known outcomes."
    )
    low: Decimal | None = column(description="The lower end of the rate's 95 % interval.")
    high: Decimal | None = column(description="The upper end of the rate's 95 % interval.")
    kept: int = column(description="Reserved seats that were redeemed.")
    broken: int = column(description="Reserved seats that were released by the endorser, or never answered in time.")
    pending: int = column(description="Reserved seats that are still within their time.")
    returned: int = column(description="Reserved seats that schools gave back; they count for nothing.")
    pledges: int = column(description="How many pledges it has signed.")
    seats: int = column(description="How many seats they promised.")
    schools: int = column(description="How many schools have reserved seats.")
    definition: str = column(description="What the rate means, in words.")


@strawberry.type
class PledgeQueries:
    """Root fields."""

    pledge: Pledge | None = find(description="One hiring pledge.")
    pledges: Connection[Pledge] = connection(
        orders=PLEDGE_ORDERS,
        where=PLEDGE_FILTERS,
        args={"filter": arg(PledgeFilter | None, "Which of them.")},
        description="Hiring pledges of all organizations.",
    )


@strawberry.input(description="A seat for somebody whom only you know.")
class ReserveSeatInput(CommandInput):
    """A reservation."""

    pledge_id: strawberry.ID = strawberry.field(description="An open pledge to holders of your school's credential.")
    reference: str = strawberry.field(
        description="Your own word for whom it is: 1 to 64 letters, digits, dots and dashes; no name, no address."
    )


@strawberry.input(description="Which reserved seat you filled.")
class RedeemSeatInput(CommandInput):
    """A redemption."""

    reservation_id: strawberry.ID = strawberry.field(description="The reservation.")


@strawberry.input(description="Which reserved seat you give back, and why.")
class ReleaseSeatInput(CommandInput):
    """A release."""

    reservation_id: strawberry.ID = strawberry.field(description="The reservation.")
    reason: str = strawberry.field(description="Why; the school and the endorser read it. No name.")


@strawberry.input(description="Which pledge you take back, and why.")
class WithdrawPledgeInput(CommandInput):
    """A withdrawal."""

    pledge_id: strawberry.ID = strawberry.field(description="Your pledge.")
    reason: str = strawberry.field(description="Why; everyone may read it.")


@payload(description="The reservation.")
class ReserveSeatPayload:
    """The reservation."""

    reservation: PledgeEntry | None = entity(description="The reservation.")
    pledge: Pledge | None = entity(description="The pledge after it.")


@payload(description="The redemption.")
class RedeemSeatPayload:
    """The redemption."""

    entry: PledgeEntry | None = entity(description="The line of the ledger.")
    pledge: Pledge | None = entity(description="The pledge after it.")


@payload(description="The release.")
class ReleaseSeatPayload:
    """The release."""

    entry: PledgeEntry | None = entity(description="The line of the ledger.")
    pledge: Pledge | None = entity(description="The pledge after it.")


@payload(description="The pledge that was taken back.", errors=(StepUpRequiredError,))
class WithdrawPledgePayload:
    """The pledge that was taken back."""

    pledge: Pledge | None = entity(description="The pledge that was taken back.")


def _entered(name: str, entered: pledges.Entered) -> Mapping[str, str]:
    return {
        name: public_id(PLEDGE_ENTRY.tag, entered.entry_id),
        "pledge": public_id(PLEDGE.tag, entered.pledge_id),
    }


async def _reserve(tx: Tx, actor: Actor, given: ReserveSeatInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.pledge_id, PLEDGE.tag, "pledge", "pledgeId")
    return _entered("reservation", await pledges.reserve(tx, actor, pledges.Reserve(key, given.reference)))


async def _redeem(tx: Tx, actor: Actor, given: RedeemSeatInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.reservation_id, PLEDGE_ENTRY.tag, "reservation", "reservationId")
    return _entered("entry", await pledges.redeem(tx, actor, key))


async def _release(tx: Tx, actor: Actor, given: ReleaseSeatInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.reservation_id, PLEDGE_ENTRY.tag, "reservation", "reservationId")
    return _entered("entry", await pledges.release(tx, actor, pledges.Release(key, given.reason)))


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawPledgeInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.pledge_id, PLEDGE.tag, "pledge", "pledgeId")
    done = await pledges.withdraw(tx, actor, pledges.Withdraw(key, given.reason))
    return {"pledge": public_id(PLEDGE.tag, done)}


@strawberry.type
class PledgeMutations:
    """Root fields."""

    reserve_seat: ReserveSeatPayload | None = command(
        ReserveSeatInput,
        _reserve,
        permission=Permission.RESERVE_SEAT,
        lock=Lock.STATE,
        because="the ledger only grows, and the last seat is reserved once",
        description="Reserve a pledged seat for a holder of your school's credential.",
    )
    redeem_seat: RedeemSeatPayload | None = command(
        RedeemSeatInput,
        _redeem,
        permission=Permission.REDEEM_SEAT,
        lock=Lock.STATE,
        because="a reservation is settled once",
        description="Say that you filled a reserved seat: the promise is kept, early or late.",
    )
    release_seat: ReleaseSeatPayload | None = command(
        ReleaseSeatInput,
        _release,
        permission=Permission.RELEASE_SEAT,
        lock=Lock.STATE,
        because="a reservation is settled once",
        description="Give a reserved seat back: by the school it counts for nothing, by the endorser as not kept.",
    )
    withdraw_pledge: WithdrawPledgePayload | None = command(
        WithdrawPledgeInput,
        _withdraw,
        permission=Permission.WITHDRAW_PLEDGE,
        lock=Lock.STATE,
        because="a pledge is taken back once, and what was reserved stays to be honoured",
        description="Take back what is left of a hiring pledge of your organization.",
    )
