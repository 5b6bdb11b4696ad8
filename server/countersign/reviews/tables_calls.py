"""Rows of open calls for reviewers, and of what organizations say that they review."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Placement, Table
from countersign.reviews.sectors import Sector

_SECTORS: Final = f"sectors <@ array[{', '.join(repr(sector.value) for sector in Sector)}]"


class ReviewOffer(Table, table=True):
    """What an organization says that it reviews; public."""

    __tablename__ = "review_offers"
    __table_args__ = (CheckConstraint(_SECTORS, name="review_offers_sectors"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"skill_ids", "sectors", "updated_at"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", unique=True)
    skill_ids: list[uuid.UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    sectors: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class ReviewCall(Table, table=True):
    """A school looks for reviewers by skill and sector; each place that is taken is a review request."""

    __tablename__ = "review_calls"
    __table_args__ = (
        CheckConstraint("state in ('open', 'closed', 'lapsed')", name="review_calls_state"),
        CheckConstraint("places between 1 and 20", name="review_calls_places"),
        CheckConstraint("not blind or blind_content is not null", name="review_calls_blind"),
        CheckConstraint(_SECTORS, name="review_calls_sectors"),
        Index("review_calls_one_open", "spec_version_id", unique=True, postgresql_where="state = 'open'"),
        Index("review_calls_due", "due_on", postgresql_where="state = 'open'"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "closed_at", "updated_at"})

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    school_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    opened_by: uuid.UUID | None = None
    skill_ids: list[uuid.UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    sectors: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    message: str
    due_on: date
    places: int
    state: str
    blind: bool
    blind_content: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    opened_at: datetime = Field(sa_type=DateTime(timezone=True))
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
