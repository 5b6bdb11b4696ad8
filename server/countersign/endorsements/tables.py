"""Rows of endorsements and their evidence."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Endorsement(Table, table=True):
    """One organization's word for one version, with the unsigned document; the signed one is a row of its own.

    `in_force` is when it counted or counts: it opens with the signature and is closed by a renewal, a revocation or
    `valid_until`. No two ranges of one organization and version overlap, not even in the past. What was asked to be
    signed (digest, statement, document, validity) is never updated.
    """

    __tablename__ = "endorsements"
    __table_args__ = (
        CheckConstraint(
            "state in ('signing', 'in_force', 'suspended', 'expired', 'superseded', 'revoked', 'refused')",
            name="endorsements_state",
        ),
        CheckConstraint("(in_force is null) = (state in ('signing', 'refused'))", name="endorsements_in_force"),
        CheckConstraint("valid_from < valid_until", name="endorsements_validity"),
        UniqueConstraint("status_list_id", "status_index", name="endorsements_status_place"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("spec_version_id", "="),
            ("in_force", "&&"),
            name="endorsements_one_in_force",
            where=text("in_force is not null"),
            using="gist",
        ),
        Index(
            "endorsements_one_signing",
            "organization_id",
            "spec_version_id",
            unique=True,
            postgresql_where="state = 'signing'",
        ),
        Index("endorsements_to_sign", "id", postgresql_where="state = 'signing'"),
        Index("endorsements_by_version", "spec_version_id", postgresql_where="state = 'in_force'"),
        Index("endorsements_ending", text("upper(in_force)"), postgresql_where="state = 'in_force'"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {
            "state",
            "in_force",
            "supersedes_id",
            "revoked_at",
            "revocation_reason",
            "refusal",
        }
    )

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    signatory_id: uuid.UUID
    digest: str
    state: str
    statement: str
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_until: datetime = Field(sa_type=DateTime(timezone=True))
    in_force: Any = Field(default=None, sa_column=Column(TSTZRANGE, nullable=True))
    supersedes_id: uuid.UUID | None = Field(default=None, foreign_key="endorsements.id")
    document: bytes
    status_list_id: uuid.UUID = Field(foreign_key="status_lists.id")
    status_index: int
    requested_at: datetime = Field(sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revocation_reason: str | None = None
    refusal: str | None = None
    outcome_keys: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """The learning outcomes that it is about; null for the whole specification."""
    disclosures: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """The ties to the school that were found and are signed with it: tie, outcome, words."""
    counts: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    """Whether it counts to a quorum, as it was found with its ties."""


class EndorsementSignature(Table, table=True):
    """The signed credential, made once: there is nothing in it that the application's role may update or delete."""

    __tablename__ = "endorsement_signatures"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    endorsement_id: uuid.UUID = Field(primary_key=True, foreign_key="endorsements.id")
    credential: bytes
    signed_at: datetime = Field(sa_type=DateTime(timezone=True))
    signatory_roles: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """The signatory's roles at that moment; null in rows that are older than the column."""
    rubric_mean: Decimal | None = Field(default=None, sa_type=Numeric(4, 3))
    """The mean of the endorser's own scores of the version when it signed, and the least of them; null without any."""
    rubric_least: int | None = None


