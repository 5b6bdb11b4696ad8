"""How frameworks, skills and their labels are read; all of it is public."""

from __future__ import annotations

from countersign.kit.view import View

FRAMEWORK = View(tag="framework", source="skill_frameworks {t}")
SKILL = View(
    tag="skill",
    source="skills {t}",
    columns={"reuse_level": "replace({t}.reuse_level, '-', '_')", "retired": "({t}.retired_at is not null)"},
)
LABEL = View(tag="label", source="skill_labels {t}")

BEST_LABEL = (
    "{child}.id = (select l.id from skill_labels l where l.skill_id = {parent}.id and l.kind = 'preferred'"
    " order by l.language = {language} desc, l.language = 'en' desc, l.language limit 1)"
)
"""The preferred label in a language, else in English, else in any; with `{language}` as bound text."""

MATCHED = """
select s.*, lpad((1000 - round(m.alike * 1000))::int::text, 4, '0') || ' ' || s.name as relevance
from skills s join (
  select l.skill_id,
         max(case when l.folded = w.text then 1 when l.folded like w.prefix then 0.9
             else similarity(l.folded, w.text) * 0.9 end) as alike
  from (select {search}::text as text, {prefix}::text as prefix) w
  join skill_labels l on (l.folded % w.text or l.folded like w.prefix) {language}
  group by l.skill_id
) m on m.skill_id = s.id
"""
"""Skills whose labels are the words, begin with them or are like them (trigram similarity ≥ 0.3), best first."""

ALL = "select s.*, '0000 ' || s.name as relevance from skills s"
