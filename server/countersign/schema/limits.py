"""What a document may hold, counted before it is validated: one pass, each fragment once.

Expanding fragments one by one would cost as much as an attacker likes (2^n for n links), and some rules of validation
cost the square of what they compare. Here every fragment is measured once, figures saturate, and fragments that are
unknown or that hold themselves count nothing: validation refuses them in its own words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

from countersign.reads.errors import Unreadable
from countersign.schema.introspection import META
from countersign.schema.problems import Fault, fault

LENGTH: Final = 100_000  # characters
TOKENS: Final = 2_000
OPERATIONS: Final = 10
NAME: Final = 200  # characters
DEPTH: Final = 12
INTROSPECTION_DEPTH: Final = 14  # what the tools' own query needs
ALIASES: Final = 30
ROOTS: Final = 10
DIRECTIVES: Final = 50
SELECTIONS: Final = 300
COMPARISONS: Final = 1_000
NESTING: Final = 60  # selection sets inside each other, fragments included
VALUES: Final = 5_000  # in the variables of a request
FULL: Final = 1_000_000  # figures stop growing here

_LONG_NAME: Final = re.compile(rf"[_A-Za-z][_0-9A-Za-z]{{{NAME}}}")

_REMEDY: Final[Mapping[str, str]] = {
    "characters": "Send less text, and values as variables",
    "tokens": "Send less text, and values as variables",
    "operations": "Send each operation in a document of its own",
    "characters in a name": "Choose shorter names",
    "levels of nesting": "Write fragments less nested",
    "levels of depth": "Ask for what lies deeper by its id, in a second request",
    "aliases": "Ask in several requests",
    "root fields": "Ask in several requests",
    "directives": "Leave out conditions, or ask in several requests",
    "selected fields": "Ask for fewer fields, or in several requests",
    "repetitions of the same field": "Select each field once; put what fragments share into one of them",
}


def exceeded(limit: str, asked: int | None, allowed: int) -> Unreadable:
    """The refusal of a document: which limit, what was asked (None: not counted to the end), what to do."""
    counted = f"more than {allowed}" if asked is None else f"more than {FULL}" if asked >= FULL else str(asked)
    message = f"The document has {counted} {limit}; at most {allowed} are taken. {_REMEDY[limit]}."
    told = {"name": limit, "allowed": allowed} | ({} if asked is None else {"asked": asked})
    return Unreadable(fault(Fault.DOCUMENT_LIMIT_EXCEEDED, message, limit=told))


def check(document: DocumentNode, text: str) -> None:
    """Refuse a document beyond any limit. Linear in its length. Raises Unreadable."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    if len(operations) > OPERATIONS:
        raise exceeded("operations", len(operations), OPERATIONS)
    if _LONG_NAME.search(text):
        visit(document, _Names())
    measures = _Measures(fragments)
    for operation in operations:
        _compare(operation, measures)
    for name in fragments:  # those that no operation reaches are validated, too
        measure = measures.of_fragment(name, 0)
        if measure.selections > SELECTIONS:
            raise exceeded("selected fields", measure.selections, SELECTIONS)


