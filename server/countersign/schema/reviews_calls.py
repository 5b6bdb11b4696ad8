"""Open calls at the front desk: who reviews what, which schools look for reviewers, and what waits, in a fair order."""

import enum
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Optional
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.reviews import calls, sectors
from countersign.reviews.views_calls import HIDDEN, QUEUE, REVIEW_CALL, REVIEW_OFFER
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_reviews import ReviewCallAbilities
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
from countersign.schema.organizations import Organization
from countersign.schema.problems import ConflictOfInterestError, StaleVersionError
from countersign.schema.reviews import ReviewRequest
from countersign.schema.skills import Skill
from countersign.schema.specs_content import SpecContent

if TYPE_CHECKING:
    from countersign.schema.specs import SpecVersion

_MEMBERS: Final[Mapping[str, Any]] = {
    sector.name: strawberry.enum_value(sector.value, description=f"{title} (section {letter}).")
    for sector, (letter, title) in sectors.TITLES.items()
}
_make: Any = enum.Enum  # the functional form: its members are data of the room
Sector: Any = strawberry.enum(
    _make("Sector", dict(_MEMBERS)),
    description="A sector of the economy: a section of ISIC Rev. 5, the same as of NACE Rev. 2.1.",
)
_VEILED: Final = HIDDEN.replace("{t}", "{parent}")
_CHILD_VEILED: Final = HIDDEN.replace("{t}", "{child}")


@strawberry.enum(description="Where a call for reviewers stands.")
class ReviewCallState(enum.Enum):
    """Where a call for reviewers stands."""

    OPEN = strawberry.enum_value("open", description="Places may be taken while there are any.")
    CLOSED = strawberry.enum_value("closed", description="The school closed it.")
    LAPSED = strawberry.enum_value("lapsed", description="Its day has passed.")


@bound(REVIEW_OFFER, description="What an organization says that it reviews.")
class ReviewOffer(Node):
    """What an organization reviews."""

    sectors: list[Sector] = column(description="The sectors in which it reviews.")
    skills: list[Skill] = many(
        on="{child}.id = any({parent}.skill_ids)",
        order="{child}.name, {child}.id",
        size=5,
        description="The skills of which it reviews credentials.",
    )
    updated_at: datetime = column(description="When it last said so.")
    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Whose offer it is.")


@bound(REVIEW_CALL, description="A school looks for reviewers of a version, by skill and sector.")
class ReviewCall(Node):
    """A school looks for reviewers."""

    state: ReviewCallState = column(description="Where it stands now.")
    message: str = column(description="What the school wrote.")
    sectors: list[Sector] = column(description="Reviewers of one of these sectors are meant; of all when empty.")
    skills: list[Skill] = many(
        on="{child}.id = any({parent}.skill_ids)",
        order="{child}.name, {child}.id",
        size=5,
        description="Reviewers of one of these skills are meant; of all when empty.",
    )
    places: int = column(description="How many reviewers the school looks for.")
    taken: int = column(description="How many places are taken now; one that is given back is free again.")
    due_on: date = column(description="The day by which answers are wanted, and the last day to take a place (UTC).")
    blind: bool = column(description="Whether reviewers learn of which school it is only with their submitted review.")
    veiled: bool = column(description="Whether the school and all that leads to it are hidden from you.")
    opened_at: datetime = column(description="When it was made.")
    closed_at: datetime | None = column(description="When it was closed, or found to have lapsed.")
    updated_at: datetime = column(description="When it last changed; give it back when you close it.")
    school: Organization | None = one(
        on=f"{{child}}.id = {{parent}}.school_id and not {_VEILED}",
        description="The school that looks for reviewers; null for others when it is blind.",
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on=f"{{child}}.id = {{parent}}.spec_version_id and not {_VEILED}",
        description="The version to look at, for whoever may see it; the others read `content`.",
    )
    content: SpecContent = one(
        description="What the version says; of a blind call with █ over what names the school, sign for sign."
    )
    requests: Connection[ReviewRequest] = connection(
        on="{child}.call_id = {parent}.id",
        description="The review requests that came of it: all of them for the school, your own for you.",
    )
    viewer_can: ReviewCallAbilities = viewer_can()


