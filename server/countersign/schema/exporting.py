"""Exports as requests: a query's one list is rewritten into pages, each run through the engine like any request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    print_ast,
    visit,
)

from countersign.bulk.exporting import ExportPage, ExportPlan, PageRefused
from countersign.kit.access import Actor, Permission
from countersign.kit.errors import Invalid
from countersign.kit.sight import EVERYONE, WITH_PARENT
from countersign.reads.bindings import Relation, binding_of, bound_of
from countersign.reads.cache import Kept
from countersign.reads.errors import Unreadable
from countersign.schema.answer import Answer
from countersign.schema.documents import Document
from countersign.schema.problems import Fault

KEPT_WALKS: Final = 100
PAGE_SIZES: Final = (100, 50, 20, 10, 5, 2, 1)
PAGING: Final = frozenset({"first", "last", "after", "before"})
CURSOR: Final = "countersignAfter"
REQUEST: Final = "bulk-export"
MOST_COLUMNS: Final = 500
BUSY: Final = frozenset({Fault.TIMEOUT.value, Fault.UNAVAILABLE.value, Fault.INTERNAL_SERVER_ERROR.value})
FORBIDDEN: Final = frozenset({Fault.FORBIDDEN.value, Fault.UNAUTHENTICATED.value})


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a request: the document, its variables."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


class Desk(Protocol):
    """The engine as an export needs it."""

    schema: GraphQLSchema

    def document(self, text: str) -> Document:
        """A valid document. Raises Unreadable."""

    def prepare(self, asked: Page, actor: Actor, /) -> Any:
        """A request that can run. Raises Unreadable."""

    async def execute(self, prepared: Any, actor: Actor, request_id: str, /) -> Answer:
        """Its answer."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A query taken apart: the field of its list, the selection of a row, and what is needed around them."""

    plan: ExportPlan
    field: str
    arguments: str
    selection: str
    definitions: tuple[str, ...]
    fragments: str
    variables: frozenset[str]

    def page(self, size: int, values: Mapping[str, Any], after: str | None) -> Page:
        """The request for one page."""
        declared = [*self.definitions, *([f"${CURSOR}: Cursor"] if after is not None else [])]
        paging = f"first: {size}" + (f", after: ${CURSOR}" if after is not None else "")
        given_names = f"({', '.join(declared)})" if declared else ""
        text = (
            f"query{given_names} {{"
            f" {self.field}({self.arguments}{paging}) {{"
            f" nodes {self.selection} pageInfo {{ hasNextPage endCursor }} }} }}\n{self.fragments}"
        )
        given = {name: value for name, value in values.items() if name in self.variables}
        return Page(text, given if after is None else {**given, CURSOR: after})


