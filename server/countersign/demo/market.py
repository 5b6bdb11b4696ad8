"""The made-up market as frozen values, read from the files in `market/`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(str(files("countersign.demo") / "market"))
CRITERIA: Final = tuple(f"R{number}" for number in range(1, 12))
UNREMARKABLE: Final = 2
"""The score of a criterion that a review does not name: good enough, and below what needs evidence."""


@dataclass(frozen=True, slots=True)
class Organization:
    """An invented school, agency or employer."""

    handle: str
    kind: str
    display_name: str
    legal_name: str
    country: str
    verification: str
    parent: str | None

    @property
    def domain(self) -> str:
        """A domain that nobody can own (RFC 2606)."""
        return f"{self.handle}.example"


@dataclass(frozen=True, slots=True)
class Score:
    """One criterion of the rubric: 0 to 4, and what the reviewer saw."""

    criterion: str
    value: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review request and, when `decided_on` is set, its decision."""

    by: str
    requested_on: date
    decided_on: date | None
    recommendation: str
    comment: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Endorsement:
    """An endorsement as it is asked for on a day; `evidence` by kind and field, days made into dates."""

    by: str
    on: date
    valid_until: date
    statement: str
    evidence: tuple[Mapping[str, Any], ...]
    revoked_on: date | None
    revocation_reason: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a block: its content, when it moved, and who looked at it."""

    slug: str
    semver: str
    base: str | None
    change: str | None
    submitted_on: date
    published_on: date | None
    deprecated_on: date | None
    content: Mapping[str, Any]
    reviews: tuple[Review, ...]
    endorsements: tuple[Endorsement, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block or capstone of a school, oldest version first."""

    slug: str
    kind: str
    school: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """Blocks that together with a capstone are more than their sum."""

    handle: str
    organization: str
    title: str
    description: str
    blocks: tuple[str, ...]
    capstone: str


@dataclass(frozen=True, slots=True)
class Market:
    """The whole invented market, as of one day."""

    today: date
    organizations: tuple[Organization, ...]
    blocks: tuple[Block, ...]
    stacks: tuple[Stack, ...]

    @property
    def versions(self) -> Iterator[tuple[Block, Version]]:
        """Every version with its block."""
        return ((block, version) for block in self.blocks for version in block.versions)


def load(today: date) -> Market:
    """The market of the package's files, its days counted back from `today`. Raises KeyError for a broken file."""
    organizations = _toml("organizations.toml")["organization"]
    stacks = _toml("stacks.toml")["stack"]
    return Market(
        today=today,
        organizations=tuple(_organization(entry) for entry in organizations),
        blocks=tuple(_block(_toml(f"blocks/{path.name}"), today) for path in sorted(FOLDER.glob("blocks/*.toml"))),
        stacks=tuple(Stack(**{**entry, "blocks": tuple(entry["blocks"])}) for entry in stacks),
    )


@dataclass(frozen=True, slots=True)
class Names:
    """What made people are named from, and where they live."""

    regions: Mapping[str, float]
    russian_regions: frozenset[str]
    english_given: tuple[str, ...]
    english_heads: tuple[str, ...]
    english_tails: tuple[str, ...]
    russian_given: tuple[tuple[str, ...], tuple[str, ...]]
    russian_heads: tuple[str, ...]
    russian_tails: tuple[tuple[str, str], ...]


def names() -> Names:
    """The parts of names in the package's file; masculine before feminine."""
    parts = _toml("names.toml")
    english, russian = parts["english"], parts["russian"]
    return Names(
        regions=parts["regions"],
        russian_regions=frozenset(russian["regions"]),
        english_given=tuple(english["given"]),
        english_heads=tuple(english["heads"]),
        english_tails=tuple(english["tails"]),
        russian_given=(tuple(russian["masculine"]), tuple(russian["feminine"])),
        russian_heads=tuple(russian["heads"]),
        russian_tails=tuple((masculine, feminine) for masculine, feminine in russian["tails"]),
    )


def russian_skill_names() -> Mapping[str, str]:
    """Our own Russian names of skills, by `framework: preferred label`."""
    return {str(name): str(text) for name, text in _toml("skills_ru.toml").items()}


def content_json(version: Version, uris: Mapping[str, str]) -> dict[str, Any]:
    """The version's content in the form that a client sends; `uris` names each skill's URI by `framework: label`."""
    content: dict[str, Any] = _in_camel(version.content)
    content["skills"] = [{"uri": uris[label]} for label in version.content["skills"]]
    return content


