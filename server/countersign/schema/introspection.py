"""The schema about itself: the only part of an answer that graphql-core's executor makes."""

import json
from collections.abc import Sequence
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
)

from countersign.reads.selection import Fields, Selections
from countersign.schema.answer import to_json

META: Final = frozenset({"__schema", "__type"})


def split(fields: Fields) -> tuple[Fields, Fields]:
    """Root fields about data, and those about the schema."""
    meta = {key: nodes for key, nodes in fields.items() if nodes[0].name.value in META}
    return {key: nodes for key, nodes in fields.items() if key not in meta}, meta


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
