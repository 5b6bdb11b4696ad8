"""Rows of organizations, memberships and API tokens."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Text
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


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
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"legal_name", "display_name", "url", "domains", "verification"}
    )

    id: uuid.UUID = Field(primary_key=True)
    kind: str
    handle: str = Field(unique=True)
    legal_name: str
    display_name: str
    country: str
    url: str | None = None
    domains: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    parent_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    control_group: uuid.UUID = Field(index=True)
    verification: str
    fictional: bool
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Membership(Table, table=True):
    """A person's roles in an organization, from and until."""

    __tablename__ = "memberships"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"roles", "valid_until"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    person_id: uuid.UUID = Field(index=True)
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    valid_from: datetime = Field(sa_type=DateTime(timezone=True))
    valid_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ApiToken(Table, table=True):
    """A token of a member acting for an organization, or of a learner acting for themselves."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="api_tokens_one_holder",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"revoked_at"})

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
