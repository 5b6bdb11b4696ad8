"""Rows of uploads, of bulk operations and of the files that they leave."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class Upload(Table, table=True):
    """A file that an organization announced, and whether its bytes have come; gone after its time."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("format in ('json_lines', 'csv')", name="uploads_format"),
        CheckConstraint("size > 0", name="uploads_size"),
        Index("uploads_organization", "organization_id"),
        Index("uploads_expires_at", "expires_at"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset({"received_at", "wrapped_key"})
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    person_id: uuid.UUID | None = None
    format: str
    size: int = Field(sa_type=BigInteger)
    sha256: str
    filename: str | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    received_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    wrapped_key: bytes | None = None
    """What the bytes are sealed with, wrapped; without it nobody reads them."""


class UploadChunk(Table, table=True):
    """A piece of an upload's bytes; all of them are written in the transaction that marks the upload as received."""

    __tablename__ = "upload_chunks"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    upload_id: uuid.UUID = Field(primary_key=True, foreign_key="uploads.id")
    number: int = Field(primary_key=True)
    data: bytes


class BulkOperation(Table, table=True):
    """One import or export, from its start to its end: the queue, its progress and its outcome.

    `lease` names the process that works on it; whoever holds another lease writes nothing. `permissions` is what the
    asker must hold, at each page and for whoever fetches a file.
    """

    __tablename__ = "bulk_operations"
    __table_args__ = (
        CheckConstraint("kind in ('import', 'export')", name="bulk_operations_kind"),
        CheckConstraint(
            "state in ('awaiting_approval', 'queued', 'running', 'canceling', 'completed', 'failed', 'canceled',"
            " 'expired')",
            name="bulk_operations_state",
        ),
        CheckConstraint("(kind = 'import') = (upload_id is not null)", name="bulk_operations_upload"),
        CheckConstraint("(kind = 'export') = (document is not null)", name="bulk_operations_document"),
        CheckConstraint(
            "(state in ('completed', 'failed', 'canceled', 'expired')) = (finished_at is not null)",
            name="bulk_operations_finished",
        ),
        Index("bulk_operations_organization", "organization_id", "id"),
        Index("bulk_operations_open", "created_at", postgresql_where="state in ('queued', 'running', 'canceling')"),
        Index("bulk_operations_expires_at", "expires_at", postgresql_where="state <> 'expired'"),
        Index(
            "bulk_operations_shown",
            "shown_learners",
            postgresql_using="gin",
            postgresql_where="shown_learners is not null",
        ),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = {"organization_id": Owner.ORGANIZATION}
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {
            "state",
            "attempts",
            "lease",
            "lease_until",
            "rows_done",
            "rows_total",
            "rows_created",
            "rows_unchanged",
            "row_error_count",
            "first_row_errors",
            "result_bytes",
            "result_sha256",
            "error_bytes",
            "failure_code",
            "failure",
            "started_at",
            "finished_at",
            "expires_at",
            "wrapped_key",
            "shown_learners",
        }
    )

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    person_id: uuid.UUID
    token_id: uuid.UUID | None = None
    login_id: uuid.UUID | None = None
    """The session with which it was asked for, when it was not a token."""
    kind: str
    subject: str
    """What is imported (`awards`), or the field that is exported."""
    state: str = "queued"
    dry_run: bool = False
    format: str
    permissions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    upload_id: uuid.UUID | None = None
    document: str | None = None
    variables: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    attempts: int = 0
    lease: uuid.UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    rows_done: int = 0
    rows_total: int | None = None
    rows_created: int | None = None
    rows_unchanged: int | None = None
    row_error_count: int = 0
    first_row_errors: list[Any] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    result_bytes: int | None = Field(default=None, sa_type=BigInteger)
    result_sha256: str | None = None
    error_bytes: int | None = Field(default=None, sa_type=BigInteger)
    failure_code: str | None = None
    failure: str | None = None
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    started_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    wrapped_key: bytes | None = None
    """What its files are sealed with, wrapped; without it nobody reads them."""
    shown_learners: list[int] | None = Field(default=None, sa_column=Column(ARRAY(BigInteger), nullable=True))
    """The candidates in its file, while there is one: whoever of them withdraws takes it along."""


class BulkChunk(Table, table=True):
    """A piece of a file that a bulk operation made: its `result` or its `errors`."""

    __tablename__ = "bulk_chunks"
    __table_args__ = (CheckConstraint("file in ('result', 'errors')", name="bulk_chunks_file"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    operation_id: uuid.UUID = Field(primary_key=True, foreign_key="bulk_operations.id")
    file: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes
