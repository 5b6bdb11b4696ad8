"""The states of an operation, every one from every one; cells that no spreadsheet runs, whatever they hold."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.bulk import rules, rules_csv
from countersign.bulk.rules import FINISHED, NEXT, State
from countersign.kit.errors import InvalidState

FORMULA = set("=+-@＝＋－＠")


def test_every_state_says_what_may_follow() -> None:
    assert set(NEXT) == set(State)
    reached = {State.QUEUED, State.AWAITING_APPROVAL}
    for _ in State:
        reached |= {after for state in reached for after in NEXT[state]}
    assert reached == set(State), "no state is out of reach"
    assert all(after in FINISHED for state in FINISHED for after in NEXT[state]), "what is over stays over"


@pytest.mark.parametrize("state", State)
def test_stopping_follows_the_table(state: State) -> None:
    if state in FINISHED:
        with pytest.raises(InvalidState):
            rules.cancelled(state)
        return
    after = rules.cancelled(state)
    assert after in NEXT[state] | {state}
    assert after in {State.CANCELED, State.CANCELING}


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("=1+1", True),
        ("+1", True),
        ("-1", True),
        ("@A1", True),
        ("\t=1", True),
        ("\tx", True),
        ("\rx", True),
        ("\nx", True),
        (" =1", True),
        ('"=1', True),
        ('""\t', True),
        ("'=1", True),
        ("\u00a0=1", True),
        ("\ufeff=1", True),
        ("＝1", True),
        ("", False),
        ("a=1", False),
        ("'s", False),
        ("1-2", False),
        ("e@x.org", False),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str, runs: bool) -> None:
    assert rules_csv.neutral(text) == (f"'{text}" if runs else text)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "'-7"),
        (1.5, "1.5"),
        ([1, "ä"], '[1,"ä"]'),
        ({"a": None}, '{"a":null}'),
        ([], "[]"),
    ],
)
def test_values_of_json_become_cells(value: object, cell: str) -> None:
    assert rules_csv.cell(value) == cell


ODD = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "\n", '"', "'", ",", ";", " ", "\u00a0", "＝", "a", "1", "ж", "😀"]
)
TEXTS = st.one_of(st.text(ODD, max_size=8), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.lists(TEXTS, max_size=3))


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=5))
def test_a_table_is_read_back_as_it_was_and_runs_nothing(table: list[list[object]]) -> None:
    columns = [("a",), ("b", "c"), ("=d",)]
    rows = [{"a": a, "b": {"c": c}, "=d": d} for a, c, d in table]
    text = rules_csv.header(columns) + "".join(rules_csv.line(rules_csv.flat(row, columns)) for row in rows)
    read = list(csv.reader(io.StringIO(text.encode().decode("utf-8-sig"), newline=""), strict=True))
    assert read[0] == ["a", "b.c", "'=d"]
    for given_row, found in zip(table, read[1:], strict=True):
        for value, cell in zip(given_row, found, strict=True):
            assert cell.lstrip(' \u00a0\t\r\n"')[:1] not in FORMULA, cell
            assert cell[:1] not in {"\t", "\r", "\n"}
            if isinstance(value, str):
                assert cell in {value, f"'{value}"}
            elif isinstance(value, list):
                assert json.loads(cell.removeprefix("'")) == value


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_every_line_ends_as_the_standard_says(cells: list[str]) -> None:
    line = rules_csv.line(cells)
    assert line.endswith("\r\n")
    # One field that is empty makes an empty line, which readers skip; the standard leaves it open.
    if cells != [""]:
        assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [cells]


def test_a_path_through_null_is_an_empty_cell() -> None:
    assert rules_csv.flat({"a": None, "b": 1}, [("a", "x"), ("b", "y"), ("c",)]) == ["", "", ""]
