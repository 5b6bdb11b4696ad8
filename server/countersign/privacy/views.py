"""How learners read what they asked for; nobody else does."""

from __future__ import annotations

from countersign.kit.sight import learner
from countersign.kit.view import View

DATA_COPY = View(
    tag="copy",
    source="data_copies {t}",
    columns={"available": "({t}.expires_at > {now})"},
    seen=(learner(),),
)

ERASURE = View(
    tag="erasure",
    source="(select learner_id, erased_at from learners where erased_at is not null) {t}",
    seen=(learner(),),
    key="{t}.learner_id",
)
