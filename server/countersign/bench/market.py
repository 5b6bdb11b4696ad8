"""The market's reference side, made by chance: the same organizations, skills, specs, endorsements for a seed.

Everything here is made up. The frozen bytes of a version are made by the product's own functions; the endorsements
carry their unsigned document in the place of the signed one, since 12,000 signatures would take minutes.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from countersign.specs import freezing
from countersign.specs.freezing import Frozen, Identity
from countersign.specs.reading import parse, to_json
from countersign.specs.rules import Kind, Semver
from countersign.trust import documents
from countersign.trust.addresses import Addresses
from countersign.trust.canonical_status import place_of

SCHOOLS: Final = 40
ENDORSERS: Final = 200
SPECS: Final = 3_000
SKILLS: Final = 2_000
ENDORSEMENTS: Final = 12_000
AWARDS: Final = 7
"""Awards of one learner. Specs stand in as many strata, and each award comes from another one: none is held twice."""
COMMONEST: Final = 0.30
"""The share of learners who hold the commonest skill."""
SKILLS_OF_A_SPEC: Final = (2, 3, 3, 4)
SPEC_SKEW: Final = 0.5
ENDORSER_SKEW: Final = 0.7
SEMVER: Final = "1.0.0"

_VERBS = ("Plans", "Builds", "Tests", "Explains", "Reviews", "Maintains", "Measures", "Documents")
_THINGS = (
    *("data pipelines", "customer interviews", "quality controls", "financial models", "care plans", "web services"),
    *("training courses", "supply chains", "electrical systems", "research reports", "marketing campaigns"),
)


@dataclass(frozen=True, slots=True)
class Organization:
    """A school or an endorser, with the one person who acts for it."""

    id: UUID
    person: UUID
    kind: str
    handle: str
    name: str
    list_id: UUID
    list_secret: bytes


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill of the bench's own framework."""

    id: UUID
    uri: str
    name: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec with its one published version; `weight` is how often it is awarded within its stratum."""

    id: UUID
    version_id: UUID
    slug: str
    title: str
    school: int
    skills: tuple[int, ...]
    weight: float
    content: dict[str, Any]
    frozen: Frozen


@dataclass(frozen=True, slots=True)
class Endorsement:
    """An endorsement in force."""

    id: UUID
    spec: int
    endorser: int
    place: int
    valid_from: datetime
    valid_until: datetime
    document: bytes


@dataclass(frozen=True, slots=True)
class Market:
    """Everything but the learners."""

    day: date
    schools: tuple[Organization, ...]
    endorsers: tuple[Organization, ...]
    framework: UUID
    skills: tuple[Skill, ...]
    specs: tuple[Spec, ...]
    endorsements: tuple[Endorsement, ...]

    @property
    def published(self) -> datetime:
        """When every version was published: before any award."""
        return at(self.day - timedelta(days=1_200))

    def stratum(self, number: int) -> list[int]:
        """The specs from which a learner's award `number` comes."""
        return list(range(number, len(self.specs), AWARDS))

    def share(self, skill: int) -> float:
        """The share of learners who hold a skill."""
        nobody = 1.0
        for number in range(AWARDS):
            places = self.stratum(number)
            whole = sum(self.specs[p].weight for p in places)
            nobody *= 1 - sum(self.specs[p].weight for p in places if skill in self.specs[p].skills) / whole
        return 1 - nobody


def at(day: date) -> datetime:
    """Midnight of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def identity(chance: random.Random, moment: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) of a moment; its random part comes from `chance`."""
    value = int(moment.timestamp() * 1000) << 80 | chance.getrandbits(80)
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def zipf(count: int, skew: float) -> list[float]:
    """Weights of `count` things: the k-th as often as k to the power of -skew."""
    return [(k + 1) ** -skew for k in range(count)]


class Chooser:
    """Draws places by weight, quickly."""

    def __init__(self, chance: random.Random, weights: Sequence[float]) -> None:
        self._chance = chance
        self._sums = list(accumulate(weights))

    def draw(self) -> int:
        """One place."""
        return bisect.bisect(self._sums, self._chance.random() * self._sums[-1])

    def several(self, count: int) -> tuple[int, ...]:
        """Different places, in the order of drawing."""
        drawn: dict[int, None] = {}
        while len(drawn) < count:
            drawn[self.draw()] = None
        return tuple(drawn)


