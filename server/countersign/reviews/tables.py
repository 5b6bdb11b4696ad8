"""Rows of review requests and reviews."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class ReviewRequest(Table, table=True):
    """A school asks one organization to review one version; at most one such question is waiting at a time."""

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
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "claimed_by", "claimed_until", "decline_reason", "closed_at", "updated_at"}
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
    interest: str
    coi_declaration: str
    scores: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    comment: str
    recommendation: str
    decided_at: datetime = Field(sa_type=DateTime(timezone=True))
    voided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
