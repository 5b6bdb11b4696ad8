"""The other side's statements: one hand-written SQL for each answer, as good as we can write them.

They give the same content as the product's plans and may use whatever is known of the data that a general compiler
cannot know: that whatever was awarded is public, for instance. The candidates' pseudonyms are a keyed hash.
"""

from __future__ import annotations

from typing import Final

from countersign.endorsements.views import LIVE
from countersign.search.matching import BITS, WORDS
from countersign.search.reveal import fingerprint
from countersign.search.rules import FACET_LIMIT, PRIVACY_FLOOR, SHOWN_AWARDS_LIMIT

_LIVE: Final = LIVE.format(e="e", now="statement_timestamp()")
_TOLD: Final = f"/ {PRIVACY_FLOOR} * {PRIVACY_FLOOR}"


def _moment(column: str) -> str:
    return f"""replace(to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')"""


SPEC: Final = f"""
select convert_to(json_build_object('data', json_build_object('credentialSpec', (
    select json_build_object('id', 'spec_' || s.id, 'slug', s.slug, 'kind', upper(s.kind), 'title', v.title,
        'createdAt', {_moment("s.created_at")}, 'revisedAt', {_moment("s.revised_at")},
        'school', json_build_object('id', 'org_' || o.id, 'handle', o.handle, 'displayName', o.display_name,
                                    'country', o.country))
    from specs s join organizations o on o.id = s.organization_id
    cross join lateral (
        select v.title from spec_versions v
        where v.spec_id = s.id and (v.state in ('published', 'deprecated', 'retired') or v.organization_id = $2::uuid
              or exists (select from spec_version_readers r where r.spec_version_id = v.id
                         and r.organization_id = $2::uuid))
        order by v.state = 'published' desc, v.ordinal desc limit 1) v
    where s.id = $1::uuid)))::text, 'UTF8')
"""

_VISIBLE: Final = """(v.state in ('published', 'deprecated', 'retired') or v.organization_id = $2::uuid
              or exists (select from spec_version_readers r where r.spec_version_id = v.id
                         and r.organization_id = $2::uuid))"""

CATALOGUE: Final = f"""
with visible as materialized (
    select s.id, s.slug, s.organization_id from specs s
    where s.organization_id = $2::uuid or exists (select from spec_versions v where v.spec_id = s.id and {_VISIBLE})),
page as materialized (
    select s.*, row_number() over (order by s.slug, s.id) as no from visible s order by s.slug, s.id limit $1::int + 1)
select convert_to(json_build_object('data', json_build_object('credentialSpecs', json_build_object(
    'totalCount', (select count(*) from visible),
    'pageInfo', json_build_object('hasNextPage', exists (select from page where no > $1::int)),
    'nodes', (select json_agg(json_build_object('id', 'spec_' || s.id, 'slug', s.slug, 'title', t.title,
            'school', json_build_object('displayName', o.display_name),
            'currentVersion', case when v.id is not null then json_build_object(
                'id', 'version_' || v.id, 'semver', v.semver, 'digest', v.digest,
                'liveEndorsementCount', e.n, 'endorsements', json_build_object('nodes', e.nodes)) end)
            order by s.no)
        from page s join organizations o on o.id = s.organization_id
        cross join lateral (
            select v.title from spec_versions v where v.spec_id = s.id and {_VISIBLE}
            order by v.state = 'published' desc, v.ordinal desc limit 1) t
        left join lateral (
            select v.id, v.semver, v.digest from spec_versions v where v.spec_id = s.id and v.state = 'published'
            order by v.ordinal desc limit 1) v on true
        left join lateral (
            select count(*) as n,
                   coalesce(json_agg(json_build_object('id', 'end_' || e.id, 'validUntil', {_moment("e.valid_until")},
                       'endorser', json_build_object('id', 'org_' || o.id, 'handle', o.handle,
                                                     'displayName', o.display_name))
                       order by e.no) filter (where e.no <= 10), '[]') as nodes
            from (select e.*, row_number() over (order by e.requested_at desc, e.id desc) as no
                  from endorsements e where e.spec_version_id = v.id and {_LIVE}) e
            join organizations o on o.id = e.organization_id) e on true
        where s.no <= $1::int))))::text, 'UTF8')
"""

