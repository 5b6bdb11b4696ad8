"""The recruiter's query as SQL: named sub-queries that one statement shares between page, count and facets.

The way: first the small reference side (which live versions meet which requirement, endorsed by whom) is resolved to
one row a version with bit masks; then ONE aggregate over the posting rows gives, for each learner, whether every
requirement is met, the score and who endorsed. Bits are numbered per question: requirements in two bigints, endorsers
in `WORDS` bigints of 63 bits, the most frequent endorsers first; the numbers of endorsers beyond them travel as text,
so that any number of endorsers is counted right and the few that most candidates share are counted by bits.

Sub-queries name one another in braces (`{live}`), so that a statement may hold several questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countersign.endorsements.views import LIVE
from countersign.search.rules import DEPTH_LIMIT, FACET_LIMIT, PRIVACY_FLOOR

BITS: Final = 63
WORDS: Final = 2


@dataclass(frozen=True, slots=True)
class Question:
    """SQL expressions (bound parameters) of what is asked.

    `skills`, `specs`, `stacks`: uuid[], all of which a candidate must hold. `endorsers`: uuid[] or null for anybody.
    `regions`: text[] or null for anywhere. `now`: timestamptz. `seed`: bigint, the asking organization's own.
    None is what is not part of the question at all, and costs nothing.
    """

    skills: str | None
    specs: str | None
    stacks: str | None
    endorsers: str | None
    regions: str | None
    seed: str
    now: str = "{now}"

    @property
    def need_words(self) -> int:
        """How many bigints hold the requirements: 4 skills and 20 specs fit in one, a stack's 63 blocks do not."""
        return 1 if self.stacks is None else 2


def sub_queries(question: Question, *, words: int = WORDS) -> Sequence[tuple[str, str]]:
    """The named sub-queries, in order; each must be materialized.

    Offers `requirement(item, kind, bit)`; `asked(skills, specs, endorsers)`, the same as arrays in one row;
    `met(version_id, item, kind, bit)`, which version meets which requirement; `live(version_id, organization_id,
    number)`, its endorsers now; `matched`, every match; `shown(rank, learner_id, score, recent, region, country)`,
    the first of them in order, as deep as anyone may page: `rank` is bigint[] and ascends; `told_count(told)`;
    `region_facet(no, region, told)`; `endorser_facet(no, organization_id, told)`.
    """
    return (
        ("requirement", _requirement(question)),
        ("asked", _asked(question)),
        ("met", MET),
        ("live", _live(question)),
        ("posting", _posting(question, words)),
        ("matched", _matched(question, words)),
        ("shown", _shown(question)),
        ("told_count", TOLD_COUNT),
        ("region_facet", REGION_FACET),
        ("endorser_facet", _endorser_facet(words)),
    )


def _requirement(question: Question) -> str:
    # Two sources may name the same spec: a bit is a distinct thing, not a mention of it.
    sources = [
        f"select unnest({asked}), '{kind}'"
        for asked, kind in ((question.skills, "skill"), (question.specs, "spec"))
        if asked is not None
    ]
    if question.stacks is not None:
        sources.append(f"""
              select b.spec_id, 'spec' from stack_blocks b where b.stack_id = any({question.stacks})
              union select s.capstone_spec_id, 'spec' from stacks s
                    where s.id = any({question.stacks}) and s.capstone_spec_id is not null
              union select u.item, 'stack' from unnest({question.stacks}) u(item)
                    where not exists (select from stacks s where s.id = u.item)""")
    named = " union ".join(sources) or "select null::uuid, null::text where false"
    return f"""
        select item, kind, row_number() over (order by kind, item) - 1 as bit from ({named}) asked(item, kind)"""


def _asked(question: Question) -> str:
    # What is shown of a candidate looks up indexes with these; scanning `met` or `live` for each award costs more.
    return f"""
        select array(select r.item from {{requirement}} r where r.kind = 'skill') as skills,
               array(select r.item from {{requirement}} r where r.kind = 'spec') as specs,
               {question.endorsers or "null::uuid[]"} as endorsers"""


MET: Final = """
        select k.spec_version_id as version_id, r.item, r.kind, r.bit
        from {requirement} r join spec_version_skills k on k.skill_id = r.item where r.kind = 'skill'
        union all
        select v.id, r.item, r.kind, r.bit
        from {requirement} r join spec_versions v on v.spec_id = r.item where r.kind = 'spec'"""


def _live(question: Question) -> str:
    # Windows and no join: the planner expects one endorsement, and would compare each with each.
    named = "" if question.endorsers is None else f"and {_among('e.organization_id', question.endorsers)}"
    return f"""
        select version_id, organization_id,
               (dense_rank() over (order by weight desc, organization_id) - 1)::int as number
        from (select e.spec_version_id as version_id, e.organization_id,
                     count(*) over (partition by e.organization_id) as weight
              from endorsements e
              where e.spec_version_id = any(array(select m.version_id from {{met}} m))
                and {LIVE.format(e="e", now=question.now)} {named}) e"""


