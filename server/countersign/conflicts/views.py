"""How ties are read: interests are public, and what a tie means is told to who may know it."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE, WITH_PARENT
from countersign.kit.view import View

OWNERSHIP_LINK = View(
    tag="lnk",
    source="ownership_links {t}",
    columns={"id": "'lnk_' || {t}.id", "by_operator": "({t}.declared_by is null)"},
    seen=(EVERYONE,),
)

TOOL_MAKER = View(
    tag="mak",
    source="tool_makers {t}",
    columns={"id": "'mak_' || {t}.id", "by_operator": "({t}.declared_by is null)"},
    seen=(EVERYONE,),
)
SPONSORSHIP = View(
    tag="spo",
    source="sponsorships {t}",
    columns={"id": "'spo_' || {t}.id", "by_operator": "({t}.declared_by is null)"},
    seen=(EVERYONE,),
)

_KNOWN = "(({t}.item->>'open')::boolean or {actor_organization}::text in ({t}.item->>'here', {t}.item->>'there'))"
"""As `rules_findings.ToldStep.known_to`."""

STEP = View(
    tag="step",
    source="jsonb_array_elements({parent}.item->'steps') with ordinality {t}(item, no)",
    columns={
        "tie": f"case when {_KNOWN} then lower({{t}}.item->>'tie') end",
        "tool": "{t}.item->>'tool'",
        "since": f"case when {_KNOWN} then ({{t}}.item->>'since')::date end",
        "until": "({t}.item->>'until')::date",
        **{end: f"case when {_KNOWN} then ({{t}}.item->>'{end}')::uuid end" for end in ("here", "there")},
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
REASON = View(
    tag="reason",
    source="jsonb_array_elements({parent}.reasons) with ordinality {t}(item, no)",
    columns={"outcome": "{t}.item->>'outcome'"},
    seen=(WITH_PARENT,),
    key="{t}.no",
)
DISCLOSURE = View(
    tag="disclosure",
    source="jsonb_array_elements({parent}.disclosures) with ordinality {t}(item, no)",
    columns={name: f"{{t}}.item->>'{name}'" for name in ("tie", "outcome", "words")},
    seen=(WITH_PARENT,),
    key="{t}.no",
)
"""What was disclosed with an endorsement, as it was signed."""
