"""How candidates are read: over the index and the named sub-queries of `matching`, never over learners."""

from __future__ import annotations

from typing import Final

from countersign.endorsements.views import LIVE
from countersign.kit.sight import THROUGH
from countersign.kit.view import View
from countersign.search.rules import SHOWN_AWARDS_LIMIT

_FOUND: Final = (THROUGH,)
"""Only the search leads here, and that asks for its permission."""

CANDIDATE: Final = View(tag="cand", source="{shown} {t}", seen=_FOUND, key="{t}.rank")

CANDIDATE_MATCH: Final = View(tag="match", source="", seen=_FOUND)

_POSTING: Final = f"""(
            select a.award_id, a.spec_version_id, a.spec_id, a.awarded_on, a.spec_id = any(q.specs) as spec_asked,
                   (a.spec_id = any(q.specs) or exists (
                        select from spec_version_skills k
                        where k.spec_version_id = a.spec_version_id and k.skill_id = any(q.skills))) as asked,
                   (select count(*)::int from endorsements e
                    where e.spec_version_id = a.spec_version_id and {LIVE.format(e="e", now="{now}")}
                      and (q.endorsers is null or e.organization_id = any(q.endorsers))) as endorsers
            from candidate_award a cross join {{asked}} q
            where a.learner_id = {{parent}}.learner_id)"""

CANDIDATE_AWARD: Final = View(
    tag="posting",
    source=f"""(
        select p.award_id, p.spec_version_id, p.spec_id, p.awarded_on, p.asked and p.endorsers > 0 as matches
        from {_POSTING} p
        order by matches desc, p.awarded_on desc, p.award_id limit {SHOWN_AWARDS_LIMIT}) {{t}}""",
    seen=_FOUND,
    key="{t}.award_id",
)
"""The awards that a candidate is shown with: those that match first, then the latest."""

CONTRIBUTION: Final = View(
    tag="contribution",
    source=f"""(
        select p.award_id, p.spec_version_id, p.awarded_on, p.spec_asked, p.endorsers
        from {_POSTING} p where p.asked and p.endorsers > 0) {{t}}""",
    columns={"points": "1"},
    seen=_FOUND,
    key="{t}.award_id",
)
"""The endorsed awards that answer the question: each is one point, and their sum is the score."""

REGION_FACET: Final = View(tag="region", source="{region_facet} {t}", seen=_FOUND, key="{t}.no")
ENDORSER_FACET: Final = View(tag="endorser", source="{endorser_facet} {t}", seen=_FOUND, key="{t}.no")
FACETS: Final = View(tag="facets", source="", seen=_FOUND)
