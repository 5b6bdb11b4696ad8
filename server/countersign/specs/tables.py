"""Rows of specifications, drafts, versions, their skills and readers, and listings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Spec(Table, table=True):
    """A credential of a school over all its versions; `revised_at` is when a version was last submitted."""

    __tablename__ = "specs"
    __table_args__ = (CheckConstraint("kind in ('block', 'capstone', 'diploma')", name="specs_kind"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"revised_at"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    slug: str = Field(unique=True)
    kind: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    revised_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class SpecVersion(Table, table=True):
    """A frozen version. The application's role may change its state and dates, never what was signed."""

    __tablename__ = "spec_versions"
    __table_args__ = (
        UniqueConstraint("spec_id", "semver", name="spec_versions_semver_once"),
        CheckConstraint(
            "state in ('submitted', 'in_review', 'published', 'deprecated', 'retired', 'withdrawn')",
            name="spec_versions_state",
        ),
        CheckConstraint("change_class in ('material', 'editorial')", name="spec_versions_change_class"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="spec_versions_digest"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "published_at", "deprecated_at", "retired_at", "withdrawn_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    spec_id: uuid.UUID = Field(foreign_key="specs.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    semver: str
    ordinal: int = Field(sa_type=BigInteger)
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    title: str | None = Field(default=None, sa_column=Column(Text, Computed("content->>'title'", persisted=True)))
    """Made by PostgreSQL of the content: whoever lists versions need not open all that they say."""
    achievement: bytes
    spec_json: bytes
    digest: str = Field(unique=True)
    gaps: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    previous_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id")
    change_class: str | None = None
    changed: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str
    submitted_at: datetime = Field(sa_type=DateTime(timezone=True))
    published_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    deprecated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class SpecDraft(Table, table=True):
    """What a school is writing; `version_id` is set when it was submitted, and then it is not edited any more."""

    __tablename__ = "spec_drafts"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"content", "gaps", "revision", "updated_at", "version_id"})

    id: uuid.UUID = Field(primary_key=True)
    spec_id: uuid.UUID = Field(foreign_key="specs.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    base_version_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id")
    listing_id: uuid.UUID | None = Field(default=None, foreign_key="listings.id")
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    gaps: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    revision: int
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    version_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id")


class SpecVersionSkill(Table, table=True):
    """A skill that a version is aligned with."""

    __tablename__ = "spec_version_skills"
    __table_args__ = (Index("spec_version_skills_by_skill", "skill_id", "spec_version_id"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    spec_version_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_versions.id")
    skill_id: uuid.UUID = Field(primary_key=True, foreign_key="skills.id")


class SpecVersionDiff(Table, table=True):
    """What differs between two versions of a specification, the earlier first; worked out when the later was submitted.

    It is what is shown, by the published table in force (`comparing.fill` classes anew when there is another). Whatever
    decides on trust compares the two frozen contents anew.
    """

    __tablename__ = "spec_version_diffs"
    __table_args__ = (
        Index("spec_version_diffs_to", "to_id"),
        CheckConstraint("change_class in ('material', 'editorial')", name="spec_version_diffs_change_class"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    __updatable__: ClassVar[frozenset[str]] = frozenset({"table_version", "change_class", "sections", "changes"})

    from_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_versions.id")
    to_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_versions.id")
    table_version: int
    change_class: str | None = None
    sections: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    changes: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))


class SpecVersionReader(Table, table=True):
    """An organization that was asked to review a version, and may read it before it is published."""

    __tablename__ = "spec_version_readers"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True  # the title of a spec is that of the newest version that one may read

    spec_version_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_versions.id")
    organization_id: uuid.UUID = Field(primary_key=True, foreign_key="organizations.id")


class Listing(Table, table=True):
    """A real catalogue entry as imported: listed, not validated. `provider` is text, not one of our organizations."""

    __tablename__ = "listings"
    __table_args__ = (UniqueConstraint("source", "external_id", name="listings_once"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"provider", "place", "country", "title", "description", "features", "prerequisites", "field_code"}
        | {"field_of_study", "workload_hours", "length", "price", "currency", "award", "industry_credential"}
        | {"accreditation", "listed_on", "gaps"}
    )

    id: uuid.UUID = Field(primary_key=True)
    source: str
    external_id: str
    provider: str
    place: str | None = None
    country: str
    title: str = Field(index=True)
    description: str
    features: str | None = None
    prerequisites: str | None = None
    field_code: str | None = None
    field_of_study: str | None = None
    workload_hours: Decimal | None = Field(default=None, sa_type=Numeric(8, 2))
    length: str | None = None
    price: Decimal | None = Field(default=None, sa_type=Numeric(12, 2))
    currency: str | None = None
    award: str | None = None
    industry_credential: str | None = None
    accreditation: str | None = None
    listed_on: date | None = None
    gaps: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    imported_at: datetime = Field(sa_type=DateTime(timezone=True))
