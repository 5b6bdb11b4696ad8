"""A row on each side for every table that the API shows and the world has not filled: so new rooms are in the matrix.

What a row must hold is read from its table: references lead to what the side has, texts carry marks, a text of a closed
list is its first word. A table with a rule of its own that such a row breaks needs a row by hand, in `world`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLObjectType, GraphQLSchema
from sqlalchemy import Column
from sqlalchemy import Table as SqlTable

from countersign import app
from countersign.kit.access import Actor
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.kit.placement import Table, table_name
from countersign.reads.bindings import bound_of
from tests.authority.policy import stands_alone, table_of
from tests.authority.world import DAY, Side, World, mark
from tests.conftest import NOW

LATER: Final = NOW + timedelta(days=30)
_ALLOWED: Final = re.compile(r"\(?(\w+)\)?(?:::text)? = ANY \(\(?ARRAY\['([^']+)'")
_ONLY: Final = re.compile(r"CHECK \(+(\w+)\)*(?:::text)? = '([^']+)'::(?:text|character varying)\)+(?:::text\)+)?")


async def fill_up(tx: Tx, schema: GraphQLSchema, world: World) -> None:
    """Add what the world lacks of the types that stand alone."""
    for table in _empty(
        schema, [name for name in _tables() if not await tx.fetchval(f"select exists (select from {name})")]
    ):
        first = await _allowed(tx, table_name(table))
        for side in (world.first, world.second):
            await tx.insert(table(**await _values(tx, table, side, first)))


def _tables() -> dict[str, type[Table]]:
    return {table_name(table): table for table in app.declare_tables()}


def _empty(schema: GraphQLSchema, empty: Sequence[str]) -> list[type[Table]]:
    """The tables without rows that a type reads, each once, those that others refer to first."""
    shown = set()
    for type_ in schema.type_map.values():
        bound = bound_of(type_)
        if isinstance(type_, GraphQLObjectType) and bound is not None and stands_alone(bound):
            shown.add(table_of(bound.view.source))
    tables = _tables()
    order = [t.name for t in next(iter(tables.values())).metadata.sorted_tables]
    return [tables[name] for name in sorted(shown & set(empty), key=order.index)]


async def _allowed(tx: Tx, name: str) -> dict[str, str]:
    """The first word that a column of a closed list may hold, by column."""
    rules = await tx.fetch(
        "select pg_get_constraintdef(oid) as rule from pg_constraint where conrelid = $1::regclass and contype = 'c'",
        name,
    )
    found = {found[1]: found[2] for row in rules for found in _ALLOWED.finditer(row["rule"])}
    return found | {only[1]: only[2] for row in rules if (only := _ONLY.fullmatch(row["rule"]))}


async def _values(tx: Tx, table: type[Table], side: Side, allowed: dict[str, str]) -> dict[str, Any]:
    made: SqlTable = table.__table__  # type: ignore[attr-defined] # SQLModel's own
    values: dict[str, Any] = {}
    parties = cycle((side.school, side.employer))
    for column in made.columns:
        if column.foreign_keys:
            values[column.name] = await _reference(tx, column, side, parties)
        elif column.name in allowed:
            values[column.name] = allowed[column.name]
        elif column.name == "learner_id":
            values[column.name] = side.learners[0].learner_id
        elif not column.nullable:
            values[column.name] = _plain(column)
    return values


async def _reference(tx: Tx, column: Column[Any], side: Side, parties: Iterator[dict[str, Actor]]) -> Any:
    """What a reference leads to: the side's school and employer in turns, its learner, else anything there is."""
    target = next(iter(column.foreign_keys)).column
    if target.table.name == "organizations":
        return next(iter(next(parties).values())).organization_id
    if target.table.name == "learners":
        return side.learners[0].learner_id
    return await tx.fetchval(f"select {target.name} from {target.table.name} limit 1")


def _plain(column: Column[Any]) -> Any:
    kind = column.type.python_type
    if kind is datetime:
        return LATER if re.search("expires|until|ends", column.name) else NOW
    plain: dict[type, Any] = {
        UUID: new_id(),
        str: mark(),
        object: mark(),  # SQLModel's own sort of text
        bytes: secrets.token_bytes(32),
        bool: False,
        int: 1,
        float: 1.0,
        Decimal: Decimal(1),
        date: DAY,
        list: [],
        dict: {},
    }
    return plain[kind]
