"""How frameworks, skills and their labels are read; all of it is public."""

from __future__ import annotations

from countersign.kit.view import View

FRAMEWORK = View(tag="fw", source="skill_frameworks {t}", columns={"id": "'fw_' || {t}.id"})
SKILL = View(
    tag="skill",
    source="skills {t}",
    columns={
        "id": "'skill_' || {t}.id",
        "name": "(select l.text from skill_labels l where l.skill_id = {t}.id and l.kind = 'preferred'"
        " order by l.language = 'en' desc, l.language limit 1)",
    },
)
LABEL = View(tag="label", source="skill_labels {t}")
