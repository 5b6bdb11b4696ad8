"""Rows of awards and of the files that brought them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Award(Table, table=True):
    """One learner's instance of one spec version.

    `document` is the unsigned credential, stored before it is signed; `credential` the signed one, served as stored.
    Both are sealed, as are the name and the reason of a revocation, whose plain columns of older versions are empty.
    """

    __tablename__ = "awards"
    __table_args__ = (
        CheckConstraint("state in ('issued', 'suspended', 'revoked', 'expired')", name="awards_state"),
        CheckConstraint("mode in ('study', 'prior_learning')", name="awards_mode"),
        CheckConstraint("(state = 'revoked') = (revoked_at is not null)", name="awards_revocation"),
        CheckConstraint("credential is null or document is not null", name="awards_document_first"),
        CheckConstraint("document is null or status_index is not null", name="awards_status_first"),
        CheckConstraint("holder_name is null and revocation_reason is null", name="awards_sealed"),
        Index(
            "awards_one_valid",
            "learner_id",
            "spec_version_id",
            unique=True,
            postgresql_where="state in ('issued', 'suspended')",
        ),
        Index("awards_id", "id"),
        Index("awards_organization", "organization_id", "id"),
        Index(
            "awards_unsigned", "id", postgresql_where="document is not null and credential is null and state = 'issued'"
        ),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __owners__: ClassVar[Mapping[str, Owner]] = {"learner_id": Owner.LEARNER, "organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {
            "state",
            "document",
            "credential",
            "status_list_id",
            "status_index",
            "signed_at",
            "revoked_at",
            "revocation_reason_sealed",
            "holder_name_sealed",
        }
    )
    __personal__: ClassVar[frozenset[str]] = frozenset(
        {"document", "credential", "holder_name_sealed", "revocation_reason_sealed"}
    )

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="learners.learner_id")
    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    holder_name: str | None = None
    holder_name_sealed: bytes | None = None
    """As this school wrote it. What other schools know of the learner under this address is not for this one."""
    state: str
    mode: str
    awarded_on: date
    issued_at: datetime = Field(sa_type=DateTime(timezone=True))
    import_id: uuid.UUID | None = None
    document: bytes | None = None
    credential: bytes | None = None
    status_list_id: uuid.UUID | None = None
    status_index: int | None = None
    signed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revocation_reason: str | None = None
    revocation_reason_sealed: bytes | None = None


class AwardImport(Table, table=True):
    """A file of awards that a school imported: its digest and what came of it."""

    __tablename__ = "award_imports"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    sha256: str
    rows: int
    learners: int
    awards: int
    imported_at: datetime = Field(sa_type=DateTime(timezone=True))
