"""What is said about a submitted review: comments with their threads, suggestions and what became of them."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import bound, column, entity, many, one
from countersign.reviews import comments, suggestions
from countersign.reviews.views import REVIEW_COMMENT, REVIEW_REPLY, REVIEW_SUGGESTION
from countersign.schema.abilities import viewer_can
from countersign.schema.abilities_reviews import ReviewCommentAbilities, ReviewSuggestionAbilities
from countersign.schema.base import CommandInput, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization
from countersign.schema.rendering import as_html
from countersign.schema.reviews import Review
from countersign.schema.scalars import HTML, Markdown

if TYPE_CHECKING:
    from countersign.schema.specs import SpecDraft, SpecVersion

RANGE = "counted in Unicode code points from the field's first"


@strawberry.enum(description="Where a comment's thread stands.")
class ReviewCommentState(enum.Enum):
    """Where a comment's thread stands."""

    OPEN = strawberry.enum_value("open", description="The school has not answered what was said last.")
    ANSWERED = strawberry.enum_value("answered", description="The school has answered.")
    RESOLVED = strawberry.enum_value("resolved", description="Who reviewed says that it is met.")


@strawberry.enum(description="What the school made of a suggestion.")
class ReviewSuggestionState(enum.Enum):
    """What the school made of a suggestion."""

    OPEN = strawberry.enum_value("open", description="Nothing yet.")
    ACCEPTED = strawberry.enum_value("accepted", description="The words went into a draft of the school.")
    DECLINED = strawberry.enum_value("declined", description="The school keeps its own words, and says why.")


@bound(REVIEW_REPLY, description="A word in a comment's thread; never changed.")
class ReviewReply(Node):
    """A word in a comment's thread."""

    by_school: bool = column(description="Whether the school says it; else who reviewed.")
    body: Markdown = column(description="What is said.")
    body_html: HTML = as_html(REVIEW_REPLY, "body", "What is said")
    made_at: datetime = column(description="When it was said.")


@bound(REVIEW_COMMENT, description="A comment of a submitted review; seen by the school and by who reviewed.")
class ReviewComment(Node):
    """A comment of a submitted review."""

    state: ReviewCommentState = column(description="Where its thread stands.")
    path: str | None = column(description="The field of the version; null when it is about all of it.")
    start: int | None = column(description=f"The range's first character, {RANGE}; null for the whole field.")
    end: int | None = column(description="The first character behind the range.")
    quoted: str = column(description="What the frozen version says there.")
    body: Markdown = column(description="What the reviewer says.")
    body_html: HTML = as_html(REVIEW_COMMENT, "body", "What the reviewer says")
    asks_change: bool = column(description="Whether the reviewer asks that it be met by a change.")
    made_at: datetime = column(description="When the review was submitted.")
    updated_at: datetime = column(description="When its thread last went on.")
    replies: list[ReviewReply] = many(
        on="{child}.comment_id = {parent}.id",
        order="{child}.made_at, {child}.id",
        size=2,
        visible="true",
        description="What was said since, the oldest first.",
    )
    review: Review | None = one(on="{child}.id = {parent}.review_id", description="The review that it is part of.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that it is about."
    )
    viewer_can: ReviewCommentAbilities = viewer_can()


@bound(REVIEW_SUGGESTION, description="Other words that a reviewer proposes; kept apart from the school's own text.")
class ReviewSuggestion(Node):
    """Other words that a reviewer proposes."""

    state: ReviewSuggestionState = column(description="What the school made of it.")
    path: str = column(description="The field of the version.")
    start: int = column(description=f"The range's first character, {RANGE}.")
    end: int = column(description="The first character behind the range.")
    quoted: str = column(description="What the frozen version says there.")
    replacement: str = column(description="What is proposed instead.")
    reason: str = column(description="Why.")
    decline_reason: str | None = column(description="Why the school declined it.")
    made_at: datetime = column(description="When the review was submitted.")
    decided_at: datetime | None = column(description="When the school accepted or declined it.")
    updated_at: datetime = column(description="When it last changed.")
    organization: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization whose words these are."
    )
    review: Review | None = one(on="{child}.id = {parent}.review_id", description="The review that it is part of.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that it is about."
    )
    accepted_into: Optional[Annotated["SpecDraft", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.draft_id", description="The draft that took the words; only its school sees it."
    )
    viewer_can: ReviewSuggestionAbilities = viewer_can()


@strawberry.input
class ReviewWordInput(CommandInput):
    """Base of the inputs that say something in a thread."""

    review_comment_id: strawberry.ID = strawberry.field(description="The comment.")
    body: Markdown = strawberry.field(description="What you say.")


@strawberry.input(description="The school's answer to a comment.")
class AnswerReviewCommentInput(ReviewWordInput):
    """The school's answer."""


@strawberry.input(description="The reviewer's reply in a comment's thread.")
class ReplyToReviewCommentInput(ReviewWordInput):
    """The reviewer's reply."""


@strawberry.input(description="A comment that is met.")
class ResolveReviewCommentInput(CommandInput):
    """A comment that is met."""

    review_comment_id: strawberry.ID = strawberry.field(description="The comment.")


@strawberry.input(description="A comment that is not met after all.")
class ReopenReviewCommentInput(CommandInput):
    """A comment that is not met after all."""

    review_comment_id: strawberry.ID = strawberry.field(description="The comment.")


@strawberry.input(description="A suggestion to take into a draft.")
class AcceptSuggestionInput(CommandInput):
    """A suggestion to take into a draft."""

    review_suggestion_id: strawberry.ID = strawberry.field(description="The suggestion.")
    draft_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Your open draft; if left out the only one there is, or a new one begun from the version.",
    )


