"""Skill files in three styles, read into facts. Pure: rows in, facts and every problem out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar

from countersign.kit.importing import BadRows, Column, Row, RowProblem, knows_header, read_table
from countersign.skills import rules
from countersign.skills.rules import Facts, Framework, Kind, ReuseLevel

Member = TypeVar("Member", bound=StrEnum)


class Style(StrEnum):
    """The families of files that are understood."""

    ESCO = "esco"
    ONET = "onet"
    RSD = "rsd"


ESCO_COLUMNS: Final = (
    Column("uri", ("conceptUri", "uri"), required=True, longest=500),
    Column("label", ("preferredLabel", "label_en", "label"), required=True, longest=rules.LONGEST_LABEL),
    Column("aliases", ("altLabels", "alt_labels_en", "alt_labels")),
    Column("hidden", ("hiddenLabels",)),
    Column("kind", ("skillType", "concept_type")),
    Column("reuse", ("reuseLevel", "reuse_level")),
    Column("description", ("description", "description_en"), longest=rules.LONGEST_DESCRIPTION),
    Column("categories", ("collections",)),
    Column("status", ("status",)),
    Column("concept", ("conceptType",)),
    Column("modified", ("modifiedDate",)),
    Column("scope", ("scopeNote",)),
    Column("definition", ("definition",)),
    Column("scheme", ("inScheme",)),
    Column("broader", ("broader_uris",)),
    Column("broader_labels", ("broader_labels_en",)),
    Column("release", ("release",)),
)
ONET_COLUMNS: Final = (
    Column("label", ("technology", "Example"), required=True, longest=rules.LONGEST_LABEL),
    Column("code", ("commodity_code", "Commodity Code"), required=True, longest=20),
    Column("category", ("commodity_title", "Commodity Title"), longest=rules.LONGEST_LABEL),
    Column("hot", ("hot_technology", "Hot Technology"), longest=5),
    Column("occupations", ("occupation_count",), longest=10),
    Column("in_demand", ("in_demand_occupation_count",), longest=10),
)
RSD_COLUMNS: Final = (
    Column("label", ("Skill Name", "RSD Name"), required=True, longest=rules.LONGEST_LABEL),
    Column(
        "description",
        ("Contextualized Skill Statement", "Skill Statement"),
        required=True,
        longest=rules.LONGEST_DESCRIPTION,
    ),
    Column("uri", ("Canonical URL",), longest=500),
    Column("uuid", ("uuid",), longest=60),
    Column("collection", ("Collection", "Collections")),
    Column("categories", ("Skill Category", "Skill Categories", "Category", "Categories")),
    Column("authors", ("Author", "Authors")),
    Column("keywords", ("Keywords",)),
    Column("standards", ("Professional Standards", "Standards")),
    Column("certifications", ("Certifications",)),
    Column("soc_major", ("BLS Major Group", "BLS Major", "Occupation Major Groups", "BLS Major Groups")),
    Column("soc_minor", ("BLS Minor Group", "BLS Minor", "Occupation Minor Groups", "BLS Minor Groups")),
    Column("soc_broad", ("BLS Broad Occupation", "BLS Broad", "Broad Occupations")),
    Column("soc_detailed", ("BLS Detailed Occupation", "BLS Detailed", "Detailed Occupations")),
    Column("soc_role", ("O*NET Job Role", "O*Net Job Codes", "Job Codes")),
    Column("soc_any", ("occupation_codes",)),
    Column("employers", ("Employer", "Employers")),
    Column("alignment_name", ("Alignment Title", "Alignment Name"), repeats=True),
    Column("alignment_url", ("Alignment", "Alignment URL"), repeats=True),
    Column("alignment_framework", ("Alignment Framework",), repeats=True),
)
COLUMNS: Final = {Style.ESCO: ESCO_COLUMNS, Style.ONET: ONET_COLUMNS, Style.RSD: RSD_COLUMNS}
FRAMEWORKS: Final = {Style.ESCO: rules.ESCO, Style.ONET: rules.ONET, Style.RSD: rules.RSD}
SOURCES: Final = {
    "aliases": ("aliases", "hidden"),
    "kind": ("kind",),
    "description": ("description",),
    "reuse_level": ("reuse",),
    "categories": ("categories", "category"),
    "keywords": ("keywords",),
    "occupations": ("soc_major", "soc_minor", "soc_broad", "soc_detailed", "soc_role", "soc_any"),
    "hot": ("hot",),
}
"""Which columns speak of which field; `aliases` are the labels but the preferred one."""
SOC_COLUMNS: Final = SOURCES["occupations"]


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file that was read without a problem: its style's framework, and each skill with its line."""

    style: Style
    framework: Framework
    skills: tuple[tuple[int, Facts], ...]
    silent: frozenset[str] = frozenset()
    """Fields of `Facts` for which the file has no column: it says nothing about them, which is not "none"."""


def tell_style(data: bytes) -> Style | None:
    """The style whose header this is; None when no style knows it."""
    return next((style for style, columns in COLUMNS.items() if knows_header(data, columns)), None)