_MASKS: Final = "".join(
    f", coalesce(bit_or(1::bigint << (l.number % {BITS})) filter (where l.number / {BITS} = {w}), 0) as w{w}"
    for w in range(WORDS)
)
_UNITED: Final = "".join(f", bit_or(p.w{w}) as w{w}" for w in range(WORDS))
_KEPT: Final = "".join(f", h.w{w}" for w in range(WORDS))
_COUNTS: Final = ", ".join(f"count(*) filter (where w{w} & {1 << b} <> 0)" for w in range(WORDS) for b in range(BITS))

RECRUITER: Final = f"""
with asked as materialized (
    select u.skill_id, (u.no - 1)::int as bit from unnest($1::uuid[]) with ordinality u(skill_id, no)),
met as materialized (
    select k.spec_version_id as version_id, bit_or(1::bigint << a.bit) as needs
    from asked a join spec_version_skills k on k.skill_id = a.skill_id group by k.spec_version_id),
live as materialized (
    select version_id, needs, organization_id,
           (dense_rank() over (order by weight desc, organization_id) - 1)::int as number
    from (select m.version_id, m.needs, e.organization_id, count(*) over (partition by e.organization_id) as weight
          from met m join endorsements e on e.spec_version_id = m.version_id where {_LIVE}) e),
posting as materialized (
    select l.version_id, l.needs{_MASKS},
           string_agg(l.number::text, ',') filter (where l.number >= {WORDS * BITS}) as beyond
    from live l group by l.version_id, l.needs),
matched as materialized (
    select h.learner_id, h.score, h.recent, c.region, h.beyond{_KEPT}
    from (select a.learner_id, count(*)::int as score, max(a.awarded_on) as recent{_UNITED},
                 string_agg(p.beyond, ',') as beyond
          from posting p join candidate_award a on a.spec_version_id = p.version_id
          group by a.learner_id
          having bit_or(p.needs) = (1::bigint << cardinality($1::uuid[])) - 1) h
    join candidate_search c on c.learner_id = h.learner_id
    where c.region = any($2::text[])
      and (c.consent_expires_at is null or c.consent_expires_at > statement_timestamp())),
page as materialized (
    select m.*, row_number() over () as no
    from (select m.learner_id, m.score, m.recent, m.region from matched m
          order by m.score desc, m.recent desc, hashint8extended(m.learner_id, $3::bigint), m.learner_id limit 21) m),
award as materialized (
    select p.no, a.spec_version_id, a.awarded_on,
           row_number() over (partition by p.no
               order by (m.version_id is not null) desc, a.awarded_on desc, a.award_id) as place
    from page p join candidate_award a on a.learner_id = p.learner_id
    left join posting m on m.version_id = a.spec_version_id where p.no <= 20),
version as materialized (
    select v.id, s.slug, v.title,
           array_to_json(array(select json_build_object('name', k.name) from spec_version_skills x
               join skills k on k.id = x.skill_id where x.spec_version_id = v.id order by k.id)) as skills,
           array_to_json(array(select json_build_object('validUntil', {_moment("e.valid_until")},
                   'endorser', json_build_object('displayName', o.display_name))
               from endorsements e join organizations o on o.id = e.organization_id
               where e.spec_version_id = v.id and {_LIVE} order by e.id)) as endorsements
    from (select distinct spec_version_id from award where place <= {SHOWN_AWARDS_LIMIT}) d
    join spec_versions v on v.id = d.spec_version_id join specs s on s.id = v.spec_id),
hydrated as materialized (
    select a.no, json_agg(json_build_object('earnedOn', a.awarded_on, 'spec', json_build_object('slug', v.slug),
                   'specVersion', json_build_object('title', v.title), 'skills', v.skills,
                   'liveEndorsements', v.endorsements) order by a.place) as awards
    from award a join version v on v.id = a.spec_version_id where a.place <= {SHOWN_AWARDS_LIMIT} group by a.no),
counted as materialized (
    select u.position - 1 as number, u.n
    from (select array[{_COUNTS}] as counts from matched) m
    cross join unnest(m.counts) with ordinality u(n, position) where u.n >= {PRIVACY_FLOOR}
    union all
    select b.number, count(*)
    from (select distinct m.learner_id, unnest(string_to_array(m.beyond, ','))::bigint as number
          from matched m where m.beyond is not null) b
    group by b.number having count(*) >= {PRIVACY_FLOOR})
select convert_to(json_build_object('data', json_build_object('searchCandidates', json_build_object(
    'totalCount', (select case when count(*) >= {PRIVACY_FLOOR} then count(*) {_TOLD} end from matched),
    'pageInfo', json_build_object('hasNextPage', exists (select from page where no > 20)),
    'facets', json_build_object(
        'regions', (select coalesce(json_agg(json_build_object('region', f.region, 'count', f.told)
                        order by f.told desc, f.region), '[]')
            from (select m.region, m.n {_TOLD} as told
                  from (select region, count(*) as n from matched where region is not null group by region) m
                  where m.n >= {PRIVACY_FLOOR} order by told desc, m.region limit {FACET_LIMIT}) f),
        'endorsers', (select coalesce(json_agg(json_build_object('endorser',
                            json_build_object('id', 'org_' || o.id, 'displayName', o.display_name), 'count', f.told)
                        order by f.told desc, o.id), '[]')
            from (select e.organization_id, c.n {_TOLD} as told
                  from counted c join (select distinct organization_id, number from live) e on e.number = c.number
                  order by told desc, e.organization_id limit {FACET_LIMIT}) f
            join organizations o on o.id = f.organization_id)),
    'nodes', (select coalesce(json_agg(json_build_object(
            'id', 'cand_' || encode(sha256(int8send(p.learner_id) || $4::bytea), 'hex'), 'region', p.region,
            'match', json_build_object('score', p.score, 'recent', p.recent), 'awards', h.awards) order by p.no), '[]')
        from page p join hydrated h on h.no = p.no where p.no <= 20))))::text, 'UTF8'),
    array(select array[p.learner_id, {fingerprint("p.learner_id", "statement_timestamp()")}]
          from page p where p.no <= 20)
"""