@strawberry.input(description="A suggestion that you do not take.")
class DeclineSuggestionInput(CommandInput):
    """A suggestion that is not taken."""

    review_suggestion_id: strawberry.ID = strawberry.field(description="The suggestion.")
    reason: str = strawberry.field(description="Why; the reviewer reads it.")


@payload(description="The school's answer.")
class AnswerReviewCommentPayload:
    """The school's answer."""

    reply: ReviewReply | None = entity(description="The answer.")
    comment: ReviewComment | None = entity(description="The comment with its thread.")


@payload(description="The reviewer's reply.")
class ReplyToReviewCommentPayload:
    """The reviewer's reply."""

    reply: ReviewReply | None = entity(description="The reply.")
    comment: ReviewComment | None = entity(description="The comment with its thread.")


@payload(description="The comment that is met.")
class ResolveReviewCommentPayload:
    """The comment that is met."""

    comment: ReviewComment | None = entity(description="The comment.")


@payload(description="The comment that is open again.")
class ReopenReviewCommentPayload:
    """The comment that is open again."""

    comment: ReviewComment | None = entity(description="The comment.")


@payload(description="The suggestion that was taken.")
class AcceptSuggestionPayload:
    """The suggestion that was taken."""

    suggestion: ReviewSuggestion | None = entity(description="The suggestion; `acceptedInto` is the draft.")


@payload(description="The suggestion that was not taken.")
class DeclineSuggestionPayload:
    """The suggestion that was not taken."""

    suggestion: ReviewSuggestion | None = entity(description="The suggestion.")


def _comment(text: strawberry.ID) -> UUID:
    return reference(text, "rcm", "comment", "reviewCommentId")


def _suggestion(text: strawberry.ID) -> UUID:
    return reference(text, "rsg", "suggestion", "reviewSuggestionId")


async def _answer(tx: Tx, actor: Actor, given: AnswerReviewCommentInput, _tools: Tools) -> Mapping[str, str]:
    said = comments.Say(_comment(given.review_comment_id), given.body)
    made = await comments.answer(tx, actor, said)
    return {"reply": public_id("rpl", made), "comment": public_id("rcm", said.comment_id)}


async def _reply(tx: Tx, actor: Actor, given: ReplyToReviewCommentInput, _tools: Tools) -> Mapping[str, str]:
    said = comments.Say(_comment(given.review_comment_id), given.body)
    made = await comments.reply(tx, actor, said)
    return {"reply": public_id("rpl", made), "comment": public_id("rcm", said.comment_id)}


async def _resolve(tx: Tx, actor: Actor, given: ResolveReviewCommentInput, _tools: Tools) -> Mapping[str, str]:
    return {"comment": public_id("rcm", await comments.resolve(tx, actor, _comment(given.review_comment_id)))}


async def _reopen(tx: Tx, actor: Actor, given: ReopenReviewCommentInput, _tools: Tools) -> Mapping[str, str]:
    return {"comment": public_id("rcm", await comments.reopen(tx, actor, _comment(given.review_comment_id)))}


async def _accept(tx: Tx, actor: Actor, given: AcceptSuggestionInput, _tools: Tools) -> Mapping[str, str]:
    draft = reference(given.draft_id, "draft", "draft", "draftId") if given.draft_id else None
    accepted = suggestions.Accept(_suggestion(given.review_suggestion_id), draft)
    return {"suggestion": public_id("rsg", await suggestions.accept(tx, actor, accepted))}


async def _decline(tx: Tx, actor: Actor, given: DeclineSuggestionInput, _tools: Tools) -> Mapping[str, str]:
    declined = suggestions.Decline(_suggestion(given.review_suggestion_id), given.reason)
    return {"suggestion": public_id("rsg", await suggestions.decline(tx, actor, declined))}


@strawberry.type
class ReviewThreadMutations:
    """Root fields."""

    answer_review_comment: AnswerReviewCommentPayload | None = command(
        AnswerReviewCommentInput,
        _answer,
        permission=Permission.ANSWER_REVIEW,
        lock=Lock.CREATES,
        description="Answer a comment on your version.",
    )
    reply_to_review_comment: ReplyToReviewCommentPayload | None = command(
        ReplyToReviewCommentInput,
        _reply,
        permission=Permission.REVIEW,
        lock=Lock.CREATES,
        description="Write on in the thread of a comment of your organization.",
    )
    resolve_review_comment: ResolveReviewCommentPayload | None = command(
        ResolveReviewCommentInput,
        _resolve,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="only who reviewed says that a comment is met, and it can be reopened",
        description="Say that a comment of your organization is met.",
    )
    reopen_review_comment: ReopenReviewCommentPayload | None = command(
        ReopenReviewCommentInput,
        _reopen,
        permission=Permission.REVIEW,
        lock=Lock.STATE,
        because="only a resolved comment is reopened; its thread only grows",
        description="Say that a comment of your organization is not met after all.",
    )
    accept_suggestion: AcceptSuggestionPayload | None = command(
        AcceptSuggestionInput,
        _accept,
        permission=Permission.EDIT_SPEC,
        lock=Lock.STATE,
        because="it goes in only where the draft still reads as the version did; what was edited there is refused",
        description="Take a reviewer's words into your draft.",
    )
    decline_suggestion: DeclineSuggestionPayload | None = command(
        DeclineSuggestionInput,
        _decline,
        permission=Permission.ANSWER_REVIEW,
        lock=Lock.STATE,
        because="only an open suggestion is declined, and it may be accepted later",
        description="Keep your own words, and say why.",
    )
