"""GraphQL ESLint, with every rule that is not ruled out by name, finds nothing in our schema and documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from countersign import config
from countersign.schema.contents import export, the_schema
from tests import node

pytestmark = pytest.mark.node

HERE: Final = Path(__file__).parent / "js"
OPERATIONS: Final = config.ROOT / "frontend_stub" / "graphiql" / "src" / "operations"
SCHEMA: Final = the_schema()
# What each preset has and we do not ask; tests/schema/js/rules.mjs says why.
OFF: Final = {
    "schema": {
        "alphabetize",
        "no-root-type",
        "require-deprecation-date",
        "require-field-of-type-query-in-mutation-result",
        "require-nullable-result-in-root",
    },
    "operations": {"alphabetize", "require-selections"},
}


def documents() -> dict[str, str]:
    """The documents of GraphiQL's tabs."""
    return {path.name: path.read_text() for path in sorted(OPERATIONS.glob("*.graphql"))}


async def lint(schema: str, **more: str) -> dict[str, Any]:
    """What the linter says of a schema with our documents and `more` of them."""
    texts = documents() | {f"{name}.graphql": text for name, text in more.items()}
    said: dict[str, Any] = await node.ask(node.install(HERE) / "lint.mjs", {"schema": schema, "documents": texts})
    return said


@pytest_asyncio.fixture(scope="module")
async def said() -> dict[str, Any]:
    return await lint(export(SCHEMA))


def test_nothing_is_found_in_the_schema(said: dict[str, Any]) -> None:
    assert [finding for finding in said["findings"] if finding[0] == "schema.graphql"] == []


def test_nothing_is_found_in_our_documents(said: dict[str, Any]) -> None:
    assert len(documents()) >= 10
    assert [finding for finding in said["findings"] if finding[0] != "schema.graphql"] == []


@pytest.mark.parametrize("kind", OFF)
def test_what_is_off_is_off_by_name(said: dict[str, Any], kind: str) -> None:
    on, every = set(said["rules"][kind]), set(said["presets"][kind])
    assert every - on == OFF[kind]
    assert len(on) >= 25


# One fault for each sort of rule, all in one schema that is still valid.
PLANTED: Final = {
    "input-name": ("input: CreateSpecInput!", "input: SpecContentInput!"),
    "naming-convention": ("enum AwardMode {", "enum AwardMode { lower"),
    "no-typename-prefix": ("  earnedOn: Date!\n", "  awardEarnedOn: Date!\n"),
    "no-unreachable-types": ("\nscalar Cursor", "\ntype Alone { id: ID! }\n\nscalar Cursor"),
    "relay-page-info": ("  hasNextPage: Boolean!\n", "  hasNextPage: Boolean\n"),
    "relay-arguments": ("    first: Int\n", "    first: String\n"),
    "require-description": ('  """Its title."""\n', ""),
    "require-deprecation-reason": ("  semver: String!\n", "  semver: String! @deprecated\n"),
    "require-nullable-fields-with-oneof": ("input StackBy @oneOf {", "input StackBy @oneOf { none: ID!"),
    "strict-id-in-types": ("\nscalar CountryCode", "\ntype Thing { name: String! }\n\nscalar CountryCode"),
}


@pytest_asyncio.fixture(scope="module")
async def planted() -> list[tuple[str, str]]:
    """File and rule of what is found with every fault planted."""
    text = export(SCHEMA)
    for old, new in PLANTED.values():
        assert old in text
        text = text.replace(old, new)
    said = await lint(text, asked="query getIt { rubric { code wrong } }")
    return [(name, str(rule).rpartition("/")[2]) for name, _, rule, _ in said["findings"]]


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_fault_is_found(planted: list[tuple[str, str]], rule: str) -> None:
    assert ("schema.graphql", rule) in planted


@pytest.mark.parametrize("rule", ["fields-on-correct-type", "naming-convention", "match-document-filename"])
def test_a_fault_in_a_document_is_found(planted: list[tuple[str, str]], rule: str) -> None:
    assert ("operations/asked.graphql", rule) in planted


def test_a_page_shows_nodes_but_for_candidates() -> None:
    node_interface = SCHEMA._schema.type_map["Node"]
    assert isinstance(node_interface, GraphQLInterfaceType)
    alone = set()
    for type_ in SCHEMA._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_.name.endswith("Edge"):
            shown = get_named_type(type_.fields["node"].type)
            assert isinstance(shown, GraphQLObjectType)
            if node_interface not in shown.interfaces:
                alone.add(shown.name)
    assert alone <= {"AuditEvent", "Candidate", "ReviewQueueEntry", "Sighting"}, "what has no id that leads to it"
