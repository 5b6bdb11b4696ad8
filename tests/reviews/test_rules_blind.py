"""Blind review: what is covered in a text, and which requests cannot be blind."""

from __future__ import annotations

import pytest

from countersign.reviews.rules_blind import NamesTheSchool, NothingToHide, check_blind, covered

NAMES = ("Ruritania Institute", "ruritania", "ruritania.example", "«Школа» Ltd", "مدرسة", "AB", "")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("At Ruritania Institute we teach.", "At ███████████████████ we teach."),
        ("RURITANIA  INSTITUTE", "█" * 20),
        ("see https://ruritania.example/x", "see https://█████████████████/x"),
        ("ruritanian", "ruritanian"),
        ("AB testing", "AB testing"),
        ("от «Школа» ltd.", "от ███████████."),
        ("في مدرسة كبيرة", "في █████ كبيرة"),
        ("", ""),
        ("Ru\u0301ritania", "Ru\u0301ritania"),
    ],
)
def test_names_are_covered_whole_and_sign_for_sign(text: str, left: str) -> None:
    found = covered(text, NAMES)
    assert found == left
    assert len(found) == len(text)


def test_every_text_of_a_document_is_covered_and_nothing_else_changes() -> None:
    document = {"a": ["ruritania", 7, None, True], "b": {"ruritania": "x ruritania"}}
    assert covered(document, NAMES) == {"a": ["█" * 9, 7, None, True], "b": {"ruritania": "x " + "█" * 9}}
    assert covered(document, ()) == document


def test_a_composed_and_a_decomposed_name_are_both_covered() -> None:
    assert covered("École and E\u0301cole", ("École",)) == "█████ and ██████"


def test_a_public_version_cannot_be_asked_about_blind() -> None:
    with pytest.raises(NothingToHide) as caught:
        check_blind("published", public=True, message="", names=NAMES)
    assert caught.value.path == ("blind",)


def test_a_message_that_names_the_school_is_refused_with_the_name() -> None:
    with pytest.raises(NamesTheSchool, match="Ruritania institute") as caught:
        check_blind("submitted", public=False, message="Greetings from Ruritania institute!", names=NAMES)
    assert caught.value.path == ("message",)
    check_blind("submitted", public=False, message="Please look at the outcomes.", names=NAMES)
