"""Rows of ownership links. Private to this room."""

from __future__ import annotations

import uuid
from datetime import datetime
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
