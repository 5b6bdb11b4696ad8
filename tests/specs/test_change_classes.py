"""The published table of changes: complete, frozen, and material wherever it says nothing."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from countersign.specs.change_classes import (
    IN_FORCE,
    UNKNOWN,
    Aspect,
    ChangeClass,
    Row,
    Rule,
    Table,
    Weight,
    decide,
    overall,
    plain,
)
from countersign.specs.content import Content
from countersign.specs.reading import CONTENT, to_json

FOLDER = files("countersign") / "data" / "change-classes"
PUBLISHED = {
    "1.toml": "8f9ffbd2eecb137be8b3580edad644707677877089e670faa66339fe995d98e1",
    "2.toml": "521c02f44f1615c69ae8a9069f76c7edb63a5386e1e0f6c173b0f276c039e742",
    "3.toml": "9677a69ab4315a7ef484d56be2a420d8c0a6de7e62e66db5aa22a904a698f7e7",
}


def test_a_table_that_was_in_force_never_changes() -> None:
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    assert found == PUBLISHED


def test_the_table_names_every_field_of_a_version_and_nothing_else() -> None:
    named = {row.path for row in IN_FORCE.rows if row.aspect is Aspect.CONTENT}
    assert named == set(to_json(Content()))
    lists = set(_lists(CONTENT.json_schema(by_alias=True)))
    assert {row.path for row in IN_FORCE.rows if row.aspect is Aspect.ORDER} <= lists
    assert len({(row.path, row.aspect) for row in IN_FORCE.rows}) == len(IN_FORCE.rows)
    assert all(row.why.endswith(".") for row in IN_FORCE.rows)


def _lists(schema: dict[str, Any]) -> Iterator[str]:
    def walk(part: dict[str, Any], path: str) -> Iterator[str]:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        for way in part.get("anyOf", ()):
            yield from walk(way, path)
        if part.get("type") == "array":
            yield path
            yield from walk(part["items"], f"{path}[]")
        for name, below in part.get("properties", {}).items():
            yield from walk(below, f"{path}.{name}" if path else name)

    return walk(schema, "")


@pytest.mark.parametrize(
    ("pattern", "aspect", "path"),
    [
        ("outcomes[].threshold", Aspect.CONTENT, "outcomes"),
        ("assessment.rubric[].levels[].points", Aspect.CONTENT, "assessment"),
        ("tags[]", Aspect.CONTENT, "tags"),
        ("outcomes[].skills", Aspect.ORDER, "outcomes[].skills"),
        ("assessment.rubric[].levels", Aspect.ORDER, UNKNOWN.path),
        ("tomorrow.thing", Aspect.CONTENT, UNKNOWN.path),
    ],
)
def test_the_nearest_row_decides_and_what_is_not_named_is_material(pattern: str, aspect: Aspect, path: str) -> None:
    assert IN_FORCE.row(pattern, aspect).path == path
    assert UNKNOWN.rule is Rule.MATERIAL


def test_a_nearer_row_goes_before_a_farther_one() -> None:
    near = Row("outcomes[].conditions", Aspect.CONTENT, Rule.EDITORIAL, "Near.")
    table = Table(3, (*IN_FORCE.rows, near))
    assert table.row("outcomes[].conditions", Aspect.CONTENT) is near
    assert table.row("outcomes[].threshold", Aspect.CONTENT).path == "outcomes"


@pytest.mark.parametrize("weight", list(Weight))
@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_decides(rule: Rule, weight: Weight) -> None:
    light = rule is Rule.EDITORIAL or (rule is Rule.WORDING and weight is Weight.NONE)
    assert decide(rule, weight) is (ChangeClass.EDITORIAL if light else ChangeClass.MATERIAL)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        *(("en", word) for word in ("must", "Must", "MUST", "required", "don't", "don’t", "cannot", "not", "only")),
        *(("ru", word) for word in ("не", "Не", "должны", "обязаны", "может", "запрещено", "придётся", "минимум")),
    ],
)
def test_words_that_oblige_or_deny_are_known_however_they_are_written(language: str, word: str) -> None:
    (words,) = (each for each in IN_FORCE.words if each.language == language)
    assert words.holds(word)
    assert IN_FORCE.weighty(["Learners", word]) == [plain(word)]


@pytest.mark.parametrize("word", ["", " ", "mustard", "note", "nothings", "небо", "нетто", "t", "'t", "candle"])
def test_other_words_weigh_nothing(word: str) -> None:
    assert IN_FORCE.weighty([word]) == []


def test_every_word_is_written_as_it_is_compared_and_once() -> None:
    for each in IN_FORCE.words:
        assert list(each.words) == [plain(word) for word in dict.fromkeys(each.words)]
        assert all(word.strip("*") and word.count("*") <= 1 for word in each.words)
        assert all(word == plain(word) and word.endswith("*") for word in each.opposites)
        assert len(set(each.letters)) == len(each.letters)
        assert set("".join(each.words + each.opposites)) <= {*each.letters, "*", "'"}


def test_a_wording_is_material_in_a_language_without_words() -> None:
    assert IN_FORCE.speaking("en", "ru-RU") is IN_FORCE
    row = IN_FORCE.speaking("en", "de").row("description", Aspect.CONTENT)
    assert row.rule is Rule.MATERIAL
    assert "no words of its language" in row.why


def test_one_material_change_makes_the_whole_material() -> None:
    editorial, material = ChangeClass.EDITORIAL, ChangeClass.MATERIAL
    assert overall([]) is None
    assert overall([editorial, editorial]) is editorial
    assert overall([editorial, material, editorial]) is material
