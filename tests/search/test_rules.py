"""What a recruiter may ask, and what counts may tell."""

from __future__ import annotations

import itertools

import pytest

from countersign.search import rules


@pytest.mark.parametrize(
    ("exact", "told"), [(0, None), (1, None), (9, None), (10, 10), (19, 10), (20, 20), (1234, 1230)]
)
def test_small_counts_are_not_told_and_others_are_rounded_down(exact: int, told: int | None) -> None:
    assert rules.told_count(exact) == told


def test_a_question_asks_for_something() -> None:
    with pytest.raises(rules.NothingAsked):
        rules.check_question(skills=0, specs=0, stacks=0, endorsers=3, regions=2)
    for asked in ({"skills": 1}, {"specs": 1}, {"stacks": 1}):
        rules.check_question(**{"skills": 0, "specs": 0, "stacks": 0, "endorsers": 0, "regions": 0, **asked})


@pytest.mark.parametrize(
    ("what", "limit", "place"),
    [("skills", 4, "skills"), ("specs", 20, "specs"), ("endorsers", 20, "endorsedBy"), ("regions", 10, "regions")],
)
def test_a_question_has_limits_that_are_named(what: str, limit: int, place: str) -> None:
    asked = {"skills": 1, "specs": 0, "stacks": 0, "endorsers": 0, "regions": 0}
    rules.check_question(**{**asked, what: limit})
    with pytest.raises(rules.TooManyAsked) as refused:
        rules.check_question(**{**asked, what: limit + 1})
    assert refused.value.path == (place,)


def test_each_organization_breaks_ties_in_an_order_of_its_own() -> None:
    assert rules.tie_break_seed(b"one") == rules.tie_break_seed(b"one")
    assert rules.tie_break_seed(b"one") != rules.tie_break_seed(b"other")
    assert -(2**63) <= rules.tie_break_seed(b"one") < 2**63


def test_a_question_combines_at_most_three_kinds_of_condition() -> None:
    kinds = ("skills", "specs", "stacks", "endorsers", "regions")
    nothing = dict.fromkeys(kinds, 0)
    for few in itertools.combinations(kinds, 3):
        if set(few) & {"skills", "specs", "stacks"}:
            rules.check_question(**nothing | dict.fromkeys(few, 1))
    for many in itertools.combinations(kinds, 4):
        with pytest.raises(rules.TooNarrow):
            rules.check_question(**nothing | dict.fromkeys(many, 1))
