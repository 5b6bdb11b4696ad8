"""Random histories of one version: as facts for the pure rule, and as rows for its twin in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
from hypothesis import strategies as st

from countersign.endorsements.rules_co_validation import Countersignature, Facts, Range
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.ids import new_id

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 12
GROUPS: Final = tuple(UUID(int=n) for n in range(1, 5))
SCHOOL, SPEC, VERSION = UUID(int=101), UUID(int=102), UUID(int=103)
KINDS: Final = ("hiring_pledge", "wage_premium")


def day(number: int) -> datetime:
    """Midnight of a numbered day."""
    return START + timedelta(days=number)


def spans(most: int) -> st.SearchStrategy[tuple[Range, ...]]:
    """Ranges that follow one another without touching."""

    def cut(days: list[int]) -> tuple[Range, ...]:
        return tuple(Range(day(a), day(b)) for a, b in zip(days[::2], days[1::2], strict=False))

    return st.lists(st.integers(0, DAYS), unique=True, max_size=2 * most).map(sorted).map(cut)


@dataclass(frozen=True)
class Word:
    """One organization's endorsement, with its own pauses and those of the organization."""

    organization: UUID
    group: UUID
    kind: str
    in_force: Range | None
    paused: tuple[Range, ...]
    suspended: tuple[Range, ...]
    evidence: frozenset[str]
    scores: tuple[Decimal, int] | None
    counts: bool
    whole: bool
    former: tuple[tuple[datetime, UUID], ...]
    """The control groups that it left, each with the instant."""

    def countersignature(self) -> Countersignature:
        """What the rule needs of it."""
        mean, least = self.scores or (None, None)
        pauses = (*self.paused, *self.suspended)
        group, regrouped = grouped(self.group, self.former)
        return Countersignature(
            *(group, self.in_force, pauses, self.kind, self.evidence, mean, least, self.counts, self.whole, regrouped)
        )


def grouped(now: UUID, former: tuple[tuple[datetime, UUID], ...]) -> tuple[UUID, tuple[tuple[datetime, UUID], ...]]:
    """The first control group, and from when on which other one: from those that were left, and that of now."""
    groups = [*(group for _, group in former), now]
    return groups[0], tuple((until, group) for (until, _), group in zip(former, groups[1:], strict=True))


FORMER: Final = st.dictionaries(st.integers(0, DAYS).map(day), st.sampled_from(GROUPS), max_size=2).map(
    lambda left: tuple(sorted(left.items()))
)
WORDS: Final = st.builds(
    Word,
    organization=st.builds(new_id),
    group=st.sampled_from(GROUPS),
    kind=st.sampled_from(["employer", "agency"]),
    in_force=st.none() | st.builds(lambda a, n: Range(day(a), day(a + n)), st.integers(0, 8), st.integers(1, 8)),
    paused=spans(2),
    suspended=spans(1),
    evidence=st.frozensets(st.sampled_from(KINDS)),
    scores=st.none() | st.tuples(st.sampled_from([Decimal("2.500"), Decimal(3)]), st.integers(1, 3)),
    counts=st.sampled_from([True, True, True, False]),
    whole=st.sampled_from([True, True, False]),
    former=st.just(()) | FORMER,
)
POLICIES: Final = st.builds(
    QuorumPolicy,
    groups=st.sampled_from([1, 1, 2, 2, 3]),
    employers=st.sampled_from([0, 0, 1]),
    agencies=st.sampled_from([0, 0, 0, 1]),
    evidence=st.sampled_from([frozenset(), frozenset(), frozenset({KINDS[0]}), frozenset(KINDS)]),
    rubric_floor=st.sampled_from([None, None, Decimal("2.75")]),
    criterion_floor=st.sampled_from([None, None, 2]),
    freshness_days=st.sampled_from([None, None, 2, 5]),
    whole_scope=st.sampled_from([False, False, True]),
)
PUBLISHED: Final = st.lists(st.tuples(st.integers(0, DAYS).map(day), POLICIES), max_size=2).map(
    lambda versions: sorted(versions, key=lambda version: version[0])
)


