"""Every way of ties between a judge and a school, as one SQL expression: for the rule and for who asks."""

from __future__ import annotations

from typing import Final

from countersign.conflicts.rules_findings import WINDOW
from countersign.specs.views import PUBLIC

NEIGHBOURS: Final = """
select h.id as here, o.parent_id as there, 'PARENT' as tie
from {here} h join organizations o on o.id = h.id where o.parent_id is not null
union all
select h.id, o.id, 'PARENT' from {here} h join organizations o on o.parent_id = h.id
union all
select h.id, case when l.holder_id = h.id then l.held_id else l.holder_id end, upper(l.kind)
from {here} h join ownership_links l on l.state = 'confirmed' and (l.holder_id = h.id or l.held_id = h.id)
union all
select distinct h.id, o.id, 'DOMAIN'
from {here} h join organizations mine on mine.id = h.id, unnest(mine.domains) d,
     organizations o, unnest(o.domains) e
where o.id <> h.id and (d = e or d like '%.' || e or e like '%.' || d)
union all
select distinct h.id, b.organization_id, 'PERSON'
from {here} h
join memberships a on a.organization_id = h.id and a.valid_from <= {now}
  and (a.valid_until is null or a.valid_until > {now})
join memberships b on b.person_id = a.person_id and b.organization_id <> a.organization_id
  and b.valid_from <= {now} and (b.valid_until is null or b.valid_until > {now})
union all
select distinct h.id, b.organization_id, 'KEY'
from {here} h join signing_keys a on a.organization_id = h.id
join signing_keys b on b.public = a.public and b.organization_id <> a.organization_id
"""
"""What ties the organizations of the relation `{here}` (column `id`) to others at `{now}`: here, there, tie."""

TOOL_KEY: Final = "lower(regexp_replace(btrim(normalize({name}, NFKC)), '\\s+', ' ', 'g'))"
"""How the names of tools are compared: without case, width and doubled spaces."""

_RECENT: Final = f"> {{now}} - interval '{WINDOW.days} days'"


def _edge(x: str) -> str:
    """An endorsement as a step of a ring; open when its version is public."""
    return (
        f"jsonb_build_object('here', {x}.endorser_id, 'there', {x}.school_id, 'tie', 'RECIPROCAL',"
        f" 'since', ({x}.signed_at at time zone 'UTC')::date, 'open', {x}.open)"
    )


def _step(x: str, *, turned: bool = False) -> str:
    here, there = ("there", "here") if turned else ("here", "there")
    return f"jsonb_build_object('here', {x}.{here}, 'there', {x}.{there}, 'tie', {x}.tie, 'open', {x}.tie <> 'PERSON')"


