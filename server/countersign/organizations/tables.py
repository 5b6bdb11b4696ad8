"""Rows of organizations, memberships and API tokens."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Organization(Table, table=True):
    """A school, an employer, an agency, or the platform itself."""

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("kind in ('school', 'employer', 'agency', 'platform')", name="organizations_kind"),
        CheckConstraint(
            "verification in ('unverified', 'domain_verified', 'verified', 'suspended')",
            name="organizations_verification",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"legal_name", "display_name", "url", "domains", "verification", "control_group"}
    )

    id: uuid.UUID = Field(primary_key=True)
    kind: str
    handle: str = Field(unique=True)
    legal_name: str
    display_name: str
    country: str
    url: str | None = None
    domains: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    parent_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id", index=True)
    control_group: uuid.UUID = Field(index=True)
    verification: str
    fictional: bool
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Membership(Table, table=True):
    """A person's roles in an organization, from and until; one person has at most one that has no end."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "memberships_one_standing",
            "organization_id",
            "person_id",
            unique=True,
            postgresql_where="valid_until is null",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"roles", "valid_until", "updated_at", "signing_until"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    person_id: uuid.UUID = Field(index=True)
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    updated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When its roles last changed; null in rows that nothing has touched since they were made."""
    signing_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """Until when the role of signatory counts, or counted; null for as long as the membership."""


class SigningReminder(Table, table=True):
    """That the end of a member's signing authority was told so many days before, each once for that end."""

    __tablename__ = "signing_reminders"
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    membership_id: uuid.UUID = Field(primary_key=True, foreign_key="memberships.id")
    until: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    days: int = Field(primary_key=True)
    told_at: datetime = Field(sa_type=DateTime(timezone=True))


class Invitation(Table, table=True):
    """An offer of roles in an organization to whoever has one address; of the address only its digest is kept."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="invitations_expiry"),
        CheckConstraint("accepted_at is null or membership_id is not null", name="invitations_accepted"),
        CheckConstraint("accepted_at is null or withdrawn_at is null", name="invitations_one_end"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"accepted_at", "membership_id", "withdrawn_at"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    address_sha256: bytes
    secret_sha256: bytes = Field(unique=True)
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    invited_by: uuid.UUID | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    accepted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    membership_id: uuid.UUID | None = Field(default=None, foreign_key="memberships.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ApiToken(Table, table=True):
    """A token of a member acting for an organization, or of a learner acting for themselves."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="api_tokens_one_holder",
        ),
        CheckConstraint(
            "revoked_because in ('revoked', 'leaked', 'rolled', 'membership_ended')", name="api_tokens_revoked_because"
        ),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION, "learner_id": Owner.LEARNER}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"expires_at", "revoked_at", "revoked_because"})
    __secret__: ClassVar[frozenset[str]] = frozenset({"sha256"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id", index=True)
    person_id: uuid.UUID | None = None
    learner_id: int | None = Field(default=None, sa_type=BigInteger)
    name: str
    prefix: str
    last4: str
    sha256: bytes = Field(unique=True)
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_because: str | None = None
    networks: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """Networks (CIDR) from which alone it is good; null for everywhere."""
    replaces_id: uuid.UUID | None = Field(default=None, foreign_key="api_tokens.id", unique=True)


class TokenUse(Table, table=True):
    """When a token was last used, to the minute; a table of its own, so that no use rewrites a token."""

    __tablename__ = "token_uses"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"last_used_at"})

    token_id: uuid.UUID = Field(primary_key=True)
    last_used_at: datetime = Field(sa_type=DateTime(timezone=True))


class OrganizationDomain(Table, table=True):
    """A domain that an organization says is its own, and what came of asking the domain itself.

    `challenge` is what the domain must say: in a TXT record or in a file. `check_due_at` is when it is asked next.
    """

    __tablename__ = "organization_domains"
    __table_args__ = (
        UniqueConstraint("organization_id", "domain", name="organization_domains_once"),
        CheckConstraint("state in ('pending', 'verified', 'lost', 'withdrawn')", name="organization_domains_state"),
        CheckConstraint("method in ('dns', 'file')", name="organization_domains_method"),
        CheckConstraint("state <> 'verified' or proved_at is not null", name="organization_domains_proved"),
        Index("organization_domains_due", "check_due_at", postgresql_where="check_due_at is not null"),
        Index("organization_domains_verified", "domain", postgresql_where="state = 'verified'"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"state", "method", "requested_at", "check_due_at", "checked_at", "proved_at", "absences", "finding"}
    )

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    domain: str
    challenge: str
    state: str
    method: str | None = None
    requested_at: datetime = Field(sa_type=DateTime(timezone=True))
    check_due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    checked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    proved_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    absences: int = 0
    finding: str | None = None


class Approval(Table, table=True):
    """What one person proposes and another must approve; `proposed_by` is null when the operator did."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(
            "action in ('add_signing_key', 'mark_key_compromised', 'bulk_export')", name="approvals_action"
        ),
        CheckConstraint("state in ('proposed', 'approved', 'rejected', 'expired')", name="approvals_state"),
        CheckConstraint("proposed_by is distinct from decided_by or state <> 'approved'", name="approvals_two_persons"),
        Index("approvals_organization", "organization_id", "id"),
        Index(
            "approvals_one_open",
            "organization_id",
            "action",
            "object",
            unique=True,
            postgresql_where="state = 'proposed'",
        ),
        Index("approvals_lapsing", "expires_at", postgresql_where="state = 'proposed'"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "decided_by", "decided_at", "reason"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    action: str
    object: str
    parameters: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    motive: str
    state: str
    proposed_by: uuid.UUID | None = None
    proposed_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    decided_by: uuid.UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reason: str | None = None


class OrganizationSuspension(Table, table=True):
    """A time in which an organization had no authority, with the operator's reason; `before` is what it was."""

    __tablename__ = "organization_suspensions"
    __table_args__ = (
        Index(
            "organization_suspensions_one_open", "organization_id", unique=True, postgresql_where="resumed_at is null"
        ),
        Index("organization_suspensions_until", "resumed_at", "suspended_at"),
        Index("organization_suspensions_of", "organization_id", "suspended_at"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"resumed_at"})
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    reason: str
    before: str
    suspended_at: datetime = Field(sa_type=DateTime(timezone=True))
    resumed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class FormerControlGroup(Table, table=True):
    """The control group that an organization left at `until`; where it is now stands in its own row."""

    __tablename__ = "former_control_groups"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    organization_id: uuid.UUID = Field(primary_key=True, foreign_key="organizations.id")
    until: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    control_group: uuid.UUID