def _posting(question: Question, words: int) -> str:
    needs = ", ".join(f"m.need{w}" for w in range(question.need_words))
    masks = "".join(
        f", coalesce(bit_or(1::bigint << (l.number % {BITS})) filter (where l.number / {BITS} = {w}), 0) as w{w}"
        for w in range(words)
    )
    return f"""
        select l.version_id, {needs}{masks},
               string_agg(l.number::text, ',') filter (where l.number >= {words * BITS}) as beyond
        from {{live}} l
        join (select version_id, {_needs(question)} from {{met}} group by version_id) m on m.version_id = l.version_id
        group by l.version_id, {needs}"""


def _needs(question: Question) -> str:
    # Two words: a question has at most 4 skills, 20 specs and a stack of 63 blocks with its capstone.
    return ", ".join(
        f"coalesce(bit_or(1::bigint << (bit % {BITS})::int) filter (where bit / {BITS} = {w}), 0) as need{w}"
        for w in range(question.need_words)
    )


def _matched(question: Question, words: int) -> str:
    masks = "".join(f", bit_or(a.w{w}) as w{w}" for w in range(words))
    kept = "".join(f", h.w{w}" for w in range(words))
    needs = range(question.need_words)
    met = ", ".join(f"bit_or(a.need{w})" for w in needs)
    all_of_them = ", ".join(f"need{w}" for w in needs)
    # Sorted first: a hash of ten thousands of groups with a text in each is slower, and soon goes to the disk.
    somewhere = "" if question.regions is None else f"and {_among('c.region', question.regions)}"
    return f"""
        select h.learner_id, h.score, h.recent, c.region, c.country, h.beyond{kept}
        from (select a.learner_id, count(*)::int as score, max(a.awarded_on) as recent{masks},
                     string_agg(a.beyond, ',') as beyond
              from (select a.learner_id, a.awarded_on, p.*
                    from {{posting}} p join candidate_award a on a.spec_version_id = p.version_id
                    order by a.learner_id) a
              group by a.learner_id
              having ({met}) = (select {all_of_them} from (select count(*) as n, {_needs(question)}
                                                           from {{requirement}}) r where n > 0)) h
        join candidate_search c on c.learner_id = h.learner_id
        where (c.consent_expires_at is null or c.consent_expires_at > {question.now}) {somewhere}"""


def _among(column: str, values: str) -> str:
    return f"({values} is null or {column} = any({values}))"


def _shown(question: Question) -> str:
    # More matching awards first, then the latest; equals by a hash keyed with the asking organization's own seed.
    return f"""
        select array[-m.score, date '2000-01-01' - m.recent, m.place, m.learner_id]::bigint[] as rank,
               m.learner_id, m.score, m.recent, m.region, m.country
        from (select m.learner_id, m.score, m.recent, m.region, m.country,
                     hashint8extended(m.learner_id, {question.seed}) as place
              from {{matched}} m order by m.score desc, m.recent desc, place, m.learner_id limit {DEPTH_LIMIT}) m
        order by rank"""


_TOLD: Final = f"n / {PRIVACY_FLOOR} * {PRIVACY_FLOOR}"
TOLD_COUNT: Final = f"""
        select case when n >= {PRIVACY_FLOOR} then {_TOLD} end as told
        from (select count(*)::int as n from {{matched}}) m"""

# Ordered by what is told, not by the exact count: the order must not say more than the numbers.
REGION_FACET: Final = f"""
        select row_number() over (order by told desc, region) as no, region, told
        from (select region, {_TOLD} as told
              from (select region, count(*)::int as n from {{matched}} where region is not null group by region) m
              where n >= {PRIVACY_FLOOR}) f
        order by told desc, region limit {FACET_LIMIT}"""


def _endorser_facet(words: int) -> str:
    counts = ", ".join(f"count(*) filter (where w{w} & {1 << b} <> 0)" for w in range(words) for b in range(BITS))
    # Materialized, or the planner computes the counts once for each endorser.
    return f"""
        with counted as materialized (
            select u.position - 1 as number, u.n
            from (select array[{counts}] as counts from {{matched}}) m
            cross join unnest(m.counts) with ordinality u(n, position)
            where u.n >= {PRIVACY_FLOOR}
            union all
            select b.number, count(*)
            from (select distinct m.learner_id, unnest(string_to_array(m.beyond, ','))::bigint as number
                  from {{matched}} m where m.beyond is not null) b
            group by b.number having count(*) >= {PRIVACY_FLOOR})
        select row_number() over (order by f.told desc, f.organization_id) as no, f.organization_id, f.told
        from (select e.organization_id, (c.{_TOLD})::int as told
              from counted c
              join (select distinct organization_id, number from {{live}}) e on e.number = c.number) f
        order by f.told desc, f.organization_id limit {FACET_LIMIT}"""
