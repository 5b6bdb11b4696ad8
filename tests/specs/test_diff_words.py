"""Two texts compared word by word, in any script."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.specs.diff_words import MOST_WORDS, Piece, compare, figure_changed, words
from tests.patience import within

SAME, REMOVED, ADDED = Piece


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 3.5 weeks.", ["It's", " ", "3.5", " ", "weeks", "."]),
        ("cafe\u0301 e\u0301te\u0301", ["cafe\u0301", " ", "e\u0301te\u0301"]),
        ("שלום עולם", ["שלום", " ", "עולם"]),
        ("مرحبا ١٢٣", ["مرحبا", " ", "١٢٣"]),
        ("हिन्दी भाषा", ["हिन्दी", " ", "भाषा"]),
        ("👨\u200d👩\u200d👧 ok", ["👨\u200d👩\u200d👧", " ", "ok"]),
    ],
)
def test_words_are_those_of_unicode(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_changed_word_stands_alone() -> None:
    assert [(r.piece, r.text) for r in compare("Reads the brief well", "Reads the report well")] == [
        (SAME, "Reads the "),
        (REMOVED, "brief"),
        (ADDED, "report"),
        (SAME, " well"),
    ]


def test_a_changed_phrase_is_one_change_and_not_one_for_every_second_word() -> None:
    assert [(r.piece, r.text) for r in compare("a quiz at home", "a project on site")] == [
        (SAME, "a "),
        (REMOVED, "quiz at home"),
        (ADDED, "project on site"),
    ]


def test_a_combining_mark_never_leaves_its_letter() -> None:
    assert [(r.piece, r.text) for r in compare("pere ici", "pe\u0300re ici")] == [
        (REMOVED, "pere"),
        (ADDED, "pe\u0300re"),
        (SAME, " ici"),
    ]


def test_two_spellings_of_one_accent_are_two_texts() -> None:
    assert [r.piece for r in compare("é", "e\u0301")] == [REMOVED, ADDED]


def test_right_to_left_text_is_cut_in_logical_order() -> None:
    runs = compare("שלום עולם 2024", "שלום לכם 2025")
    assert (runs[0].piece, runs[0].text) == (SAME, "שלום ")
    assert figure_changed(runs)


def test_nothing_and_something() -> None:
    assert compare("", "") == ()
    assert [(r.piece, r.text) for r in compare("", "new")] == [(ADDED, "new")]
    assert [(r.piece, r.text) for r in compare("old", "")] == [(REMOVED, "old")]


TEXTS = st.text(alphabet=st.sampled_from("ab  ,.\n1\u0301\u200f\u200dשлก家👩é"), max_size=40) | st.text(max_size=30)


@given(TEXTS, TEXTS)
def test_the_runs_give_back_both_texts(before: str, after: str) -> None:
    runs = compare(before, after)
    assert "".join(r.text for r in runs if r.piece is not ADDED) == before
    assert "".join(r.text for r in runs if r.piece is not REMOVED) == after
    assert all(run.text for run in runs)
    assert (before == after) is all(run.piece is SAME for run in runs)
    order = [run.piece for run in runs]
    assert all(pair not in set(pairwise(order)) for pair in [(SAME, SAME), (ADDED, REMOVED)])


@pytest.mark.parametrize("mark", [" ", "\n"])
def test_a_huge_text_is_compared_in_little_time(mark: str) -> None:
    before = mark.join(str(number) for number in range(2 * MOST_WORDS))
    after = mark.join(str(number) for number in range(0, 4 * MOST_WORDS, 2))
    begun = time.process_time()
    runs = compare(before, after)
    assert time.process_time() - begun < within(1)
    assert "".join(r.text for r in runs if r.piece is not ADDED) == before
