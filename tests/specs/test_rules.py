"""Rules of specifications: gaps, states, numbers, slugs and differences, without a database."""

from itertools import product
from typing import Any

import pytest

from countersign.kit.errors import Code, Invalid, Refusals
from countersign.specs.reading import parse
from countersign.specs.rules import (
    TRANSITIONS,
    Act,
    Element,
    School,
    Semver,
    State,
    VersionNotGreater,
    VersionUsed,
    WrongState,
    awardable,
    endorsable,
    gaps,
    move,
    public,
    read_content,
    require_complete,
    require_next,
    require_slug,
    require_submittable,
    slug_from,
)
from tests.specs.samples import COMPLETE, changed

NORTHGATE = School(country="EE", legal_name="Northgate School of Product")


def missing(**fields: Any) -> list[Element]:
    return [gap.element for gap in gaps(parse(changed(**fields)), NORTHGATE)]


def test_complete_specification_has_no_gap() -> None:
    assert missing() == []


@pytest.mark.parametrize(
    ("fields", "element"),
    [
        ({"title": ...}, Element.TITLE),
        ({"description": ...}, Element.DESCRIPTION),
        ({"workloadHours": ...}, Element.WORKLOAD),
        ({"eqfLevel": ...}, Element.LEVEL),
        ({"participation": ...}, Element.PARTICIPATION),
        ({"qualityAssurance": ...}, Element.QUALITY_ASSURANCE),
        ({"assessment": {"description": "Exam"}}, Element.ASSESSMENT_TYPE),
        ({"assessment": {"types": ["testing"]}}, Element.ASSESSMENT),
        ({"outcomes": [{"id": "a", "statement": "A"}]}, Element.PRIMARY_OUTCOME),
        ({"outcomes": [{"id": "a", "statement": "A", "primary": True, "criterion": "C"}]}, Element.MEASURABLE_OUTCOME),
        ({"outcomes": [{"id": "a", "statement": "A", "primary": True, "threshold": "9"}]}, Element.MEASURABLE_OUTCOME),
    ],
)
def test_each_missing_element_is_a_named_gap(fields: dict[str, Any], element: Element) -> None:
    assert missing(**fields) == [element]


def test_skills_and_outcomes_are_gaps_when_absent() -> None:
    assert missing(outcomes=..., skills=...) == [Element.LEARNING_OUTCOMES, Element.PRIMARY_OUTCOME, Element.SKILLS]


def test_school_without_country_or_name_leaves_gaps() -> None:
    found = gaps(parse(COMPLETE), School(country=None, legal_name=""))
    assert [gap.element for gap in found] == [Element.COUNTRY, Element.AWARDING_BODY]


def test_level_may_be_declared_not_applicable() -> None:
    assert missing(eqfLevel=..., levelApplicable=False) == []


def test_publication_refuses_with_one_refusal_for_each_gap() -> None:
    with pytest.raises(Refusals) as caught:
        require_complete(gaps(parse({}), NORTHGATE))
    assert {refusal.code for refusal in caught.value.refusals} == {Code.REQUIRED}
    assert ("workloadHours",) in {refusal.path for refusal in caught.value.refusals}


def test_submission_needs_title_and_description_only() -> None:
    require_submittable(gaps(parse({"title": "T", "description": "D"}), School(country=None, legal_name=None)))
    with pytest.raises(Refusals) as caught:
        require_submittable(gaps(parse({}), NORTHGATE))
    assert [refusal.path for refusal in caught.value.refusals] == [("title",), ("description",)]


def test_client_content_refusals_carry_the_field_path() -> None:
    with pytest.raises(Refusals) as caught:
        read_content({"ects": "2,5"}, ("input", "content"))
    (refusal,) = caught.value.refusals
    assert refusal.path == ("input", "content", "ects")
    assert "2.5" in refusal.message


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_every_state_and_act_is_allowed_by_the_table_or_refused(state: State, act: Act) -> None:
    if (state, act) in TRANSITIONS:
        assert move(state, act) is TRANSITIONS[state, act]
    else:
        with pytest.raises(WrongState, match=state.value):
            move(state, act)


def test_life_of_a_version_ends_in_retirement_or_withdrawal() -> None:
    assert {state for state in State if not any(before is state for before, _ in TRANSITIONS)} == {
        State.RETIRED,
        State.WITHDRAWN,
    }


def test_published_version_is_never_withdrawn_or_taken_back() -> None:
    after = {TRANSITIONS[State.PUBLISHED, act] for act in Act if (State.PUBLISHED, act) in TRANSITIONS}
    assert after == {State.PUBLISHED, State.DEPRECATED}


@pytest.mark.parametrize(
    ("state", "endorse", "award", "read"),
    [
        (State.SUBMITTED, True, False, False),
        (State.IN_REVIEW, True, False, False),
        (State.PUBLISHED, True, True, True),
        (State.DEPRECATED, False, True, True),
        (State.RETIRED, False, False, True),
        (State.WITHDRAWN, False, False, False),
    ],
)
def test_state_decides_endorsing_awarding_and_reading(state: State, endorse: bool, award: bool, read: bool) -> None:
    assert (endorsable(state), awardable(state), public(state)) == (endorse, award, read)


@pytest.mark.parametrize(
    "text", ["1.0", "1.0.0.0", "01.0.0", "v1.0.0", "1.0.0-rc1", "1.0.0\n", "١.0.0", "1234567.0.0", ""]
)
def test_malformed_version_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"1\.0\.0"):
        Semver.read(text)


def test_version_numbers_order_by_value_not_by_text() -> None:
    assert Semver.read("1.10.0") > Semver.read("1.9.9")
    assert str(Semver.read("1.10.0")) == "1.10.0"


def test_version_number_is_used_once_and_only_grows() -> None:
    used = [Semver(1, 0, 0), Semver(1, 2, 0)]
    require_next(Semver(1, 2, 1), used)
    require_next(Semver(0, 1, 0), [])
    with pytest.raises(VersionUsed):
        require_next(Semver(1, 0, 0), used)
    with pytest.raises(VersionNotGreater, match=r"1\.3\.0"):
        require_next(Semver(1, 1, 0), used)


@pytest.mark.parametrize("text", ["AB", "ab", "-ab", "ab-", "a--b", "a b c", "тест-курс", "x" * 81, "abc\n", ""])
def test_malformed_slug_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="lower-case"):
        require_slug(text)


def test_slug_from_title_is_plain_or_none() -> None:
    assert slug_from("A/B testing: für Anfänger's") == "a-b-testing-fur-anfangers"
    assert slug_from("Тестирование") is None
    assert require_slug(slug_from("x" * 200) or "") == "x" * 80
