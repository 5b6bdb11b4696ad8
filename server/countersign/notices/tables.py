"""Rows of notices and of the place up to which the outbox was read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class NoticeCursor(Table, table=True):
    """One row: the number of the last event of which notices were made. It moves in the transaction that makes them."""

    __tablename__ = "notice_cursor"
    __table_args__ = (CheckConstraint("single", name="notice_cursor_one_row"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"sequence"})

    single: bool = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)


class Notice(Table, table=True):
    """What one person in one organization, or one learner, is told of one event.

    `voice` names the sentence, `facts` what stands in it; neither holds personal data.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="notices_one_reader",
        ),
        UniqueConstraint(
            "event_id",
            "organization_id",
            "person_id",
            "learner_id",
            name="notices_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("notices_of_person", "person_id", "organization_id", "at"),
        Index("notices_of_learner", "learner_id", postgresql_where="learner_id is not null"),
        Index("notices_unread", "person_id", "organization_id", postgresql_where="read_at is null and shown"),
        Index("notices_at", "at"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION, "learner_id": Owner.LEARNER}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"read_at"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    event_id: uuid.UUID
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id", index=True)
    person_id: uuid.UUID | None = None
    learner_id: int | None = Field(default=None, sa_type=BigInteger)
    topic: str
    kind: str
    voice: str
    subject: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    shown: bool
    """Whether it is in the inbox; what is wanted by mail alone is not."""
    at: datetime = Field(sa_type=DateTime(timezone=True))
    read_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
