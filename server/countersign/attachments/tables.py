"""Rows of attachments and their files."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class Attachment(Table, table=True):
    """A file that an organization announced: its name, and the size and digest of the bytes that are to come."""

    __tablename__ = "attachments"
    __table_args__ = (
        CheckConstraint("size > 0", name="attachments_size"),
        Index("attachments_organization", "organization_id", "id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"used_at"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    person_id: uuid.UUID
    filename: str
    size: int
    sha256: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    used_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When something was signed with it; from then on it is kept for good."""


class AttachmentFile(Table, table=True):
    """The bytes of an attachment as they are handed out, with what they are; never changed."""

    __tablename__ = "attachment_files"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __deletable__: ClassVar[bool] = True

    attachment_id: uuid.UUID = Field(primary_key=True, foreign_key="attachments.id")
    media_type: str
    name: str
    data: bytes
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