@bound(QUEUE, description="Something that waits for a reviewer of your organization.", key_type="text")
class ReviewQueueEntry:
    """Something that waits for a reviewer."""

    turn: int = column(
        description="The how-many-th of its school it is for you, counting what you have in hand for it."
    )
    due_on: date = column(description="The day by which an answer is wanted (UTC).")
    asked_at: datetime = column(description="When it was asked.")
    request: ReviewRequest | None = one(
        on="{child}.id = {parent}.request_id", description="The request to your organization; claim it."
    )
    call: ReviewCall | None = one(
        on="{child}.id = {parent}.call_id",
        description="The open call that means your organization; take a place in it.",
    )


CALL_ORDERS: Final = Orders(
    "ReviewCallOrder",
    DUE_ON=Order("{child}.due_on", "date", "By the day by which answers are wanted."),
    OPENED_AT=Order("{child}.opened_at", "timestamptz", "By the time of making."),
)


@strawberry.input(description="Which calls for reviewers; all conditions must hold.")
class ReviewCallFilter:
    """Which calls."""

    state: ReviewCallState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    sector: Sector | None = strawberry.field(default=strawberry.UNSET, description="Only those for this sector.")
    school_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Only of this school.")


@strawberry.input(description="Which offers to review; all conditions must hold.")
class ReviewOfferFilter:
    """Which offers."""

    sector: Sector | None = strawberry.field(default=strawberry.UNSET, description="Only in this sector.")
    skill_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Only of this skill.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only that of this organization."
    )


@strawberry.type
class ReviewCallQueries:
    """Root fields."""

    review_call: ReviewCall | None = find(description="One call for reviewers that you may see.")
    review_calls: Connection[ReviewCall] = connection(
        orders=CALL_ORDERS,
        where={
            "filter.state": REVIEW_CALL.columns["state"].replace("{t}", "{child}") + " = {value:text}",
            "filter.sector": "{value:text} = any({child}.sectors)",
            "filter.schoolId": f"{{child}}.school_id = {{value:id(org)}} and not {_CHILD_VEILED}",
        },
        args={"filter": arg(ReviewCallFilter | None, "Which of them.")},
        description="The calls for reviewers that your school made, or that mean your organization.",
    )
    review_offers: Connection[ReviewOffer] = connection(
        where={
            "filter.sector": "{value:text} = any({child}.sectors)",
            "filter.skillId": "{value:id(skill)} = any({child}.skill_ids)",
            "filter.organizationId": "{child}.organization_id = {value:id(org)}",
        },
        args={"filter": arg(ReviewOfferFilter | None, "Which of them.")},
        description="What organizations say that they review.",
    )
    review_queue: Connection[ReviewQueueEntry] = connection(
        requires=Permission.REVIEW,
        description="What waits for a reviewer of your organization, in a fair order: schools take turns, so that the"
        " first thing of every school comes before the second of any, and what you have in hand for a school counts as"
        " turns that it has had; within a turn what is due first, then what was asked first. All blind things share one"
        " turn.",
    )


@strawberry.input(description="What your organization reviews.")
class OfferReviewsInput(CommandInput):
    """An offer."""

    skill_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The skills of which you review credentials; at most 100."
    )
    sectors: list[Sector] = strawberry.field(default_factory=list, description="The sectors in which you review.")


@strawberry.input(description="For which version you look for which reviewers.")
class OpenReviewCallInput(CommandInput):
    """A call."""

    spec_version_id: strawberry.ID = strawberry.field(description="Your submitted or published version.")
    skill_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Reviewers of one of these skills are meant; those that the version proves if left out.",
    )
    sectors: list[Sector] = strawberry.field(
        default_factory=list, description="Reviewers of one of these sectors are meant; of all when empty."
    )
    places: int = strawberry.field(default=1, description="How many reviewers you look for, 1 to 20.")
    message: str = strawberry.field(default="", description="A word to the reviewers.")
    due_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="By when you want answers; 28 days from today if left out."
    )
    blind: bool = strawberry.field(
        default=False, description="Whether reviewers must not learn of which school it is until they have reviewed."
    )


@strawberry.input(description="A call for reviewers to close.")
class CloseReviewCallInput(GuardedInput):
    """A call to close."""

    review_call_id: strawberry.ID = strawberry.field(description="The call.")


