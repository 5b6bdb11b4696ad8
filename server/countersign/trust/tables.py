"""Rows of signing keys and status lists. Private to this room."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class SigningKey(Table, table=True):
    """An Ed25519 key of an organization; its private half only ever encrypted (see `keys`)."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        UniqueConstraint("organization_id", "name", name="signing_keys_name"),
        Index(
            "signing_keys_one_in_use",
            "organization_id",
            "algorithm",
            unique=True,
            postgresql_where="retired_at is null and compromised_at is null",
        ),
        CheckConstraint("algorithm = 'ed25519'", name="signing_keys_algorithm"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"retired_at", "compromised_at"})
    __sealed__: ClassVar[frozenset[str]] = frozenset({"wrapped_private", "wrapped_data_key", "wrapped_by"})

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    name: str
    algorithm: str
    public: bytes
    wrapped_private: bytes
    wrapped_data_key: bytes
    wrapped_by: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    compromised_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class DidVersion(Table, table=True):
    """A DID document as it was served from `made_at` until the next version."""

    __tablename__ = "did_versions"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    organization_id: uuid.UUID = Field(primary_key=True, foreign_key="organizations.id")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    body: bytes
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class StatusList(Table, table=True):
    """One bitstring status list of an organization, and the signed form that was last published."""

    __tablename__ = "status_lists"
    __table_args__ = (
        UniqueConstraint("organization_id", "purpose", "number", name="status_lists_number"),
        CheckConstraint("purpose in ('revocation', 'suspension')", name="status_lists_purpose"),
        CheckConstraint("next_slot between 0 and 131072", name="status_lists_next_slot"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"next_slot", "revision", "published", "published_revision", "published_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    purpose: str
    number: int
    next_slot: int
    secret: bytes
    revision: int = Field(sa_type=BigInteger)
    published: bytes | None = None
    published_revision: int | None = Field(default=None, sa_type=BigInteger)
    published_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class StatusEntry(Table, table=True):
    """A place of a status list that was given away; the key makes giving it away twice impossible."""

    __tablename__ = "status_entries"
    __table_args__ = (
        CheckConstraint("idx between 0 and 131071", name="status_entries_idx"),
        Index("status_entries_revoked", "list_id", "idx", postgresql_where="revoked_at is not null"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __updatable__: ClassVar[frozenset[str]] = frozenset({"revoked_at"})

    list_id: uuid.UUID = Field(primary_key=True, foreign_key="status_lists.id")
    idx: int = Field(primary_key=True)
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
