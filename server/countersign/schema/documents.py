"""Documents: parsed, limited and validated once, then kept by their text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    validate,
    visit,
)

from countersign.reads.errors import Unreadable
from countersign.schema.problems import Fault, fault

LARGEST_DOCUMENT: Final = 100_000
MOST_TOKENS: Final = 2_000
MOST_FIELDS: Final = 10_000
DEEPEST: Final = 60
SHOWN_ERRORS: Final = 5
MOST_DIGITS: Final = 40
_SUSPICIOUS: Final = re.compile(rf"\\u|\x00|[0-9]{{{MOST_DIGITS}}}")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A valid document: its operations and fragments by name. It equals only itself, so it is a cheap key."""

    operations: Mapping[str, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises Unreadable when the name is missing or unknown.

        An empty name is no name (GraphQL over HTTP says so for addresses).
        """
        if not name:
            if len(self.operations) == 1:
                return next(iter(self.operations.values()))
            raise Unreadable(
                fault(Fault.OPERATION_RESOLUTION_FAILURE, "The document has several operations: give operationName")
            )
        if name not in self.operations:
            raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "The document has no operation of this name"))
        return self.operations[name]


def read(schema: GraphQLSchema, text: str) -> Document:
    """Parse, limit and validate. Raises Unreadable with at most five errors."""
    if len(text) > LARGEST_DOCUMENT:
        raise _limit("The document is too long")
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLSyntaxError as error:
        if f"more than {MOST_TOKENS} tokens" in error.message:
            raise _limit(f"The document has more than {MOST_TOKENS} tokens") from None
        if "nested too deeply" in error.message:
            raise _limit("The document is nested too deeply") from None
        raise Unreadable(of_error(Fault.GRAPHQL_PARSE_FAILED, error)) from None
    if _SUSPICIOUS.search(text):
        visit(document, _Writable())
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    # Before validation, because some of its rules cost what the expanded document costs.
    weight = _Weight(fragments)
    for operation in operations:
        if weight.of(operation.selection_set, 1) > MOST_FIELDS:
            raise _limit(f"The document expands to more than {MOST_FIELDS} fields")
    errors = validate(schema, document, max_errors=SHOWN_ERRORS, hide_suggestions=True)
    if errors:
        raise Unreadable(*(of_error(Fault.GRAPHQL_VALIDATION_FAILED, error) for error in errors[:SHOWN_ERRORS]))
    if not operations:
        raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "The document has no operation"))
    return Document({o.name.value if o.name else "": o for o in operations}, fragments)


def of_error(code: Fault, error: GraphQLError) -> dict[str, object]:
    """A graphql-core error as the response carries it; its message names only the client's own text and the schema."""
    locations = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    return fault(code, error.message, path=error.path, locations=locations)


class _Writable(Visitor):
    """Refuses what nothing behind can hold, wherever it stands: a text with NUL, a number of endless digits."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        """Look at one text."""
        if "\x00" in node.value:
            raise Unreadable(fault(Fault.BAD_USER_INPUT, "A text holds NUL"))

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        """Look at one number."""
        if len(node.value) > MOST_DIGITS:
            raise Unreadable(fault(Fault.BAD_USER_INPUT, f"A number has more than {MOST_DIGITS} digits"))


def _limit(message: str) -> Unreadable:
    return Unreadable(fault(Fault.DOCUMENT_LIMIT_EXCEEDED, message))


class _Weight:
    """How many fields a selection set expands to; each fragment is counted once, so no document is costly to count."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode | None, depth: int) -> int:
        if selection_set is None:
            return 0
        if depth > DEEPEST:
            raise _limit(f"The document is nested more than {DEEPEST} levels deep")
        total = 0
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                total += 1 + self.of(node.selection_set, depth + 1)
            elif isinstance(node, InlineFragmentNode):
                total += self.of(node.selection_set, depth + 1)
            elif isinstance(node, FragmentSpreadNode):
                total += self._fragment(node.name.value, depth)
        return min(total, MOST_FIELDS + 1)

    def _fragment(self, name: str, depth: int) -> int:
        if name not in self._known:
            self._known[name] = 0  # a fragment inside itself is for validation to refuse
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set, depth + 1) if fragment is not None else 0
        return self._known[name]
