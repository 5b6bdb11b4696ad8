"""A made market for the search, and the recruiter's answer computed in plain Python from the same facts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import asyncpg

from countersign.kit.ids import new_id

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REGIONS = ("DE-BE", "DE-BY", "FR-75", "KZ-ALA", "GB-LND")
SEED = 4242
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Endorsed:
    """An endorsement of a version by an organization, in a state, from and until."""

    id: UUID
    version: UUID
    organization: UUID
    state: str = "in_force"
    since: datetime = NOW - timedelta(days=100)
    until: datetime = NOW + timedelta(days=100)

    @property
    def live(self) -> bool:
        """Whether it counts now."""
        return self.state == "in_force" and self.since <= NOW < self.until


@dataclass(frozen=True, slots=True)
class Held:
    """A posted award."""

    id: UUID
    learner: int
    version: UUID
    on: date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A learner in the index."""

    learner: int
    region: str | None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """Everything the search reads."""

    organizations: tuple[UUID, ...]
    skills: tuple[UUID, ...]
    specs: Mapping[UUID, UUID]  # version → spec
    aligned: frozenset[tuple[UUID, UUID]]  # (version, skill)
    stacks: Mapping[UUID, tuple[tuple[UUID, ...], UUID | None]]
    endorsements: tuple[Endorsed, ...]
    candidates: tuple[Candidate, ...]
    awards: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A recruiter's question."""

    skills: tuple[UUID, ...] = ()
    specs: tuple[UUID, ...] = ()
    stacks: tuple[UUID, ...] = ()
    endorsers: tuple[UUID, ...] | None = None
    regions: tuple[str, ...] | None = None

    def arguments(self) -> tuple[object, ...]:
        """The bound parameters, in the order of the tests' statement."""
        return (
            list(self.skills),
            list(self.specs),
            list(self.stacks),
            None if self.endorsers is None else list(self.endorsers),
            None if self.regions is None else list(self.regions),
            SEED,
            NOW,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the recruiter gets: (learner, score, recent) in order, and counts as they are told."""

    page: Sequence[tuple[int, int, date]]
    count: int | None
    regions: Sequence[tuple[str, int]]
    endorsers: Sequence[tuple[UUID, int]]
    explained: Mapping[int, frozenset[tuple[UUID, UUID, int]]] = field(default_factory=dict)


def made(seed: int, *, learners: int = 400, endorsers: int = 6, versions: int = 24) -> Market:
    """A market by chance: the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - made facts, not secrets
    organizations = tuple(new_id() for _ in range(endorsers))
    skills = tuple(new_id() for _ in range(8))
    spec_ids = [new_id() for _ in range(versions - versions // 6)]
    specs = {new_id(): chance.choice(spec_ids) for _ in range(versions - len(spec_ids))}
    specs |= {new_id(): spec for spec in spec_ids}
    ids = list(specs)
    aligned = frozenset((v, s) for v in ids for s in chance.choices(skills, range(8, 0, -1), k=3))
    states = ("in_force",) * 6 + ("revoked", "suspended")
    pairs = sorted({(chance.choice(ids), chance.choice(organizations)) for _ in range(versions * 3)})
    endorsements = tuple(
        Endorsed(new_id(), v, o, chance.choice(states), until=NOW + timedelta(days=chance.choice((-1, 30, 300))))
        for v, o in pairs
    )
    candidates = tuple(
        Candidate(
            n,
            chance.choice((*REGIONS, "DE-BE", "DE-BE", None)),
            chance.choice((None, None, None, NOW - timedelta(days=1), NOW + timedelta(days=1))),
        )
        for n in range(1, learners + 1)
    )
    awards = tuple(
        Held(new_id(), c.learner, v, date(2026, 1, 1) + timedelta(days=chance.randrange(60)))
        for c in candidates
        for v in set(chance.choices(ids, range(len(ids), 0, -1), k=chance.randrange(1, 8)))
    )
    stacks = {
        new_id(): (tuple(spec_ids[:2]), None),
        new_id(): ((spec_ids[1],), spec_ids[3]),
        new_id(): ((spec_ids[-1], spec_ids[-2], spec_ids[-3]), spec_ids[-4]),
    }
    return Market(organizations, skills, specs, aligned, stacks, endorsements, candidates, awards)


def told(exact: int) -> int | None:
    """The privacy floor, written again."""
    return None if exact < 10 else exact - exact % 10


def answer(market: Market, asked: Asked, place: Mapping[int, int]) -> Answer:
    """The recruiter's answer by looking at every learner; `place` breaks ties."""
    wanted = {("skill", s) for s in asked.skills} | {("spec", s) for s in asked.specs}
    for stack in asked.stacks:
        blocks, capstone = market.stacks.get(stack, ((), None))
        wanted |= {("spec", s) for s in blocks} | ({("spec", capstone)} if capstone else set())
        if stack not in market.stacks:
            wanted.add(("stack", stack))
    endorsers: dict[UUID, set[UUID]] = {}
    for e in market.endorsements:
        if e.live and (asked.endorsers is None or e.organization in asked.endorsers):
            endorsers.setdefault(e.version, set()).add(e.organization)
    meets: dict[UUID, set[tuple[str, UUID]]] = {}
    for version, spec in market.specs.items():
        own = {("skill", s) for v, s in market.aligned if v == version} | {("spec", spec)}
        meets[version] = own & wanted if endorsers.get(version) else set()
    held: dict[int, list[Held]] = {}
    for award in market.awards:
        held.setdefault(award.learner, []).append(award)
    found: list[tuple[int, int, date]] = []
    regions: Counter[str] = Counter()
    by_endorser: Counter[UUID] = Counter()
    explained: dict[int, frozenset[tuple[UUID, UUID, int]]] = {}
    for c in market.candidates:
        matching = [a for a in held.get(c.learner, []) if meets[a.version]]
        covered = set().union(*(meets[a.version] for a in matching))
        expired = c.expires is not None and c.expires <= NOW
        elsewhere = asked.regions is not None and c.region not in asked.regions
        if not wanted or covered != wanted or expired or elsewhere:
            continue
        found.append((c.learner, len(matching), max(a.on for a in matching)))
        if c.region:
            regions[c.region] += 1
        by_endorser.update(set().union(*(endorsers[a.version] for a in matching)))
        explained[c.learner] = frozenset(
            (a.id, item, len(endorsers[a.version])) for a in matching for _, item in meets[a.version]
        )
    found.sort(key=lambda row: (-row[1], -row[2].toordinal(), place[row[0]]))
    return Answer(
        found[:200],
        told(len(found)),
        _facet(regions),
        _facet(by_endorser),
        {f[0]: explained[f[0]] for f in found[:200]},
    )


def _facet(counts: Counter[K]) -> list[tuple[K, int]]:
    kept = [(key, n - n % 10) for key, n in counts.items() if n >= 10]
    return sorted(kept, key=lambda item: (-item[1], str(item[0])))[:10]


async def write(owner: asyncpg.Connection[asyncpg.Record], market: Market) -> None:
    """Put the market into the database, with the facts that the search reads and nothing around them."""
    rows: dict[str, list[dict[str, object]]] = {
        "organizations": [
            {
                "id": o,
                "kind": "employer",
                "handle": f"employer-{n}",
                "legal_name": f"Employer {n}",
                "display_name": f"Employer {n}",
                "country": "DE",
                "domains": [],
                "control_group": o,
                "verification": "verified",
                "fictional": True,
                "created_at": NOW,
            }
            for n, o in enumerate(market.organizations)
        ],
        "spec_versions": [
            {
                "id": v,
                "spec_id": s,
                "organization_id": new_id(),
                "semver": f"1.0.{n}",
                "ordinal": n,
                "content": "{}",
                "achievement": b"",
                "spec_json": b"",
                "digest": f"{n:064x}",
                "gaps": [],
                "changed": [],
                "state": "published",
                "submitted_at": NOW,
            }
            for n, (v, s) in enumerate(market.specs.items())
        ],
        "spec_version_skills": [{"spec_version_id": v, "skill_id": s} for v, s in sorted(market.aligned)],
        "stacks": [
            {
                "id": k,
                "organization_id": new_id(),
                "handle": f"stack-{n}",
                "title": "",
                "description": "",
                "capstone_spec_id": capstone,
                "created_at": NOW,
            }
            for n, (k, (_, capstone)) in enumerate(market.stacks.items())
        ],
        "stack_blocks": [
            {"stack_id": k, "spec_id": s, "position": n}
            for k, (blocks, _) in market.stacks.items()
            for n, s in enumerate(blocks, start=1)
        ],
        "endorsements": [
            {
                "id": e.id,
                "spec_version_id": e.version,
                "organization_id": e.organization,
                "signatory_id": new_id(),
                "digest": "0" * 64,
                "state": e.state,
                "statement": "",
                "valid_from": e.since,
                "valid_until": e.until,
                "in_force": asyncpg.Range(e.since, e.until),
                "document": b"",
                "status_list_id": new_id(),
                "status_index": 1,
                "requested_at": NOW,
            }
            for e in market.endorsements
        ],
        "candidate_search": [
            {
                "learner_id": c.learner,
                "region": c.region,
                "country": "DE",
                "consent_expires_at": c.expires,
                "updated_at": NOW,
            }
            for c in market.candidates
        ],
        "candidate_award": [
            {
                "learner_id": a.learner,
                "award_id": a.id,
                "spec_version_id": a.version,
                "spec_id": market.specs[a.version],
                "awarded_on": a.on,
            }
            for a in market.awards
        ],
    }
    async with owner.transaction():
        await owner.execute("set local session_replication_role = replica")
        for table, values in rows.items():
            if values:
                columns = list(values[0])
                await owner.copy_records_to_table(
                    table, columns=columns, records=[tuple(v[c] for c in columns) for v in values]
                )


def without(market: Market, learner: int) -> Market:
    """The same market without one candidate."""
    return replace(
        market,
        candidates=tuple(c for c in market.candidates if c.learner != learner),
        awards=tuple(a for a in market.awards if a.learner != learner),
    )
