"""Rows of learners, their directory and their consents."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Learner(Table, table=True):
    """A person who holds awards. `learner_id` comes from the sequence `learner_ids` and is never shown.

    Name and address are sealed. The plain columns of older versions are empty, and kept so by a constraint.
    """

    __tablename__ = "learners"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="learners_country"),
        CheckConstraint("full_name is null and email is null", name="learners_sealed"),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __owners__: ClassVar[Mapping[str, Owner]] = {"learner_id": Owner.LEARNER}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"country", "region", "full_name_sealed", "email_sealed", "erased_at"}
    )
    __personal__: ClassVar[frozenset[str]] = frozenset({"full_name_sealed", "email_sealed"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: uuid.UUID
    full_name: str | None = None
    email: str | None = None
    country: str
    region: str | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    full_name_sealed: bytes | None = None
    email_sealed: bytes | None = None
    erased_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class LearnerDirectory(Table, table=True):
    """Where a learner is, by a keyed mark of the normalized e-mail address (`service.directory_key`)."""

    __tablename__ = "learner_directory"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __deletable__: ClassVar[bool] = True
    __secret__: ClassVar[frozenset[str]] = frozenset({"lookup_key"})
    __withheld__: ClassVar[bool] = True

    lookup_key: bytes = Field(primary_key=True)
    learner_id: int = Field(sa_type=BigInteger)


class Consent(Table, table=True):
    """What a learner allowed for one purpose: on which text, from when, until when, how. Only its end may be set.

    `organization_id` is whom `contact_by` names; `text_version` and `language` say which text of the package
    (`texts`) was read. A consent that came as a file, or before there were texts, names none.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint(
            "purpose in ('talent_search', 'contact_by', 'outcome', 'analytics', 'public_profile')",
            name="consents_purpose",
        ),
        CheckConstraint("(purpose = 'contact_by') = (organization_id is not null)", name="consents_organization"),
        CheckConstraint("(text_version is null) = (language is null)", name="consents_text"),
        CheckConstraint("method in ('portal', 'file')", name="consents_method"),
        CheckConstraint("expires_at is null or expires_at > granted_at", name="consents_expiry"),
        Index(
            "consents_one_open_each",
            "learner_id",
            "purpose",
            "organization_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where="withdrawn_at is null and expires_at is null",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __owners__: ClassVar[Mapping[str, Owner]] = {"learner_id": Owner.LEARNER}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="learners.learner_id")
    id: uuid.UUID = Field(primary_key=True)
    purpose: str
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    text_version: str | None = None
    language: str | None = None
    method: str
    granted_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
