"""Made learners and their awards, written as the CSV files that are imported: the same for the same seed and day.

Nobody here exists: given names and surname parts are put together by chance, addresses end in `.example` (RFC 2606).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from countersign.demo import market
from countersign.demo.market import Block, Market, Version

LEARNERS: Final = 2_000
SEED: Final = 7
CONSENTING_SHARE: Final = 0.7
LINE_SHARE: Final = 0.24
"""Learners who work through a whole stack instead of picking blocks."""
FINISHING_SHARE: Final = 0.6
AWARDS: Final = (1, 2, 3, 4, 5, 6, 7)
AWARDS_WEIGHT: Final = (6, 14, 26, 24, 16, 9, 5)
ZIPF: Final = 0.7
TEACH_OUT: Final = timedelta(days=60)
SETTLED: Final = timedelta(days=20)
"""Nobody holds a block before its first cohort has finished."""

NAMES: Final = market.names()


@dataclass(frozen=True, slots=True)
class MadeAward:
    """One award to be imported: which version of which block, on which day."""

    slug: str
    semver: str
    awarded_on: date


@dataclass(frozen=True, slots=True)
class MadeLearner:
    """One made person, and what they hold."""

    email: str
    full_name: str
    region: str
    consents: bool
    awards: tuple[MadeAward, ...]

    @property
    def country(self) -> str:
        """The country of the region."""
        return self.region.partition("-")[0]


def make(market: Market, count: int = LEARNERS, seed: int = SEED) -> tuple[MadeLearner, ...]:
    """`count` learners; the same for the same market, count and seed.

    About 70 % consent to be found. Blocks are picked with Zipf's weights (the k-th commonest k to the power of -0.7 as
    often as the first), three to four each; a quarter of the learners follow a stack to its end or nearly.
    """
    chance = random.Random(seed)  # noqa: S311 - made people, not secrets
    taught = _taught(market)
    ranked = _ranked(market, taught)
    return tuple(_learner(chance, number, market, taught, ranked) for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class Files:
    """The files to import: awards by the school's handle, then consents."""

    awards: Mapping[str, Path]
    consents: Path


def write_files(folder: Path, market: Market, made: Sequence[MadeLearner]) -> Files:
    """One CSV file of awards for each school and one of consents, in the forms that are imported."""
    schools = {block.slug: block.school for block in market.blocks}
    rows: dict[str, list[Sequence[str]]] = {}
    for learner in made:
        person = (learner.email, learner.full_name, learner.country, learner.region)
        for award in learner.awards:
            row = (*person, award.slug, award.semver, award.awarded_on.isoformat())
            rows.setdefault(schools[award.slug], []).append(row)
    folder.mkdir(parents=True, exist_ok=True)
    awards = {school: folder / f"awards-{school}.csv" for school in sorted(rows)}
    for school, path in awards.items():
        _write(path, COLUMNS, rows[school])
    consents = folder / "consents.csv"
    consenting = [m for m in made if m.consents]
    _write(consents, CONSENT_COLUMNS, [(m.email, max(a.awarded_on for a in m.awards).isoformat()) for m in consenting])
    return Files(awards, consents)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


COLUMNS: Final = ("email", "full_name", "country", "region", "spec", "version", "awarded_on")
CONSENT_COLUMNS: Final = ("email", "granted_on")


def _taught(market: Market) -> dict[str, tuple[Version, ...]]:
    """The versions of each block that anybody can hold."""
    held = {
        block.slug: tuple(v for v in block.versions if v.published_on and _last_day(v, market) > _first_day(v))
        for block in market.blocks
    }
    return {slug: versions for slug, versions in held.items() if versions}


def _first_day(version: Version) -> date:
    return (version.published_on or date.max - SETTLED) + SETTLED


def _last_day(version: Version, market: Market) -> date:
    return market.today if version.deprecated_on is None else version.deprecated_on + TEACH_OUT


