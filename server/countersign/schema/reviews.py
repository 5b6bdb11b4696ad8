"""Reviews at the front desk: a school asks, an organization answers in scores and words."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final, Optional
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.reviews import rules, service
from countersign.reviews.views import REVIEW, REVIEW_REQUEST, VEILED
from countersign.schema.abilities import ReviewRequestAbilities, viewer_can
from countersign.schema.base import (
    CommandInput,
    Connection,
    Lock,
    Node,
    Tools,
    command,
    payload,
    reference,
)
from countersign.schema.organizations import Organization
from countersign.schema.problems import ConflictOfInterestError
from countersign.schema.rendering import as_html
from countersign.schema.reviews_experts import ReviewExpert
from countersign.schema.rubrics import ReviewScore, RubricVersion
from countersign.schema.scalars import HTML, Markdown
from countersign.schema.specs_content import SpecContent
from countersign.schema.specs_diff import SpecChange, SpecSection
from countersign.specs.sections import Section

if TYPE_CHECKING:
    from countersign.schema.reviews_threads import ReviewComment, ReviewSuggestion
    from countersign.schema.reviews_writing import ReviewDraft
    from countersign.schema.specs import SpecVersion
    from countersign.schema.specs_diff import SpecVersionDiff

_VEILED: Final = VEILED.replace("{t}", "{parent}")
_HIDDEN: Final = VEILED.replace("{t}", "{child}")


@strawberry.enum(description="Where a review request stands.")
class ReviewRequestState(enum.Enum):
    """Where a review request stands."""

    OPEN = strawberry.enum_value("open", description="Nobody has claimed it.")
    CLAIMED = strawberry.enum_value("claimed", description="A reviewer has it for a week.")
    DECIDED = strawberry.enum_value("decided", description="There is a review.")
    DECLINED = strawberry.enum_value("declined", description="The organization will not review, and says why.")
    EXPIRED = strawberry.enum_value("expired", description="The day passed without an answer.")
    CANCELLED = strawberry.enum_value("cancelled", description="The school took it back.")


@strawberry.enum(description="What a reviewer recommends.")
class ReviewRecommendation(enum.Enum):
    """What a reviewer recommends."""

    ENDORSE = strawberry.enum_value("endorse", description="The organization should endorse this version.")
    REQUEST_CHANGES = strawberry.enum_value("request_changes", description="Not before something is changed.")
    COMMENT = strawberry.enum_value("comment", description="Neither for nor against.")
    DECLINE = strawberry.enum_value("decline", description="The organization should not endorse this version.")


@strawberry.enum(description="What a reviewer declares about ties with the school.")
class DeclaredInterest(enum.Enum):
    """What a reviewer declares about ties with the school."""

    NONE = strawberry.enum_value("none", description="There is no tie.")
    DISCLOSED = strawberry.enum_value("disclosed", description="There is one, and it is told.")


@bound(REVIEW, description="A decided review of one version; seen by the school and by the organization that made it.")
class Review(Node):
    """A decided review."""

    recommendation: ReviewRecommendation = column(description="What the reviewer recommends.")
    interest: DeclaredInterest = column(description="What the reviewer declared before scoring.")
    declaration: str = column(description="The interest that was disclosed, in words.")
    comment: Markdown = column(description="What the reviewer says to the school.")
    comment_html: HTML = as_html(REVIEW, "comment", "What the reviewer says to the school")
    decided_at: datetime = column(description="When it was decided.")
    viewed_sections: list[SpecSection] | None = column(
        description="The sections of the version that the reviewer viewed, as they noted while they wrote, or said when"
        " they decided in one go; null when nothing was said of it."
    )
    by_expert: bool = column(description="Whether an outside expert wrote it for the organization.")
    voided_at: datetime | None = column(
        description="When it fell: its reviewer had lost that role before the organization signed anything. It is kept."
    )
    scores: list[ReviewScore] = many(size=11, description="The scores.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization that reviewed."
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that was reviewed."
    )
    rubric: RubricVersion = one(
        on="{child}.id = {parent}.rubric_version_id", description="The rubric by which it was scored."
    )
    comments: list[Annotated["ReviewComment", strawberry.lazy("countersign.schema.reviews_threads")]] = many(
        on="{child}.review_id = {parent}.id",
        order="{child}.no",
        size=5,
        visible="true",
        description="Its comments, each at a place of the version, in the order of the reviewer.",
    )
    suggestions: list[Annotated["ReviewSuggestion", strawberry.lazy("countersign.schema.reviews_threads")]] = many(
        on="{child}.review_id = {parent}.id",
        order="{child}.no",
        size=3,
        visible="true",
        description="Other words that the reviewer proposes for the version's text.",
    )
    request: Optional["ReviewRequest"] = one(
        on="{child}.id = {parent}.request_id", description="The request that it answers."
    )


@bound(REVIEW_REQUEST, description="A school's question to one organization; seen by these two only.")
class ReviewRequest(Node):
    """A school's question to one organization."""

    state: ReviewRequestState = column(description="Where it stands now.")
    message: str = column(description="What the school wrote.")
    due_on: date = column(description="The day by which an answer is wanted (UTC).")
    expires_on: date = column(description="The last day on which an answer is taken; two weeks after `dueOn`.")
    overdue: bool = column(description="Whether `dueOn` has passed and an answer is still taken.")
    blind: bool = column(
        description="Whether the reviewer does not learn of which school it is until the review is submitted."
    )
    veiled: bool = column(description="Whether the school and all that leads to it are hidden from you now.")
    returns: int = column(description="How often a claim came back without an answer.")
    requested_at: datetime = column(description="When it was made.")
    updated_at: datetime = column(description="When it last changed; give it back when you take it back.")
    claimed_until: datetime | None = column(description="Until when a reviewer has it.")
    decline_reason: str | None = column(description="Why it was declined.")
    closed_at: datetime | None = column(description="When it was answered or taken back.")
    school: Organization | None = one(
        on=f"{{child}}.id = {{parent}}.school_id and not {_VEILED}",
        description="The school that asks; null for the reviewer of a blind request until the review is submitted.",
    )
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization that is asked."
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on=f"{{child}}.id = {{parent}}.spec_version_id and not {_VEILED}",
        description="The version to look at; null for the reviewer of a blind request until the review is submitted,"
        " and for an outside expert while it is not public: they read `content`.",
    )
    content: SpecContent = one(
        description="What the version says. Of a blind request that is not answered: what names the school is covered"
        " with █, sign for sign."
    )
    review: Review | None = one(
        on="{child}.request_id = {parent}.id and {child}.voided_at is null",
        description="The answer, once it is decided.",
    )
    sections: list[SpecSection] | None = column(
        description="Of a renewal: the sections that changed, which alone must be looked at; null for a whole review."
    )
    carried: list[str] | None = column(
        description="Of a renewal: the criteria whose scores stand unless you score them; null for a whole review."
    )
    previous_review: Review | None = one(
        on=f"{{child}}.id = {{parent}}.previous_review_id and not {_VEILED}",
        description="The review of an earlier version that is renewed.",
    )
    changes: Optional[Annotated["SpecVersionDiff", strawberry.lazy("countersign.schema.specs_diff")]] = one(  # noqa: UP045
        on="{child}.from_id = (select p.spec_version_id from reviews p where p.id = {parent}.previous_review_id)"
        f" and {{child}}.to_id = {{parent}}.spec_version_id and not {_VEILED}",
        description="What changed since the review that is renewed; null for who may not see both versions.",
    )
    changes_to_review: list[SpecChange] = many(
        size=10,
        description="Of a renewal: each difference from the version that was reviewed, also for an outside expert;"
        " empty for a whole review.",
    )
    voided_reviews: list[Review] = many(
        on="{child}.request_id = {parent}.id and {child}.voided_at is not null",
        order="{child}.decided_at, {child}.id",
        size=1,
        description="Answers that fell because their reviewer went before anything was signed, the oldest first.",
    )
    expert: ReviewExpert | None = one(
        on="{child}.request_id = {parent}.id and {child}.withdrawn_at is null",
        description="The outside expert who was invited to it; seen by the organization that is asked.",
    )
    my_draft: Optional[Annotated["ReviewDraft", strawberry.lazy("countersign.schema.reviews_writing")]] = one(  # noqa: UP045
        on="{child}.request_id = {parent}.id and {child}.reviewer_id = {actor_person} and {child}.state = 'draft'",
        description="The review that you are writing about it.",
    )
    viewer_can: ReviewRequestAbilities = viewer_can()