@strawberry.input(description="A call in which you take a place.")
class TakeReviewPlaceInput(CommandInput):
    """A call in which a place is taken."""

    review_call_id: strawberry.ID = strawberry.field(description="The call.")


@payload(description="What your organization says that it reviews.")
class OfferReviewsPayload:
    """The offer."""

    review_offer: ReviewOffer | None = entity(description="What your organization says that it reviews.")


@payload(description="The new call for reviewers.")
class OpenReviewCallPayload:
    """The new call."""

    review_call: ReviewCall | None = entity(description="The new call.")


@payload(description="The closed call for reviewers.", errors=(StaleVersionError,))
class CloseReviewCallPayload:
    """The closed call."""

    review_call: ReviewCall | None = entity(description="The closed call; places that were taken go on.")


@payload(description="The review request that is yours now.", errors=(ConflictOfInterestError,))
class TakeReviewPlacePayload:
    """The place."""

    review_request: ReviewRequest | None = entity(description="The review request, claimed by you for a week.")


def _skills(given: Iterable[strawberry.ID]) -> frozenset[UUID]:
    return frozenset(reference(text, "skill", "skill", "skillIds") for text in given)


def _sectors(given: Iterable[enum.Enum]) -> frozenset[sectors.Sector]:
    return frozenset(sectors.Sector[each.name] for each in given)


def _call(text: strawberry.ID) -> UUID:
    return reference(text, REVIEW_CALL.tag, "call", "reviewCallId")


async def _offer(tx: Tx, actor: Actor, given: OfferReviewsInput, _tools: Tools) -> Mapping[str, str]:
    offered = calls.Offer(_skills(given.skill_ids), _sectors(given.sectors))
    return {"review_offer": public_id(REVIEW_OFFER.tag, await calls.offer(tx, actor, offered))}


async def _open(tx: Tx, actor: Actor, given: OpenReviewCallInput, _tools: Tools) -> Mapping[str, str]:
    opened = calls.OpenCall(
        spec_version_id=reference(given.spec_version_id, "version", "version", "specVersionId"),
        skill_ids=_skills(given.skill_ids) if given.skill_ids or given.skill_ids == [] else None,
        sectors=_sectors(given.sectors),
        places=given.places,
        message=given.message,
        due_on=given.due_on or None,
        blind=given.blind,
    )
    return {"review_call": public_id(REVIEW_CALL.tag, await calls.open_call(tx, actor, opened))}


async def _close(tx: Tx, actor: Actor, given: CloseReviewCallInput, _tools: Tools) -> Mapping[str, str]:
    closed = calls.CloseCall(_call(given.review_call_id), given.if_unmodified_since)
    return {"review_call": public_id(REVIEW_CALL.tag, await calls.close(tx, actor, closed))}


async def _take(tx: Tx, actor: Actor, given: TakeReviewPlaceInput, _tools: Tools) -> Mapping[str, str]:
    return {"review_request": public_id("rrq", await calls.take(tx, actor, _call(given.review_call_id)))}


@strawberry.type
class ReviewCallMutations:
    """Root fields."""

    offer_reviews: OfferReviewsPayload | None = command(
        OfferReviewsInput,
        _offer,
        permission=Permission.OFFER_REVIEWS,
        lock=Lock.STATE,
        because="what an organization says of itself; its last word counts",
        description="Say what your organization reviews; calls that ask for one of these show up in its queue.",
    )
    open_review_call: OpenReviewCallPayload | None = command(
        OpenReviewCallInput,
        _open,
        permission=Permission.REQUEST_REVIEW,
        lock=Lock.CREATES,
        description="Look for reviewers of one of your versions by skill and sector; who is meant may read its text.",
    )
    close_review_call: CloseReviewCallPayload | None = command(
        CloseReviewCallInput,
        _close,
        permission=Permission.REQUEST_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Close a call for reviewers; places that were taken go on.",
    )
    take_review_place: TakeReviewPlacePayload | None = command(
        TakeReviewPlaceInput,
        _take,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="a place is taken once by an organization, while there is one, under the lock of the call",
        description="Take a place in a call that means your organization: a review request, claimed for a week.",
    )
