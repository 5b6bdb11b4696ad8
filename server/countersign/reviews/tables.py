"""Rows of review requests, rubrics, reviews (being written, and submitted), and of what is said about them since.

And of the outside experts who write some, and of what was told about due dates.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, ForeignKey, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table
from countersign.reviews.rubric import DEFAULT_ID


class ReviewRequest(Table, table=True):
    """A school asks one organization to review one version; at most one such question is waiting at a time.

    A blind one keeps the text of the version without what names the school (`blind_content`), and is `unveiled_at` the
    answer. `expires_on` is null in rows of the first release: their last day was `due_on`.
    """

    __tablename__ = "review_requests"
    __table_args__ = (
        CheckConstraint(
            "state in ('open', 'claimed', 'decided', 'declined', 'expired', 'cancelled')", name="review_requests_state"
        ),
        Index(
            "review_requests_waiting",
            "spec_version_id",
            "organization_id",
            unique=True,
            postgresql_where="state in ('open', 'claimed')",
        ),
        Index("review_requests_due", "due_on", postgresql_where="state in ('open', 'claimed')"),
        CheckConstraint("not blind or blind_content is not null", name="review_requests_blind"),
        CheckConstraint("returns >= 0", name="review_requests_returns"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {
            *("state", "claimed_by", "claimed_until", "decline_reason", "closed_at", "updated_at"),
            *("due_on", "expires_on", "unveiled_at", "returns"),
        }
    )

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    school_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    requested_by: uuid.UUID | None = None
    message: str
    due_on: date
    state: str
    claimed_by: uuid.UUID | None = None
    claimed_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    decline_reason: str | None = None
    requested_at: datetime = Field(sa_type=DateTime(timezone=True))
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When it was last changed; null in rows of the first release that nothing has touched since."""
    expires_on: date | None = None
    blind: bool = False
    blind_content: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    unveiled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    returns: int = 0
    """How often a claim came back without an answer: it ran out, or was given back."""
    call_id: uuid.UUID | None = Field(default=None, foreign_key="review_calls.id", index=True)
    """The open call of which it is a place."""
    previous_review_id: uuid.UUID | None = Field(
        default=None,
        # Made after both tables: a review refers to its request.
        sa_column=Column(
            Uuid, ForeignKey("reviews.id", name="review_requests_previous_review_id_fkey", use_alter=True)
        ),
    )
    """The review of an earlier version that is renewed; then `sections` changed, and scores of `carried` stand."""
    sections: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    carried: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))