REVIEW_REQUEST_ORDERS = Orders(
    "ReviewRequestOrder",
    REQUESTED_AT=Order("{child}.requested_at", "timestamptz", "By the time of asking."),
    DUE_ON=Order("{child}.due_on", "date", "By the last day for an answer."),
    descending=True,
)


@strawberry.input(description="Which review requests; all conditions must hold.")
class ReviewRequestFilter:
    """Which review requests."""

    state: ReviewRequestState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    school_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that this school made."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those made to this organization."
    )
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those about this version."
    )


@strawberry.type
class ReviewQueries:
    """Root fields."""

    review_requests: Connection[ReviewRequest] = connection(
        orders=REVIEW_REQUEST_ORDERS,
        where={
            "filter.state": REVIEW_REQUEST.columns["state"].replace("{t}", "{child}") + " = {value:text}",
            "filter.schoolId": f"{{child}}.school_id = {{value:id(org)}} and not {_HIDDEN}",
            "filter.organizationId": "{child}.organization_id = {value:id(org)}",
            "filter.specVersionId": f"{{child}}.spec_version_id = {{value:id(version)}} and not {_HIDDEN}",
        },
        args={"filter": arg(ReviewRequestFilter | None, "Which of them.")},
        description="The review requests that your organization made or received.",
    )
    review_request: ReviewRequest | None = find(
        description="One review request of your organization, made or received."
    )


