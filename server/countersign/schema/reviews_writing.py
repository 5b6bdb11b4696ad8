"""Reviews that are written over time: begin with a declaration, score, remark, look at every section, submit."""

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import bound, column, entity, find, many, one
from countersign.reviews import rules, writing
from countersign.reviews.rules_anchors import Anchor
from countersign.reviews.rules_writing import DraftComment, DraftSuggestion
from countersign.reviews.views import DRAFT_COMMENT, DRAFT_SUGGESTION, REVIEW_DRAFT
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_reviews import ReviewDraftAbilities
from countersign.schema.base import CommandInput, GuardedInput, Lock, Node, Tools, command, payload, reference
from countersign.schema.problems import ConflictOfInterestError, StaleVersionError
from countersign.schema.reviews import (
    DeclaredInterest,
    Review,
    ReviewRecommendation,
    ScoreInput,
)
from countersign.schema.rubrics import ReviewCriterion, ReviewScore, RubricVersion
from countersign.schema.scalars import Markdown
from countersign.schema.specs_diff import SpecSection
from countersign.specs.sections import Section

if TYPE_CHECKING:
    from countersign.schema.reviews import ReviewRequest

RANGE = "counted in Unicode code points from the field's first, not in UTF-16 units or bytes"


@strawberry.enum(description="Where a review that is being written stands.")
class ReviewDraftState(enum.Enum):
    """Where a review that is being written stands."""

    DRAFT = strawberry.enum_value("draft", description="It is being written.")
    SUBMITTED = strawberry.enum_value("submitted", description="It was submitted, and is closed.")
    VOIDED = strawberry.enum_value(
        "voided", description="It was discarded, its reviewer has gone, or its request was answered otherwise or ended."
    )


@bound(DRAFT_COMMENT, description="A comment in a review that is being written.")
class ReviewDraftComment:
    """A comment in a review that is being written."""

    path: str | None = column(description="The field; null when it is about the whole version.")
    start: int | None = column(description=f"The range's first character, {RANGE}; null for the whole field.")
    end: int | None = column(description="The first character behind the range.")
    quoted: str = column(description="What stands there.")
    body: Markdown = column(description="What you say.")
    asks_change: bool = column(description="Whether the school has to meet it by a change.")


@bound(DRAFT_SUGGESTION, description="A suggestion in a review that is being written.")
class ReviewDraftSuggestion:
    """A suggestion in a review that is being written."""

    path: str = column(description="The field.")
    start: int = column(description=f"The range's first character, {RANGE}.")
    end: int = column(description="The first character behind the range.")
    quoted: str = column(description="What stands there.")
    replacement: str = column(description="What you would say instead.")
    reason: str = column(description="Why.")


@bound(REVIEW_DRAFT, description="A review that is being written; the school sees nothing of it until it is submitted.")
class ReviewDraft(Node):
    """A review that is being written."""

    state: ReviewDraftState = column(description="Where it stands.")
    interest: DeclaredInterest = column(description="What the reviewer declared before anything was scored.")
    declaration: str = column(description="The interest that is disclosed, in words.")
    recommendation: ReviewRecommendation | None = column(description="What it recommends so far.")
    comment: Markdown = column(description="What it says to the school so far.")
    sections: list[SpecSection] = column(description="The sections that must be viewed before it can be submitted.")
    viewed_sections: list[SpecSection] = column(sql="{t}.viewed", description="The sections that were viewed.")
    created_at: datetime = column(description="When it was begun.")
    updated_at: datetime = column(description="When it last changed; give it back when you edit or submit.")
    scores: list[ReviewScore] = many(size=11, description="The scores so far.")
    unscored: list[ReviewCriterion] = many(
        on="{child}.rubric_version_id = {parent}.rubric_version_id and not exists"
        " (select from jsonb_array_elements({parent}.scores) s where s->>'criterion' = {child}.code)",
        order="{child}.no",
        size=11,
        description="The criteria that are not scored yet.",
    )
    comments: list[ReviewDraftComment] = many(size=5, description="The comments so far.")
    suggestions: list[ReviewDraftSuggestion] = many(size=3, description="The suggestions so far.")
    rubric: RubricVersion = one(
        on="{child}.id = {parent}.rubric_version_id", description="The rubric by which it scores."
    )
    request: Optional[Annotated["ReviewRequest", strawberry.lazy("countersign.schema.reviews")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.request_id", description="The request that it will answer."
    )
    viewer_can: ReviewDraftAbilities = viewer_can()


@strawberry.type
class ReviewWritingQueries:
    """Root fields."""

    review_draft: ReviewDraft | None = find(description="A review that your organization is writing.")


@strawberry.input(description="A comment at a place of the version.")
class ReviewCommentInput:
    """A comment at a place of the version."""

    body: Markdown = strawberry.field(description="What you say to the school.")
    path: str | None = strawberry.field(
        default=None, description="The field, like `outcomes[report].statement`; null for the whole version."
    )
    start: int | None = strawberry.field(
        default=None, description=f"The range's first character, {RANGE}; null for the whole field."
    )
    end: int | None = strawberry.field(default=None, description="The first character behind the range.")
    quoted: str = strawberry.field(default="", description="What stands there; compared with the frozen text.")
    asks_change: bool = strawberry.field(default=False, description="Whether the school has to meet it by a change.")


@strawberry.input(description="Other words for a range of the version's text.")
class ReviewSuggestionInput:
    """Other words for a range of the version's text."""

    path: str = strawberry.field(description="The field, like `outcomes[report].statement`.")
    start: int = strawberry.field(description=f"The range's first character, {RANGE}.")
    end: int = strawberry.field(description="The first character behind the range; `start` again to insert.")
    quoted: str = strawberry.field(description="What stands there; compared with the frozen text.")
    replacement: str = strawberry.field(description="What you would say instead; empty to take it out.")
    reason: str = strawberry.field(default="", description="Why.")


@strawberry.input(description="What to begin a review of, after which declaration.")
class StartReviewInput(CommandInput):
    """What to begin a review of."""

    review_request_id: strawberry.ID = strawberry.field(description="The review request that you have claimed.")
    interest: DeclaredInterest = strawberry.field(description="Your ties with the school; nothing is scored before it.")
    declaration: str = strawberry.field(default="", description="The tie in words, when you disclose one.")
    rubric_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The newest version of a rubric of your organization; the platform's rubric if left out.",
    )


