"""Rows of the copies that learners have made of their data."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class DataCopy(Table, table=True):
    """A copy of everything that is kept of a learner: a ZIP archive, sealed; gone after a day."""

    __tablename__ = "data_copies"
    __table_args__ = (Index("data_copies_expires_at", "expires_at"),)
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __owners__: ClassVar[Mapping[str, Owner]] = {"learner_id": Owner.LEARNER}
    __deletable__: ClassVar[bool] = True
    # Copies of copies would double each time.
    __secret__: ClassVar[frozenset[str]] = frozenset({"archive_sealed"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger)
    id: uuid.UUID = Field(primary_key=True)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    size: int
    sha256: str
    archive_sealed: bytes
