"""Rows of learners, their directory and their consents."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class Learner(Table, table=True):
    """A person who holds awards. `learner_id` comes from the sequence `learner_ids` and is never shown."""

    __tablename__ = "learners"
    __table_args__ = (CheckConstraint("country ~ '^[A-Z]{2}$'", name="learners_country"),)
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __updatable__: ClassVar[frozenset[str]] = frozenset({"full_name", "country", "region"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: uuid.UUID
    full_name: str
    email: str
    country: str
    region: str | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class LearnerDirectory(Table, table=True):
    """Where a learner is, by the SHA-256 of the normalized e-mail address."""

    __tablename__ = "learner_directory"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    lookup_key: bytes = Field(primary_key=True)
    learner_id: int = Field(sa_type=BigInteger)


class Consent(Table, table=True):
    """What a learner allowed for one purpose: from when, until when, and how it was given. Only its end may be set."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("purpose in ('talent_search')", name="consents_purpose"),
        CheckConstraint("method in ('portal', 'file')", name="consents_method"),
        CheckConstraint("expires_at is null or expires_at > granted_at", name="consents_expiry"),
        Index(
            "consents_one_open",
            "learner_id",
            "purpose",
            unique=True,
            postgresql_where="withdrawn_at is null and expires_at is null",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="learners.learner_id")
    id: uuid.UUID = Field(primary_key=True)
    purpose: str
    method: str
    granted_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