WAYS: Final = f"""
(with two as (
  select {{judge}} as judge, {{school}} as school, j.control_group as judges, s.control_group as schools
  from organizations j, organizations s where j.id = {{judge}} and s.id = {{school}}
), near as materialized ({NEIGHBOURS.replace("{here}", "(select judge as id from two)")}
), far as materialized ({NEIGHBOURS.replace("{here}", "(select school as id from two)")}
), straight(kinds, steps) as (
  select '', jsonb_build_array(jsonb_build_object('here', judge, 'there', school, 'tie', 'SAME_ORGANIZATION',
    'open', true)) from two where judge = school
  union all
  select n.tie, jsonb_build_array({_step("n")}) from two join near n on n.there = school
  union all
  select 'DECLARED', jsonb_build_array(jsonb_build_object('here', judge, 'there', school, 'tie', 'DECLARED',
    'open', true))
  from two where exists (select from ownership_links l where l.state = 'declared'
    and ((l.holder_id, l.held_id) = (judge, school) or (l.held_id, l.holder_id) = (judge, school)))
), through(kinds, steps) as (
  select n.tie || ' ' || f.tie, jsonb_build_array({_step("n")}, {_step("f", turned=True)})
  from near n join far f on f.there = n.there where not exists (select from straight)
), around(kinds, steps) as (
  select n.tie || ' ' || m.tie || ' ' || f.tie,
    jsonb_build_array({_step("n")}, {_step("m")}, {_step("f", turned=True)})
  from near n
  join ({NEIGHBOURS.replace("{here}", "(select distinct there as id from near)")}) m on m.here = n.there
  join far f on f.there = m.there
  where not exists (select from straight) and not exists (select from through)
), chains as (
  select distinct on (kinds) steps
  from (select * from straight union all select * from through union all select * from around) c
  order by kinds, steps
), recent as not materialized (
  select e.endorser_id, e.school_id, e.signed_at, a.control_group as giver, b.control_group as taker,
    ({PUBLIC.format(t="v")}) as open
  from endorsement_edges e join organizations a on a.id = e.endorser_id join organizations b on b.id = e.school_id
  join spec_versions v on v.id = e.spec_version_id
  where e.signed_at {_RECENT} and e.signed_at <= {{now}}
), found(steps) as (
  select steps from chains
  union all
  select jsonb_build_array(jsonb_build_object('here', judge, 'there', school, 'tie', 'GROUP', 'open', false))
  from two where judges = schools and judge <> school and not exists (select from chains)
  union all
  (select jsonb_build_array({_edge("x")}) from two join recent x on x.giver = schools and x.taker = judges
   where judges <> schools order by x.signed_at desc, x.endorser_id, x.school_id limit 1)
  union all
  (select jsonb_build_array({_edge("x")}, {_edge("y")})
   from two join recent x on x.giver = schools join recent y on y.taker = judges and y.giver = x.taker
   where judges <> schools and x.taker not in (judges, schools)
   order by x.signed_at desc, y.signed_at desc, x.endorser_id, y.school_id limit 1)
  union all
  (select jsonb_build_array(jsonb_build_object('here', p.sponsor_id, 'there', p.sponsored_id, 'tie', 'SPONSOR',
    'open', true, 'since', p.since, 'until', p.until))
   from two cross join sponsorships p
   join organizations a on a.id = p.sponsor_id join organizations b on b.id = p.sponsored_id
   where ((a.control_group = judges and b.control_group = schools)
     or (a.control_group = schools and b.control_group = judges))
     and p.since <= ({{now}} at time zone 'UTC')::date
     and coalesce(p.until + {WINDOW.days} > ({{now}} at time zone 'UTC')::date, true)
   order by p.since, p.id)
  union all
  (select jsonb_build_array(jsonb_build_object('here', m.organization_id, 'there', school, 'tie', 'SUPPLIER',
    'open', true, 'tool', m.name))
   from two join organizations o on o.control_group = judges join tool_makers m on m.organization_id = o.id
   where m.declared_at <= {{now}} and coalesce(m.ended_at {_RECENT}, true) and (m.key = any({{tools}}) or m.key in (
     select {TOOL_KEY.format(name="i.item->>'name'")}
     from spec_versions v, jsonb_array_elements(v.content->'toolchain') i(item) where v.id = {{version}}))
   order by m.name, m.id)
  union all
  (select jsonb_build_array(jsonb_build_object('here', judge, 'there', school, 'tie', 'INTEREST', 'open', false))
   from two where exists (select from disclosed_interests d where d.organization_id = judge
     and d.spec_version_id = {{version}} and d.withdrawn_at is null))
)
select coalesce(jsonb_agg((select jsonb_agg(
    s.item || jsonb_build_object('hereName', a.display_name, 'thereName', b.display_name) order by s.no)
  from jsonb_array_elements(f.steps) with ordinality s(item, no)
  join organizations a on a.id = (s.item->>'here')::uuid join organizations b on b.id = (s.item->>'there')::uuid)),
  '[]') from found f)
"""
"""All ways between `{{judge}}` and `{{school}}` (uuid) about `{{version}}` (uuid or null) with `{{tools}}` (text[], as
`TOOL_KEY` writes them) at `{{now}}`: a jsonb list of lists of steps, as `rules_findings.read_step` reads them.

Of ways of up to three ties the shortest are told, each combination of ties once.
"""
