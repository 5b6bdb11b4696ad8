"""How proposals of endorsements, and the words that schools suggest, are read."""

from __future__ import annotations

from countersign.kit.sight import WITH_PARENT, members, told
from countersign.kit.view import View

PROPOSAL = View(
    tag="prp",
    source="endorsement_proposals {t}",
    columns={
        "id": "'prp_' || {t}.id",
        "mine": "({t}.proposed_by is not distinct from {actor_person})",
        "approved_by_me": "({t}.approved_by is not distinct from {actor_person} and {t}.approved_by is not null)",
    },
    seen=(members(of="the endorser"),),
)
"""What an organization might say is its own affair until it is signed; the school sees nothing of it."""

PROPOSED_EVIDENCE = View(
    tag="prv",
    source="jsonb_array_elements({parent}.evidence) with ordinality {t}(item, no)",
    columns={"number": "{t}.no", "kind": "{t}.item->>'kind'", "narrative": "{t}.item->>'narrative'"},
    seen=(WITH_PARENT,),
    key="{t}.no",
)

SUGGESTION = View(
    tag="sug",
    source="statement_suggestions {t}",
    columns={"id": "'sug_' || {t}.id", "statement": "{t}.body", "withdrawn": "({t}.withdrawn_at is not null)"},
    seen=(members(of="the endorser"), told("the school that suggested it", "{t}.school_id = {actor_organization}")),
)

_SAME = "lower(regexp_replace(btrim({0}), '\\s+', ' ', 'g'))"
AS_SUGGESTED = (
    "exists (select from statement_suggestions g where g.organization_id = {e}.organization_id"
    " and g.spec_version_id = {e}.spec_version_id and g.suggested_at <= {e}.requested_at"
    f" and {_SAME.format('g.body')} = {_SAME.format('{e}.statement')})"
)
"""Whether the endorsement `{e}` says, but for blanks and capitals, what the school had suggested."""
