"""Rows of ownership links. Private to this room."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class OwnershipLink(Table, table=True):
    """One organization holds another, or both have the same owner; `declared_by` is null when the operator knows it."""

    __tablename__ = "ownership_links"
    __table_args__ = (
        CheckConstraint("kind in ('controls', 'same_owner')", name="ownership_links_kind"),
        CheckConstraint("state in ('declared', 'confirmed', 'ended')", name="ownership_links_state"),
        CheckConstraint("holder_id <> held_id", name="ownership_links_two"),
        Index(
            "ownership_links_once",
            "holder_id",
            "held_id",
            "kind",
            unique=True,
            postgresql_where="state in ('declared', 'confirmed')",
        ),
        Index("ownership_links_held", "held_id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "confirmed_at", "ended_at"})

    id: uuid.UUID = Field(primary_key=True)
    holder_id: uuid.UUID = Field(foreign_key="organizations.id")
    held_id: uuid.UUID = Field(foreign_key="organizations.id")
    kind: str
    state: str
    declared_by: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    declared_at: datetime = Field(sa_type=DateTime(timezone=True))
    confirmed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EndorsementEdge(Table, table=True):
    """Who signed for whom and when, written with the signature: what rings are found in. It is never changed."""

    __tablename__ = "endorsement_edges"
    __table_args__ = (
        Index("endorsement_edges_given", "endorser_id", "signed_at"),
        Index("endorsement_edges_taken", "school_id", "signed_at"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    endorsement_id: uuid.UUID = Field(primary_key=True)
    endorser_id: uuid.UUID = Field(foreign_key="organizations.id")
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    signed_at: datetime = Field(sa_type=DateTime(timezone=True))


class ToolMaker(Table, table=True):
    """An organization makes a tool; `declared_by` is null when the operator knows it."""

    __tablename__ = "tool_makers"
    __table_args__ = (
        Index("tool_makers_once", "organization_id", "key", unique=True, postgresql_where="ended_at is null"),
        Index("tool_makers_of", "organization_id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"ended_at"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    name: str
    key: str
    declared_by: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    declared_at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Sponsorship(Table, table=True):
    """One organization pays another, in a period; one of the two, or the operator (`declared_by` null), says so."""

    __tablename__ = "sponsorships"
    __table_args__ = (
        CheckConstraint("sponsor_id <> sponsored_id", name="sponsorships_two"),
        CheckConstraint("until is null or until >= since", name="sponsorships_period"),
        Index("sponsorships_sponsor", "sponsor_id"),
        Index("sponsorships_sponsored", "sponsored_id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"until"})

    id: uuid.UUID = Field(primary_key=True)
    sponsor_id: uuid.UUID = Field(foreign_key="organizations.id")
    sponsored_id: uuid.UUID = Field(foreign_key="organizations.id")
    since: date
    until: date | None = None
    declared_by: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    declared_at: datetime = Field(sa_type=DateTime(timezone=True))


class DisclosedInterest(Table, table=True):
    """A reviewer of an organization has disclosed an interest in a version; withdrawn when that review is voided."""

    __tablename__ = "disclosed_interests"
    __table_args__ = (Index("disclosed_interests_of", "spec_version_id", "organization_id"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"withdrawn_at"})

    review_id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    disclosed_at: datetime = Field(sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