class ListExporter:
    """Walks the one list of a query, page by page, as its asker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._walks: Kept[str, Walk] = Kept(KEPT_WALKS)

    def plan(self, document: str, variables: Mapping[str, Any], actor: Actor) -> ExportPlan:
        """What would be exported. Raises Invalid, in words that help, for what cannot be."""
        walk = self._walk(document)
        try:
            self._prepared(walk, variables, None, actor)
        except Unreadable as unreadable:
            raise _invalid(unreadable) from None
        return walk.plan

    async def page(self, document: str, variables: Mapping[str, Any], after: str | None, actor: Actor) -> ExportPage:
        """One page, under the authority that the actor has. Raises PageRefused, ConnectionError."""
        try:
            walk = self._walk(document)
            prepared = self._prepared(walk, variables, after, actor)
        except (Unreadable, Invalid) as refused:
            raise PageRefused(str(refused)) from None
        answer = await self._desk.execute(prepared, actor, REQUEST)
        if answer.errors or answer.data is None:
            message = str(answer.errors[0]["message"]) if answer.errors else "Nothing was answered"
            code = answer.errors[0]["extensions"]["code"] if answer.errors else None
            if code in BUSY:
                raise ConnectionError(message)
            raise PageRefused(message, forbidden=code in FORBIDDEN)
        rows = json.loads(answer.data)[walk.field]
        info = rows["pageInfo"]
        shown = [learner for learner, _ in answer.revealed]
        return ExportPage(rows["nodes"], info["endCursor"] if info["hasNextPage"] else None, shown)

    def _prepared(self, walk: Walk, variables: Mapping[str, Any], after: str | None, actor: Actor) -> Any:
        """The page, as large as its price allows."""
        for size in PAGE_SIZES:
            try:
                return self._desk.prepare(walk.page(size, variables, after), actor)
            except Unreadable as unreadable:
                code = unreadable.errors[0]["extensions"]["code"]
                if code != Fault.OPERATION_TOO_COMPLEX.value or size == PAGE_SIZES[-1]:
                    raise
        raise LookupError("the sizes of pages end with one that raises")

    def _walk(self, text: str) -> Walk:
        walk = self._walks.get(text)
        if walk is None:
            try:
                document = self._desk.document(text)
                walk = _take_apart(self._desk.schema, document, document.operation(None))
            except Unreadable as unreadable:
                raise _invalid(unreadable) from None
            self._walks.put(text, walk)
        return walk


def _invalid(unreadable: Unreadable) -> Invalid:
    return _refused("; ".join(str(error["message"]).rstrip(".") for error in unreadable.errors))


def _refused(problem: str) -> Invalid:
    return Invalid(problem=problem, path=("query",))


def _take_apart(schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode) -> Walk:
    root = schema.query_type
    if operation.operation is not OperationType.QUERY or root is None:
        raise _refused("Only a query can be exported")
    selections = operation.selection_set.selections
    field = selections[0]
    if len(selections) != 1 or not isinstance(field, FieldNode) or field.directives or operation.directives:
        raise _refused("An export has exactly one list at its root, without fragment and directive")
    definition = root.fields.get(field.name.value)
    relation = binding_of(root, field.name.value, definition) if definition is not None else None
    if definition is None or not isinstance(relation, Relation) or relation.kind != "connection":
        raise _refused(f"{field.name.value} is not a list with pages, so it cannot be exported")
    if refused := {a.name.value for a in field.arguments or ()} & (PAGING - {"first"}):
        raise _refused(f"An export walks the whole list from its start: leave out {' and '.join(sorted(refused))}")
    row = _row(field)
    node = get_named_type(definition.type)
    node = get_named_type(node.fields["nodes"].type) if isinstance(node, GraphQLObjectType) else node
    looker = _Looker(schema, document.fragments)
    columns = looker.columns(node, row, ())
    if relation.requires is not None:
        looker.needed.add(relation.requires)
    looker.enter(node)
    # Candidates are seen as on any page: charged, recorded, 200 deep; and like all that is not public, for two persons.
    candidates = relation.source is not None and relation.source.reveal is not None
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise _refused(f"An export has 1 to {MOST_COLUMNS} fields in a row")
    kept = [a for a in field.arguments or () if a.name.value not in PAGING]
    used = _Used(document.fragments)
    for part in (*kept, row):
        used.look(part)
    return Walk(
        ExportPlan(
            field.name.value, tuple(sorted(looker.needed, key=lambda p: p.value)), columns, looker.public, candidates
        ),
        field.name.value,
        "".join(f"{print_ast(argument)}, " for argument in kept),
        print_ast(row),
        tuple(print_ast(d) for d in operation.variable_definitions or () if d.variable.name.value in used.variables),
        "\n".join(print_ast(document.fragments[name]) for name in sorted(used.fragments)),
        frozenset(used.variables),
    )


def _row(field: FieldNode) -> SelectionSetNode:
    """What is selected of each row: `nodes { … }` or `edges { node { … } }`; where the page stands is our affair."""
    found: list[SelectionSetNode] = []
    for inner in field.selection_set.selections if field.selection_set else ():
        if not isinstance(inner, FieldNode) or inner.directives:
            raise _refused("Between the list and its rows an export has neither fragments nor directives")
        match inner.name.value:
            case "nodes" if inner.selection_set is not None:
                found.append(inner.selection_set)
            case "edges" if inner.selection_set is not None:
                found.extend(_node(inner.selection_set))
            case "pageInfo" | "__typename":
                continue
            case other:
                raise _refused(f"{other} is not a part of a row, so it cannot be exported")
    if len(found) != 1:
        raise _refused("An export selects its rows once: nodes { … } or edges { node { … } }")
    return found[0]


def _node(edge: SelectionSetNode) -> Iterator[SelectionSetNode]:
    for inner in edge.selections:
        if not isinstance(inner, FieldNode) or inner.directives:
            raise _refused("Between the list and its rows an export has neither fragments nor directives")
        if inner.name.value == "node" and inner.selection_set is not None:
            yield inner.selection_set
        elif inner.name.value not in {"cursor", "__typename"}:
            raise _refused(f"{inner.name.value} is not a part of a row, so it cannot be exported")


class _Looker:
    """Looks through the selection of a row: what must be held for it, and its columns as a table."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self.needed: set[Permission] = set()
        self.public = True

    def enter(self, type_: GraphQLNamedType) -> None:
        """Note whether everyone may see the things of a type that the rows show."""
        found = bound_of(type_)
        if found is not None and EVERYONE not in found.view.seen and WITH_PARENT not in found.view.seen:
            self.public = False

    def columns(
        self, type_: GraphQLNamedType, selection: SelectionSetNode, path: tuple[str, ...], *, shown: bool = True
    ) -> list[tuple[str, ...]]:
        """The paths of the leaves; a list is one column, and what lies below it is looked through all the same."""
        found: dict[tuple[str, ...], None] = {}
        for node in selection.selections:
            if isinstance(node, FieldNode):
                below = self._field(type_, node, path, shown=shown)
            elif isinstance(node, InlineFragmentNode):
                named = node.type_condition.name.value if node.type_condition else type_.name
                below = self.columns(self._schema.type_map[named], node.selection_set, path, shown=shown)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                condition = self._schema.type_map[fragment.type_condition.name.value]
                below = self.columns(condition, fragment.selection_set, path, shown=shown)
            else:
                continue
            found.update(dict.fromkeys(below))
        return list(found)

    def _field(
        self, type_: GraphQLNamedType, node: FieldNode, path: tuple[str, ...], *, shown: bool
    ) -> list[tuple[str, ...]]:
        place = (*path, (node.alias or node.name).value)
        definition = getattr(type_, "fields", {}).get(node.name.value)
        if definition is None:  # __typename
            return [place] if shown else []
        binding = binding_of(type_, node.name.value, definition)
        if isinstance(binding, Relation):
            if binding.kind == "connection":
                raise _refused(f"{'.'.join(place)} is a list with pages inside a row; export it by a query of its own")
            if binding.requires is not None:
                self.needed.add(binding.requires)
        target = get_named_type(definition.type)
        self.enter(target)
        if is_leaf_type(target) or node.selection_set is None:
            return [place] if shown else []
        if is_list_type(get_nullable_type(definition.type)):
            self.columns(target, node.selection_set, place, shown=False)
            return [place] if shown else []
        return self.columns(target, node.selection_set, place, shown=shown)


class _Used(Visitor):
    """The variables and fragments that a part of a document uses, through its fragments."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self._all = fragments
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def look(self, part: Any) -> None:
        """Look through one part."""
        visit(part, self)

    def enter_variable(self, node: Any, *_: object) -> None:
        """A variable."""
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """A fragment, looked through once."""
        name = node.name.value
        if name not in self.fragments:
            self.fragments.add(name)
            visit(self._all[name], self)
