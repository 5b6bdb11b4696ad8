"""Queries and files: what is read, and every fault named by its place."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from countersign.corpora.rules import LONGEST_QUERY, MOST_ALTERNATIVES, read_query
from countersign.corpora.rules_files import period, read
from countersign.kit.errors import Refusal
from countersign.kit.importing import BadRows
from tests.corpora.support import MADE, PERIOD, lines


@pytest.mark.parametrize(
    ("query", "read_as"),
    [
        ("Python", [["python"]]),
        ("python + SQL, r", [["python", "sql"], ["r"]]),
        ("C++, C#", [["c++"], ["c#"]]),
        (" data   analysis ,, ＳＱＬ", [["data analysis"], ["sql"]]),
        ("سي شارب", [["سي شارب"]]),
    ],
)
def test_a_query_is_alternatives_of_terms(query: str, read_as: list[list[str]]) -> None:
    assert read_query(query) == read_as


@pytest.mark.parametrize(
    "query", ["", " , ", "python + ", " + sql", "x" * (LONGEST_QUERY + 1), ",".join("x" * (MOST_ALTERNATIVES + 1))]
)
def test_what_is_no_query_is_refused_with_its_place(query: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_query(query, ("evidence", 2, "query"))
    assert refused.value.path == ("evidence", 2, "query")


def test_a_file_is_known_by_the_digest_of_its_bytes_and_read_in_order() -> None:
    found = read(lines())
    assert found.digest == hashlib.sha256(lines()).hexdigest()
    assert [v.external_id for v in found.vacancies] == ["1", "2", "3", "4", "5"]
    assert found.vacancies[0].terms == ("a/b testing", "python", "sql")
    assert found.vacancies[2].terms == ("r", "sql")
    assert (found.vacancies[4].published_on, found.vacancies[4].region) == (None, None)


@pytest.mark.parametrize(
    ("bad", "line", "field"),
    [
        (b"", 0, ""),
        (b"\xff", 0, ""),
        (b"nonsense\n", 1, ""),
        (b"[]\n", 1, ""),
        (b"[" * 100_000, 1, ""),
        (lines([MADE[0], MADE[0]]), 2, "vacancy_id"),
        (lines([{"knowledge": []}]), 1, "vacancy_id"),
        (lines([{"vacancy_id": "\x00", "knowledge": []}]), 1, "vacancy_id"),
        (b'{"vacancy_id": "\\ud800", "knowledge": []}\n', 1, "vacancy_id"),
        (b'{"vacancy_id": "1", "knowledge": ["\\udfff"]}\n', 1, "knowledge"),
        (lines([{"vacancy_id": "1"}]), 1, "knowledge"),
        (lines([{"vacancy_id": "1", "knowledge": [1]}]), 1, "knowledge"),
        (lines([{"vacancy_id": "1", "knowledge": ["x"] * 501}]), 1, "knowledge"),
        (lines([{"vacancy_id": "1", "knowledge": [], "published_on": "2026-02-30"}]), 1, "published_on"),
        (lines([{"vacancy_id": "1", "knowledge": [], "region": 5}]), 1, "region"),
    ],
)
def test_every_fault_of_a_file_is_named_by_line_and_field(bad: bytes, line: int, field: str) -> None:
    with pytest.raises(BadRows) as refused:
        read(bad)
    assert [(p.line, p.field) for p in refused.value.problems] == [(line, field)]


def test_all_faults_are_named_at_once() -> None:
    items: list[Any] = [{"knowledge": []}, MADE[0], {"vacancy_id": "9"}]
    with pytest.raises(BadRows) as refused:
        read(b"\n".join(json.dumps(item).encode() for item in items))
    assert [p.line for p in refused.value.problems] == [1, 3]


def test_the_period_is_what_was_stated_or_what_every_vacancy_tells() -> None:
    dated, all_of_it = read(lines(MADE[:4])).vacancies, read(lines()).vacancies
    assert period(dated, None, None) == (date(2026, 1, 10), date(2026, 3, 11))
    assert period(all_of_it, *PERIOD) == PERIOD
    for vacancies, stated in (
        (all_of_it, (None, None)),
        (all_of_it, (PERIOD[0], None)),
        (dated, (date(2026, 2, 1), None)),
        (dated, (date(2026, 4, 1), date(2026, 1, 1))),
    ):
        with pytest.raises(BadRows):
            period(vacancies, *stated)
