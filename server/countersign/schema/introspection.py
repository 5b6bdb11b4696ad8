"""The schema about itself: the only part of an answer that graphql-core's executor makes."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    execute_sync,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_list_type,
    is_object_type,
)

from countersign.reads.selection import Fields, Selections
from countersign.schema.answer import to_json

META: Final = frozenset({"__schema", "__type"})
MOST_OBJECTS: Final = 30_000
# What tells the whole schema; production answers it to those who signed in.
GUARDED: Final = META | {"_service"}


def split(fields: Fields) -> tuple[Fields, Fields]:
    """Root fields about data, and those about the schema."""
    meta = {key: nodes for key, nodes in fields.items() if nodes[0].name.value in META}
    return {key: nodes for key, nodes in fields.items() if key not in meta}, meta


def count(schema: GraphQLSchema, selections: Selections, nodes: list[FieldNode]) -> int:
    """How many objects the answer of `__schema` or `__type` holds; for a type that a variable names, the most.

    Counted over the schema itself with each part once, so a circle of types costs no more than a straight line, and
    only up to MOST_OBJECTS, which is more than any operation may cost.
    """
    counting = _Counting(schema, selections)
    try:
        if nodes[0].name.value == "__schema":
            return counting.of(introspection_types["__Schema"], schema, nodes)
        about = introspection_types["__Type"]
        named = nodes[0].arguments[0].value if nodes[0].arguments else None
        if isinstance(named, StringValueNode):
            type_ = schema.get_type(named.value)
            return counting.of(about, type_, nodes) if type_ is not None else 0
        return max(counting.of(about, type_, nodes) for type_ in schema.type_map.values())
    except _TooMany:
        return MOST_OBJECTS


class _TooMany(Exception):
    """There are more than anybody may ask for."""


class _Counting:
    """Counts objects of one introspection by what is described and which fields of it are selected."""

    def __init__(self, schema: GraphQLSchema, selections: Selections) -> None:
        self._info = SimpleNamespace(schema=schema)
        self._selections = selections
        self._fields: dict[tuple[int, ...], list[tuple[GraphQLField, list[FieldNode]]]] = {}
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    def of(self, type_: GraphQLNamedType, described: Any, nodes: list[FieldNode]) -> int:
        """The object for one described thing and all below it."""
        which = tuple(map(id, nodes))
        # Fields and arguments come as pairs made anew each time; what they hold stays.
        place = (id(described[1] if isinstance(described, tuple) else described), which)
        if place not in self._known:
            if which not in self._fields:
                self._fields[which] = self._composite(type_, nodes)
            total = 1
            for definition, inner in self._fields[which]:
                everything = {"includeDeprecated": True} if "includeDeprecated" in definition.args else {}
                found = definition.resolve(described, self._info, **everything) if definition.resolve else None
                target = get_named_type(definition.type)
                if found is None:
                    continue
                if is_list_type(get_nullable_type(definition.type)):
                    total += sum(self.of(target, each, inner) for each in found)
                else:
                    total += self.of(target, found, inner)
                if total > MOST_OBJECTS:
                    raise _TooMany
            self._known[place] = total
        return self._known[place]

    def _composite(self, type_: GraphQLNamedType, nodes: list[FieldNode]) -> list[tuple[GraphQLField, list[FieldNode]]]:
        if not isinstance(type_, GraphQLObjectType):
            return []
        members = self._selections.below(type_, nodes).values()
        known = [(type_.fields[inner[0].name.value], inner) for inner in members if inner[0].name.value in type_.fields]
        return [(definition, inner) for definition, inner in known if is_object_type(get_named_type(definition.type))]


def introspect(
    schema: GraphQLSchema, operation: OperationDefinitionNode, selections: Selections, meta: Fields
) -> dict[str, Any]:
    """The answers of introspection fields by response key."""
    nodes: Sequence[FieldNode] = [node for merged in meta.values() for node in merged]
    about = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(nodes)),
    )
    document = DocumentNode(definitions=(about, *selections.fragments.values()))
    result = execute_sync(schema, document, variable_values=selections.variables.coerced)
    if not isinstance(result, ExecutionResult) or result.errors or result.data is None:
        raise RuntimeError(f"introspection failed: {result}")
    return result.data


def merged(fields: Fields, data: bytes, about: dict[str, Any]) -> bytes:
    """One answer from both parts, in the order of the selection."""
    values = json.loads(data)
    return to_json({key: about[key] if key in about else values[key] for key in fields})
