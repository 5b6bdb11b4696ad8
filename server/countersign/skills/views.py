"""How frameworks, skills and their labels are read; all of it is public."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View

FRAMEWORK = View(tag="framework", source="skill_frameworks {t}", seen=(EVERYONE,))
SKILL = View(
    tag="skill",
    source="skills {t}",
    seen=(EVERYONE,),
    columns={"reuse_level": "replace({t}.reuse_level, '-', '_')", "retired": "({t}.retired_at is not null)"},
)
LABEL = View(tag="label", source="skill_labels {t}", seen=(EVERYONE,))

BEST_LABEL = (
    "{child}.id = (select l.id from skill_labels l where l.skill_id = {parent}.id and l.kind = 'preferred'"
    " order by l.language = {language} desc, l.language = 'en' desc, l.language limit 1)"
)
"""The preferred label in a language, else in English, else in any; with `{language}` as bound text."""

MATCHED = """
with w as (select {search}::text as text, {prefix}::text as prefix),
hits as materialized (
  select l.id, l.skill_id, l.folded from w join skill_labels l on l.folded % w.text where true {language}
  union
  select l.id, l.skill_id, l.folded from w join skill_labels l on l.folded %> w.text where true {language}
  union
  select l.id, l.skill_id, l.folded from w join skill_labels l on l.folded like w.prefix where true {language}
)
select s.*, lpad((1000 - round(m.alike * 1000))::int::text, 4, '0') || ' ' || s.name as relevance
from (
  select h.skill_id,
         max(case when h.folded = w.text then 1 when h.folded like w.prefix then 0.9
             else similarity(h.folded, w.text) * 0.7 + word_similarity(w.text, h.folded) * 0.2 end) as alike
  from hits h, w group by h.skill_id
) m join skills s on s.id = m.skill_id
"""
"""Skills whose labels are the words, begin with them, hold words like them or are like them as a whole, best first.

Three index scans (pg_trgm: similarity ≥ 0.3, word similarity ≥ 0.6): one scan with `or` would read every label.
"""

ALL = "select s.*, '0000 ' || s.name as relevance from skills s"
