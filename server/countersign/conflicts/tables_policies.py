"""Rows of quorum policies. Private to this room."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, DateTime, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class QuorumPolicyVersion(Table, table=True):
    """A published version of a quorum policy: the platform's (no organization), a school's, or one for one spec of it.

    Nothing in it ever changes: what was co-validated under it is answered by it. Versions of one policy take effect in
    their order. The platform's first version came with the software and is no row (`DEFAULT_POLICY` of `endorsements`).
    """

    __tablename__ = "quorum_policies"
    __table_args__ = (
        UniqueConstraint(
            "organization_id", "spec_id", "number", name="quorum_policies_once", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("spec_id is null or organization_id is not null", name="quorum_policies_scope"),
        CheckConstraint("effective_from >= published_at", name="quorum_policies_forward"),
        CheckConstraint("groups >= 1 and employers >= 0 and agencies >= 0", name="quorum_policies_groups"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organizations.id")
    spec_id: uuid.UUID | None = Field(default=None, foreign_key="specs.id")
    number: int
    groups: int
    employers: int
    agencies: int
    evidence: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    rubric_floor: Decimal | None = Field(default=None, sa_type=Numeric(3, 2))
    criterion_floor: int | None = None
    freshness_days: int | None = None
    four_eyes: bool
    outcomes: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    foreign_counts: bool
    whole_scope: bool
    note: str
    published_by: uuid.UUID | None = None
    published_at: datetime = Field(sa_type=DateTime(timezone=True))
    effective_from: datetime = Field(sa_type=DateTime(timezone=True))
