"""The sections in which a version is read, reviewed and compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Section(StrEnum):
    """A part of a version that a reviewer reads as a whole; every field belongs to exactly one."""

    OVERVIEW = "overview"
    OUTCOMES = "outcomes"
    ASSESSMENT = "assessment"
    TOOLCHAIN = "toolchain"
    SKILLS = "skills"
    WORKLOAD = "workload"
    DELIVERY = "delivery"
    QUALITY = "quality"
    STACKING = "stacking"


FIELDS: Final[Mapping[Section, tuple[str, ...]]] = MappingProxyType(
    {
        Section.OVERVIEW: (
            *("title", "language", "summary", "description", "audience", "fieldOfStudy", "tags"),
            "furtherInformation",
        ),
        Section.OUTCOMES: ("outcomes",),
        Section.ASSESSMENT: ("assessment",),
        Section.TOOLCHAIN: ("toolchain",),
        Section.SKILLS: ("skills",),
        Section.WORKLOAD: ("workloadHours", "ects", "eqfLevel", "levelApplicable", "cycle", "duration"),
        Section.DELIVERY: ("participation", "languages", "price", "prerequisites"),
        Section.QUALITY: ("qualityAssurance", "reviewOn"),
        Section.STACKING: ("integration", "stackableTowards"),
    }
)
"""The top-level fields of each section, as JSON names them."""

_OF: Final = {field: section for section, fields in FIELDS.items() for field in fields}
_HEAD: Final = re.compile(r"[^.\[]*")


def section_of(path: str) -> Section:
    """The section of a field path like `outcomes[report].threshold`; an unknown field is read with the overview."""
    found = _HEAD.match(path)
    return _OF.get(found[0] if found else path, Section.OVERVIEW)
