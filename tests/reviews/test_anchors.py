"""Places in frozen texts: paths, ranges in code points, quotations, and where a place went when the text was edited."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.errors import Invalid, Refusal
from countersign.reviews.rules_anchors import (
    Anchor,
    Change,
    Misquoted,
    NoSuchField,
    NotText,
    OutOfText,
    applied,
    faults,
    place,
    quotation,
    read,
    steps,
    write,
)
from countersign.specs.reading import parse, to_json
from tests.specs.samples import COMPLETE

CONTENT: dict[str, Any] = to_json(parse(COMPLETE))
URI = COMPLETE["skills"][0]["uri"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", COMPLETE["title"]),
        ("furtherInformation", None),
        ("outcomes[power].statement", COMPLETE["outcomes"][1]["statement"]),
        ("outcomes[report].skills[0]", URI),
        ("assessment.passMark", "3 of 4 on every criterion"),
        ("assessment.rubric[report].levels[ready].name", "Ready for work"),
        (f"skills[{URI}].matched", False),
        ("toolchain[Python].version", "3.13"),
        ("price.amount", "480"),
        ("tags[1]", "Python"),
    ],
)
def test_a_path_leads_to_what_it_names(path: str, value: object) -> None:
    assert read(CONTENT, path) == value
    assert faults(Anchor(path), CONTENT, ()) == []


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "nothing",
            "title.length",
            "outcomes[nobody]",
            "outcomes[0].statement",
            "outcomes.report",
            "[0]",
            "tags[9]",
        ),
        *("tags[-1]", "tags[²]", "title[0]", "outcomes[report", "outcomes]report[", ".title", "title.", "a" * 701),
        *("__class__", "outcomes[report].__class__", "\u202etitle", "title\n"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_its_place(path: str) -> None:
    (found,) = faults(Anchor(path), CONTENT, ("comments", 3))
    assert isinstance(found, NoSuchField)
    assert found.path == ("comments", 3, "path")
    with pytest.raises(NoSuchField):
        write(CONTENT, path, "x")


def test_steps_keep_what_stands_in_brackets_whole() -> None:
    assert steps(f"skills[{URI}].name") == ("skills", f"[{URI}", "name")


def test_items_of_one_name_are_found_by_their_number_alone() -> None:
    twice = {"toolchain": [{"name": "Python", "version": "3.12"}, {"name": "Python", "version": "3.13"}]}
    assert read(twice, "toolchain[1].version") == "3.13"
    with pytest.raises(NoSuchField):
        read(twice, "toolchain[Python].version")


TEXT = "Fährt 👩‍🎨 im שלום"
"""Umlaut, an emoji of three code points, right-to-left letters: 18 code points, more UTF-16 units, many more bytes."""


@pytest.mark.parametrize(
    ("start", "end", "quoted"),
    [(0, 5, "Fährt"), (6, 9, "👩‍🎨"), (13, 17, "שלום"), (0, len(TEXT), TEXT), (17, 17, ""), (1, 2, "ä")],
)
def test_ranges_count_code_points(start: int, end: int, quoted: str) -> None:
    content = CONTENT | {"summary": TEXT}
    assert faults(Anchor("summary", start, end, quoted), content, ()) == []
    assert quotation(content, "summary", start, end) == quoted


@pytest.mark.parametrize(
    ("anchor", "kind", "at"),
    [
        (Anchor("summary", 0, 4, "Five"), Misquoted, ("quoted",)),
        (Anchor("summary", 0, 4, "four"), Misquoted, ("quoted",)),
        (Anchor("summary", 0, 4), Misquoted, ("quoted",)),
        (Anchor("summary", -1, 4, "Four"), OutOfText, ("start",)),
        (Anchor("summary", 4, 0, ""), OutOfText, ("start",)),
        (Anchor("summary", 0, 10_000, "Four"), OutOfText, ("start",)),
        (Anchor("summary", 0, None, "Four"), OutOfText, ("start",)),
        (Anchor("summary", None, 4, "Four"), OutOfText, ("start",)),
        (Anchor("outcomes", 0, 1, "["), NotText, ("start",)),
        (Anchor("furtherInformation", 0, 0, ""), NotText, ("start",)),
        (Anchor(None, 0, 1, "F"), Invalid, ("path",)),
    ],
)
def test_a_range_that_is_not_in_the_frozen_text_is_refused(
    anchor: Anchor, kind: type[Refusal], at: tuple[str, ...]
) -> None:
    (found,) = faults(anchor, CONTENT, ())
    assert type(found) is kind
    assert found.path == at


def test_writing_changes_one_place_of_a_copy() -> None:
    made = write(CONTENT, "outcomes[power].statement", "Other words.")
    assert read(made, "outcomes[power].statement") == "Other words."
    assert to_json(parse(COMPLETE)) == CONTENT
    assert write(made, "outcomes[power].statement", COMPLETE["outcomes"][1]["statement"]) == CONTENT


BEFORE = "Four weeks to a decision that holds."


@pytest.mark.parametrize(
    ("now", "made", "at"),
    [
        (BEFORE, [], 16),
        ("In all: " + BEFORE, [], 24),
        (BEFORE + " Really.", [], 16),
        ("Six weeks to a decision that holds.", [], 15),
        ("Six weeks to a decision that holds.", [Change(0, 4, "Six")], 15),
        ("Six weeks to a decision that stands.", [Change(0, 4, "Six"), Change(30, 35, "stands")], 15),
        # Both sides were edited by hand: nobody can say that what stands between is the same place.
        ("Six weeks to a decision that stands.", [], None),
        ("Four weeks to a verdict that holds.", [], None),
        ("Four weeks to a decision!", [], 16),
        ("", [], None),
        (BEFORE.upper(), [], None),
        (BEFORE, [Change(16, 24, "verdict")], None),
        ("Four weeks to a wise decision that holds.", [Change(16, 16, "wise ")], 21),
    ],
)
def test_a_place_is_followed_or_given_up(now: str, made: list[Change], at: int | None) -> None:
    assert place(BEFORE, now, Change(16, 24, "verdict"), made) == at
    if at is not None:
        assert now[at : at + 8] == "decision"


texts = st.text("ab שאé👩", max_size=30)


def test_an_edit_that_could_have_been_made_in_two_places_is_in_nobodys_way() -> None:
    assert place("aaaaaa", "aaaaa", Change(1, 6, "b"), []) == 0


@given(texts, texts, st.data())
def test_what_is_replaced_is_always_what_was_quoted(before: str, edit: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, len(before)))
    low = data.draw(st.integers(0, len(before)))
    high = data.draw(st.integers(low, len(before)))
    now = applied(before, [Change(low, high, edit)])
    at = place(before, now, Change(start, end, "new"), [])
    if at is not None:
        assert now[at : at + end - start] == before[start:end]
        outside = now[:at] + now[at + end - start :]
        assert applied(now, [Change(at, at + end - start, "new")]) == outside[:at] + "new" + outside[at:]
    elif end <= low or start >= high:
        # An edit that leaves the range alone is never in the way.
        raise AssertionError((before, now, start, end, low, high))
