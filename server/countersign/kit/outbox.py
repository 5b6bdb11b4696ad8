"""The outbox: events written in the transaction that causes them; a relay tells the world after the commit."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.ids import new_id
from countersign.kit.placement import Placement, Table


class OutboxEvent(Table, table=True):
    """One event: what happened (`topic`) to which public id (`subject`), told or not yet."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_untold", "id", postgresql_where="told_at is null"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"told_at"})

    id: uuid.UUID = Field(primary_key=True)
    topic: str
    subject: str
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    at: datetime = Field(sa_type=DateTime(timezone=True))
    told_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


def event(topic: str, subject: str, payload: dict[str, Any], at: datetime) -> OutboxEvent:
    """A new event; no personal data and no secrets belong in its payload."""
    return OutboxEvent(id=new_id(), topic=topic, subject=subject, payload=payload, at=at)
