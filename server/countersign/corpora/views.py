"""How corpora are read and counted: all of it is public."""

from __future__ import annotations

from countersign.corpora.rules import LONGEST_QUERY, MOST_ALTERNATIVES
from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

SNAPSHOT = View(tag="vsn", source="vacancy_snapshots {t}", columns={"id": "'vsn_' || {t}.id"}, seen=(EVERYONE,))

COUNTED = """
(select s.*, c.matched, c.total, {said} as query
 from (select * from vacancy_snapshots s where s.key = {corpus_key} and ({digest} is null or s.digest = {digest})
       order by s.imported_at desc, s.id desc limit 1) s
 cross join lateral (
   select count(*) as total, count(*) filter (where exists (
     select from jsonb_array_elements({query}) q(words)
     where v.terms @> array(select jsonb_array_elements_text(q.words)))) as matched
   from vacancies v where v.snapshot_id = s.id
     and ({since} is null or coalesce(v.published_on, s.period_from) >= {since})
     and ({until} is null or coalesce(v.published_on, s.period_to) <= {until})
     and ({region} is null or coalesce(v.region, s.region) = {region} or s.region = {region})) c)
"""
"""The snapshot of the corpus `{corpus_key}` (the newest, or that of `{digest}`), and how many of its vacancies in a
period (`{since}`, `{until}`: days or null) and `{region}` (null: all) match `{query}` (as `rules.read_query` reads it).

A vacancy without a day lies anywhere in the snapshot's period, so it counts when the whole of that lies inside.
"""

NAMES_OF_SKILLS = f"""(
    select m.folded
    from (select l.folded, row_number() over w as no, sum(length(l.folded) + 2) over w as long
          from (select l.folded, bool_or(l.kind = 'preferred') as preferred from skill_labels l
                where l.skill_id = any({{skills}}) and strpos(l.folded, ',') = 0
                  and strpos(' ' || l.folded || ' ', ' + ') = 0
                group by l.folded) l
          window w as (order by l.preferred desc, l.folded)) m
    where m.no <= {MOST_ALTERNATIVES} and m.long <= {LONGEST_QUERY}) n"""
"""The names by which the skills `{skills}` may be asked for, as far as a query can hold them: without commas and
joining plusses, and no more of them, the preferred ones first, than `rules.read_query` takes."""
SAID_OF_SKILLS = "(select string_agg(n.folded, ', ' order by n.folded) from {names})"
QUERY_OF_SKILLS = "(select coalesce(jsonb_agg(jsonb_build_array(n.folded)), '[]') from {names})"

COUNT = View(
    tag="count",
    source=COUNTED.rstrip() + " {t}",
    columns={
        "share": "case when {t}.total > 0 then round({t}.matched::numeric / {t}.total, 4) end",
        "snapshot_digest": "{t}.digest",
    },
    seen=(EVERYONE,),
)
"""One row, or none; whoever enters it names `said`, `corpus_key`, `digest`, `query`, `since`, `until` and `region`."""
