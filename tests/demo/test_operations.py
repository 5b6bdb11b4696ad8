"""Every operation that our page and GraphiQL's tabs send is valid for the committed schema."""

import json
import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from countersign.demo import frontend
from countersign.edge import pages

OPERATIONS = frontend.SOURCES / "src" / "operations"
TABS = (frontend.SOURCES / "src" / "tabs.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((frontend.ROOT / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(OPERATIONS.glob("*.graphql")), ids=lambda path: path.name)
def test_each_tab_of_graphiql_fits_the_schema(schema: GraphQLSchema, path: Path) -> None:
    assert validate(schema, parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("file", ["queries.js", "learner-queries.js"])
def test_each_query_of_the_page_fits_the_schema(schema: GraphQLSchema, file: str) -> None:
    text = (pages.PAGE / file).read_text(encoding="utf-8")
    queries = re.findall(r"`([^`]+)`", text)
    assert len(queries) == text.count("export const")
    for query in queries:
        assert validate(schema, parse(query)) == []


def test_every_tab_has_its_operation_and_every_operation_its_tab() -> None:
    named = set(re.findall(r"'([a-z_]+)'", TABS.partition("const TABS")[2].partition("};")[0]))
    present = {path.name.split(".")[0] for path in OPERATIONS.iterdir()}
    assert named == present


def test_variables_are_asked_of_a_look_up_or_made() -> None:
    for path in OPERATIONS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        pointers = [p for p in re.findall(r'"\$([^"]+)"', text) if p != "key" and not p.startswith("in:")]
        assert bool(pointers) == path.with_suffix(".lookup.graphql").exists()
