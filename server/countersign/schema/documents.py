"""Documents: parsed, limited and validated once, then kept by their text."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    KnownFragmentNamesRule,
    NoFragmentCyclesRule,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    StringValueNode,
    UniqueFragmentNamesRule,
    UniqueOperationNamesRule,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from countersign.reads.cache import Kept
from countersign.reads.errors import Unreadable
from countersign.schema import introspection, limits
from countersign.schema.problems import Fault, fault, of_error
from countersign.schema.variables import SHOWN_ERRORS, Variables

MOST_DIGITS: Final = 40
KEPT_SHAPES: Final = 50
BYTES_A_TOKEN: Final = 550  # of a parsed document, measured
# These come first: what follows may write fragments out, because they exist, are used and hold no circle.
FRAGMENT_RULES: Final = (
    UniqueOperationNamesRule,
    UniqueFragmentNamesRule,
    KnownFragmentNamesRule,
    NoFragmentCyclesRule,
    NoUnusedFragmentsRule,
)
OTHER_RULES: Final = tuple(rule for rule in specified_rules if rule not in FRAGMENT_RULES)
_WORD: Final = re.compile(r"[_0-9A-Za-z]+|[^\s\w]")
_SUSPICIOUS: Final = re.compile(rf"\\u|\x00|[0-9]{{{MOST_DIGITS}}}")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A valid document: its operations and fragments by name. It equals only itself, so it is a cheap key."""

    operations: Mapping[str, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Variables]
    text: str
    telling: frozenset[str]  # names of the operations that ask for the schema itself
    weight: int  # about how many bytes it takes in memory, without what is known
    known: Kept[object, Any] = field(default_factory=partial(Kept, KEPT_SHAPES))
    """What was worked out for its operations, by name and shape of the variables; it goes with the document."""

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
    if len(text) > limits.LENGTH:
        raise limits.exceeded("characters", len(text), limits.LENGTH)
    document = _parse(text)
    if _SUSPICIOUS.search(text):
        visit(document, _Writable())
    limits.check(document, text)
    _validate(schema, document, FRAGMENT_RULES)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    limits.check_repetitions([operation.selection_set for operation in operations], fragments)
    _validate(schema, document, OTHER_RULES)
    if not operations:
        raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "The document has no operation"))
    named = {operation.name.value if operation.name else "": operation for operation in operations}
    telling = {name for name, o in named.items() if limits.roots(o.selection_set, fragments) & introspection.GUARDED}
    words = min(limits.TOKENS, sum(1 for _ in _WORD.finditer(text)))
    variables = {name: Variables(schema, operation) for name, operation in named.items()}
    return Document(named, fragments, variables, text, frozenset(telling), len(text) + words * BYTES_A_TOKEN)


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=limits.TOKENS)
    except GraphQLSyntaxError as error:
        if f"more than {limits.TOKENS} tokens" in error.message:
            raise limits.exceeded("tokens", None, limits.TOKENS) from None
        if "nested too deeply" in error.message:
            raise limits.exceeded("levels of nesting", None, limits.NESTING) from None
        raise Unreadable(of_error(Fault.GRAPHQL_PARSE_FAILED, error)) from None


def _validate(schema: GraphQLSchema, document: DocumentNode, rules: Collection[type[ASTValidationRule]]) -> None:
    errors = validate(schema, document, rules, max_errors=SHOWN_ERRORS, hide_suggestions=True)
    if errors:
        raise Unreadable(*(of_error(Fault.GRAPHQL_VALIDATION_FAILED, error) for error in errors[:SHOWN_ERRORS]))


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
