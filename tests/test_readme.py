"""The README tells today's truth: its query, its settings, its verbs, its picture."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from countersign.config import Settings

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_its_query_is_valid_and_its_answer_has_the_shape_of_the_query() -> None:
    document = parse(block("graphql"))
    assert validate(build_schema((ROOT / "schema.graphql").read_text()), document) == []
    answer = json.loads(block("json"))
    node = answer["data"]["searchCandidates"]["nodes"][0]
    assert list(node) == ["region", "match", "awards"]
    assert list(node["awards"][0]) == ["earnedOn", "specVersion", "liveEndorsements"]


def test_its_subscription_is_valid_and_its_event_has_the_shape_of_the_subscription() -> None:
    (query,) = re.findall(r'-d \'{"query": "(subscription [^"]+)"}', TEXT)
    assert validate(build_schema((ROOT / "schema.graphql").read_text()), parse(query)) == []
    ((identity, data),) = re.findall(r"^event: next\nid: (\S+)\ndata: (.*)$", TEXT, re.MULTILINE)
    told = json.loads(data)["data"]["specChanged"]
    assert list(told) == ["eventId", "at", "kind", "spec", "version"]
    assert told["eventId"] == identity


def test_every_setting_is_in_its_table() -> None:
    named = set(re.findall(r"`(COUNTERSIGN_[A-Z_]+|DATABASE_[A-Z_]*URL)`", TEXT))
    unprefixed = {"database_url", "database_read_url", "database_owner_url"}
    real = {n.upper() if n in unprefixed else f"COUNTERSIGN_{n.upper()}" for n in Settings.model_fields}
    assert named == real


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_what_it_links_to_is_there(target: str) -> None:
    assert (ROOT / target).is_file()
