"""Rows of stacks and their blocks."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class Stack(Table, table=True):
    """A named stack: all of its blocks, then its capstone where it has one."""

    __tablename__ = "stacks"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    handle: str = Field(unique=True)
    title: str
    description: str
    capstone_spec_id: uuid.UUID | None = Field(default=None, foreign_key="specs.id", index=True)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class StackBlock(Table, table=True):
    """One block of a stack; `position` counts from 1."""

    __tablename__ = "stack_blocks"
    __table_args__ = (UniqueConstraint("stack_id", "position", name="stack_blocks_position"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    stack_id: uuid.UUID = Field(primary_key=True, foreign_key="stacks.id")
    spec_id: uuid.UUID = Field(primary_key=True, foreign_key="specs.id", index=True)
    position: int
