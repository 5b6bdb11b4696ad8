"""How candidates are read: over the index and the named sub-queries of `matching`, never over learners."""

from __future__ import annotations

from typing import Final

from countersign.kit.view import View
from countersign.search.rules import SHOWN_AWARDS_LIMIT

CANDIDATE: Final = View(tag="cand", source="{shown} {t}", key="{t}.rank")

CANDIDATE_MATCH: Final = View(tag="match", source="")

CANDIDATE_AWARD: Final = View(
    tag="posting",
    source=f"""(
        select p.award_id, p.spec_version_id, p.spec_id, p.awarded_on, p.endorsers
        from (select a.award_id, a.spec_version_id, a.spec_id, a.awarded_on,
                     (select count(*)::int from {{live}} l where l.version_id = a.spec_version_id) as endorsers
              from candidate_award a where a.learner_id = {{parent}}.learner_id) p
        order by p.endorsers = 0, p.awarded_on desc, p.award_id limit {SHOWN_AWARDS_LIMIT}) {{t}}""",
    key="{t}.award_id",
)
"""The awards that a candidate is shown with: those that match first, then the latest."""

CONTRIBUTION: Final = View(
    tag="contribution",
    source="""(
        select a.award_id, a.spec_version_id, a.spec_id, a.awarded_on, count(*)::int as endorsers,
               exists (select from {met} m where m.version_id = a.spec_version_id and m.kind = 'spec') as spec_asked
        from candidate_award a join {live} l on l.version_id = a.spec_version_id
        where a.learner_id = {parent}.learner_id
        group by a.award_id, a.spec_version_id, a.spec_id, a.awarded_on) {t}""",
    columns={"points": "1"},
    key="{t}.award_id",
)
"""The endorsed awards that answer the question: each is one point, and their sum is the score."""

REGION_FACET: Final = View(tag="region", source="{region_facet} {t}", key="{t}.no")
ENDORSER_FACET: Final = View(tag="endorser", source="{endorser_facet} {t}", key="{t}.no")
FACETS: Final = View(tag="facets", source="")

CANDIDATE_VIEW: Final = View(
    tag="sighting",
    source="candidate_views {t}",
    visible="{t}.learner_id = {actor_learner}",
    key="({t}.viewed_on::text || '/' || {t}.organization_id)",
)
"""Who saw a learner; the learner alone reads it."""
