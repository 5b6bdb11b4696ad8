"""Reading tables that people bring: every fault of form is named by its line, and nothing bad passes."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.importing import (
    BadRows,
    Column,
    ImportReport,
    RowProblem,
    decode,
    knows_header,
    read_table,
    refusal,
)

COLUMNS = (
    Column("name", ("Name", "Title"), required=True, longest=50),
    Column("hours", ("Clock hours",)),
    Column("link", ("Link", "Link URL"), repeats=True),
)


def problems(data: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(BadRows) as caught:
        read_table(data, COLUMNS)
    return [(problem.line, problem.field, problem.sentence()) for problem in caught.value.problems]


def test_rows_are_read_by_any_spelling_of_the_header() -> None:
    rows = read_table(b"\xef\xbb\xbfTITLE,clock_hours\r\n Caf\xc3\xa9 ,5\r\n\r\nTea,\r\n", COLUMNS)
    assert [(row.line, row.get("name"), row.get("hours"), row.get("link")) for row in rows] == [
        (2, "Café", "5", ""),
        (4, "Tea", "", ""),
    ]


def test_repeating_columns_keep_their_order_numbered_or_not() -> None:
    (row,) = read_table(b"Name,Link,Link 2 URL,Link\nA,x,,z\n", COLUMNS)
    assert row.all("link") == ("x", "", "z")


def test_line_numbers_count_line_ends_inside_quotes() -> None:
    rows = read_table(b'Name,Clock hours\n"two\nlines",1\nlast,2\n', COLUMNS)
    assert [row.line for row in rows] == [2, 4]


@pytest.mark.parametrize(
    ("data", "line", "field", "says"),
    [
        (b"", 0, "", "empty"),
        (b"\xef\xbb\xbf \n", 0, "", "empty"),
        (b"\n\n", 0, "", "empty"),
        (b"Name\n", 1, "", "no row"),
        (b"Name\n\n \n", 1, "", "no row"),
        ("Name\nКурс\n".encode("utf-16"), 0, "", "UTF-16"),
        ("Name\nok\nКурс\n".encode("cp1251"), 3, "", "not UTF-8"),
        (b"Name\nok\nb\x00d\n", 3, "", "NUL"),
        (b"Nam,Clock hours\na,1\n", 1, "Nam", "did you mean Name?"),
        (b"Name,Colour\na,red\n", 1, "Colour", "remove the column"),
        (b"Name,\na,1\n", 1, "", "no header"),
        (b"Anna Example,anna@example.com\na,1\n", 1, "", "the first line is no header"),
        (b"Name,Title\na,b\n", 1, "Title", "twice"),
        (b"Clock hours\n5\n", 1, "Name", "missing"),
        (b"Name,Clock hours\na,1\nb\n", 3, "", "has 1 cells, the header has 2"),
        (b"Name\na,b\n", 2, "", "quotes"),
        (b'Name\nok\n"open\n', 3, "", "never closed"),
        (b'Name\n"a"b\n', 2, "", "not CSV"),
        (b"Name\n" + b"x" * 51 + b"\n", 2, "Name", "longer than 50"),
        (b"Name\n" + b"x" * 200_000 + b"\n", 2, "Name", "longer than 50"),
    ],
)
def test_fault_is_named_with_its_line_and_remedy(data: bytes, line: int, field: str, says: str) -> None:
    assert any((at, where) == (line, field) and says in text for at, where, text in problems(data)), problems(data)


def test_every_bad_row_is_named_at_once() -> None:
    assert [line for line, _, _ in problems(b"Name\na,b\nc\nd,e\n" + b"x" * 60 + b"\n")] == [2, 4, 5]


def test_a_file_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BadRows) as caught:
        decode(b"x" * (64 * 1024 * 1024 + 1))
    assert "larger than 64 MiB" in caught.value.problems[0].problem


def test_style_is_told_by_the_header() -> None:
    assert knows_header(b"name,link\na,b\n", COLUMNS)
    assert not knows_header(b"link\nb\n", COLUMNS)
    assert not knows_header(b"name,other\na,b\n", COLUMNS)
    assert not knows_header(b"\xff\xfe", COLUMNS)


def test_refusal_report_has_columns_and_says_that_nothing_was_imported() -> None:
    report = refusal(
        "bad.csv",
        "award",
        2,
        [RowProblem(3, "school", "", "is empty"), RowProblem(2, "ects", "2,5", "is not a number", "use a dot: 2.5")],
        dry_run=False,
    )
    assert list(report.lines()) == [
        "2 problems in bad.csv",
        " line  field   value  problem",
        " 2     ects    2,5    is not a number (use a dot: 2.5)",
        " 3     school         is empty",
        "nothing was imported",
    ]
    assert report.refused
    assert report.to_json()["problems"][0]["field"] == "ects"


def test_long_refusal_counts_what_it_does_not_list() -> None:
    report = refusal("f", "s", 0, [RowProblem(n, "", "x" * 500, "bad") for n in range(1500)], dry_run=True)
    assert (len(report.problems), report.left_out) == (1000, 500)
    assert "1500 problems" in next(report.lines())


def test_report_of_a_dry_run_speaks_of_what_would_be() -> None:
    report = ImportReport("a.csv", "esco", rows=3, created=1, updated=1, unchanged=1, dry_run=True)
    assert list(report.lines()) == ["3 rows of a.csv: 1 would be created, 1 updated, 1 unchanged"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found: Sequence[object] = read_table(data, COLUMNS)
    except BadRows as refused:
        found = refused.problems
    assert found


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=5))
def test_what_is_written_as_csv_is_read_back(pairs: list[tuple[str, str]]) -> None:
    kept = [(a.replace("\x00", ""), b.replace("\x00", "")) for a, b in pairs]
    kept = [pair for pair in kept if any(cell.strip() for cell in pair)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("Name", "Clock hours"), *kept])
    try:
        data = text.getvalue().encode()
    except UnicodeEncodeError:
        return
    if kept:
        rows = read_table(data, COLUMNS)
        assert [(row.get("name"), row.get("hours")) for row in rows] == [(a.strip(), b.strip()) for a, b in kept]
