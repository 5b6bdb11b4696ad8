"""Asking for reviews, taking them up and letting them go: the commands around a review request."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.commands import Made
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import entity, secret
from countersign.reviews import experts, service
from countersign.reviews.views import REVIEW_EXPERT
from countersign.schema.base import CommandInput, GuardedInput, Lock, Tools, command, payload, reference
from countersign.schema.problems import ConflictOfInterestError, StaleVersionError
from countersign.schema.reviews import ReviewRequest, ReviewRequestInput, request_key
from countersign.schema.reviews_experts import ReviewExpert


@strawberry.input(description="Whom to ask for a review of what.")
class RequestReviewInput(CommandInput):
    """Whom to ask for a review of what."""

    spec_version_id: strawberry.ID = strawberry.field(description="Your submitted or published version.")
    organization_id: strawberry.ID = strawberry.field(description="The employer or agency to ask.")
    message: str = strawberry.field(default="", description="A word to the reviewers.")
    due_on: date | None = strawberry.field(
        default=strawberry.UNSET,
        description="By when you want an answer; 28 days from today if left out. It is taken for two weeks more.",
    )
    blind: bool = strawberry.field(
        default=False,
        description="Whether the reviewer must not learn of which school it is until the review is submitted: your"
        " names and domains are covered in what they read. Not for a version that is published.",
    )
    previous_review_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The organization's review of an earlier version, to be renewed: only what changed since then must"
        " be looked at and scored anew. Never blind.",
    )


@strawberry.input(description="A review request to take on.")
class ClaimReviewInput(ReviewRequestInput):
    """A review request to take on."""


@strawberry.input(description="A review request to take back.")
class CancelReviewRequestInput(GuardedInput):
    """A review request to take back."""

    review_request_id: strawberry.ID = strawberry.field(description="The review request.")


@strawberry.input(description="A review request that your organization will not answer.")
class DeclineReviewInput(ReviewRequestInput):
    """A review request that is declined."""

    reason: str = strawberry.field(description="Why; the school reads it.")


@strawberry.input(description="A claim of yours to give back.")
class GiveBackReviewInput(ReviewRequestInput):
    """A claim to give back."""


@strawberry.input(description="A review request to give more time.")
class ExtendReviewRequestInput(GuardedInput):
    """A later due date."""

    review_request_id: strawberry.ID = strawberry.field(description="The review request.")
    due_on: date = strawberry.field(description="The later day by which you want an answer, within a year.")


@strawberry.input(description="A review request for which you invite an outside expert.")
class InviteExpertInput(ReviewRequestInput):
    """An invitation of an outside expert."""

    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="Until when the link is good, within 30 days; 14 days if left out. It ends with the request.",
    )


@strawberry.input(description="An outside expert's link to end.")
class WithdrawExpertInput(CommandInput):
    """A link to end."""

    expert_id: strawberry.ID = strawberry.field(description="The invitation of the outside expert.")


@payload(description="The review request.", errors=(ConflictOfInterestError,))
class RequestReviewPayload:
    """The new review request."""

    review_request: ReviewRequest | None = entity(description="The new review request.")


@payload(description="The claimed review request.")
class ClaimReviewPayload:
    """The claimed review request."""

    review_request: ReviewRequest | None = entity(description="The claimed review request.")


@payload(description="The declined review request.")
class DeclineReviewPayload:
    """The declined review request."""

    review_request: ReviewRequest | None = entity(description="The declined review request.")


@payload(description="The cancelled review request.", errors=(StaleVersionError,))
class CancelReviewRequestPayload:
    """The cancelled review request."""

    review_request: ReviewRequest | None = entity(description="The cancelled review request.")


@payload(description="The review request that colleagues may take now.")
class GiveBackReviewPayload:
    """The request that was given back."""

    review_request: ReviewRequest | None = entity(description="The review request that colleagues may take now.")


@payload(description="The review request with its later due date.", errors=(StaleVersionError,))
class ExtendReviewRequestPayload:
    """The request with more time."""

    review_request: ReviewRequest | None = entity(description="The review request with its later due date.")


@payload(description="The invitation, and its link, shown this once.", errors=(ConflictOfInterestError,))
class InviteExpertPayload:
    """The invitation and its link."""

    expert: ReviewExpert | None = entity(description="The invitation; nothing is kept of who the expert is.")
    link: str | None = secret(
        description="The link to hand over, shown this once: who has it writes this one review for your organization."
    )


@payload(description="The invitation that has ended.")
class WithdrawExpertPayload:
    """The ended invitation."""

    expert: ReviewExpert | None = entity(description="The invitation that has ended.")


async def _ask(tx: Tx, actor: Actor, given: RequestReviewInput, _tools: Tools) -> Mapping[str, str]:
    made = await service.request(
        tx,
        actor,
        service.RequestReview(
            spec_version_id=reference(given.spec_version_id, "version", "version", "specVersionId"),
            organization_id=reference(given.organization_id, "org", "employer or agency", "organizationId"),
            message=given.message,
            due_on=given.due_on or None,
            blind=given.blind,
            previous_review_id=reference(given.previous_review_id, "rev", "review", "previousReviewId")
            if given.previous_review_id
            else None,
        ),
    )
    return {"review_request": public_id("rrq", made)}


async def _claim(tx: Tx, actor: Actor, given: ClaimReviewInput, _tools: Tools) -> Mapping[str, str]:
    return {"review_request": public_id("rrq", await service.claim(tx, actor, request_key(given.review_request_id)))}


async def _decline(tx: Tx, actor: Actor, given: DeclineReviewInput, _tools: Tools) -> Mapping[str, str]:
    declined = service.Decline(request_key(given.review_request_id), given.reason)
    return {"review_request": public_id("rrq", await service.decline(tx, actor, declined))}


async def _cancel(tx: Tx, actor: Actor, given: CancelReviewRequestInput, _tools: Tools) -> Mapping[str, str]:
    cancelled = service.Cancel(request_key(given.review_request_id), given.if_unmodified_since)
    return {"review_request": public_id("rrq", await service.cancel(tx, actor, cancelled))}


async def _give_back(tx: Tx, actor: Actor, given: GiveBackReviewInput, _tools: Tools) -> Mapping[str, str]:
    return _asked(await service.give_back(tx, actor, request_key(given.review_request_id)))


async def _extend(tx: Tx, actor: Actor, given: ExtendReviewRequestInput, _tools: Tools) -> Mapping[str, str]:
    extended = service.Extend(request_key(given.review_request_id), given.due_on, given.if_unmodified_since)
    return _asked(await service.extend(tx, actor, extended))


async def _invite(tx: Tx, actor: Actor, given: InviteExpertInput, _tools: Tools) -> Made:
    invited = experts.InviteExpert(request_key(given.review_request_id), given.expires_at or None)
    expert, link = await experts.invite(tx, actor, invited)
    return Made({"expert": public_id(REVIEW_EXPERT.tag, expert)}, secrets={"link": link})


async def _withdraw_expert(tx: Tx, actor: Actor, given: WithdrawExpertInput, _tools: Tools) -> Mapping[str, str]:
    expert = reference(given.expert_id, REVIEW_EXPERT.tag, "invitation", "expertId")
    return {"expert": public_id(REVIEW_EXPERT.tag, await experts.withdraw(tx, actor, expert))}


def _asked(identity: UUID) -> Mapping[str, str]:
    return {"review_request": public_id("rrq", identity)}


@strawberry.type
class ReviewRequestMutations:
    """Root fields."""

    request_review: RequestReviewPayload | None = command(
        RequestReviewInput,
        _ask,
        permission=Permission.REQUEST_REVIEW,
        lock=Lock.CREATES,
        description="Ask an employer or an agency to review one of your versions.",
    )
    claim_review: ClaimReviewPayload | None = command(
        ClaimReviewInput,
        _claim,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="what another reviewer has claimed is refused until the week is over; one's own claim only grows",
        description="Take a review request for a week, or extend your time.",
    )
    decline_review: DeclineReviewPayload | None = command(
        DeclineReviewInput,
        _decline,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="what another reviewer has claimed is refused, and an answer is final",
        description="Decline to review, with a reason.",
    )
    cancel_review_request: CancelReviewRequestPayload | None = command(
        CancelReviewRequestInput,
        _cancel,
        permission=Permission.REQUEST_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Take back a review request that is not answered yet.",
    )
    extend_review_request: ExtendReviewRequestPayload | None = command(
        ExtendReviewRequestInput,
        _extend,
        permission=Permission.REQUEST_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Give a review request that waits a later due date; reminders begin anew.",
    )
    give_back_review: GiveBackReviewPayload | None = command(
        GiveBackReviewInput,
        _give_back,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="only who holds the claim gives it back",
        description="Give your claim back before its time is over, so that a colleague may take it.",
    )
    invite_expert: InviteExpertPayload | None = command(
        InviteExpertInput,
        _invite,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="what somebody else has in hand is refused, and one expert is invited at a time",
        description="Have an outside expert write this one review for you, by a link and without an account.",
    )
    withdraw_expert: WithdrawExpertPayload | None = command(
        WithdrawExpertInput,
        _withdraw_expert,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="a link ends once; what was submitted with it stays",
        description="End an outside expert's link at once; a review that is not submitted is open to colleagues again.",
    )