@dataclass(frozen=True)
class History:
    """Everything that decides: words, and the versions of the platform's, the school's and the spec's policy."""

    words: tuple[Word, ...]
    platform: list[tuple[datetime, QuorumPolicy]]
    school: list[tuple[datetime, QuorumPolicy]]
    spec: list[tuple[datetime, QuorumPolicy]]
    former: tuple[tuple[datetime, UUID], ...]
    """The control groups that the school left."""

    def facts(self) -> Facts:
        """What the rule needs."""
        words = [word.countersignature() for word in self.words]
        group, regrouped = grouped(GROUPS[0], self.former)
        return Facts(words, group, regrouped, self.platform, (self.school, self.spec))

    async def write(self, owner: asyncpg.Connection[asyncpg.Record]) -> None:
        """The rows, without those that nothing here looks at; inside a transaction that is rolled back."""
        await owner.execute("set local session_replication_role = replica")
        await _organization(owner, SCHOOL, GROUPS[0], self.former, "school")
        await owner.execute(
            "insert into spec_versions (id, spec_id, organization_id, semver, ordinal, content, achievement, spec_json,"
            " digest, gaps, changed, state, submitted_at) values ($1, $2, $3, '1.0.0', 1, '{}', '', '', $4, '{}', '{}',"
            " 'published', $5)",
            *(VERSION, SPEC, SCHOOL, "0" * 64, START),
        )
        for number, word in enumerate(self.words):
            await _organization(owner, word.organization, word.group, word.former, word.kind)
            await _word(owner, word, number)
        scopes = ((None, None, 2, self.platform), (SCHOOL, None, 1, self.school), (SCHOOL, SPEC, 1, self.spec))
        for organization, spec, first, versions in scopes:
            for number, (since, policy) in enumerate(versions, first):
                await owner.execute(
                    "insert into quorum_policies (id, organization_id, spec_id, number, groups, employers, agencies,"
                    " evidence, rubric_floor, criterion_floor, freshness_days, four_eyes, outcomes, foreign_counts,"
                    " note, published_at, effective_from, whole_scope)"
                    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, false, '{}', false, '', $12, $12, $13)",
                    *(new_id(), organization, spec, number, policy.groups, policy.employers, policy.agencies),
                    *(sorted(policy.evidence), policy.rubric_floor, policy.criterion_floor, policy.freshness_days),
                    *(since, policy.whole_scope),
                )


HISTORIES: Final = st.builds(
    History,
    words=st.lists(WORDS, max_size=6).map(tuple),
    platform=PUBLISHED,
    school=PUBLISHED,
    spec=PUBLISHED,
    former=st.just(()) | FORMER,
)


async def _organization(
    owner: asyncpg.Connection[asyncpg.Record],
    key: UUID,
    group: UUID,
    former: tuple[tuple[datetime, UUID], ...],
    kind: str,
) -> None:
    await owner.execute(
        "insert into organizations (id, kind, handle, legal_name, display_name, country, domains, control_group,"
        " verification, fictional, created_at) values ($1, $2, $3, 'Ltd', 'Ltd', 'DE', '{}', $4, 'verified', true, $5)",
        *(key, kind, str(key), group, START),
    )
    await owner.executemany(
        "insert into former_control_groups (organization_id, until, control_group) values ($1, $2, $3)",
        [(key, until, left) for until, left in former],
    )


async def _word(owner: asyncpg.Connection[asyncpg.Record], word: Word, number: int) -> None:
    key = new_id()
    mean, least = word.scores or (None, None)
    span: Any = asyncpg.Range(word.in_force.start, word.in_force.end) if word.in_force else None
    await owner.execute(
        "insert into endorsements (id, spec_version_id, organization_id, signatory_id, digest, state, statement,"
        " valid_from, valid_until, in_force, document, status_list_id, status_index, requested_at, counts,"
        " outcome_keys) values ($1, $2, $3, $1, '', $4, '', $5, $6, $7, '', $1, $8, $5, $9, $10)",
        *(key, VERSION, word.organization, "in_force" if span else "signing", START, day(40), span, number),
        *(word.counts, None if word.whole else ["report"]),
    )
    await owner.execute(
        "insert into endorsement_signatures (endorsement_id, credential, signed_at, rubric_mean, rubric_least)"
        " values ($1, '', $2, $3, $4)",
        *(key, START, mean, least),
    )
    for kind in word.evidence:
        await owner.execute(
            "insert into endorsement_evidence (id, endorsement_id, no, kind, narrative, payload)"
            " values ($1, $2, $3, $4, '', '{}')",
            *(new_id(), key, KINDS.index(kind), kind),
        )
    for pause in word.paused:
        await owner.execute(
            "insert into endorsement_suspensions (id, endorsement_id, reason, suspended_at, resumed_at)"
            " values ($1, $2, '', $3, $4)",
            *(new_id(), key, pause.start, pause.end),
        )
    for pause in word.suspended:
        await owner.execute(
            "insert into organization_suspensions (id, organization_id, reason, before, suspended_at, resumed_at)"
            " values ($1, $2, '', 'verified', $3, $4)",
            *(new_id(), word.organization, pause.start, pause.end),
        )
