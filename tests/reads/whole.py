"""Documents that ask for everything: for each object type one that selects all its fields, on things that are there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from countersign.reads.bindings import node_types
from tests.reads.documents import Pool, Query
from tests.reads.test_every_field import literal

SHOWN: Final = 5
EMPLOYER: Final = 6
ROOTS: Final = {"node": "id", "nodes": "ids", "_entities": "representations"}


def reachable(schema: GraphQLSchema) -> set[str]:
    """The coordinates of every field of every object type that a query can reach."""
    return {
        f"{name}.{field}"
        for name in [*_ways(schema), "Query"]
        if isinstance(type_ := schema.type_map[name], GraphQLObjectType)
        for field in type_.fields
    }


def everything(schema: GraphQLSchema, pool: Pool) -> Iterator[tuple[str, Query]]:
    """The name of each type, and a document that selects all its fields; of the root, a document for each field."""
    assert schema.query_type is not None
    tags = {type_.name: tag for tag, (type_, _) in node_types(schema).items()}
    ids = {name: [i for i in pool.of("ID") if i.startswith(f"{tag}_")] for name, tag in tags.items()}
    for field, definition in schema.query_type.fields.items():
        yield "Query", Query(f"{{ {_field(field, definition, pool)} }}", {})
    for name, (start, before, after) in _ways(schema).items():
        type_ = schema.type_map[name]
        if not isinstance(type_, GraphQLObjectType):
            continue
        body = " ".join(_field(f, definition, pool) for f, definition in type_.fields.items())
        if start in tags:
            text = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {start} {{ {before}{body}{after} }} }} }}"
            yield name, Query(text, {"ids": ids[start][:20]})
        else:
            root = schema.query_type.fields[start]
            yield name, Query(f"{{ {start}{_arguments(start, root, pool)} {{ {before}{body}{after} }} }}", {})


def _ways(schema: GraphQLSchema) -> dict[str, tuple[str, str, str]]:
    """For each type: the node type or root field where the way to it begins, and what stands around its selection."""
    assert schema.query_type is not None
    found = {type_.name: (type_.name, "", "") for type_, _ in node_types(schema).values()}
    waiting: deque[GraphQLNamedType] = deque(schema.type_map[name] for name in found)
    for field, definition in schema.query_type.fields.items():
        target = get_named_type(definition.type)
        if field not in ROOTS and not is_leaf_type(target) and target.name not in found:
            found[target.name] = (field, "", "")
            waiting.append(target)
    while waiting:
        type_ = waiting.popleft()
        start, before, after = found[type_.name]
        if not isinstance(type_, GraphQLObjectType):
            for member in schema.get_possible_types(type_):  # type: ignore[arg-type] # the composite ones are abstract
                if member.name not in found:
                    found[member.name] = (start, f"{before}... on {member.name} {{ ", f" }}{after}")
                    waiting.append(member)
            continue
        for name, definition in type_.fields.items():
            target = get_named_type(definition.type)
            if not is_leaf_type(target) and target.name not in found:
                found[target.name] = (start, f"{before}{name}{_arguments(name, definition, None)} {{ ", f" }}{after}")
                waiting.append(target)
    return found


def _field(name: str, definition: GraphQLField, pool: Pool) -> str:
    body = "" if is_leaf_type(get_named_type(definition.type)) else " { __typename }"
    return f"{name}{_arguments(name, definition, pool)}{body}"


def _arguments(name: str, definition: GraphQLField, pool: Pool | None) -> str:
    given: dict[str, Any] = {n: literal(a.type) for n, a in definition.args.items() if is_required_argument(a)}
    if "first" in definition.args:
        given["first"] = SHOWN
    if name == "searchCandidates" and "stack" in definition.args and pool is not None:
        (given["stack"],) = [f'"{i}"' for i in pool.of("ID") if i.startswith("stk_")]
    if name == "specVersionDiff" and pool is not None:
        given["from"], given["to"] = [f'"{i}"' for i in pool.of("ID") if i.startswith("version_")][:2]
    if name == "conflictCheck" and pool is not None:
        # The employer, which declared ties to the school and comes after it in the world's list.
        given["organizationId"] = f'"{[i for i in pool.of("ID") if i.startswith("org_")][EMPLOYER]}"'
        given["specVersionId"] = next(f'"{i}"' for i in pool.of("ID") if i.startswith("version_"))
    if name == "labourMarketEvidence" and pool is not None:
        given["corpus"], given["query"] = '"Invented vacancies"', '"python"'
    return f"({', '.join(f'{n}: {v}' for n, v in given.items())})" if given else ""