def check_repetitions(sets: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> None:
    """Refuse operations in which one place selects the same response key again and again.

    Validation compares all of them with each other. For documents within `check` whose fragments exist and hold no
    circle, so there is little to expand. Raises Unreadable.
    """
    comparisons = sum(_comparisons([selection_set], fragments) for selection_set in sets)
    if comparisons > COMPARISONS:
        raise exceeded("repetitions of the same field", comparisons, COMPARISONS)


def check_values(variables: Mapping[str, Any]) -> None:
    """Refuse variables that hold too many values to be looked at. Raises Unreadable."""
    count = len(variables)
    waiting: list[Any] = [value for value in variables.values() if isinstance(value, dict | list)]
    while waiting and count <= VALUES:
        value = waiting.pop()
        count += len(value)
        if count <= VALUES:
            inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
            waiting.extend(item for item in inner if isinstance(item, dict | list))
    if count > VALUES:
        message = f"The variables hold more than {VALUES} values. Send them in several requests, or as a bulk import."
        raise Unreadable(fault(Fault.OPERATION_TOO_COMPLEX, message, limit={"name": "values", "allowed": VALUES}))


def roots(selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """The names of the fields at the top, but `__typename`; each fragment is looked into once."""
    found: set[str] = set()
    visited: set[str] = set()
    waiting = [selection_set]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)
    return found - {"__typename"}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection set holds, fragments written out: figures that stop growing at FULL."""

    width: int = 0  # fields at its own level
    selections: int = 0
    aliases: int = 0
    directives: int = 0
    depth: int = 0  # how many fields lie above the deepest one

    def beside(self, other: "Measure") -> "Measure":
        """Both in one selection set."""
        return Measure(
            min(self.width + other.width, FULL),
            min(self.selections + other.selections, FULL),
            min(self.aliases + other.aliases, FULL),
            min(self.directives + other.directives, FULL),
            max(self.depth, other.depth),
        )


NOTHING: Final = Measure()


class _Measures:
    """The measures of one document's parts; each fragment is worked out once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self._known: dict[str, Measure] = {}

    def of(self, selection_set: SelectionSetNode, level: int) -> Measure:
        """The measure of a selection set that lies inside `level` others."""
        if level > NESTING:
            raise exceeded("levels of nesting", None, NESTING)
        total = NOTHING
        for node in selection_set.selections:
            directives = len(node.directives or ())
            if isinstance(node, FieldNode):
                aliases = 1 if node.alias is not None else 0
                below = NOTHING
                if node.selection_set is not None:
                    below = self.of(node.selection_set, level + 1)
                depth = below.depth + 1 if node.selection_set is not None else 0
                found = Measure(1, 1 + below.selections, aliases + below.aliases, directives + below.directives, depth)
            else:
                if isinstance(node, InlineFragmentNode):
                    inner = self.of(node.selection_set, level + 1)
                elif isinstance(node, FragmentSpreadNode):
                    inner = self.of_fragment(node.name.value, level + 1)
                else:
                    raise TypeError(f"GraphQL knows no selection of the kind {node.kind}")
                found = inner.beside(Measure(selections=1, directives=directives))
            total = total.beside(found)
        return total

    def of_fragment(self, name: str, level: int) -> Measure:
        """The measure of a fragment; nothing for one that is unknown or that is being measured already."""
        if name not in self._known:
            self._known[name] = NOTHING
            fragment = self.fragments.get(name)
            if fragment is not None:
                self._known[name] = self.of(fragment.selection_set, level)
        return self._known[name]


def _compare(operation: OperationDefinitionNode, measures: _Measures) -> None:
    found = measures.of(operation.selection_set, 0)
    own = len(operation.directives or ()) + sum(len(v.directives or ()) for v in operation.variable_definitions or ())
    depth = INTROSPECTION_DEPTH if roots(operation.selection_set, measures.fragments) <= META else DEPTH
    for limit, asked, allowed in (
        ("selected fields", found.selections, SELECTIONS),
        ("levels of depth", found.depth, depth),
        ("aliases", found.aliases, ALIASES),
        ("root fields", found.width, ROOTS),
        ("directives", found.directives + own, DIRECTIVES),
    ):
        if asked > allowed:
            raise exceeded(limit, asked, allowed)


def _comparisons(sets: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How many pairs of fields with one response key there are in merged selection sets, at all levels."""
    groups: dict[str, list[FieldNode]] = {}
    visited: set[str] = set()
    waiting = list(sets)
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                groups.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    total = 0
    for nodes in groups.values():
        total += len(nodes) * (len(nodes) - 1) // 2
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        if below:
            total += _comparisons(below, fragments)
    return total


class _Names(Visitor):
    """Refuses long names, wherever they stand."""

    def enter_name(self, node: NameNode, *_: object) -> None:
        """Look at one name."""
        if len(node.value) > NAME:
            raise exceeded("characters in a name", len(node.value), NAME)