class ReviewExpert(Table, table=True):
    """An outside expert, invited by a link to write one review for an organization; nothing is kept of who they are.

    The digest of the link's secret is kept, never the link. `id` is the person as whom the expert acts.
    """

    __tablename__ = "review_experts"
    __table_args__ = (
        CheckConstraint("expires_at > invited_at", name="review_experts_expiry"),
        Index("review_experts_one_open", "request_id", unique=True, postgresql_where="withdrawn_at is null"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {
        "organization_id": Owner.ORGANIZATION,
        "request_id": Owner.REQUEST,
    }
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at", "first_used_at"})

    id: uuid.UUID = Field(primary_key=True)
    request_id: uuid.UUID = Field(foreign_key="review_requests.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    invited_by: uuid.UUID
    secret_sha256: bytes = Field(unique=True)
    invited_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    first_used_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ReviewReminder(Table, table=True):
    """What was told once about a due date: a reminder before it, or that it has passed. A new due date begins anew."""

    __tablename__ = "review_reminders"
    __table_args__ = (
        CheckConstraint(
            "step in ('seven_days', 'three_days', 'one_day', 'overdue', 'overdue_school')", name="review_reminders_step"
        ),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL

    request_id: uuid.UUID = Field(primary_key=True, foreign_key="review_requests.id")
    due_on: date = Field(primary_key=True)
    step: str = Field(primary_key=True)
    told_at: datetime = Field(sa_type=DateTime(timezone=True))


class Review(Table, table=True):
    """A decided review. It is never changed: a second opinion is a second request.

    It is voided, and kept, when its reviewer is no reviewer of the organization any more before anything was signed.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(
            "recommendation in ('endorse', 'request_changes', 'comment', 'decline')", name="reviews_recommendation"
        ),
        CheckConstraint("interest in ('none', 'disclosed')", name="reviews_interest"),
        Index("reviews_one_standing", "request_id", unique=True, postgresql_where="voided_at is null"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"voided_at"})

    id: uuid.UUID = Field(primary_key=True)
    request_id: uuid.UUID = Field(foreign_key="review_requests.id", index=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    reviewer_id: uuid.UUID
    rubric_version_id: uuid.UUID = DEFAULT_ID
    interest: str
    coi_declaration: str
    scores: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    comment: str
    recommendation: str
    decided_at: datetime = Field(sa_type=DateTime(timezone=True))
    voided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    by_expert: bool = False
    """Whether an outside expert wrote it for the organization."""
    viewed: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """The sections that were viewed; None where nothing was said of it."""


class ChangeRequest(Table, table=True):
    """A change that a submitted review asks for, until it is settled; what it asks for is never changed."""

    __tablename__ = "change_requests"
    __table_args__ = (
        CheckConstraint(
            "state in ('open', 'addressed', 'declined', 'reopened', 'accepted', 'withdrawn')",
            name="change_requests_state",
        ),
        Index("change_requests_of_spec", "spec_id", "state"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "answer", "answered_in_id", "answered_at", "updated_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    review_id: uuid.UUID = Field(foreign_key="reviews.id", index=True)
    comment_id: uuid.UUID | None = None
    """The comment of the review that asks for it; null when the review as a whole does."""
    spec_id: uuid.UUID = Field(foreign_key="specs.id")
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    school_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    path: str | None = None
    section: str | None = None
    body: str
    state: str
    answer: str | None = None
    answered_in_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id", index=True)
    answered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    raised_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class ChangeRequestEvent(Table, table=True):
    """What was done to a change request, with its words; dissent is kept."""

    __tablename__ = "change_request_events"
    __table_args__ = (UniqueConstraint("change_request_id", "no", name="change_request_events_no"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    id: uuid.UUID = Field(primary_key=True)
    change_request_id: uuid.UUID = Field(foreign_key="change_requests.id")
    no: int
    state: str
    note: str
    spec_version_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id")
    at: datetime = Field(sa_type=DateTime(timezone=True))


class ChangeRequestTick(Table, table=True):
    """A change request that a draft of the school ticks off; nobody else sees it before the draft is submitted."""

    __tablename__ = "change_request_ticks"
    __table_args__ = (CheckConstraint("answer in ('addressed', 'declined')", name="change_request_ticks_answer"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __deletable__: ClassVar[bool] = True

    draft_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_drafts.id")
    change_request_id: uuid.UUID = Field(primary_key=True, foreign_key="change_requests.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    answer: str
    note: str
    ticked_at: datetime = Field(sa_type=DateTime(timezone=True))


class RubricVersion(Table, table=True):
    """A published version of an organization's own rubric; nothing of it is ever changed. The platform's is data."""

    __tablename__ = "rubric_versions"
    __table_args__ = (
        UniqueConstraint("rubric_id", "number", name="rubric_versions_number"),
        CheckConstraint("number >= 1 and evidence_from between 1 and 5", name="rubric_versions_sane"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    id: uuid.UUID = Field(primary_key=True)
    rubric_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    number: int
    title: str
    criteria: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    evidence_from: int
    published_at: datetime = Field(sa_type=DateTime(timezone=True))
    published_by: uuid.UUID | None = None


class ReviewDraft(Table, table=True):
    """A review that is being written. It never becomes the review: submitting makes one of the same id from it."""

    __tablename__ = "review_drafts"
    __table_args__ = (
        CheckConstraint("state in ('draft', 'submitted', 'voided')", name="review_drafts_state"),
        CheckConstraint("interest in ('none', 'disclosed')", name="review_drafts_interest"),
        CheckConstraint(
            "recommendation in ('endorse', 'request_changes', 'comment', 'decline')",
            name="review_drafts_recommendation",
        ),
        Index("review_drafts_one_open", "request_id", "reviewer_id", unique=True, postgresql_where="state = 'draft'"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"interest", "coi_declaration", "viewed", "scores", "comments", "suggestions", "comment", "recommendation"}
        | {"state", "updated_at", "closed_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    request_id: uuid.UUID = Field(foreign_key="review_requests.id", index=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    reviewer_id: uuid.UUID
    rubric_version_id: uuid.UUID
    interest: str
    coi_declaration: str
    sections: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    viewed: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    scores: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    comments: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    suggestions: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    comment: str
    recommendation: str | None = None
    state: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ReviewComment(Table, table=True):
    """A remark of a submitted review at a place of the version. What it says is never changed; its thread goes on."""

    __tablename__ = "review_comments"
    __table_args__ = (
        CheckConstraint("state in ('open', 'answered', 'resolved')", name="review_comments_state"),
        CheckConstraint(
            "(start_at is null) = (end_at is null) and (start_at is null or path is not null)",
            name="review_comments_range",
        ),
        UniqueConstraint("review_id", "no", name="review_comments_no"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "updated_at"})

    id: uuid.UUID = Field(primary_key=True)
    review_id: uuid.UUID = Field(foreign_key="reviews.id")
    request_id: uuid.UUID = Field(foreign_key="review_requests.id")
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    no: int
    path: str | None = None
    start_at: int | None = None
    end_at: int | None = None
    quoted: str
    body: str
    asks_change: bool
    state: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class ReviewReply(Table, table=True):
    """A word in a comment's thread, by the school or by who reviewed; never changed."""

    __tablename__ = "review_replies"
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    id: uuid.UUID = Field(primary_key=True)
    comment_id: uuid.UUID = Field(foreign_key="review_comments.id", index=True)
    request_id: uuid.UUID = Field(foreign_key="review_requests.id")
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    by_school: bool
    author_id: uuid.UUID | None = None
    body: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class ReviewSuggestion(Table, table=True):
    """Other words that a reviewer proposes for a range: kept apart from the school's text, whatever becomes of them."""

    __tablename__ = "review_suggestions"
    __table_args__ = (
        CheckConstraint("state in ('open', 'accepted', 'declined')", name="review_suggestions_state"),
        CheckConstraint("(state = 'accepted') = (draft_id is not null)", name="review_suggestions_accepted"),
        UniqueConstraint("review_id", "no", name="review_suggestions_no"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "decline_reason", "draft_id", "decided_at", "updated_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    review_id: uuid.UUID = Field(foreign_key="reviews.id")
    request_id: uuid.UUID = Field(foreign_key="review_requests.id")
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    no: int
    path: str
    start_at: int
    end_at: int
    quoted: str
    replacement: str
    reason: str
    state: str
    decline_reason: str | None = None
    draft_id: uuid.UUID | None = Field(default=None, foreign_key="spec_drafts.id", index=True)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
