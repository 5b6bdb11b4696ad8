"""Skills through the API: found by name, alias and likeness, in a language, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.kit.access import SYSTEM
from countersign.kit.db import Database
from countersign.skills import service
from countersign.skills.rules import Label, LabelKind
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.skills.samples import CLEANED_ESCO, ONET

HASKELL = "http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02"
SEARCH = """query ($search: String, $language: LanguageTag, $filter: SkillFilter) {
  skills(first: 20, search: $search, language: $language, filter: $filter) { totalCount nodes { name } } }"""


@pytest_asyncio.fixture
async def api(db: Database, signer: Signer, make: Factory, tmp_path: Path) -> AsyncIterator[Api]:
    for name, text in (("esco.csv", CLEANED_ESCO), ("onet.csv", ONET)):
        target = tmp_path / name
        await asyncio.to_thread(target.write_text, text, encoding="utf-8")
        assert not (await service.import_skills(db, SYSTEM, target)).refused
    async with db.writer() as tx:
        await service.add_labels(
            tx, SYSTEM, [service.OwnLabel(HASKELL, Label("ru", LabelKind.PREFERRED, "Язык Хаскелл"))]
        )
    async with served(db, signer, make) as made:
        yield made


async def names(api: Api, **variables: Any) -> list[str]:
    found = (await api.ask(SEARCH, **variables))["skills"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


@pytest.mark.parametrize(
    ("search", "language", "expected"),
    [
        ("haskell", None, ["Haskell"]),
        ("HASKELL  Language", None, ["Haskell"]),
        ("haskel langage", None, ["Haskell"]),
        ("micro", None, ["Microsoft Excel"]),
        ("excel", None, ["Microsoft Excel"]),
        ("excell", None, ["Microsoft Excel"]),
        ("хаскелл", None, ["Haskell"]),
        ("хаскелл", "en", []),
        ("haskell", "ru", []),
        ("%", None, []),
        ("_", None, []),
        ("", None, []),
        ("\\", None, []),
        ("knitting", None, []),
    ],
)
async def test_skill_is_found_by_its_names(api: Api, search: str, language: str | None, expected: list[str]) -> None:
    assert await names(api, search=search, language=language) == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"framework": "onet"}, ["Microsoft Excel"]),
        ({"framework": "none"}, []),
        ({"kind": "KNOWLEDGE"}, ["Haskell"]),
        ({"hot": True}, ["Microsoft Excel"]),
        ({"uris": [HASKELL, "urn:x"]}, ["Haskell"]),
        ({"uris": []}, []),
        ({}, ["Haskell", "Microsoft Excel"]),
    ],
)
async def test_skills_are_chosen_by_filters(api: Api, chosen: dict[str, Any], expected: list[str]) -> None:
    assert await names(api, filter=chosen) == expected


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (SEARCH, {"filter": {"uris": ["urn:x"] * 101}}),
        ("{ skills(first: 1, filter: {uris: [" + '"urn:x" ' * 101 + "]}) { totalCount } }", {}),
    ],
)
async def test_a_filter_takes_no_list_that_would_take_seconds(api: Api, query: str, variables: dict[str, Any]) -> None:
    assert await names(api, filter={"uris": [HASKELL, *["urn:x"] * 99]}) == ["Haskell"]
    (error,) = (await api.post(query, **variables))["errors"]
    assert (error["message"], error["path"]) == ("At most 100 uris at once", ["skills"])
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_skill_shows_its_framework_and_names_in_the_readers_language(api: Api) -> None:
    data = await api.ask(
        """query ($uri: String) { skill(by: {uri: $uri}) { __typename name uri kind reuseLevel description categories
             keywords occupations hot retired framework { handle name attribution }
             en: label { text productMade } ru: label(language: "ru") { text language productMade }
             de: label(language: "de") { text } labels { language kind text }
             only: labels(language: "ru") { text } } }""",
        uri=HASKELL,
    )
    skill = data["skill"]
    assert (skill["name"], skill["kind"], skill["reuseLevel"]) == ("Haskell", "KNOWLEDGE", "SECTOR_SPECIFIC")
    assert "ESCO classification of the European Commission" in skill["framework"]["attribution"]
    assert skill["en"] == {"text": "Haskell", "productMade": False}
    assert skill["ru"] == {"text": "Язык Хаскелл", "language": "ru", "productMade": True}
    assert skill["de"] == {"text": "Haskell"}
    assert [(label["language"], label["kind"]) for label in skill["labels"]] == [
        ("en", "PREFERRED"),
        ("en", "ALIAS"),
        ("en", "ALIAS"),
        ("ru", "PREFERRED"),
    ]
    assert skill["only"] == [{"text": "Язык Хаскелл"}]


async def test_skill_is_found_by_id_and_unknown_ones_are_null(api: Api) -> None:
    key = (await api.ask("query ($u: String) { skill(by: {uri: $u}) { id } }", u=HASKELL))["skill"]["id"]
    data = await api.ask(
        """query ($id: ID!) { a: skill(by: {id: $id}) { name } b: node(id: $id) { __typename ... on Skill { name } }
             c: skill(by: {uri: "urn:x"}) { name } d: skill(by: {id: "skill_x"}) { name } }""",
        id=key,
    )
    assert data == {"a": {"name": "Haskell"}, "b": {"__typename": "Skill", "name": "Haskell"}, "c": None, "d": None}


async def test_frameworks_are_listed_with_their_credit(api: Api) -> None:
    data = await api.ask("{ skillFrameworks { handle name url version licence attribution } }")
    assert [found["handle"] for found in data["skillFrameworks"]] == ["esco", "onet"]


async def test_pages_of_a_search_hold_each_skill_once_best_first(db: Database, signer: Signer, make: Factory) -> None:
    await service.import_skills(db, SYSTEM, Path(str(files("countersign") / "data")) / "esco/skills.csv")
    page = """query ($after: Cursor) { skills(first: 7, after: $after, search: "data analysis") {
                totalCount pageInfo { hasNextPage endCursor } nodes { uri name } } }"""
    async with served(db, signer, make) as api:
        seen: list[str] = []
        first, cursor, total = "", None, 0
        while True:
            found = (await api.ask(page, after=cursor))["skills"]
            first = first or found["nodes"][0]["name"]
            seen += [node["uri"] for node in found["nodes"]]
            cursor, total = found["pageInfo"]["endCursor"], found["totalCount"]
            if not found["pageInfo"]["hasNextPage"]:
                break
    assert len(seen) == len(set(seen)) == total > 7
    assert "data" in first
