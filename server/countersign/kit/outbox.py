"""The outbox: events written in the transaction that causes them, numbered by the relay after the commit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Protocol

import asyncpg
from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.errors import Code, Refusal
from countersign.kit.ids import new_id, parse_public_id, public_id
from countersign.kit.placement import Placement, Table

CHANNEL: Final = "countersign_outbox"
"""Where the relay says that it has numbered events: a wake-up, nothing more."""
KEPT: Final = timedelta(days=7)
TAG: Final = "event"
VERSION_OF_IDS: Final = 7


class Reader(Protocol):
    """What reading the outbox needs."""

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""


class OutboxEvent(Table, table=True):
    """One event: what happened (`topic`) to which public id (`subject`); its number, once the relay has told it."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_untold", "id", postgresql_where="told_at is null"),
        Index("outbox_sequence", "sequence", unique=True),
        Index("outbox_told", "told_at"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"sequence", "told_at"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    topic: str
    subject: str
    payload: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    at: datetime = Field(sa_type=DateTime(timezone=True))
    told_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    sequence: int | None = Field(default=None, sa_type=BigInteger)


class OutboxHead(Table, table=True):
    """One row: the last number that was given, and which process gives numbers until when."""

    __tablename__ = "outbox_head"
    __table_args__ = (CheckConstraint("single", name="outbox_head_one_row"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"sequence", "holder", "lease_until"})

    single: bool = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    holder: uuid.UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EventExpired(Refusal):
    """Events are kept for {days} days and this one is older: read what is, then subscribe without sinceEventId."""

    code = Code.INVALID


class EventUnknown(Refusal):
    """There is no event of this id."""

    code = Code.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its number."""

    sequence: int
    id: uuid.UUID
    topic: str
    subject: str
    payload: dict[str, Any]
    at: datetime

    @property
    def public_id(self) -> str:
        """The id by which clients name the event."""
        return public_id(TAG, self.id)


def event(topic: str, subject: str, payload: Mapping[str, object], at: datetime) -> OutboxEvent:
    """A new event; no personal data and no secrets belong in its payload."""
    return OutboxEvent(id=new_id(), topic=topic, subject=subject, payload=dict(payload), at=at)


async def head(reader: Reader) -> int:
    """The last number that the relay gave; 0 before the first."""
    found: int | None = await reader.fetchval("select sequence from outbox_head")
    return found or 0


async def after(reader: Reader, sequence: int, until: int, limit: int) -> Sequence[Told]:
    """The events whose numbers are above `sequence` and at most `until`, in order; the first `limit`."""
    rows = await reader.fetch(
        "select sequence, id, topic, subject, payload, at from outbox"
        " where sequence > $1 and sequence <= $2 order by sequence limit $3",
        sequence,
        until,
        limit,
    )
    return [Told(**row) for row in rows]


async def sequence_of(reader: Reader, text: str) -> int:
    """The number of an event by its public id. Raises EventExpired, EventUnknown."""
    found = parse_public_id(text)
    if found is None or found[0] != TAG:
        raise EventUnknown
    sequence: int | None = await reader.fetchval("select sequence from outbox where id = $1", found[1])
    if sequence is not None:
        return sequence
    # An id tells when it was made (RFC 9562, section 5.7), so that an old one is known for what it is.
    made = datetime.fromtimestamp((found[1].int >> 80) / 1000, UTC) if found[1].version == VERSION_OF_IDS else None
    raise EventExpired(days=KEPT.days) if made is not None and made < datetime.now(UTC) - KEPT else EventUnknown