@strawberry.input(description="Another declaration of interests.")
class DeclareInterestInput(CommandInput):
    """Another declaration of interests."""

    review_draft_id: strawberry.ID = strawberry.field(description="The review that you are writing.")
    interest: DeclaredInterest = strawberry.field(description="Your ties with the school.")
    declaration: str = strawberry.field(default="", description="The tie in words, when you disclose one.")


@strawberry.input(description="What you have looked at.")
class ViewReviewSectionInput(CommandInput):
    """What you have looked at."""

    review_draft_id: strawberry.ID = strawberry.field(description="The review that you are writing.")
    section: SpecSection = strawberry.field(description="The section that you have read.")


@strawberry.input(
    description="New contents of a review; what is left out stays, what is given replaces all of its kind."
)
class EditReviewInput(GuardedInput):
    """New contents of a review."""

    review_draft_id: strawberry.ID = strawberry.field(description="The review that you are writing.")
    scores: list[ScoreInput] | None = strawberry.field(default=None, description="All scores.")
    comments: list[ReviewCommentInput] | None = strawberry.field(default=None, description="All comments, up to 200.")
    suggestions: list[ReviewSuggestionInput] | None = strawberry.field(
        default=None, description="All suggestions, up to 100."
    )
    comment: Markdown | None = strawberry.field(default=None, description="What you say to the school as a whole.")
    recommendation: ReviewRecommendation | None = strawberry.field(default=None, description="What you recommend.")


@strawberry.input(description="A review to submit.")
class SubmitReviewInput(GuardedInput):
    """A review to submit."""

    review_draft_id: strawberry.ID = strawberry.field(description="The review that you are writing.")


@strawberry.input(description="A review to throw away before it is submitted.")
class DiscardReviewInput(GuardedInput):
    """A review to throw away."""

    review_draft_id: strawberry.ID = strawberry.field(description="The review that you are writing.")


@payload(description="The review that was begun.", errors=(ConflictOfInterestError,))
class StartReviewPayload:
    """The review that was begun."""

    review_draft: ReviewDraft | None = entity(description="The review that was begun.")


@payload(description="The review with its new declaration.")
class DeclareInterestPayload:
    """The review with its new declaration."""

    review_draft: ReviewDraft | None = entity(description="The review.")


@payload(description="The review that was looked on for.")
class ViewReviewSectionPayload:
    """The review."""

    review_draft: ReviewDraft | None = entity(description="The review.")


@payload(description="The edited review.", errors=(StaleVersionError,))
class EditReviewPayload:
    """The edited review."""

    review_draft: ReviewDraft | None = entity(description="The edited review.")


@payload(description="The submitted review.", errors=(StaleVersionError, ConflictOfInterestError))
class SubmitReviewPayload:
    """The submitted review."""

    review: Review | None = entity(description="The submitted review.")


