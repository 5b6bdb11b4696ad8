"""Reading a specification's content: everything said is kept, everything wrong is named by its path."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.specs.content import AssessmentType, Participation
from countersign.specs.reading import KEYS, UnreadableContent, parse, to_json
from tests.specs.samples import COMPLETE, changed


def problems(value: object) -> dict[str, str]:
    with pytest.raises(UnreadableContent) as caught:
        parse(value)
    return {problem.where: problem.message for problem in caught.value.problems}


def test_content_reads_every_field_with_its_type() -> None:
    content = parse(COMPLETE)
    assert content.workload_hours == Decimal(75)
    assert content.toolchain[0].checked_on == date(2026, 9, 20)
    assert content.participation is Participation.ONLINE
    assert content.assessment is not None
    assert content.assessment.types == (AssessmentType.APPLICATION_OF_A_SKILL,)
    assert content.outcomes[0].measurable
    assert not content.outcomes[1].measurable


def test_content_written_and_read_again_is_the_same_and_has_every_key() -> None:
    content = parse(COMPLETE)
    document = to_json(content)
    assert parse(document) == content
    assert set(COMPLETE) < set(document)
    assert document["reviewOn"] is None


def test_equal_numbers_are_written_alike() -> None:
    assert to_json(parse({"ects": "2.50", "workloadHours": "1E+2"})) == to_json(
        parse({"ects": 2.5, "workloadHours": 100})
    )


def test_empty_content_is_a_draft_with_nothing_said() -> None:
    assert parse({}).title is None


@pytest.mark.parametrize(
    ("value", "where", "says"),
    [
        ({"titel": "x"}, "titel", "did you mean title?"),
        ({"workload_hours": 5}, "workload_hours", "did you mean workloadHours?"),
        ({"ects": "2,5"}, "ects", "use a dot: 2.5"),
        ({"ects": 2.55}, "ects", "more than one decimal place"),
        ({"ects": 90}, "ects", "at most 60"),
        ({"ects": "1E+999999999"}, "ects", "at most 60"),
        ({"ects": "1E-999999999"}, "ects", "at least 0.5"),
        ({"workloadHours": "1E+999999999"}, "workloadHours", "at most 5000"),
        ({"workloadHours": "1E-999999999"}, "workloadHours", "decimal places"),
        ({"ects": 0}, "ects", "at least 0.5"),
        ({"workloadHours": 0}, "workloadHours", "greater than 0"),
        ({"workloadHours": True}, "workloadHours", "must be a number"),
        ({"eqfLevel": 9}, "eqfLevel", "at most 8"),
        ({"eqfLevel": True}, "eqfLevel", "whole number"),
        ({"eqfLevel": "6"}, "eqfLevel", "whole number"),
        ({"duration": "P60M"}, "duration", "PT60H"),
        ({"duration": "four weeks"}, "duration", "P4W"),
        ({"duration": "PT0H"}, "duration", "no time at all"),
        ({"duration": "P"}, "duration", "not an ISO 8601 duration"),
        ({"language": "English"}, "language", "language tag"),
        ({"title": "a\nb"}, "title", "one line"),
        ({"title": "  "}, "title", "is empty"),
        ({"title": "a\x00"}, "title", "NUL"),
        ({"title": "\ud800"}, "title", "surrogate"),
        ({"title": "a\x1b[2J"}, "title", "control character"),
        ({"title": "x" * 201}, "title", "longer than 200"),
        ({"title": 5}, "title", "must be text"),
        ({"tags": "a"}, "tags", "must be a list"),
        ({"tags": ["a", "b", "a"]}, "tags[2]", "repeats a"),
        ({"reviewOn": "soon"}, "reviewOn", "2026-11-22"),
        ({"reviewOn": "2026-02-30"}, "reviewOn", "2026-11-22"),
        ({"participation": "remote"}, "participation", "'online'"),
        ({"price": {"amount": "NaN", "currency": "EUR"}}, "price.amount", "finite"),
        ({"price": {"amount": 10, "currency": "eur"}}, "price.currency", "EUR"),
        ({"price": {"amount": 10}}, "price.currency", "is required"),
        ({"skills": [{"uri": "http://a b"}]}, "skills[0].uri", "absolute URI"),
        ({"outcomes": [{"id": "O 1", "statement": "x"}]}, "outcomes[0].id", "lower-case"),
        ({"assessment": {"types": ["exam"]}}, "assessment.types[0]", "'portfolio'"),
        ({"levelApplicable": False, "eqfLevel": 5}, "levelApplicable", "eqfLevel is given"),
    ],
)
def test_wrong_field_is_named_with_a_remedy(value: dict[str, Any], where: str, says: str) -> None:
    found = problems(value)
    assert list(found) == [where]
    assert says in found[where]


def test_all_problems_are_named_at_once() -> None:
    assert set(problems({"ects": "2,5", "title": 5, "outcomes": [{}]})) == {
        "ects", "title", "outcomes[0].id", "outcomes[0].statement",
    }  # fmt: skip


def test_second_primary_outcome_is_refused() -> None:
    outcomes = [{"id": "a", "statement": "A", "primary": True}, {"id": "b", "statement": "B", "primary": True}]
    assert "exactly one" in problems(changed(outcomes=outcomes))["outcomes[1].primary"]


def test_outcome_skill_must_be_one_of_the_specification() -> None:
    outcomes = [{"id": "a", "statement": "A", "skills": ["http://data.europa.eu/esco/skill/other"]}]
    assert "not among" in problems(changed(outcomes=outcomes))["outcomes[0].skills[0]"]


def test_required_level_must_be_one_of_the_levels() -> None:
    rubric = [{"id": "r", "name": "R", "levels": [{"id": "low", "name": "Low"}], "requiredLevel": "high"}]
    assert "not the id" in problems({"assessment": {"rubric": rubric}})["assessment.rubric[0].requiredLevel"]


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_content_must_be_an_object(value: object) -> None:
    assert "must be an object" in problems(value)[""]


def test_deep_nesting_is_refused_by_depth() -> None:
    value: dict[str, Any] = {}
    deep = value
    for _ in range(50):
        deep["title"] = {}
        deep = deep["title"]
    assert any("deeper" in message for message in problems(value).values())


NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals().map(str)
LEAVES = NUMBERS | st.text(max_size=20) | st.sampled_from(["P4W", "1E+999999999", "en", "testing", "2026-11-22"])
NAMES = st.sampled_from(sorted(KEYS)) | st.text(max_size=10)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6))


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_any_json_is_read_or_refused_by_its_fields(value: dict[str, Any]) -> None:
    try:
        content = parse(value)
    except UnreadableContent as unreadable:
        found: object = unreadable.problems
    else:
        found = parse(to_json(content)) == content
    assert found


@given(st.sampled_from(sorted(COMPLETE)), JSON)
def test_any_value_in_the_place_of_a_field_is_read_or_refused_there(name: str, value: Any) -> None:
    places: set[str] = set()
    try:
        parse(changed(**{name: value}))
    except UnreadableContent as unreadable:
        places = {str(problem.path[0]) for problem in unreadable.problems}
    # An outcome may have lost its skill, and a level may contradict that none applies.
    assert places <= {name, "outcomes", "levelApplicable"}
