"""Rows of vacancy corpora. Private to this room; nothing in them is ever updated or deleted."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class VacancySnapshot(Table, table=True):
    """One file of vacancies of a corpus as it was imported; a newer file of the same corpus is another snapshot."""

    __tablename__ = "vacancy_snapshots"
    __table_args__ = (
        UniqueConstraint("key", "digest", name="vacancy_snapshots_once"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="vacancy_snapshots_digest"),
        CheckConstraint("period_from <= period_to", name="vacancy_snapshots_period"),
        CheckConstraint("vacancies > 0", name="vacancy_snapshots_some"),
        Index("vacancy_snapshots_by_digest", "digest"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    id: uuid.UUID = Field(primary_key=True)
    corpus: str
    key: str
    digest: str
    vacancies: int
    period_from: date
    period_to: date
    region: str
    source: str
    licence: str
    imported_at: datetime = Field(sa_type=DateTime(timezone=True))


class Vacancy(Table, table=True):
    """One vacancy of a snapshot: what it asks to know. Without a day or region of its own it has the snapshot's."""

    __tablename__ = "vacancies"
    __table_args__ = (UniqueConstraint("snapshot_id", "external_id", name="vacancies_once"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    snapshot_id: uuid.UUID = Field(primary_key=True, foreign_key="vacancy_snapshots.id")
    no: int = Field(primary_key=True)
    external_id: str
    terms: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    published_on: date | None = None
    region: str | None = None
