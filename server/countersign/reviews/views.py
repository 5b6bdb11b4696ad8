"""How review requests and reviews are read: between the school that asked and the organization that was asked."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE, WITH_PARENT, members, told
from countersign.kit.view import View
from countersign.reviews.rubric import RUBRIC

CHANGED_AT = "coalesce({t}.updated_at, {t}.closed_at, {t}.requested_at)"
"""When the request `{t}` was last changed."""

_WAITING = "{t}.state in ('open', 'claimed')"

REVIEW_REQUEST = View(
    tag="rrq",
    source="review_requests {t}",
    columns={
        "id": "'rrq_' || {t}.id",
        "state": "case when " + _WAITING + " and {t}.due_on < ({now} at time zone 'utc')::date"
        " then 'expired' else {t}.state end",
        "updated_at": CHANGED_AT.format(t="{t}"),
    },
    seen=(members("school_id", of="the school that asks"), members(of="the organization that is asked")),
)

REVIEW = View(
    tag="rev",
    source="reviews {t}",
    columns={"id": "'rev_' || {t}.id", "declaration": "{t}.coi_declaration"},
    seen=(
        members(of="the organization that reviews"),
        told(
            "members of the school that asked",
            "exists (select from review_requests q where q.id = {t}.request_id and q.school_id = {actor_organization})",
        ),
    ),
)

DECLINED_COUNT = (
    "((select count(*) from review_requests q where q.spec_version_id = {v}.id and q.state = 'declined')"
    " + (select count(*) from reviews r where r.spec_version_id = {v}.id and r.recommendation = 'decline'"
    " and r.voided_at is null))"
)
"""How many said no to the version `{v}`: dissent is kept, public as a count only."""

SCORE = View(
    tag="scr",
    source="jsonb_array_elements({parent}.scores) with ordinality {t}(item, no)",
    columns={
        "criterion_code": "{t}.item->>'criterion'",
        "value": "({t}.item->>'value')::int",
        "evidence": "{t}.item->>'evidence'",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_RUBRIC_ROWS = ", ".join(
    f"({number}, {_literal(c.code)}, {_literal(c.title)}, {_literal(c.question)},"
    f" array[{', '.join(_literal(anchor) for anchor in c.anchors)}])"
    for number, c in enumerate(RUBRIC, start=1)
)

CRITERION = View(
    tag="crt",
    source=f"(values {_RUBRIC_ROWS}) {{t}}(no, code, title, question, anchors)",
    seen=(EVERYONE,),
    key="{t}.no",
)
"""The rubric as rows, so that a score is read with the question that it answers."""
