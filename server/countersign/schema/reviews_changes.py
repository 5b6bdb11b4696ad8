"""Changes that reviews ask for, at the front desk: ticked off in a draft, answered by a version, settled."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.reviews import change_requests, rules_changes
from countersign.reviews.views import CHANGE_REQUEST, CHANGE_REQUEST_EVENT, TICKED
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_changes import ChangeRequestAbilities
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization
from countersign.schema.rendering import as_html
from countersign.schema.reviews import Review
from countersign.schema.scalars import HTML, Markdown
from countersign.schema.specs_diff import SpecSection

if TYPE_CHECKING:
    from countersign.schema.specs import CredentialSpec, SpecDraft, SpecVersion


@strawberry.enum(description="Where a change request stands.")
class ChangeRequestState(enum.Enum):
    """Where a change request stands."""

    OPEN = strawberry.enum_value("open", description="The school has not answered.")
    ADDRESSED = strawberry.enum_value("addressed", description="A version of the school does what was asked, it says.")
    DECLINED = strawberry.enum_value("declined", description="The school will not, and says why.")
    REOPENED = strawberry.enum_value("reopened", description="The answer did not settle it; the school is asked again.")
    ACCEPTED = strawberry.enum_value("accepted", description="Who asked is content with the answer.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="It is asked for no more. It is kept.")


@strawberry.enum(description="How a draft answers a change request.")
class ChangeAnswer(enum.Enum):
    """How a draft answers a change request."""

    ADDRESSED = strawberry.enum_value("addressed", description="The draft does what was asked.")
    DECLINED = strawberry.enum_value("declined", description="It will not be done; say why.")


@bound(CHANGE_REQUEST_EVENT, description="What was done to a change request.")
class ChangeRequestStep:
    """What was done to a change request."""

    state: ChangeRequestState = column(description="Where it stood after it.")
    note: str = column(description="The words that came with it.")
    at: datetime = column(description="When.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version on which it was raised or that answers."
    )


@bound(CHANGE_REQUEST, description="A change that a review asks for; seen by the school and by who asks.")
class ChangeRequest(Node):
    """A change that a review asks for."""

    state: ChangeRequestState = column(description="Where it stands.")
    path: str | None = column(description="The field that it is about; null for the version as a whole.")
    section: SpecSection | None = column(description="The section of that field.")
    body: Markdown = column(description="What is asked for.")
    body_html: HTML = as_html(CHANGE_REQUEST, "body", "What is asked for")
    answer: str | None = column(description="What the school answered last; null before it did.")
    answered_at: datetime | None = column(description="When the school answered last.")
    raised_at: datetime = column(description="When it was asked for.")
    updated_at: datetime = column(description="When it last changed.")
    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Who asks.")
    school: Organization = one(on="{child}.id = {parent}.school_id", description="Who is asked.")
    review: Review = one(on="{child}.id = {parent}.review_id", visible="true", description="The review that asks.")
    spec: Optional[Annotated["CredentialSpec", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_id", description="The credential that it is about."
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version on which it was raised."
    )
    answered_in: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.answered_in_id", description="The version that answers it."
    )
    steps: list[ChangeRequestStep] = many(
        on="{child}.change_request_id = {parent}.id", size=3, description="All that was done to it, the oldest first."
    )
    viewer_can: ChangeRequestAbilities = viewer_can()


@bound(TICKED, description="A change request before a draft, and how the draft answers it.")
class DraftChangeRequest:
    """A change request before a draft."""

    change_request: ChangeRequest = one(
        on="{child}.id = {parent}.change_request_id", visible="true", description="What is asked for."
    )
    answer: ChangeAnswer | None = column(description="How the draft answers it; null while it does not.")
    note: str | None = column(description="The words of the answer; nobody else reads them before it is submitted.")
    ticked_at: datetime | None = column(description="When it was ticked off.")


CHANGE_REQUEST_ORDERS = Orders(
    "ChangeRequestOrder",
    RAISED_AT=Order("{child}.raised_at", "timestamptz", "By the time of asking."),
    UPDATED_AT=Order("{child}.updated_at", "timestamptz", "By the time of the last change."),
    descending=True,
)


@strawberry.input(description="Which change requests; all conditions must hold.")
class ChangeRequestFilter:
    """Which change requests."""

    state: ChangeRequestState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    spec_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Only of this credential.")
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that were raised on this version."
    )


@strawberry.type
class ChangeRequestQueries:
    """Root fields."""

    change_request: ChangeRequest | None = find(description="One change request that your organization made or got.")
    change_requests: Connection[ChangeRequest] = connection(
        orders=CHANGE_REQUEST_ORDERS,
        where={
            "filter.state": "{child}.state = {value:text}",
            "filter.specId": "{child}.spec_id = {value:id(spec)}",
            "filter.specVersionId": "{child}.spec_version_id = {value:id(version)}",
        },
        args={"filter": arg(ChangeRequestFilter | None, "Which of them.")},
        description="The change requests that your organization made or got.",
    )


@strawberry.input(description="A change request that your open draft answers, and how.")
class TickChangeRequestInput(CommandInput):
    """A tick."""

    draft_id: strawberry.ID = strawberry.field(description="Your open draft.")
    change_request_id: strawberry.ID = strawberry.field(description="The change request.")
    answer: ChangeAnswer = strawberry.field(description="How the draft answers it.")
    note: str = strawberry.field(default="", description="What you did, or why you will not; required to decline.")


@strawberry.input(description="A tick to take back.")
class UntickChangeRequestInput(CommandInput):
    """A tick to take back."""

    draft_id: strawberry.ID = strawberry.field(description="Your open draft.")
    change_request_id: strawberry.ID = strawberry.field(description="The change request.")


@strawberry.input(description="A change that you will not make, and why.")
class DeclineChangeRequestInput(CommandInput):
    """A change that is declined."""

    change_request_id: strawberry.ID = strawberry.field(description="The change request.")
    reason: str = strawberry.field(description="Why; who asked reads it.")


@strawberry.input(description="A change request that the answer settles.")
class AcceptChangeRequestInput(CommandInput):
    """A change request that is settled."""

    change_request_id: strawberry.ID = strawberry.field(description="The change request.")


@strawberry.input(description="A change request that the answer does not settle, and why.")
class ReopenChangeRequestInput(CommandInput):
    """A change request that is opened again."""

    change_request_id: strawberry.ID = strawberry.field(description="The change request.")
    reason: str = strawberry.field(description="Why; the school reads it.")


@strawberry.input(description="A change that you ask for no more.")
class WithdrawChangeRequestInput(CommandInput):
    """A change that is asked for no more."""

    change_request_id: strawberry.ID = strawberry.field(description="The change request.")
    reason: str = strawberry.field(default="", description="Why; the school reads it.")


@payload(description="The draft that ticks it off.")
class TickChangeRequestPayload:
    """The draft that ticks it off."""

    draft: Optional[Annotated["SpecDraft", strawberry.lazy("countersign.schema.specs")]] = entity(  # noqa: UP045
        description="The draft."
    )


@payload(description="The draft that ticks it off no more.")
class UntickChangeRequestPayload:
    """The draft that ticks it off no more."""

    draft: Optional[Annotated["SpecDraft", strawberry.lazy("countersign.schema.specs")]] = entity(  # noqa: UP045
        description="The draft."
    )


@payload(description="The declined change request.")
class DeclineChangeRequestPayload:
    """The declined change request."""

    change_request: ChangeRequest | None = entity(description="The declined change request.")


@payload(description="The accepted change request.")
class AcceptChangeRequestPayload:
    """The accepted change request."""

    change_request: ChangeRequest | None = entity(description="The accepted change request.")


@payload(description="The reopened change request.")
class ReopenChangeRequestPayload:
    """The reopened change request."""

    change_request: ChangeRequest | None = entity(description="The reopened change request.")


@payload(description="The withdrawn change request.")
class WithdrawChangeRequestPayload:
    """The withdrawn change request."""

    change_request: ChangeRequest | None = entity(description="The withdrawn change request.")


def _draft(text: strawberry.ID) -> UUID:
    return reference(text, "draft", "draft", "draftId")


def _asked(text: strawberry.ID) -> UUID:
    return reference(text, "chg", "change request", "changeRequestId")


async def _tick(tx: Tx, actor: Actor, given: TickChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    tick = change_requests.Tick(
        _draft(given.draft_id), _asked(given.change_request_id), rules_changes.Answer[given.answer.name], given.note
    )
    return {"draft": public_id("draft", await change_requests.tick(tx, actor, tick))}


async def _untick(tx: Tx, actor: Actor, given: UntickChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    draft, asked = _draft(given.draft_id), _asked(given.change_request_id)
    return {"draft": public_id("draft", await change_requests.untick(tx, actor, draft, asked))}


async def _decline(tx: Tx, actor: Actor, given: DeclineChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    key = await change_requests.decline(tx, actor, _asked(given.change_request_id), given.reason)
    return {"change_request": public_id("chg", key)}


async def _accept(tx: Tx, actor: Actor, given: AcceptChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    key = await change_requests.accept(tx, actor, _asked(given.change_request_id))
    return {"change_request": public_id("chg", key)}


async def _reopen(tx: Tx, actor: Actor, given: ReopenChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    key = await change_requests.reopen(tx, actor, _asked(given.change_request_id), given.reason)
    return {"change_request": public_id("chg", key)}


async def _withdraw(tx: Tx, actor: Actor, given: WithdrawChangeRequestInput, _tools: Tools) -> Mapping[str, str]:
    key = await change_requests.withdraw(tx, actor, _asked(given.change_request_id), given.reason)
    return {"change_request": public_id("chg", key)}


_DRAFTS = "a draft that was submitted is refused, and so is a change request that was answered meanwhile"
_MOVES = "a step of the change request's table, taken under its row's lock; what was answered or settled is refused"


@strawberry.type
class ChangeRequestMutations:
    """Root fields."""

    tick_change_request: TickChangeRequestPayload | None = command(
        TickChangeRequestInput,
        _tick,
        permission=Permission.EDIT_SPEC,
        lock=Lock.STATE,
        because=_DRAFTS,
        description="Tick a change request off in your open draft; it is answered when you submit the draft.",
    )
    untick_change_request: UntickChangeRequestPayload | None = command(
        UntickChangeRequestInput,
        _untick,
        permission=Permission.EDIT_SPEC,
        lock=Lock.STATE,
        because=_DRAFTS,
        description="Take a tick back before you submit the draft.",
    )
    decline_change_request: DeclineChangeRequestPayload | None = command(
        DeclineChangeRequestInput,
        _decline,
        permission=Permission.EDIT_SPEC,
        lock=Lock.STATE,
        because=_MOVES,
        description="Decline a change at once, with a reason.",
    )
    accept_change_request: AcceptChangeRequestPayload | None = command(
        AcceptChangeRequestInput,
        _accept,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because=_MOVES,
        description="Say that the school's answer settles what your organization asked for.",
    )
    reopen_change_request: ReopenChangeRequestPayload | None = command(
        ReopenChangeRequestInput,
        _reopen,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because=_MOVES,
        description="Say that the school's answer does not settle it, and why.",
    )
    withdraw_change_request: WithdrawChangeRequestPayload | None = command(
        WithdrawChangeRequestInput,
        _withdraw,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because=_MOVES,
        description="Ask for a change no more; it is kept.",
    )