class EndorsementEvidence(Table, table=True):
    """One piece of evidence: its kind, the sentence that is signed, and the structured record behind it."""

    __tablename__ = "endorsement_evidence"
    __table_args__ = (UniqueConstraint("endorsement_id", "no", name="endorsement_evidence_no"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    endorsement_id: uuid.UUID = Field(foreign_key="endorsements.id")
    no: int
    kind: str
    narrative: str
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class EndorsementAttachment(Table, table=True):
    """A file behind an endorsement: its name and digest are signed."""

    __tablename__ = "endorsement_attachments"
    __table_args__ = (Index("endorsement_attachments_by_file", "attachment_id"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    endorsement_id: uuid.UUID = Field(primary_key=True, foreign_key="endorsements.id")
    no: int = Field(primary_key=True)
    attachment_id: uuid.UUID = Field(foreign_key="attachments.id")


class EndorsementSuspension(Table, table=True):
    """A time in which an endorsement was paused, with the reason; open while `resumed_at` is null."""

    __tablename__ = "endorsement_suspensions"
    __table_args__ = (
        Index("endorsement_suspensions_one_open", "endorsement_id", unique=True, postgresql_where="resumed_at is null"),
        Index("endorsement_suspensions_of", "endorsement_id", "suspended_at"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"resumed_at", "reason"})
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    endorsement_id: uuid.UUID = Field(foreign_key="endorsements.id")
    reason: str
    suspended_at: datetime = Field(sa_type=DateTime(timezone=True))
    resumed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EndorsementProposal(Table, table=True):
    """What a person of the endorser would have it say, until somebody with signing authority signs or refuses it.

    Its words never change: another text is another proposal. At most one of a version waits in an organization.
    """

    __tablename__ = "endorsement_proposals"
    __table_args__ = (
        CheckConstraint(
            "state in ('proposed', 'approved', 'signing', 'refused', 'withdrawn')", name="endorsement_proposals_state"
        ),
        CheckConstraint(
            "(state = 'signing') = (endorsement_id is not null)", name="endorsement_proposals_became_an_endorsement"
        ),
        Index(
            "endorsement_proposals_one_open",
            "organization_id",
            "spec_version_id",
            unique=True,
            postgresql_where="state in ('proposed', 'approved')",
        ),
        Index("endorsement_proposals_organization", "organization_id", "id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "approved_by", "approved_at", "closed_at", "refusal", "endorsement_id"}
    )

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id", index=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    digest: str
    state: str
    statement: str
    evidence: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    attachment_ids: list[uuid.UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    outcome_keys: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    valid_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    proposed_by: uuid.UUID
    proposed_at: datetime = Field(sa_type=DateTime(timezone=True))
    approved_by: uuid.UUID | None = None
    approved_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    refusal: str | None = None
    endorsement_id: uuid.UUID | None = Field(default=None, foreign_key="endorsements.id", unique=True)


class StatementSuggestion(Table, table=True):
    """Words that a school would like an endorser to say: never the endorser's, and kept apart from what is signed."""

    __tablename__ = "statement_suggestions"
    __table_args__ = (
        Index(
            "statement_suggestions_one_standing",
            "spec_version_id",
            "organization_id",
            unique=True,
            postgresql_where="withdrawn_at is null",
        ),
        Index("statement_suggestions_organization", "organization_id", "id"),
        Index("statement_suggestions_school", "school_id", "id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at"})

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    body: str
    suggested_by: uuid.UUID | None = None
    suggested_at: datetime = Field(sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EndorsementHiding(Table, table=True):
    """A time in which a school did not show an endorsement on its page; open while `shown_at` is null."""

    __tablename__ = "endorsement_hidings"
    __table_args__ = (
        Index("endorsement_hidings_one_open", "endorsement_id", unique=True, postgresql_where="shown_at is null"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"shown_at"})

    id: uuid.UUID = Field(primary_key=True)
    endorsement_id: uuid.UUID = Field(foreign_key="endorsements.id")
    hidden_by: uuid.UUID | None = None
    hidden_at: datetime = Field(sa_type=DateTime(timezone=True))
    shown_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EndorsementReminder(Table, table=True):
    """That the end of an endorsement was told so many days before; zero days: that it is over. Each once."""

    __tablename__ = "endorsement_reminders"
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    endorsement_id: uuid.UUID = Field(primary_key=True, foreign_key="endorsements.id")
    days: int = Field(primary_key=True)
    told_at: datetime = Field(sa_type=DateTime(timezone=True))


class CoValidationStanding(Table, table=True):
    """What was last found of a version that somebody endorsed, up to when, and when to look again.

    It answers no question: that is worked out anew each time. It is for telling of a turn once. Turns before
    `told_from` are written down and not told: they are older than the row.
    """

    __tablename__ = "co_validation_standings"
    __table_args__ = (
        Index("co_validation_standings_due", "next_at", postgresql_where="next_at is not null"),
        Index("co_validation_standings_by_age", "settled_at"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"co_validated", "turns", "settled_at", "next_at"})

    spec_version_id: uuid.UUID = Field(primary_key=True, foreign_key="spec_versions.id")
    co_validated: bool
    turns: int
    settled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    next_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    told_from: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class CoValidationTurn(Table, table=True):
    """One rise or fall of a version, numbered: the row that makes its event one event. Never changed."""

    __tablename__ = "co_validation_turns"
    __table_args__ = (UniqueConstraint("spec_version_id", "number", name="co_validation_turns_once"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    number: int
    co_validated: bool
    at: datetime = Field(sa_type=DateTime(timezone=True))
    noticed_at: datetime = Field(sa_type=DateTime(timezone=True))


class ForeignEndorsement(Table, table=True):
    """An endorsement that was made elsewhere, byte for byte, with what was found of it when a school imported it."""

    __tablename__ = "foreign_endorsements"
    __table_args__ = (
        UniqueConstraint("spec_version_id", "sha256", name="foreign_endorsements_once"),
        CheckConstraint(
            "format in ('open_badges_3', 'open_badges_3_jwt', 'open_badges_2')", name="foreign_endorsements_format"
        ),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at"})

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    imported_by: uuid.UUID | None = None
    format: str
    issuer_id: str
    issuer_name: str | None = None
    statement: str
    source: str
    sha256: str
    document: bytes
    findings: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    verified: bool
    valid_from: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    valid_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    imported_at: datetime = Field(sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class RecognizedIssuer(Table, table=True):
    """An issuer elsewhere of whom the operator knows who it is."""

    __tablename__ = "recognized_issuers"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __deletable__: ClassVar[bool] = True

    id: str = Field(primary_key=True)
    name: str
    recognized_at: datetime = Field(sa_type=DateTime(timezone=True))