ENDORSE: Final = """
with version as (
    select v.id, v.digest from spec_versions v
    where v.id = $1::uuid and v.digest = $2::text and v.state in ('submitted', 'in_review', 'published') for share),
endorser as (
    select o.id from organizations o
    where o.id = $3::uuid and o.kind in ('employer', 'agency') and o.verification = 'verified' for share),
fresh as (
    insert into idempotency_keys (scope, key, fingerprint, outcome, created_at)
    select $3::uuid || '/person:' || $4::uuid, $5::text, $6::bytea, jsonb_build_object('entities',
           jsonb_build_object('endorsement', 'end_' || $7::uuid), 'problems', '[]'::jsonb), now()
    from version, endorser on conflict (scope, key) do nothing returning true),
place as (
    update status_lists set next_slot = next_slot + 1
    where organization_id = $3::uuid and purpose = 'revocation' and number = 1 and exists (select from fresh)
    returning id, next_slot - 1 as slot),
entry as (insert into status_entries (list_id, idx) select id, slot from place returning list_id, idx),
made as (
    insert into endorsements (id, spec_version_id, organization_id, signatory_id, digest, state, statement, valid_from,
        valid_until, document, status_list_id, status_index, requested_at)
    select $7::uuid, v.id, $3::uuid, $4::uuid, v.digest, 'signing', $8::text, now(), now() + interval '1 year',
           $9::bytea, e.list_id, e.idx, now()
    from version v, entry e
    on conflict (organization_id, spec_version_id) where state = 'signing' do nothing returning id),
told as (
    insert into outbox (id, topic, subject, payload, at)
    select $10::uuid, 'endorsement.taken', 'end_' || id, jsonb_build_object('digest', $2::text), now() from made
    returning true),
noted as (
    insert into audit_events (stream_key, at, id, actor, organization_id, action, object, decision)
    select 'org:' || $3::uuid, now(), $10::uuid, 'person:' || $4::uuid, $3::uuid, 'endorseSpec', 'end_' || id, 'done'
    from made
    returning true)
select convert_to(json_build_object('data', json_build_object('endorseSpec', json_build_object(
    'endorsement', (select json_build_object('id', 'end_' || id, 'state', 'SIGNING', 'digest', $2::text) from made),
    'errors', '[]'::json)))::text, 'UTF8'), (select count(*) from told, noted)
"""
"""What one endorsement stores, in one statement: places, rows, outbox, audit and idempotency. It signs nothing."""
