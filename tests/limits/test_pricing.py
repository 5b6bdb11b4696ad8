"""Prices are what the schema says: objects and points of the largest answer, however a document is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    execute_sync,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    parse,
    print_ast,
)
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from countersign.reads.selection import Selections
from countersign.schema import limits, pricing
from countersign.schema.contents import export, the_schema
from countersign.schema.documents import read
from tests.reads.documents import Pool, Query, queries

REAL = the_schema()
SCHEMA: GraphQLSchema = REAL._schema
PRINTED = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8"))
SHIPPED = Path(__file__).parents[2] / "frontend_stub" / "graphiql" / "src" / "operations"
POOL = Pool({})
SOME = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # shrinking a document takes minutes
)


def price(text: str, given_values: Mapping[str, Any] | None = None) -> tuple[int, int]:
    """Objects and fixed points of a document with one operation."""
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    variables = get_variable_values(SCHEMA, operation.variable_definitions or (), dict(given_values or {}))
    assert isinstance(variables, VariableValues), variables
    root = SCHEMA.get_root_type(operation.operation)
    assert root is not None
    return pricing.price(root, operation, Selections(SCHEMA, fragments, variables)).of(variables.coerced)


def written_out(text: str) -> str:
    """The document without named fragments: each spread replaced by what it stands for."""
    document = parse(text)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}

    def inside(selection_set: SelectionSetNode) -> SelectionSetNode:
        return SelectionSetNode(selections=tuple(one(node) for node in selection_set.selections))

    def one(node: Any) -> Any:
        if isinstance(node, FieldNode):
            return FieldNode(
                alias=node.alias,
                name=node.name,
                arguments=node.arguments,
                directives=node.directives,
                selection_set=inside(node.selection_set) if node.selection_set is not None else None,
            )
        fragment = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        return InlineFragmentNode(
            type_condition=fragment.type_condition,
            directives=node.directives,
            selection_set=inside(fragment.selection_set),
        )

    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    alone = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=inside(operation.selection_set),
    )
    return print_ast(DocumentNode(definitions=(alone,)))


@dataclass
class Largest:
    """Makes the largest answer that the printed schema's directives allow, and adds up its points."""

    schema: GraphQLSchema
    points: int = 0
    abstract: bool = False

    def resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """The largest value of a field."""
        definition = info.parent_type.fields[info.field_name]
        told = directives(definition)
        target = get_named_type(definition.type)
        weight = told.get("cost", {}).get("weight")
        if not is_composite_type(target):
            self.points += weight or 0
            return leaf(definition.type)
        self.points += 0 if weight is None else weight - 1
        self.abstract = self.abstract or is_abstract_type(target)
        size = told.get("listSize", {})
        sized = source.get(info.field_name) if isinstance(source, dict) else None
        here: dict[str, Any] = {}
        length = sized if sized is not None else size.get("assumedSize", 0)
        if info.field_name == "nodes" and "ids" in arguments:
            length = len(arguments["ids"])
        for name in size.get("slicingArguments", ()):
            if arguments.get(name) is not None:
                here = dict.fromkeys(size["sizedFields"], arguments[name])
        if not is_list_type(get_nullable_type(definition.type)):
            return here
        return [dict(here) for _ in range(length)]

    def member(self, _value: Any, info: GraphQLResolveInfo[Any], abstract: Any) -> str:
        """Some member of a union or interface."""
        return info.schema.get_possible_types(abstract)[0].name


def directives(definition: GraphQLField) -> dict[str, dict[str, Any]]:
    """What a field of the printed schema says of cost and length."""
    node = definition.ast_node
    assert node is not None
    found: dict[str, dict[str, Any]] = {}
    for directive in node.directives or ():
        found[directive.name.value] = {
            argument.name.value: value(argument.value) for argument in directive.arguments or ()
        }
    return found


def value(node: Any) -> Any:
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, ListValueNode):
        return [value(item) for item in node.values]
    return node.value if hasattr(node, "value") else None


def leaf(type_: GraphQLOutputType) -> Any:
    """Some value of a leaf type."""
    if isinstance(type_, GraphQLNonNull):
        return leaf(type_.of_type)
    if isinstance(type_, GraphQLList):
        return []
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    return {"Int": 1, "Float": 1.0, "Boolean": True}.get(str(type_), "x")


def objects(data: Any) -> int:
    """How many objects JSON holds."""
    if isinstance(data, dict):
        return 1 + sum(objects(item) for item in data.values())
    return sum(objects(item) for item in data) if isinstance(data, list) else 0


@SOME
@given(query=queries(SCHEMA, POOL))
def test_a_price_is_that_of_the_document_written_out(query: Query) -> None:
    assert price(query.text, query.variables) == price(written_out(query.text), query.variables)


@SOME
@given(query=queries(SCHEMA, POOL))
def test_a_price_is_that_of_the_largest_answer(query: Query) -> None:
    assume("_entities" not in query.text and "_service" not in query.text)  # the printed schema has them not
    largest = Largest(PRINTED)
    result = execute_sync(
        PRINTED,
        parse(query.text),
        {},
        variable_values=query.variables,
        field_resolver=largest.resolve,
        type_resolver=largest.member,
    )
    assert isinstance(result, ExecutionResult)
    assert not result.errors, result.errors
    found = objects(result.data), largest.points
    asked = price(query.text, query.variables)
    if largest.abstract:
        assert sum(found) <= sum(asked)
    else:
        assert found == asked