def _ranked(market: Market, taught: Mapping[str, object]) -> tuple[str, ...]:
    """Blocks from the commonest to the rarest; capstones come only at the end of a line."""
    popular = (
        "sql-for-analysts",
        "ab-testing-python",
        "midjourney-prompting",
        "unit-ekonomika",
        "dashboards-decisions",
    )
    others = sorted(b.slug for b in market.blocks if b.kind == "block" and b.slug in taught and b.slug not in popular)
    return (*(slug for slug in popular if slug in taught), *others)


def _learner(
    chance: random.Random, number: int, market: Market, taught: Mapping[str, tuple[Version, ...]], ranked: Sequence[str]
) -> MadeLearner:
    region = chance.choices(tuple(NAMES.regions), weights=tuple(NAMES.regions.values()))[0]
    russian = region in NAMES.russian_regions
    name = _russian_name(chance) if russian else _english_name(chance)
    consents = chance.random() < CONSENTING_SHARE
    if chance.random() < LINE_SHARE:
        slugs = _line(chance, market, taught)
    else:
        slugs = _picked(chance, market, ranked, russian=russian)
    awards = _capstone_last(tuple(_awards(chance, market, taught, slugs)), market)
    return MadeLearner(f"learner-{number:05d}@graduates.example", name, region, consents, awards)


def _english_name(chance: random.Random) -> str:
    surname = chance.choice(NAMES.english_heads) + chance.choice(NAMES.english_tails)
    return f"{chance.choice(NAMES.english_given)} {surname}"


def _russian_name(chance: random.Random) -> str:
    gender = chance.randrange(2)
    surname = chance.choice(NAMES.russian_heads) + chance.choice(NAMES.russian_tails)[gender]
    return f"{chance.choice(NAMES.russian_given[gender])} {surname}"


def _line(chance: random.Random, market: Market, taught: Mapping[str, object]) -> tuple[str, ...]:
    stack = chance.choices(market.stacks, weights=[1 / rank for rank in range(1, len(market.stacks) + 1)])[0]
    blocks = [slug for slug in stack.blocks if slug in taught]
    if chance.random() < FINISHING_SHARE:
        return (*blocks, stack.capstone) if stack.capstone in taught else tuple(blocks)
    return tuple(blocks[: chance.randint(1, len(blocks))])


def _picked(chance: random.Random, market: Market, ranked: Sequence[str], *, russian: bool) -> tuple[str, ...]:
    languages = {block.slug: block.versions[-1].content["languages"] for block in market.blocks}
    # People who do not speak a block's language do not take it.
    open_to = [slug for slug in ranked if "en" in languages[slug] or russian]
    weights = {slug: (ranked.index(slug) + 1) ** -ZIPF for slug in open_to}
    if russian:
        weights |= {slug: weights[slug] * 3 for slug in open_to if "ru" in languages[slug]}
    wanted = min(chance.choices(AWARDS, weights=AWARDS_WEIGHT)[0], len(open_to))
    chosen: list[str] = []
    while len(chosen) < wanted:
        slug = chance.choices(tuple(weights), weights=tuple(weights.values()))[0]
        chosen.append(slug)
        del weights[slug]
    return tuple(chosen)


def _awards(
    chance: random.Random, market: Market, taught: Mapping[str, tuple[Version, ...]], slugs: Iterable[str]
) -> Iterator[MadeAward]:
    for slug in slugs:
        versions = taught[slug]
        # Later versions are taught to more people; the older one's holders keep what they earned.
        version = chance.choices(versions, weights=[position + 1 for position in range(len(versions))])[0]
        first, last = _first_day(version), _last_day(version, market)
        yield MadeAward(slug, version.semver, first + timedelta(days=chance.randrange((last - first).days)))


def _capstone_last(awards: tuple[MadeAward, ...], market: Market) -> tuple[MadeAward, ...]:
    """The same awards, a capstone earned no earlier than the blocks before it."""
    capstones = {block.slug for block in market.blocks if block.kind == "capstone"}
    if awards[-1].slug not in capstones:
        return awards
    *blocks, capstone = awards
    return (*blocks, replace(capstone, awarded_on=max(award.awarded_on for award in awards)))


def holders(made: Iterable[MadeLearner], block: Block) -> int:
    """How many of the made learners hold any version of a block."""
    return sum(any(award.slug == block.slug for award in learner.awards) for learner in made)
