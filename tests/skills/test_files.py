"""Skill files of every style, read into facts, and each bad row named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.importing import BadRows
from countersign.skills.files import Style, read, tell_style
from countersign.skills.rules import Facts, Kind, Label, LabelKind, ReuseLevel, folded, labels_of, merged
from tests.skills.samples import CLEANED_ESCO, CLEANED_RSD, OFFICIAL_ESCO, ONET, OSMT_EXPORT, OSMT_IMPORT


def only(data: str, style: Style) -> Facts:
    ((_, facts),) = read(data.encode(), style).skills
    return facts


def faults(data: str, style: Style) -> list[tuple[int, str, str, str]]:
    with pytest.raises(BadRows) as caught:
        read(data.encode(), style)
    return [(problem.line, problem.field, problem.value, problem.sentence()) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("data", "style"),
    [
        (CLEANED_ESCO, Style.ESCO),
        (OFFICIAL_ESCO, Style.ESCO),
        (ONET, Style.ONET),
        (OSMT_IMPORT, Style.RSD),
        (OSMT_EXPORT, Style.RSD),
        (CLEANED_RSD, Style.RSD),
    ],
)
def test_style_is_told_by_the_header_and_the_file_is_read(data: str, style: Style) -> None:
    assert tell_style(data.encode()) is style
    assert read(data.encode(), style).skills


def test_both_esco_styles_give_the_same_skill() -> None:
    cleaned, official = only(CLEANED_ESCO, Style.ESCO), only(OFFICIAL_ESCO, Style.ESCO)
    assert cleaned.uri == official.uri
    assert cleaned.labels == official.labels
    assert [label.text for label in cleaned.labels if label.kind is LabelKind.ALIAS] == [
        "Haskell language",
        "Haskell techniques",
    ]
    assert (cleaned.kind, cleaned.reuse_level) == (Kind.KNOWLEDGE, ReuseLevel.SECTOR_SPECIFIC)


def test_both_rsd_header_families_give_the_same_facts() -> None:
    first, second = only(OSMT_IMPORT, Style.RSD), only(OSMT_EXPORT, Style.RSD)
    assert first.labels == second.labels == labels_of("en", "SQL Queries", ())
    assert first.description == second.description
    assert first.keywords == second.keywords == ("SQL", "Databases")
    assert first.occupations == second.occupations == ("15-0000", "15-1252")
    assert second.uri == "https://osmt.example/api/skills/2444c3b2-37b9-4f4d-92a0-6260ad0a33dd"


def test_skill_without_address_gets_the_same_one_every_time() -> None:
    first = only(OSMT_IMPORT, Style.RSD)
    assert first.uri == only(OSMT_IMPORT.replace("SQL Queries", "sql  queries"), Style.RSD).uri
    assert first.uri.startswith("urn:uuid:")
    assert first.uri != only(OSMT_IMPORT.replace("SQL Queries", "SQL Views"), Style.RSD).uri


def test_technology_is_a_tool_with_its_category_and_flag() -> None:
    facts = only(ONET, Style.ONET)
    assert (facts.kind, facts.hot, facts.categories) == (Kind.TOOL, True, ("Spreadsheet software",))


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ("http://data.europa.eu/esco/occupation/1,x,,skill,transversal", "uri", "not an ESCO skill's URI"),
        (",x,,skill,transversal", "uri", "is empty"),
        ("http://data.europa.eu/esco/skill/a1,,,skill,transversal", "label_en", "is empty"),
        ("http://data.europa.eu/esco/skill/a1,x,,skil,transversal", "concept_type", "did you mean skill?"),
        ("http://data.europa.eu/esco/skill/a1,x,,skill,cross sector", "reuse_level", "did you mean cross-sector?"),
        ("http://data.europa.eu/esco/skill/a1,x,,skill,zzz", "reuse_level", "one of transversal, cross-sector"),
    ],
)
def test_bad_esco_cell_is_named_under_the_header_of_the_file(row: str, field: str, says: str) -> None:
    ((line, where, _, sentence),) = faults(f"uri,label_en,alt_labels_en,concept_type,reuse_level\n{row}\n", Style.ESCO)
    assert (line, where) == (2, field)
    assert says in sentence


def test_occupation_code_with_underscore_is_reported_not_blanked() -> None:
    assert faults(OSMT_IMPORT.replace("15-1252", "15_1252"), Style.RSD) == [
        (2, "BLS Detailed Occupation", "15_1252", "is not an occupation code (write 15-1252)")
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Excel,4323,Spreadsheets,Y,1,1", "commodity_code"),
        ("Excel,43231513,Spreadsheets,yes,1,1", "hot_technology"),
        ("Excel,43231513,Spreadsheets,Y,many,1", "occupation_count"),
        (",43231513,Spreadsheets,Y,1,1", "technology"),
    ],
)
def test_bad_technology_cell_is_named(row: str, field: str) -> None:
    header = ONET.splitlines()[0]
    assert [(line, where) for line, where, _, _ in faults(f"{header}\n{row}\n", Style.ONET)] == [(2, field)]


def test_skill_that_stands_twice_is_named_with_the_first_line() -> None:
    again = CLEANED_ESCO + CLEANED_ESCO.splitlines()[1] + "\n"
    assert [(line, sentence) for line, _, _, sentence in faults(again, Style.ESCO)] == [
        (3, "repeats line 2 (keep one of the two)")
    ]


def test_every_bad_row_of_a_file_is_named() -> None:
    header, good, *_ = ONET.splitlines()
    bad = [header, good, ",4,,,,", good.replace("Excel", "Word"), "X,1,,,,"]
    assert [line for line, *_ in faults("\n".join(bad), Style.ONET)] == [3, 3, 5]


def test_alias_that_repeats_a_label_is_one_label() -> None:
    labels = labels_of("en", "Python", ["python", "Py", "PY", " ", "CPython"])
    assert [label.text for label in labels] == ["CPython", "Py", "Python"]


def test_column_that_a_file_lacks_keeps_what_is_known() -> None:
    known = only(CLEANED_ESCO, Style.ESCO)
    short = read(OFFICIAL_SHORT.encode(), Style.ESCO)
    after = merged(known, short.skills[0][1], short.silent)
    assert after.description == known.description
    assert after.kind is known.kind
    assert Label("en", LabelKind.ALIAS, "Haskell language") in after.labels
    assert Label("en", LabelKind.PREFERRED, "Haskell 2010") in after.labels


OFFICIAL_SHORT = (
    "conceptUri,reuseLevel,preferredLabel\n"
    "http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02,sector-specific,Haskell 2010\n"
)


@given(st.text(max_size=30))
def test_folding_again_changes_nothing(text: str) -> None:
    once = folded(text)
    assert folded(once) == once


@given(st.binary(max_size=200), st.sampled_from(Style))
def test_any_bytes_are_read_or_refused(tail: bytes, style: Style) -> None:
    header = {Style.ESCO: CLEANED_ESCO, Style.ONET: ONET, Style.RSD: OSMT_IMPORT}[style].splitlines()[0].encode()
    try:
        found: object = read(header + b"\n" + tail, style).skills
    except BadRows as bad:
        found = bad.problems
    assert found