@SOME
@given(query=queries(SCHEMA, POOL))
def test_a_measure_is_that_of_the_document_written_out(query: Query) -> None:
    def measured(text: str) -> limits.Measure:
        document = parse(text)
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        return limits._Measures(fragments).of(operation.selection_set, 0)

    assert measured(query.text) == measured(written_out(query.text))


EITHER = "query ($n: Int, $m: Int) { organizations(first: $n, last: $m) { nodes { id } } }"
PAGES = """query ($n: Int!, $m: Int!) {
  organizations(first: $n) { nodes { subsidiaries(first: $m) { totalCount nodes { id } } } } }"""
CHANGE = """mutation { createStack(input: {idempotencyKey: "k", handle: "h", title: "t", blockIds: []}) {
  stack { id } errors { __typename } } }"""
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='{}",:[]a\\é ', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "_b", "C1"]), inner, min_size=1),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(data=JSONS)
def test_objects_are_counted_in_the_bytes_whatever_texts_hold(data: Any) -> None:
    for separators in ((",", ":"), (", ", ": "), (",", " : ")):
        answer = {"data": data}
        assert pricing.count_objects(json.dumps(answer, separators=separators).encode()) == objects(answer)


def test_every_list_says_how_long_it_is_and_every_change_what_it_costs() -> None:
    sized = {"nodes", "edges"}
    for type_ in PRINTED.type_map.values():
        if type_.name.startswith("__") or not hasattr(type_, "fields"):
            continue
        for name, definition in type_.fields.items():
            if not isinstance(definition, GraphQLField):
                continue
            told, target = directives(definition), get_named_type(definition.type)
            if target.name.endswith("Connection"):
                assert told["listSize"] == {
                    "slicingArguments": ["first", "last"],
                    "sizedFields": ["nodes", "edges"],
                    "requireOneSlicingArgument": True,
                }, f"{type_.name}.{name}"
            elif is_list_type(get_nullable_type(definition.type)) and is_composite_type(target):
                part = type_.name.endswith("Connection") and name in sized
                assert part != ("assumedSize" in told.get("listSize", {})), f"{type_.name}.{name}"
            if type_.name == "Mutation":
                dear = name in {"startBulkImport", "startBulkExport", "exportMyData"}
                assert told["cost"]["weight"] == (50 if dear else 10), name
            if name == "totalCount":
                assert told["cost"] == {"weight": 5}, type_.name


def test_what_is_printed_is_what_the_pricing_reads() -> None:
    assert export(REAL) == (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ __typename }", {}, 1),
        ("{ organizations(first: 7) { nodes { id } } }", {}, 1 + 1 + 7),
        ("{ organizations(first: 7) { edges { node { id } } totalCount } }", {}, 1 + 1 + 14 + 5),
        ("query ($n: Int) { organizations(first: $n) { nodes { id } } }", {"n": 100}, 102),
        ("query ($n: Int = 30) { organizations(last: $n) { nodes { id } } }", {}, 32),
        (EITHER, {"n": None, "m": 100}, 102),
        (EITHER, {"n": 10, "m": None}, 12),
        (EITHER, {"n": 10}, 12),
        (EITHER, {"n": None, "m": None}, 102),  # refused when the arguments are read
        ("query ($n: Int = null) { organizations(first: $n, last: 50) { nodes { id } } }", {}, 52),
        ("query ($n: Int) { organizations(first: $n, last: 50) { nodes { id } } }", {"n": None}, 52),
        (PAGES, {"n": 10, "m": 20}, 1 + 1 + 10 * (1 + 1 + 5 + 20)),
        ("{ organizations(first: 9) { nodes { subsidiaries(last: 3) { totalCount } } } }", {}, 1 + 1 + 9 * (1 + 1 + 5)),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 9}, 10),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": "a"}, 2),
        ('{ nodes(ids: ["a", "b"]) { ... on Organization { parent { id } } ... on Skill { id } } }', {}, 1 + 2 * 2),
        ("query ($b: Boolean!) { organizations(first: 9) @include(if: $b) { nodes { id } } }", {"b": False}, 1),
        ("query ($b: Boolean!) { organizations(first: 9) @include(if: $b) { nodes { id } } }", {"b": True}, 11),
        ("{ a: organizations(first: 9) { nodes { id } } a: organizations(first: 9) { nodes { handle } } }", {}, 11),
        (CHANGE, {}, 1 + 10 + 1 + 1),
        ("{ searchCandidates(first: 20) { nodes { awards { liveEndorsements { id } } } } }", {}, 2 + 20 * (1 + 8 * 5)),
    ],
)  # fmt: skip
def test_prices_of_known_operations(query: str, variables: dict[str, Any], expected: int) -> None:
    assert sum(price(query, variables)) == expected


def test_the_introspection_of_tools_fits() -> None:
    introspection = read(SCHEMA, tools_query())
    operation = introspection.operation(None)
    selections = Selections(SCHEMA, introspection.fragments, VariableValues(sources={}, coerced={}))
    root = SCHEMA.query_type
    assert root is not None
    assert sum(pricing.price(root, operation, selections).of({})) < 2_500


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.graphql")), ids=lambda file: file.stem)
def test_every_document_that_we_ship_fits_with_room_to_spare(file: Path) -> None:
    document = read(SCHEMA, file.read_text(encoding="utf-8"))
    anything = VariableValues(sources={}, coerced={})
    for operation in document.operations.values():
        root = SCHEMA.get_root_type(operation.operation)
        assert root is not None
        made = pricing.price(root, operation, pricing.Everything(SCHEMA, document.fragments, anything))
        assert sum(made.of({})) <= pricing.LIMIT / 2


def tools_query() -> str:
    """The introspection that GraphiQL and code generators send, with everything on."""
    return get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
