"""Plans: an operation compiled once for the shape of its variables, run many times."""

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)
from graphql.execution.values import VariableValues

from countersign.kit.access import Permission
from countersign.kit.db import Connection
from countersign.kit.statements import first_row
from countersign.kit.walls import Wall, behind, wall_of
from countersign.reads import sql
from countersign.reads.args import Call, Getter
from countersign.reads.bindings import Reveal
from countersign.reads.compile import Compiler, read_values
from countersign.reads.errors import Path
from countersign.reads.scope import ROOT, ArgumentSlot
from countersign.reads.selection import Fields, Selections
from countersign.reads.slots import Maker, fill

STRUCTURE: Final = (bool, enum.Enum)
BYTES_OF_ITSELF: Final = 600
BYTES_A_CLOSURE: Final = 400
BYTES_AN_ARGUMENT: Final = 900


@dataclass(slots=True, eq=False)
class Plan:
    """One statement with its parameters: the first column is the JSON of `data`, each other one what is revealed.

    `runs` counts how often it was asked for: a text that comes again is kept prepared (`kit/statements`).
    """

    sql: str
    getters: tuple[Getter, ...]
    arguments: tuple[ArgumentSlot, ...]
    makers: tuple[Maker, ...]
    requirements: tuple[tuple[Permission, Path], ...]
    reveals: tuple[Reveal, ...]
    renames: tuple[tuple[bytes, bytes], ...]
    wall: Wall
    personal: tuple[str, ...] = ()
    """The sealed columns that the answer opens: whoever asks reads personal data."""
    runs: int = 0

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory: its text, and the closures that bind and make."""
        closures = len(self.getters) + len(self.makers) + len(self.requirements)
        return BYTES_OF_ITSELF + len(self.sql) + BYTES_A_CLOSURE * closures + BYTES_AN_ARGUMENT * len(self.arguments)

    def bind(self, call: Call, variables: VariableValues) -> list[object]:
        """The parameters of a call. Raises BadInput for values that the fields refuse."""
        call.scopes = {}
        call.values = [
            slot.constant
            if slot.constant is not None
            else read_values(slot.definition, slot.node, variables, slot.path)
            for slot in self.arguments
        ]
        return [getter(call) for getter in self.getters]

    async def run(
        self, connection: Connection, call: Call, parameters: Sequence[object]
    ) -> tuple[bytes, list[Sequence[Any]]]:
        """The answer's bytes, and for each of `reveals` what it must let through."""
        row = await self.fetch(connection, call, parameters)
        return self.complete(row[0], call), [row[n + 1] for n in range(len(self.reveals))]

    async def fetch(self, connection: Connection, call: Call, parameters: Sequence[object]) -> asyncpg.Record:
        """The one row of the statement, as PostgreSQL answers it behind the statement's wall."""
        self.runs += 1
        async with behind(connection, self.wall, call.actor):
            row = await first_row(connection, self.sql, parameters, keep=self.runs > 1)
        if row is None:
            raise LookupError("a plan's statement answers one row")
        return row

    def complete(self, data: bytes, call: Call) -> bytes:
        """JSON from the statement with what only Python can write."""
        for written, key in self.renames:
            # Inside a text its quotes would be escaped, so this is a member's name and nothing else.
            data = data.replace(written, key)
        return fill(data, self.makers, call)


def compile_query(selections: Selections, root: GraphQLObjectType, fields: Fields) -> Plan:
    """The plan of a query's root fields."""
    compiler = Compiler(selections)
    body = compiler.members(root, fields, ROOT, ())
    return finish(compiler, f"convert_to(({sql.as_json(body)})::text, 'UTF8')")


def finish(compiler: Compiler, answer: str) -> Plan:
    """The plan of what a compiler gathered, for the expression of the answer's bytes."""
    opening = f"with {', '.join(compiler.ctes)} " if compiler.ctes else ""
    reveals = "".join(f", array({select})" for select, _ in compiler.reveals)
    text = f"{opening}select {answer}{reveals}"
    return Plan(
        text,
        tuple(compiler.parameters.getters),
        tuple(compiler.arguments),
        tuple(compiler.makers),
        tuple(compiler.requirements),
        tuple(reveal for _, reveal in compiler.reveals),
        tuple((f'"{short}":'.encode(), f"{json.dumps(key)}:".encode()) for key, short in compiler.renames.items()),
        wall_of(text, reveals=bool(compiler.reveals)),
        tuple(compiler.personal),
    )


def shape(value: Any, type_: GraphQLInputType) -> object:
    """What of a variable's value decides the SQL: presence, keys of input objects, Booleans and enum members."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if value is None:
        return None
    if isinstance(type_, GraphQLInputObjectType):
        return tuple((name, shape(item, type_.fields[name].type)) for name, item in value.items())
    if isinstance(type_, GraphQLList):
        inner = type_.of_type
        named = inner.of_type if isinstance(inner, GraphQLNonNull) else inner
        return tuple(shape(item, inner) for item in value) if isinstance(named, GraphQLInputObjectType) else "list"
    return value if isinstance(value, STRUCTURE) else "given"
