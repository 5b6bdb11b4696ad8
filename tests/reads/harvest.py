"""Argument values from whatever a database holds: ids of every kind, and texts of every scalar."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import asyncpg
from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, get_nullable_type

from countersign.kit.access import Actor
from countersign.kit.ids import Sealer
from countersign.reads.args import Parameters, Predicates
from countersign.reads.bindings import Bound, Column, Key, binding_of, bound_of, python_name
from countersign.reads.errors import BindingMistake
from countersign.reads.identity import Public, Sealed
from countersign.reads.sql import encode
from tests.reads.documents import Pool

EACH: Final = 6


async def harvest(
    schema: GraphQLSchema, owner: asyncpg.Connection[asyncpg.Record], actors: list[Actor], sealer: Sealer
) -> Pool:
    """A few values for every scalar, of every bound type whose rows stand by themselves."""
    found: dict[str, list[Any]] = defaultdict(list)
    for type_ in schema.type_map.values():
        bound = bound_of(type_)
        if not isinstance(type_, GraphQLObjectType) or bound is None:
            continue
        for name, definition in type_.fields.items():
            binding = binding_of(type_, name, definition)
            scalar = get_nullable_type(definition.type)
            if isinstance(binding, Key):
                ids = await _ids(owner, bound, actors, sealer)
                found["ID"] += ids
                found["_Any"] += [{"__typename": type_.name, "id": id_} for id_ in ids if bound.keys]
            elif isinstance(binding, Column) and isinstance(scalar, GraphQLScalarType) and scalar.name != "ID":
                template = binding.sql or bound.view.column(python_name(definition))
                values = await _select(owner, bound, encode(template, scalar))
                found[scalar.name] += [value for value in values if value is not None]
                if name in bound.keys:
                    found["_Any"] += [{"__typename": type_.name, name: value} for value in values]
    found["ID"].append("nonsense")
    return Pool(found)


async def _ids(
    owner: asyncpg.Connection[asyncpg.Record], bound: Bound, actors: list[Actor], sealer: Sealer
) -> list[str]:
    match bound.identity:
        case Public():
            return [f"{bound.view.tag}_{key}" for key in await _select(owner, bound, bound.view.key)]
        case Sealed() as sealed:
            payloads = await _select(owner, bound, sealed.payload())
            return [sealed.seal(sealer, actor, bound.view.tag, payload) for actor in actors for payload in payloads]


async def _select(owner: asyncpg.Connection[asyncpg.Record], bound: Bound, column: str) -> list[Any]:
    """Some values of a column; none for views that only exist beside another row."""
    if not bound.view.source:
        return []
    parameters = Parameters()
    builder = Predicates(parameters, {"t": "t", "child": "t"})
    try:
        text = f"select distinct {builder.render(column)} from {builder.render(bound.view.source)} limit {EACH}"
    except BindingMistake:
        return []
    return [row[0] for row in await owner.fetch(text, *(None for _ in parameters.getters))]
