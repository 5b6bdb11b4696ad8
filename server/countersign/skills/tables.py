"""Rows of frameworks, skills and labels."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


def _texts() -> Column[list[str]]:
    return Column(ARRAY(Text), nullable=False)


class SkillFramework(Table, table=True):
    """A vocabulary of skills with its terms of use."""

    __tablename__ = "skill_frameworks"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"name", "url", "version", "licence", "attribution"})

    id: uuid.UUID = Field(primary_key=True)
    handle: str = Field(unique=True)
    name: str
    url: str
    version: str | None = None
    licence: str
    attribution: str


class Skill(Table, table=True):
    """One skill, known by its URI; `name` is its framework's preferred label, for lists and orders."""

    __tablename__ = "skills"
    __table_args__ = (CheckConstraint("kind in ('skill', 'knowledge', 'tool')", name="skills_kind"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"name", "kind", "description", "reuse_level", "categories", "keywords", "occupations", "hot", "retired_at"}
    )

    id: uuid.UUID = Field(primary_key=True)
    framework_id: uuid.UUID = Field(foreign_key="skill_frameworks.id", index=True)
    uri: str = Field(unique=True)
    name: str = Field(index=True)
    kind: str | None = None
    description: str | None = None
    reuse_level: str | None = None
    categories: list[str] = Field(sa_column=_texts())
    keywords: list[str] = Field(sa_column=_texts())
    occupations: list[str] = Field(sa_column=_texts())
    hot: bool
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class SkillLabel(Table, table=True):
    """A name of a skill in one language; `folded` is what look-ups compare; `product_made` marks our own words."""

    __tablename__ = "skill_labels"
    __table_args__ = (
        CheckConstraint("kind in ('preferred', 'alias')", name="skill_labels_kind"),
        UniqueConstraint("skill_id", "language", "folded", name="skill_labels_once"),
        Index("skill_labels_preferred", "skill_id", "language", unique=True, postgresql_where="kind = 'preferred'"),
        Index("skill_labels_folded", "folded"),
        Index("skill_labels_alike", "folded", postgresql_using="gin", postgresql_ops={"folded": "gin_trgm_ops"}),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __deletable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    skill_id: uuid.UUID = Field(foreign_key="skills.id")
    language: str
    kind: str
    text: str
    folded: str
    product_made: bool