def read(data: bytes, style: Style, language: str = "en") -> SkillFile:
    """Every skill of a file. Raises BadRows with all problems of all rows; a skill that stands twice is one of them."""
    rows = read_table(data, COLUMNS[style], what=f"{style} skill file")
    take = {Style.ESCO: _esco, Style.ONET: _onet, Style.RSD: _rsd}[style]
    problems: list[RowProblem] = []
    skills: list[tuple[int, Facts]] = []
    first: dict[str, int] = {}
    for row in rows:
        faults: list[RowProblem] = []
        facts = take(row, language, faults)
        if not faults and facts.uri in first:
            name = "uri" if row.get("uri") else "label"
            faults.append(row.problem(name, f"repeats line {first[facts.uri]}", "keep one of the two"))
        problems += faults
        first.setdefault(facts.uri, row.line)
        skills.append((row.line, facts))
    if problems:
        raise BadRows(problems)
    silent = {name for name, columns in SOURCES.items() if not any(column in rows[0].cells for column in columns)}
    if style is not Style.ESCO:
        silent -= {"kind"}  # the style itself decides it
    return SkillFile(style, FRAMEWORKS[style], tuple(skills), frozenset(silent))


def _esco(row: Row, language: str, faults: list[RowProblem]) -> Facts:
    uri = row.get("uri")
    if not uri:
        faults.append(row.problem("uri", "is empty", "every ESCO concept has its URI"))
    elif rules.ESCO_URI.fullmatch(uri) is None:
        faults.append(row.problem("uri", "is not an ESCO skill's URI", "http://data.europa.eu/esco/skill/…"))
    aliases = [*_several(row.get("aliases"), "|\n"), *_several(row.get("hidden"), "|\n")]
    return Facts(
        uri=uri,
        labels=rules.labels_of(language, _label(row, faults), aliases),
        kind=_member(Kind, row, "kind", faults),
        description=_text(row.get("description")),
        reuse_level=_member(ReuseLevel, row, "reuse", faults),
        categories=_several(row.get("categories"), "|\n"),
    )


def _onet(row: Row, language: str, faults: list[RowProblem]) -> Facts:
    label, code = _label(row, faults), row.get("code")
    if re.fullmatch(r"[0-9]{8}", code) is None:
        faults.append(row.problem("code", "is not a commodity code", "eight digits, like 43231513"))
    hot = row.get("hot").upper()
    if hot not in {"", "Y", "N"}:
        faults.append(row.problem("hot", "must be Y or N"))
    faults += [
        row.problem(name, "is not a whole number")
        for name in ("occupations", "in_demand")
        if row.get(name) and re.fullmatch(r"[0-9]{1,6}", row.get(name)) is None
    ]
    return Facts(
        uri=rules.made_address("onet", code, label),
        labels=rules.labels_of(language, label, ()),
        kind=Kind.TOOL,
        categories=_several(row.get("category"), "\n"),
        hot=hot == "Y",
    )


def _rsd(row: Row, language: str, faults: list[RowProblem]) -> Facts:
    label, statement = _label(row, faults), _text(row.get("description"))
    if statement is None:
        faults.append(row.problem("description", "is empty", "a rich skill descriptor has a statement"))
    return Facts(
        uri=_rsd_address(row, label, statement or "", faults),
        labels=rules.labels_of(language, label, ()),
        kind=Kind.SKILL,
        description=statement,
        categories=_several(row.get("categories"), "|;"),
        keywords=_several(row.get("keywords"), "|;"),
        occupations=tuple(dict.fromkeys(_occupations(row, faults))),
    )


def _rsd_address(row: Row, label: str, statement: str, faults: list[RowProblem]) -> str:
    if row.get("uri"):
        if re.fullmatch(r"https?://[^\s<>\"]+", row.get("uri")) is None:
            faults.append(row.problem("uri", "is not a web address", "https://…/api/skills/<uuid>"))
        return row.get("uri")
    if row.get("uuid"):
        try:
            return uuid.UUID(row.get("uuid")).urn
        except ValueError:
            faults.append(row.problem("uuid", "is not a UUID", "like 2444c3b2-37b9-4f4d-92a0-6260ad0a33dd"))
    return rules.made_address("rsd", label, statement)


def _occupations(row: Row, faults: list[RowProblem]) -> Iterator[str]:
    for name in SOC_COLUMNS:
        for code in _several(row.get(name), "|;"):
            if rules.SOC.fullmatch(code):
                yield code
                continue
            mended = code.replace("_", "-")
            remedy = f"write {mended}" if rules.SOC.fullmatch(mended) else "like 15-1252"
            faults.append(row.problem(name, "is not an occupation code", remedy, value=code))


def _label(row: Row, faults: list[RowProblem]) -> str:
    label = " ".join(row.get("label").split())
    if not label:
        faults.append(row.problem("label", "is empty", "a skill has a name"))
    return label


def _text(value: str) -> str | None:
    return value or None


def _several(cell: str, separators: str) -> tuple[str, ...]:
    parts = re.split(f"[{re.escape(separators)}]", cell)
    return tuple(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))


def _member(kinds: type[Member], row: Row, name: str, faults: list[RowProblem]) -> Member | None:
    value = row.get(name)
    if not value:
        return None
    known: Sequence[str] = [kind.value for kind in kinds]
    # The full ESCO release writes "skill/competence" for what its English texts call a skill.
    plain = value.removesuffix("/competence")
    if plain in known:
        return kinds(plain)
    close = get_close_matches(value, known, n=1)
    remedy = f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}"
    faults.append(row.problem(name, "is not known", remedy))
    return None
