"""The recruiter's answer computed again in plain Python: from the imported files and the market's own days alone.

Shares nothing with the product but the files: no SQL, no rule, no id.
"""

import csv
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from countersign.demo.learners import Files
from countersign.demo.market import Market

FLOOR = 10
TOP = 10


@dataclass(frozen=True)
class Person:
    """A consenting learner as the files tell it: region, and awards as (slug, semver) → day."""

    region: str
    awards: Mapping[tuple[str, str], date]


@dataclass(frozen=True)
class Found:
    """One expected candidate: how many endorsed matching awards, the latest of them, and everything held."""

    score: int
    recent: date
    region: str
    held: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """The expected answer: candidates in order, the told count, facets as (name, told)."""

    candidates: tuple[Found, ...]
    count: int | None
    regions: tuple[tuple[str, int], ...]
    endorsers: tuple[tuple[str, int], ...]


def consenting(files: Files) -> list[Person]:
    """Everybody in the award files who is in the consent file."""
    with files.consents.open(encoding="utf-8", newline="") as file:
        consents = {row["email"] for row in csv.DictReader(file)}
    regions: dict[str, str] = {}
    held: dict[str, dict[tuple[str, str], date]] = {}
    for path in files.awards.values():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                regions[row["email"]] = row["region"]
                day = date.fromisoformat(row["awarded_on"])
                held.setdefault(row["email"], {})[row["spec"], row["version"]] = day
    return [Person(regions[email], awards) for email, awards in held.items() if email in consents]


def endorsers(market: Market, among: Collection[str] | None = None) -> dict[tuple[str, str], set[str]]:
    """Who stands behind each version today: not run out, not revoked."""
    return {
        (block.slug, version.semver): {
            e.by
            for e in version.endorsements
            if e.on <= market.today < e.valid_until and e.revoked_on is None and (among is None or e.by in among)
        }
        for block, version in market.versions
    }


def search(
    market: Market,
    people: Collection[Person],
    *,
    specs: Collection[str] = (),
    skills: Collection[str] = (),
    endorsed_by: Collection[str] | None = None,
    regions: Collection[str] | None = None,
) -> Answer:
    """Who holds all of these specs and skills through awards of versions that are endorsed today."""
    stands = endorsers(market, endorsed_by)
    aligned = {(block.slug, v.semver): set(v.content["skills"]) for block, v in market.versions}
    wanted: list[tuple[str, str]] = [*(("spec", s) for s in specs), *(("skill", s) for s in skills)]

    def meets(version: tuple[str, str]) -> set[tuple[str, str]]:
        mine = {("spec", version[0]), *(("skill", s) for s in aligned[version])}
        return mine & set(wanted) if stands[version] else set()

    found: list[Found] = []
    behind: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for person in people:
        if regions is not None and person.region not in regions:
            continue
        matching = {version: day for version, day in person.awards.items() if meets(version)}
        if {want for version in matching for want in meets(version)} != set(wanted):
            continue
        found.append(Found(len(matching), max(matching.values()), person.region, frozenset(person.awards)))
        places[person.region] += 1
        behind.update({who for version in matching for who in stands[version]})
    found.sort(key=lambda f: (-f.score, -f.recent.toordinal()))
    return Answer(tuple(found), told(len(found)), facet(places), facet(behind))


def told(exact: int) -> int | None:
    """A count of people as it may be told: nothing below ten, else rounded down to tens."""
    return None if exact < FLOOR else exact - exact % FLOOR


def facet(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The ten most frequent, by what may be told, then by name."""
    shown = [(name, count) for name, exact in counts.items() if (count := told(exact)) is not None]
    return tuple(sorted(shown, key=lambda pair: (-pair[1], pair[0]))[:TOP])
