"""Rows of awards and of the files that brought them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKeyConstraint, Index
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
            "held_back",
            "claimed_at",
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
    held_back: bool = False
    """Whether it waits for its own claim: its learner has an account, which has not shown that this award is theirs."""
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ClaimFactor(Table, table=True):
    """What the school's roster knows beside the address, kept as a mark: whoever claims the award must know it too."""

    __tablename__ = "claim_factors"
    __table_args__ = (
        CheckConstraint("kind in ('birth_year', 'student_number')", name="claim_factors_kind"),
        ForeignKeyConstraint(["learner_id", "award_id"], ["awards.learner_id", "awards.id"]),
    )
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __updatable__: ClassVar[frozenset[str]] = frozenset({"kind", "salt", "mark"})
    __deletable__: ClassVar[bool] = True
    __secret__: ClassVar[frozenset[str]] = frozenset({"salt", "mark"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger)
    award_id: uuid.UUID = Field(primary_key=True)
    kind: str
    salt: bytes
    mark: bytes


class ClaimLink(Table, table=True):
    """A one-time link to an award, as the SHA-256 of its text; a new one for the same award withdraws it."""

    __tablename__ = "claim_links"
    __table_args__ = (
        Index(
            "claim_links_one_open",
            "learner_id",
            "award_id",
            unique=True,
            postgresql_where="used_at is null and withdrawn_at is null",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"attempts", "used_at", "withdrawn_at"})
    __deletable__: ClassVar[bool] = True
    __secret__: ClassVar[frozenset[str]] = frozenset({"sha256"})

    sha256: bytes = Field(primary_key=True)
    learner_id: int = Field(sa_type=BigInteger)
    award_id: uuid.UUID
    attempts: int
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    used_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ClaimFailures(Table, table=True):
    """How often an account tried to claim in vain on a day (UTC), over all links."""

    __tablename__ = "claim_failures"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"tries"})

    account_id: uuid.UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    tries: int


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
