"""What a skill is, how its labels compare, and which address it has. Pure."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

NAMESPACE: Final = uuid.UUID("5f0c2d5e-6c0e-5b8a-9d5b-1d0f6a3b7c11")
"""Of skills whose framework gives no address: their `urn:uuid:` is made of what the framework says of them."""

ESCO_URI: Final = re.compile(r"http://data\.europa\.eu/esco/skill/[0-9A-Za-z.-]{2,60}", re.ASCII)
SOC: Final = re.compile(r"\d{2}-\d{4}(?:\.\d{2})?", re.ASCII)
LONGEST_LABEL: Final = 300
LONGEST_DESCRIPTION: Final = 10_000


class Kind(StrEnum):
    """What a skill is in its framework."""

    SKILL = "skill"
    KNOWLEDGE = "knowledge"
    TOOL = "tool"


class LabelKind(StrEnum):
    """The name to show, or another name to find it by."""

    PREFERRED = "preferred"
    ALIAS = "alias"


class ReuseLevel(StrEnum):
    """How far a skill carries beyond one occupation (ESCO)."""

    TRANSVERSAL = "transversal"
    CROSS_SECTOR = "cross-sector"
    SECTOR_SPECIFIC = "sector-specific"
    OCCUPATION_SPECIFIC = "occupation-specific"


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """A name of a skill in one language (BCP 47)."""

    language: str
    kind: LabelKind
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a framework says of one skill; equal facts mean that an import has nothing to change."""

    uri: str
    labels: tuple[Label, ...]
    kind: Kind | None = None
    description: str | None = None
    reuse_level: ReuseLevel | None = None
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    hot: bool = False

    @property
    def preferred(self) -> str:
        """The preferred label."""
        return next(label.text for label in self.labels if label.kind is LabelKind.PREFERRED)


@dataclass(frozen=True, slots=True)
class Framework:
    """A vocabulary of skills, and the credit that its terms ask for."""

    handle: str
    name: str
    url: str
    version: str | None
    licence: str
    attribution: str


ESCO: Final = Framework(
    handle="esco",
    name="ESCO",
    url="https://esco.ec.europa.eu/",
    version="1.2.0",
    licence="CC BY 4.0; Decision 2011/833/EU",
    attribution="This service uses the ESCO classification of the European Commission (a subset).",
)
ONET: Final = Framework(
    handle="onet",
    name="O*NET",
    url="https://www.onetcenter.org/",
    version="29.2",
    licence="CC BY 4.0",
    attribution="Includes information from the O*NET 29.2 Database by the U.S. Department of Labor, Employment and"
    " Training Administration (USDOL/ETA), modified; USDOL/ETA has not approved, endorsed, or tested it.",
)
RSD: Final = Framework(
    handle="rsd",
    name="RSD",
    url="https://github.com/wgu-opensource/osmt",
    version=None,
    licence="Apache-2.0",
    attribution="Rich skill descriptors, Copyright 2021 Open Skills Network.",
)


def folded(text: str) -> str:
    """A label for comparison: case, width and white space do not matter (Unicode NFKC, case folding)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def labels_of(language: str, preferred: str, aliases: Iterable[str]) -> tuple[Label, ...]:
    """The preferred label and every alias that differs from it and from the aliases before it, sorted."""
    seen = {folded(preferred)}
    labels = [Label(language, LabelKind.PREFERRED, preferred)]
    for alias in aliases:
        if folded(alias) and folded(alias) not in seen:
            seen.add(folded(alias))
            labels.append(Label(language, LabelKind.ALIAS, alias))
    return tuple(sorted(labels))


def merged(known: Facts, read: Facts, silent: frozenset[str]) -> Facts:
    """What holds after a file was read: its facts, and the known ones where the file is silent."""
    kept = {name: getattr(known, name) for name in silent - {"aliases"}}
    labels = read.labels
    if "aliases" in silent:
        aliases = [label.text for label in known.labels if label.kind is LabelKind.ALIAS]
        labels = labels_of(read.labels[0].language, read.preferred, aliases)
    return replace(read, labels=labels, **kept)


def made_address(*parts: str) -> str:
    """A `urn:uuid:` (RFC 9562, version 5) for a skill without one: the same parts always give the same address."""
    return uuid.uuid5(NAMESPACE, "\n".join(folded(part) for part in parts)).urn
