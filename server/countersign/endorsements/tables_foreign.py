"""Rows of looks at endorsements from elsewhere: each look that found something new, and when the next one is due."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class ForeignCheck(Table, table=True):
    """What was found of an endorsement from elsewhere at one look, and who was asked; never changed.

    Before the first one the endorsement itself holds what was found when it was imported. `fetched` names each address
    with the digest of what it answered, or why it gave nothing.
    """

    __tablename__ = "foreign_checks"
    __table_args__ = (Index("foreign_checks_by_time", "foreign_endorsement_id", "checked_at"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    foreign_endorsement_id: uuid.UUID = Field(foreign_key="foreign_endorsements.id")
    asked_by: uuid.UUID | None = None
    checked_at: datetime = Field(sa_type=DateTime(timezone=True))
    findings: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    fetched: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    verified: bool


class ForeignWatch(Table, table=True):
    """When an endorsement from elsewhere was last looked at, when all of it last passed, and when the next look is due.

    `looked_at` is when somebody last began to ask, `checked_at` when there last was an answer; `asked_by` who wants the
    next look.
    """

    __tablename__ = "foreign_watches"
    __table_args__ = (Index("foreign_watches_due", "check_due_at"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"check_due_at", "asked_by", "looked_at", "checked_at", "proved_at"}
    )

    foreign_endorsement_id: uuid.UUID = Field(primary_key=True, foreign_key="foreign_endorsements.id")
    check_due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    asked_by: uuid.UUID | None = None
    looked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    checked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    proved_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
