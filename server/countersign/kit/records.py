"""Which records of learners are of one person. It stands here because the database's own policies ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Protocol

import asyncpg
from sqlalchemy import BigInteger, CheckConstraint, DateTime
from sqlmodel import Field

from countersign.kit.placement import Placement, Table


class LearnerMerge(Table, table=True):
    """A record that was found to be of the same person as a main one. Everything stays under the record's number."""

    __tablename__ = "learner_merges"
    __table_args__ = (CheckConstraint("main_id <> learner_id", name="learner_merges_other"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __updatable__: ClassVar[frozenset[str]] = frozenset({"main_id"})
    __deletable__: ClassVar[bool] = True

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    main_id: int = Field(sa_type=BigInteger, index=True)
    merged_at: datetime = Field(sa_type=DateTime(timezone=True))


class Transaction(Protocol):
    """What this module needs of a transaction (`kit.db.Tx`)."""

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement."""

    async def now(self) -> datetime:
        """The transaction's time."""


async def main_of(tx: Transaction, learner_id: int) -> int:
    """The record that stands for the person; the same one when it was never merged."""
    rows = await tx.fetch("select main_id from learner_merges where learner_id = $1", learner_id)
    return int(rows[0]["main_id"]) if rows else learner_id


async def all_of(tx: Transaction, learner_id: int) -> list[int]:
    """Every record of the person whose main record this is, the main one first."""
    rows = await tx.fetch("select learner_id from learner_merges where main_id = $1 order by learner_id", learner_id)
    return [learner_id, *(r["learner_id"] for r in rows)]


async def merge(tx: Transaction, record: int, main: int) -> None:
    """Let a record, and whatever was merged into it, be of the person of another one."""
    await tx.execute("update learner_merges set main_id = $2 where main_id = $1", record, main)
    await tx.execute(
        "insert into learner_merges (learner_id, main_id, merged_at) values ($1, $2, $3)", record, main, await tx.now()
    )


async def part(tx: Transaction, learner_ids: Iterable[int]) -> None:
    """Forget which records these were merged into, or were merged into these."""
    await tx.execute(
        "delete from learner_merges where learner_id = any($1::bigint[]) or main_id = any($1::bigint[])",
        list(learner_ids),
    )
