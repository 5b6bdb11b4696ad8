"""Rows of the transparency log. Private to this room."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class LogLeaf(Table, table=True):
    """One leaf: the event that it is of, its place in the event's stream, and the bytes that are hashed and published.

    `salt` hides the event's digest, `content_salt` that of what was signed; the second is forgotten when a learner is
    erased.
    """

    __tablename__ = "log_leaves"
    __table_args__ = (
        UniqueConstraint("event_id", name="log_leaves_event"),
        UniqueConstraint("stream_key", "seq", name="log_leaves_stream"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"content_salt"})

    index: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    event_id: uuid.UUID
    stream_key: str
    at: datetime = Field(sa_type=DateTime(timezone=True))
    seq: int = Field(sa_type=BigInteger)
    previous: bytes | None = None
    salt: bytes
    content_salt: bytes | None = None
    data: bytes
    hash: bytes


class LogNode(Table, table=True):
    """The root of 256 leaves (level 8), of 256 such (level 16), and so on."""

    __tablename__ = "log_nodes"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    index: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hash: bytes


class LogCheckpoint(Table, table=True):
    """A signed note over the first `size` leaves, as it was published; numbered, so that none can be left out."""

    __tablename__ = "log_checkpoints"
    __table_args__ = (UniqueConstraint("size", name="log_checkpoints_size"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL

    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    note: str


class LogHead(Table, table=True):
    """How far the log has come: its leaves, and the transaction before which everything is in it.

    Its only row is the sequencer's lock.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("single", name="log_head_one_row"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"size", "watermark"})

    single: bool = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    watermark: int = Field(sa_type=BigInteger)