def skill_labels(market: Market) -> tuple[str, ...]:
    """Every skill that the market's blocks align with, as `framework: label`, sorted."""
    return tuple(sorted({label for _, version in market.versions for label in version.content["skills"]}))


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def _organization(entry: Mapping[str, Any]) -> Organization:
    return Organization(
        handle=entry["handle"],
        kind=entry["kind"],
        display_name=entry["display_name"],
        legal_name=entry["legal_name"],
        country=entry["country"],
        verification=entry["verification"],
        parent=entry.get("parent"),
    )


def _block(entry: Mapping[str, Any], today: date) -> Block:
    slug = entry["slug"]
    versions: list[Version] = []
    for version in entry["version"]:
        base = next((v.content for v in versions if v.semver == version.get("base")), {})
        versions.append(_version(slug, version, base, today))
    return Block(slug=slug, kind=entry["kind"], school=entry["school"], versions=tuple(versions))


def _version(slug: str, entry: Mapping[str, Any], base: Mapping[str, Any], today: date) -> Version:
    def day(key: str) -> date | None:
        return today - timedelta(days=entry[key]) if key in entry else None

    reviews = [*entry.get("review", ()), *({**asked, "by": asked["to"]} for asked in entry.get("request", ()))]
    return Version(
        slug=slug,
        semver=entry["semver"],
        base=entry.get("base"),
        change=entry.get("change"),
        submitted_on=today - timedelta(days=entry["submitted"]),
        published_on=day("published"),
        deprecated_on=day("deprecated"),
        content={**base, **_dated(entry["content"], today)},
        reviews=tuple(_review(review, today) for review in reviews),
        endorsements=tuple(_endorsement(endorsement, today) for endorsement in entry.get("endorsement", ())),
    )


def _review(entry: Mapping[str, Any], today: date) -> Review:
    decided = entry.get("decided")
    named = entry.get("scores", {})
    return Review(
        by=entry["by"],
        requested_on=today - timedelta(days=entry["requested"]),
        decided_on=None if decided is None else today - timedelta(days=decided),
        recommendation=entry.get("recommendation", ""),
        comment=entry.get("comment", ""),
        scores=tuple(Score(code, *named.get(code, (UNREMARKABLE, ""))) for code in CRITERIA),
    )


def _endorsement(entry: Mapping[str, Any], today: date) -> Endorsement:
    on = today - timedelta(days=entry["days_ago"])
    until = on + timedelta(days=entry["valid_days"])
    revoked = entry.get("revoked")
    return Endorsement(
        by=entry["by"],
        on=on,
        valid_until=until,
        statement=entry["statement"],
        evidence=tuple(_evidence(piece, on, until, today) for piece in entry.get("evidence", ())),
        revoked_on=None if revoked is None else today - timedelta(days=revoked["days_ago"]),
        revocation_reason="" if revoked is None else revoked["reason"],
    )


def _evidence(entry: Mapping[str, Any], on: date, until: date, today: date) -> Mapping[str, Any]:
    """One piece of evidence: a promise without its own last day lasts as long as the endorsement."""
    piece = dict(_dated(entry, today))
    if "hours" in piece:
        piece["hours"] = Decimal(piece["hours"])
    match piece["kind"]:
        case "hiring_pledge":
            piece |= {"opens_on": on, "closes_on": on + timedelta(days=piece.pop("open_days"))}
        case "interview_guarantee" | "assessor_provision" | "progression_recognition":
            piece |= {"until": until}
        case "toolchain_confirmation":
            piece |= {"tools": ({"name": piece.pop("tool"), "versions": piece.pop("versions")},)}
    return piece


def _dated(value: Any, today: date) -> Any:
    """The same value with each `checked_days_ago` made into `checked_on`, lists and tables gone through."""
    match value:
        case Mapping():
            return dict(_dated_item(key, item, today) for key, item in value.items())
        case str():
            return value
        case Sequence():
            return [_dated(item, today) for item in value]
        case _:
            return value


def _dated_item(key: str, value: Any, today: date) -> tuple[str, Any]:
    if key == "checked_days_ago":
        return "checked_on", today - timedelta(days=value)
    return key, _dated(value, today)


def _in_camel(value: Any) -> Any:
    match value:
        case Mapping():
            return {_camel(key): _in_camel(item) for key, item in value.items()}
        case list():
            return [_in_camel(item) for item in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _camel(key: str) -> str:
    head, *tail = key.split("_")
    return head + "".join(part.capitalize() for part in tail)
