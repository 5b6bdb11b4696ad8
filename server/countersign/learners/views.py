"""How learners read what is kept of them; nobody else does."""

from __future__ import annotations

from countersign.kit.view import View

LEARNER = View(
    tag="learner",
    source="learners {t}",
    visible="{t}.learner_id = {actor_learner}",
    key="{t}.learner_id",
)

CONSENT = View(
    tag="consent",
    source="consents {t}",
    columns={
        "stands": "({t}.withdrawn_at is null and ({t}.expires_at is null or {t}.expires_at > {now}))",
    },
    visible="{t}.learner_id = {actor_learner}",
)
