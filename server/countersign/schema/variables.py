"""The variables of an operation: what they are is worked out once, what a request gives for them each time.

graphql-core reads every variable's type from the document in each request; here it is kept. Whatever is not plainly
good goes through graphql-core all the same, so that errors, and what counts as one, are its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from countersign.reads.errors import Unreadable
from countersign.reads.plan import shape
from countersign.schema.problems import Fault, of_error

SHOWN_ERRORS: Final = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """One variable as a valid document declares it; `default` is Undefined when it has none."""

    name: str
    signature: GraphQLVariableSignature
    default: Any
    required: bool


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._declared = [_declared(schema, definition) for definition in self._definitions]

    def read(self, given: Mapping[str, Any]) -> tuple[VariableValues, object]:
        """The coerced values, and what of them decides the plan. Raises Unreadable for those that do not fit."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        shapes = []
        for declared in self._declared:
            name, signature = declared.name, declared.signature
            if name in given:
                value = given[name]
                sources[name] = VariableValueSource(signature, value)
                found = Undefined if _nests(value) else coerce_input_value(value, signature.type)
            else:
                sources[name] = VariableValueSource(signature)
                found = declared.default
                if found is Undefined and not declared.required:
                    continue
            if found is Undefined:
                return self._slowly(given)
            coerced[name] = found
            shapes.append((name, shape(found, signature.type)))
        return VariableValues(sources, coerced), tuple(shapes)

    def _slowly(self, given: Mapping[str, Any]) -> tuple[VariableValues, object]:
        values = get_variable_values(
            self._schema, self._definitions, dict(given), max_errors=SHOWN_ERRORS, hide_suggestions=True
        )
        if isinstance(values, list):
            raise Unreadable(*(of_error(Fault.BAD_USER_INPUT, error) for error in values[:SHOWN_ERRORS]))
        known = [(d.name, d.signature.type) for d in self._declared if d.name in values.coerced]
        return values, tuple((name, shape(values.coerced[name], type_)) for name, type_ in known)


def _nests(value: Any) -> bool:
    """Whether a value goes the long way, which looks first at how deep it is."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


def _declared(schema: GraphQLSchema, definition: Any) -> Declared:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        raise signature
    default: Any = Undefined
    if definition.default_value is not None:
        values = get_variable_values(schema, [definition], {})
        if isinstance(values, VariableValues):
            default = values.coerced.get(signature.name, Undefined)
    return Declared(signature.name, signature, default, is_non_null_type(signature.type))
