"""The statements by which an award file is staged, judged and inserted."""

from __future__ import annotations

from typing import Final

STAGING: Final = """
create temporary table award_file_rows (
    line int, award_id uuid, lookup_key bytea, name_mark bytea, country text, region text,
    spec text, version text, awarded_on date, mode text
) on commit drop
"""
"""No names and no addresses, keyed marks instead: statistics of a temporary table are in the write-ahead log too."""

STAGED: Final = (
    "line",
    "award_id",
    "lookup_key",
    "name_mark",
    "country",
    "region",
    "spec",
    "version",
    "awarded_on",
    "mode",
)

RESOLVED: Final = """
create temporary table award_file on commit drop as
select r.line, r.award_id, r.lookup_key, r.country, r.region, r.spec, r.version, r.awarded_on,
       r.mode, s.id as spec_id, v.id as version_id, v.state, d.learner_id,
       held.awarded_on as held_on,
       row_number() over (partition by r.lookup_key, r.spec, r.version order by r.line) as mention,
       min(r.line) over (partition by r.lookup_key, r.spec, r.version) as first_line,
       first_value(r.line) over person as person_line,
       (first_value(r.name_mark) over person, first_value(r.country) over person, first_value(r.region) over person)
           is distinct from (r.name_mark, r.country, r.region) as other_person
from award_file_rows r
left join specs s on s.slug = r.spec and s.organization_id = $1
left join spec_versions v on v.spec_id = s.id and v.semver = r.version
left join learner_directory d on d.lookup_key = r.lookup_key
left join awards held on held.learner_id = d.learner_id and held.spec_version_id = v.id
    and held.state in ('issued', 'suspended')
window person as (partition by r.lookup_key order by r.line)
"""

PROBLEMS: Final = """
select line, 'version' as field, version as value,
       'is not a version of ' || spec as problem, coalesce('it has ' || (
           select string_agg(v.semver, ', ' order by v.submitted_at) from spec_versions v where v.spec_id = f.spec_id),
           'submit one first') as remedy, 'NOT_FOUND' as code
from award_file f where spec_id is not null and version_id is null and version <> ''
union all
select line, 'version', version, 'is ' || replace(state, '_', ' ') || ', not published',
       'only published and deprecated versions can be awarded', 'INVALID_STATE'
from award_file where version_id is not null and state not in ('published', 'deprecated')
union all
select line, 'email', null, 'stands with the same spec and version in line ' || first_line, 'remove one of the lines',
       'CONFLICT'
from award_file where mention > 1
union all
select line, 'full_name', null,
       'differs, or country or region, from line ' || person_line || ' of the same learner',
       'write them the same in every line', 'CONFLICT'
from award_file where other_person
union all
select line, 'awarded_on', coalesce(awarded_on::text, ''), 'this learner holds the version since ' || held_on,
       'remove the line, or revoke that award first', 'CONFLICT'
from award_file where held_on is distinct from awarded_on and held_on is not null and awarded_on is not null
union all
select distinct f.line, 'awarded_on', f.awarded_on::text,
       'this award was revoked on ' || (a.revoked_at at time zone 'UTC')::date,
       'remove the line; to award the version again write the new day', 'CONFLICT'
from award_file f
join awards a on a.learner_id = f.learner_id and a.spec_version_id = f.version_id and a.awarded_on = f.awarded_on
where f.held_on is null and a.state = 'revoked'
"""

FRESH: Final = "f.held_on is null"

NEWCOMERS: Final = "select line, lookup_key from award_file where learner_id is null and line = person_line"

ENROLLED: Final = """
update award_file f set learner_id = d.learner_id
from learner_directory d where d.lookup_key = f.lookup_key and f.learner_id is null
"""

NEW_AWARDS: Final = f"""
select f.line, f.learner_id, f.award_id, f.version_id, f.mode, f.awarded_on, k.wrapped
from award_file f join learner_keys k on k.learner_id = f.learner_id
where {FRESH} order by f.learner_id, f.award_id
"""

INSERT: Final = """
insert into awards (learner_id, id, spec_version_id, organization_id, holder_name_sealed, state, mode, awarded_on,
                    issued_at, import_id, held_back)
select n.learner_id, n.id, n.version_id, $1, n.name, 'issued', n.mode, n.awarded_on, $2, $3,
       n.learner_id = any($10::bigint[])
from unnest($4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::bytea[])
    n(learner_id, id, version_id, mode, awarded_on, name)
"""

POSTINGS: Final = f"""
select f.learner_id, f.award_id, f.version_id as spec_version_id, f.spec_id, f.awarded_on
from award_file f where {FRESH} and f.learner_id <> all($1::bigint[])
"""
"""$1: learners whose new awards wait for their own claim."""
