"""Variables that are read with what is kept are those that graphql-core reads anew, and so are their mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import HealthCheck, Phase, given, settings

from countersign.reads.errors import Unreadable
from countersign.schema.variables import Variables
from tests.limits.test_pricing import POOL, SCHEMA
from tests.reads.documents import Query, queries

EVERY = """query ($n: Int!, $m: Int = 7, $b: Boolean, $k: OrganizationKind = SCHOOL, $f: OrganizationFilter,
                  $ids: [ID!]!, $t: [String] = ["a"], $at: DateTime, $c: CountryCode) { __typename }"""
GOOD: dict[str, Any] = {"n": 1, "ids": ["a", "b"]}


def operation(text: str) -> OperationDefinitionNode:
    return next(d for d in parse(text).definitions if isinstance(d, OperationDefinitionNode))


def both(text: str, values: dict[str, Any]) -> tuple[Any, Any]:
    """What we make of the variables, and what graphql-core does: values, or messages."""
    node = operation(text)
    theirs = get_variable_values(SCHEMA, node.variable_definitions or (), values, max_errors=5, hide_suggestions=True)
    try:
        ours, _ = Variables(SCHEMA, node).read(values)
    except Unreadable as unreadable:
        assert isinstance(theirs, list)
        return [error["message"] for error in unreadable.errors], [error.message for error in theirs][:5]
    assert isinstance(theirs, VariableValues)
    # Sources compare by identity of their signatures: what they hold is compared.
    told = {name: getattr(source, "value", None) for name, source in ours.sources.items()}
    expected = {name: getattr(source, "value", None) for name, source in theirs.sources.items()}
    return (ours.coerced, told), (theirs.coerced, expected)


@pytest.mark.parametrize(
    "values",
    [
        GOOD,
        GOOD | {"ids": "one"},
        GOOD | {"m": None, "b": None, "k": None, "f": None, "t": None},
        GOOD | {"m": 3, "b": False, "k": "EMPLOYER", "f": {"kind": "AGENCY"}, "t": [None, "x"], "unknown": 1},
        GOOD | {"at": "2026-11-22T12:00:00Z", "c": "DE"},
        GOOD | {"f": {"kind": "NONE"}},
        GOOD | {"f": {"nothing": 1}},
        GOOD | {"k": "NONE"},
        GOOD | {"b": 1, "n": "1", "ids": [None], "t": 5},
        GOOD | {"at": "yesterday", "c": "XX!"},
        GOOD | {"n": 2**31},
        GOOD | {"ids": [["a"]]},
        GOOD | {"t": [[["a"]]]},
        {"n": None, "ids": None},
        {"ids": ["a"]},
        {},
    ],
)
def test_values_and_mistakes_are_graphql_cores(values: dict[str, Any]) -> None:
    ours, theirs = both(EVERY, values)
    assert ours == theirs


@settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(query=queries(SCHEMA, POOL))
def test_random_values_are_graphql_cores(query: Query) -> None:
    ours, theirs = both(query.text, query.variables)
    assert ours == theirs


def test_shapes_are_the_same_for_values_and_differ_for_what_decides() -> None:
    variables = Variables(SCHEMA, operation(EVERY))

    def shape(**values: Any) -> object:
        return variables.read(GOOD | values)[1]

    assert shape() == shape(n=99, ids=["x"] * 9)
    assert shape(b=True) != shape(b=False)
    assert shape(k="EMPLOYER") != shape(k="AGENCY")
    assert shape(f={"kind": "AGENCY"}) != shape(f={})
    assert shape(m=None) != shape(m=3)
