"""Rows of the candidate index: who may be found, what they hold, who saw whom."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index
from sqlmodel import Column, Field

from countersign.kit.placement import Owner, Placement, Table


class CandidateSearch(Table, table=True):
    """A learner whose consent to be found stands; searchable facts only. Without consent there is no row."""

    __tablename__ = "candidate_search"
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"region", "country", "consent_expires_at", "updated_at"})
    __deletable__: ClassVar[bool] = True

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    region: str | None = None
    country: str
    consent_expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))


class CandidateAward(Table, table=True):
    """A posting: a valid award of a learner who may be found. The foreign key takes it away with the consent.

    No foreign key to the version: the award has it, and a posting is written from the award.
    """

    __tablename__ = "candidate_award"
    __table_args__ = (
        Index("candidate_award_version", "spec_version_id", "learner_id", postgresql_include=["awarded_on"]),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __searchable__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    learner_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("candidate_search.learner_id", ondelete="CASCADE"), primary_key=True)
    )
    award_id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID
    spec_id: uuid.UUID
    awarded_on: date


class CandidateView(Table, table=True):
    """An organization saw a learner on a day (UTC): written before the answer leaves."""

    __tablename__ = "candidate_views"
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __owners__: ClassVar[Mapping[str, Owner]] = {"learner_id": Owner.LEARNER}

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    organization_id: uuid.UUID = Field(primary_key=True, foreign_key="organizations.id")
    viewed_on: date = Field(primary_key=True)
    first_viewed_at: datetime = Field(sa_type=DateTime(timezone=True))
    purpose: str


class RevealQuota(Table, table=True):
    """How many distinct learners an organization has seen on a day (UTC)."""

    __tablename__ = "reveal_quotas"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"used"})

    organization_id: uuid.UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    used: int