def make(seed: int, day: date, addresses: Addresses, *, scale: int = 1) -> Market:
    """The market of a seed and a day; `scale` divides the number of specs, skills and endorsements (for tests)."""
    chance = random.Random(seed)  # noqa: S311 - made facts, not secrets
    founded = at(day - timedelta(days=1_500))
    schools = tuple(_organization(chance, founded, "school", n) for n in range(SCHOOLS))
    kinds = ("employer", "employer", "employer", "agency")
    endorsers = tuple(_organization(chance, founded, kinds[n % 4], n) for n in range(ENDORSERS))
    framework = identity(chance, founded)
    skills = tuple(_skill(chance, founded, n) for n in range(SKILLS // scale))
    aligned = _alignments(chance, SPECS // scale, len(skills))
    specs = tuple(_spec(chance, addresses, schools, skills, n, own) for n, own in enumerate(aligned))
    market = Market(day, schools, endorsers, framework, skills, specs, ())
    endorsements = tuple(_endorsements(chance, addresses, market, ENDORSEMENTS // scale))
    return Market(day, schools, endorsers, framework, skills, specs, endorsements)


def _organization(chance: random.Random, founded: datetime, kind: str, number: int) -> Organization:
    name = {"school": "School", "employer": "Employer", "agency": "Agency"}[kind]
    return Organization(
        id=identity(chance, founded),
        person=identity(chance, founded),
        kind=kind,
        handle=f"{kind}-{number + 1:03d}",
        name=f"{name} {number + 1:03d} of the Bench",
        list_id=identity(chance, founded),
        list_secret=chance.randbytes(16),
    )


def _skill(chance: random.Random, founded: datetime, number: int) -> Skill:
    own = identity(chance, founded)
    name = f"{_VERBS[number % len(_VERBS)].lower()} {_THINGS[number % len(_THINGS)]} {number + 1}"
    return Skill(own, f"urn:uuid:{own}", name)


def _alignments(chance: random.Random, specs: int, skills: int) -> list[tuple[int, ...]]:
    """Which skills each spec proves, so skewed that the commonest one is held by `COMMONEST` of the learners."""
    wanted = [SKILLS_OF_A_SPEC[n % len(SKILLS_OF_A_SPEC)] for n in range(specs)]
    state = chance.getstate()
    low, high = 0.0, 3.0
    for _ in range(12):
        skew = (low + high) / 2
        chance.setstate(state)
        chooser = Chooser(chance, zipf(skills, skew))
        drawn = [chooser.several(count) for count in wanted]
        # A learner has `AWARDS` draws; the weights of specs and their skills are independent.
        mass = sum(weight for weight, own in zip(zipf(specs, SPEC_SKEW), drawn, strict=True) if 0 in own)
        share = 1 - (1 - mass / sum(zipf(specs, SPEC_SKEW))) ** AWARDS
        low, high = (skew, high) if share < COMMONEST else (low, skew)
    return drawn


def _spec(
    chance: random.Random,
    addresses: Addresses,
    schools: Sequence[Organization],
    skills: Sequence[Skill],
    number: int,
    own: tuple[int, ...],
) -> Spec:
    founded = datetime(2022, 1, 1, tzinfo=UTC)
    school = number % len(schools)
    slug = f"bench-spec-{number + 1:04d}"
    title = f"{_VERBS[number % 7]} {_THINGS[number % len(_THINGS)]} so that the next person can go on ({number + 1})"
    content = parse(_content(title, [skills[n] for n in own]))
    frozen = freezing.freeze(
        addresses,
        content,
        Identity(
            slug=slug,
            semver=SEMVER,
            kind=Kind.BLOCK,
            school_handle=schools[school].handle,
            school_name=schools[school].name,
            legal_name=schools[school].name,
            country="DE",
        ),
    )
    return Spec(
        id=identity(chance, founded),
        version_id=identity(chance, founded),
        slug=slug,
        title=title,
        school=school,
        skills=own,
        weight=(number + 1) ** -SPEC_SKEW,
        content=to_json(content),
        frozen=frozen,
    )


def _content(title: str, skills: Sequence[Skill]) -> dict[str, Any]:
    return {
        "title": title,
        "language": "en",
        "summary": "Four weeks from a question to a result that others can use.",
        "description": "Holders do the whole task once, alone, with the tools of the trade, and defend the result.",
        "outcomes": [
            {
                "id": "report",
                "statement": "Does the task from end to end and writes down what was decided and why.",
                "primary": True,
                "criterion": "A report graded by four criteria",
                "threshold": "at least 3 of 4 on every criterion",
                "skills": [skills[0].uri],
            },
            {"id": "defence", "statement": "Answers questions about each decision."},
        ],
        "assessment": {
            "types": ["application_of_a_skill"],
            "description": "Pass the graded report and a thirty-minute viva.",
            "passMark": "3 of 4 on every criterion",
            "supervision": "supervised_with_identity_verification",
        },
        "toolchain": [{"name": "Python", "version": "3.13", "checkedOn": "2026-09-20"}],
        "skills": [{"uri": s.uri, "name": s.name, "framework": "Bench"} for s in skills],
        "workloadHours": "75",
        "ects": "3",
        "eqfLevel": 6,
        "participation": "online",
        "qualityAssurance": {"type": "internal", "description": "Reviewed twice a year by the academic board."},
        "languages": ["en"],
        "duration": "P4W",
        "price": {"amount": "480", "currency": "EUR"},
        "prerequisites": "None.",
        "integration": "stackable",
        "tags": ["bench"],
    }


def _endorsements(chance: random.Random, addresses: Addresses, market: Market, count: int) -> Iterator[Endorsement]:
    endorser_of = Chooser(chance, zipf(len(market.endorsers), ENDORSER_SKEW))
    taken: set[tuple[int, int]] = set()
    given = [0] * len(market.endorsers)
    while len(taken) < count:
        pair = chance.randrange(len(market.specs)), endorser_of.draw()
        if pair in taken:
            continue
        taken.add(pair)
        spec, endorser = market.specs[pair[0]], market.endorsers[pair[1]]
        since = at(market.day - timedelta(days=chance.randrange(2, 300)))
        until = at(market.day + timedelta(days=chance.randrange(200, 400)))
        place = place_of(given[pair[1]], endorser.list_secret)
        given[pair[1]] += 1
        own = identity(chance, since)
        status = documents.Status(addresses.status_list(endorser.handle, "revocation", 1), place)
        document = documents.endorsement_credential(
            addresses,
            documents.Endorsement(
                id=own,
                endorser=documents.Party(endorser.handle, endorser.name),
                title=spec.title,
                slug=spec.slug,
                semver=SEMVER,
                achievement=spec.frozen.achievement,
                spec_json=spec.frozen.spec_json,
                statement="We read the whole block and interview every holder.",
                valid_from=since,
                valid_until=until,
                status=status,
            ),
        )
        yield Endorsement(own, *pair, place, since, until, document)


def ordinal() -> int:
    """The sorting number of the one version."""
    return Semver.read(SEMVER).ordinal