@payload(description="The review that was thrown away.", errors=(StaleVersionError,))
class DiscardReviewPayload:
    """The review that was thrown away."""

    review_draft: ReviewDraft | None = entity(description="The review that was thrown away.")


def _draft(text: strawberry.ID) -> UUID:
    return reference(text, "rvd", "review", "reviewDraftId")


async def _start(tx: Tx, actor: Actor, given: StartReviewInput, _tools: Tools) -> Mapping[str, str]:
    rubric = given.rubric_version_id
    made = await writing.start(
        tx,
        actor,
        writing.Start(
            reference(given.review_request_id, "rrq", "review request", "reviewRequestId"),
            rules.Interest[given.interest.name],
            given.declaration,
            reference(rubric, "rub", "rubric of yours", "rubricVersionId") if rubric else None,
        ),
    )
    return {"review_draft": public_id("rvd", made)}


async def _declare(tx: Tx, actor: Actor, given: DeclareInterestInput, _tools: Tools) -> Mapping[str, str]:
    declared = writing.Declare(_draft(given.review_draft_id), rules.Interest[given.interest.name], given.declaration)
    return {"review_draft": public_id("rvd", await writing.declare(tx, actor, declared))}


async def _view(tx: Tx, actor: Actor, given: ViewReviewSectionInput, _tools: Tools) -> Mapping[str, str]:
    seen = await writing.view(tx, actor, _draft(given.review_draft_id), Section[given.section.name])
    return {"review_draft": public_id("rvd", seen)}


async def _edit(tx: Tx, actor: Actor, given: EditReviewInput, _tools: Tools) -> Mapping[str, str]:
    edited = writing.Edit(
        _draft(given.review_draft_id),
        _scores(given.scores),
        _comments(given.comments),
        _suggestions(given.suggestions),
        given.comment,
        rules.Recommendation[given.recommendation.name] if given.recommendation else None,
        given.if_unmodified_since,
    )
    return {"review_draft": public_id("rvd", await writing.edit(tx, actor, edited))}


def _scores(given: Sequence[ScoreInput] | None) -> tuple[rules.Score, ...] | None:
    return None if given is None else tuple(rules.Score(s.criterion, s.value, s.evidence) for s in given)


def _comments(given: Sequence[ReviewCommentInput] | None) -> tuple[DraftComment, ...] | None:
    if given is None:
        return None
    return tuple(DraftComment(Anchor(c.path, c.start, c.end, c.quoted), c.body, c.asks_change) for c in given)


def _suggestions(given: Sequence[ReviewSuggestionInput] | None) -> tuple[DraftSuggestion, ...] | None:
    if given is None:
        return None
    return tuple(DraftSuggestion(Anchor(s.path, s.start, s.end, s.quoted), s.replacement, s.reason) for s in given)


async def _submit(tx: Tx, actor: Actor, given: SubmitReviewInput, _tools: Tools) -> Mapping[str, str]:
    submitted = writing.Submit(_draft(given.review_draft_id), given.if_unmodified_since)
    return {"review": public_id("rev", await writing.submit(tx, actor, submitted))}


async def _discard(tx: Tx, actor: Actor, given: DiscardReviewInput, _tools: Tools) -> Mapping[str, str]:
    discarded = writing.Discard(_draft(given.review_draft_id), given.if_unmodified_since)
    return {"review_draft": public_id("rvd", await writing.discard(tx, actor, discarded))}


@strawberry.type
class ReviewWritingMutations:
    """Root fields."""

    start_review: StartReviewPayload | None = command(
        StartReviewInput,
        _start,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.CREATES,
        description="Begin to write the review of a version that you claimed, with your declaration of interests.",
    )
    declare_interest: DeclareInterestPayload | None = command(
        DeclareInterestInput,
        _declare,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.STATE,
        because="only who writes the review declares, for themselves, and what counts is the last declaration",
        description="Declare your ties with the school anew while you write.",
    )
    view_review_section: ViewReviewSectionPayload | None = command(
        ViewReviewSectionInput,
        _view,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.STATE,
        because="what was viewed only grows",
        description="Note that you have read a section; a review is submitted when all were.",
    )
    edit_review: EditReviewPayload | None = command(
        EditReviewInput,
        _edit,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Write on: scores, comments and suggestions at places of the frozen text, your recommendation.",
    )
    submit_review: SubmitReviewPayload | None = command(
        SubmitReviewInput,
        _submit,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Submit your review: every section viewed, every criterion scored (unless you only comment).",
    )
    discard_review: DiscardReviewPayload | None = command(
        DiscardReviewInput,
        _discard,
        permission=Permission.WRITE_REVIEW,
        lock=Lock.UNMODIFIED_SINCE,
        description="Throw away a review that you have not submitted.",
    )