@strawberry.input
class ReviewRequestInput(CommandInput):
    """Base of the inputs that name a review request."""

    review_request_id: strawberry.ID = strawberry.field(description="The review request.")


@strawberry.input(description="One criterion's score.")
class ScoreInput:
    """One criterion's score."""

    criterion: str = strawberry.field(description="The code of a criterion of the rubric, R1 to R11 in the platform's.")
    value: int = strawberry.field(description="The score, from 0 to 4, by the criterion's anchors.")
    evidence: str = strawberry.field(
        default="", description="What you saw; required from the rubric's `evidenceFrom` on."
    )


@strawberry.input(description="Your review of the version that you claimed.")
class DecideReviewInput(ReviewRequestInput):
    """A review."""

    interest: DeclaredInterest = strawberry.field(description="Your ties with the school; looked at before any score.")
    declaration: str = strawberry.field(default="", description="The tie in words, when you disclose one.")
    scores: list[ScoreInput] = strawberry.field(
        default_factory=list, description="Scores by criterion; all eleven when you recommend to endorse."
    )
    comment: str = strawberry.field(default="", description="What you say to the school.")
    recommendation: ReviewRecommendation = strawberry.field(description="What you recommend.")
    viewed_sections: list[SpecSection] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The sections that you viewed, for the school and your signatory to read; when you recommend to"
        " endorse, every one. Left out, the review says that nothing was said of it.",
    )


@payload(description="The new review.", errors=(ConflictOfInterestError,))
class DecideReviewPayload:
    """The new review."""

    review: Review | None = entity(description="The new review.")


def request_key(text: strawberry.ID) -> UUID:
    """The key of a review request that an input names. Raises NotFound."""
    return reference(text, "rrq", "review request", "reviewRequestId")


async def _decide(tx: Tx, actor: Actor, given: DecideReviewInput, _tools: Tools) -> Mapping[str, str]:
    decision = rules.Decision(
        interest=rules.Interest[given.interest.name],
        declaration=given.declaration,
        scores=tuple(rules.Score(score.criterion, score.value, score.evidence) for score in given.scores),
        comment=given.comment,
        recommendation=rules.Recommendation[given.recommendation.name],
    )
    viewed = None if given.viewed_sections is strawberry.UNSET else given.viewed_sections
    said = None if viewed is None else frozenset(Section[section.name] for section in viewed)
    command_ = service.Decide(request_key(given.review_request_id), decision, said)
    return {"review": public_id("rev", await service.decide(tx, actor, command_))}


@strawberry.type
class ReviewMutations:
    """Root fields."""

    decide_review: DecideReviewPayload | None = command(
        DecideReviewInput,
        _decide,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.STATE,
        because="only who holds the claim decides, once, about a version that never changes",
        description="Review the version that you claimed in one go, by the platform's rubric (see also `startReview`).",
    )
