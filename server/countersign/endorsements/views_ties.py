"""How it is asked what ties an organization to the school of a version, and what comes of it by the policies of now."""

from __future__ import annotations

from typing import Final

from countersign.conflicts.policies import in_effect
from countersign.conflicts.rules import Tie
from countersign.conflicts.rules_findings import DEFAULTS, FLOOR, Outcome
from countersign.conflicts.ways import WAYS
from countersign.kit.sight import told
from countersign.kit.view import View
from countersign.specs.views import READABLE_V

_OUTCOMES: Final = "array[" + ", ".join(f"'{outcome.value}'" for outcome in Outcome) + "]"
_RANK: Final = list(Outcome).index
_DEFAULTS: Final = ", ".join(
    f"('{tie.name}', {number}, {_RANK(DEFAULTS[tie])}, {_RANK(FLOOR[tie])})" for number, tie in enumerate(Tie)
)
_POLICIES: Final = in_effect(school="what.organization_id", spec="what.spec_id", at="{now}")
_ASKED: Final = f"max(array_position({_OUTCOMES}, q.outcomes->>lower(d.tie)) - 1)"
_WAYS: Final = WAYS.format(
    judge="who.id", school="what.organization_id", version="what.id", now="{now}", tools="array[]::text[]"
)

CONFLICT_CHECK: Final = View(
    tag="check",
    source=f"""
(select who.id as judge_id, who.display_name as judge, what.id as version_id, whose.display_name as school,
   r.reasons, r.rank
 from organizations who cross join spec_versions what join organizations whose on whose.id = what.organization_id
 cross join lateral (
   select coalesce(jsonb_agg(jsonb_build_object('outcome', ({_OUTCOMES})[x.rank + 1], 'steps', x.steps)
       order by x.rank desc, jsonb_array_length(x.steps), x.ties, x.no), '[]') as reasons,
     coalesce(max(x.rank), 0) as rank
   from (
     select w.steps, w.no, array_agg(d.no order by s.no) as ties,
       min((select greatest(d.floor, coalesce({_ASKED} filter (where q.organization_id is null), d.rank),
           {_ASKED} filter (where q.organization_id is not null)) from ({_POLICIES}) q)) as rank,
       bool_or(d.tie = '{Tie.INTEREST.name}') as internal
     from jsonb_array_elements({_WAYS}) with ordinality w(steps, no),
       jsonb_array_elements(w.steps) with ordinality s(item, no)
       join (values {_DEFAULTS}) d(tie, no, rank, floor) on d.tie = s.item->>'tie'
     group by w.steps, w.no
   ) x
   where x.rank > 0 and (not x.internal or who.id = {{actor_organization}})
 ) r) {{t}}""",
    columns={
        "outcome": f"({_OUTCOMES})[{{t}}.rank + 1]",
        "counts": f"({{t}}.rank < {list(Outcome).index(Outcome.EXCLUDE)})",
    },
    seen=(
        told(
            "who sees the version",
            f"exists (select from spec_versions v where v.id = {{t}}.version_id and {READABLE_V})",
        ),
    ),
    key="({t}.judge_id, {t}.version_id)",
)
"""One row for each organization and version: the twin of `conflicts.judge` with `rules_findings.in_effect`.

What a reviewer has disclosed is told to the reviewer's own organization, and to everybody once it is signed. Aliases
here are words: `WAYS` has its own letters, which would hide them.
"""
