"""How review requests and reviews are read: between the school that asked and the organization that was asked."""

from __future__ import annotations

from countersign.kit.access import Permission
from countersign.kit.sight import EVERYONE, WITH_PARENT, holders, members, told
from countersign.kit.view import View
from countersign.reviews.rubric import DEFAULT_ID, DEFAULT_TITLE, NEEDS_EVIDENCE_FROM, RUBRIC

CHANGED_AT = "coalesce({t}.updated_at, {t}.closed_at, {t}.requested_at)"
"""When the request `{t}` was last changed."""

LAST_DAY = "coalesce({t}.expires_on, {t}.due_on)"
"""The last day on which the request `{t}` is answered."""

VEILED = "({t}.blind and {t}.unveiled_at is null and {t}.school_id is distinct from {actor_organization})"
"""Whether the request `{t}` does not show its school, nor anything that leads to it, to whoever asks."""

_WAITING = "{t}.state in ('open', 'claimed')"
_TODAY = "({now} at time zone 'utc')::date"

REVIEW_REQUEST = View(
    tag="rrq",
    source="(select *, case when blind and unveiled_at is null then blind_content else"
    " (select v.content from spec_versions v where v.id = spec_version_id) end as content,"
    " (select d.changes from spec_version_diffs d join reviews p on p.spec_version_id = d.from_id"
    " where p.id = previous_review_id and d.to_id = review_requests.spec_version_id) as changes, false as turned"
    " from review_requests) {t}",
    columns={
        "id": "'rrq_' || {t}.id",
        "state": f"case when {_WAITING} and {LAST_DAY} < {_TODAY} then 'expired' else {{t}}.state end",
        "expires_on": LAST_DAY,
        "overdue": f"({_WAITING} and {{t}}.due_on < {_TODAY} and {LAST_DAY} >= {_TODAY})",
        "veiled": VEILED,
        "updated_at": CHANGED_AT.format(t="{t}"),
    },
    seen=(
        members("school_id", of="the school that asks"),
        members(of="the organization that is asked"),
        told("the outside expert who was invited to it", "{t}.id = {actor_request}"),
    ),
)

REVIEW_EXPERT = View(
    tag="xpt",
    source="review_experts {t}",
    columns={
        "id": "'xpt_' || {t}.id",
        "active": "({t}.withdrawn_at is null and {t}.expires_at > {now})",
    },
    seen=(
        members(of="the organization that invited"),
        told("the outside expert who was invited", "{t}.request_id = {actor_request}"),
    ),
)

REVIEW = View(
    tag="rev",
    source="reviews {t}",
    columns={
        "id": "'rev_' || {t}.id",
        "declaration": "{t}.coi_declaration",
        # Reviews from before this was kept of them were written as drafts, which kept it.
        "viewed_sections": "coalesce({t}.viewed,"
        " (select d.viewed from review_drafts d where d.id = {t}.id and d.state = 'submitted'))",
    },
    seen=(
        members(of="the organization that reviews"),
        told(
            "members of the school that asked",
            "exists (select from review_requests q where q.id = {t}.request_id and q.school_id = {actor_organization})",
        ),
        told("the outside expert who was invited to its request", "{t}.request_id = {actor_request}"),
        told(
            "the outside expert who was invited to renew it",
            "{t}.id = (select q.previous_review_id from review_requests q where q.id = {actor_request})",
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
    # Lateral: a score is read with the rubric of the review that it is part of.
    source="lateral (select s.item, s.no, {parent}.rubric_version_id as rubric_version_id,"
    " exists (select from review_requests q join reviews p on p.id = q.previous_review_id"
    " where q.id = {parent}.request_id and s.item->>'criterion' = any(q.carried)"
    " and p.scores @> jsonb_build_array(s.item)) as carried"
    " from jsonb_array_elements({parent}.scores) with ordinality s(item, no)) {t}",
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


_PLATFORM = f"{_literal(str(DEFAULT_ID))}::uuid"
_RUBRIC_ROWS = ", ".join(
    f"({_PLATFORM}, {number}::bigint, {_literal(c.code)}, {_literal(c.title)}, {_literal(c.question)},"
    f" array[{', '.join(_literal(anchor) for anchor in c.anchors)}])"
    for number, c in enumerate(RUBRIC, start=1)
)

CRITERION = View(
    tag="crt",
    source=f"(select * from (values {_RUBRIC_ROWS}) platform(rubric_version_id, no, code, title, question, anchors)"
    " union all select r.id, c.no, c.item->>'code', c.item->>'title', c.item->>'question',"
    " array(select jsonb_array_elements_text(c.item->'anchors'))"
    " from rubric_versions r, jsonb_array_elements(r.criteria) with ordinality c(item, no)) {t}",
    seen=(EVERYONE,),
    key="({t}.rubric_version_id || '/' || {t}.no)",
)
"""The criteria of every rubric as rows, so that a score is read with the question that it answers."""

OF_THE_PLATFORM = "{child}.rubric_version_id = " + _PLATFORM

RUBRIC_VERSION = View(
    tag="rub",
    source=f"(select {_PLATFORM} as id, {_PLATFORM} as rubric_id, null::uuid as organization_id, 1 as number,"
    f" {_literal(DEFAULT_TITLE)} as title, {NEEDS_EVIDENCE_FROM} as evidence_from, null::timestamptz as published_at"
    " union all select id, rubric_id, organization_id, number, title, evidence_from, published_at"
    " from rubric_versions) {t}",
    columns={
        "current": "not exists (select from rubric_versions n where n.rubric_id = {t}.rubric_id"
        " and n.number > {t}.number)",
    },
    seen=(EVERYONE,),
)
"""Rubrics are public: whoever is judged by one, and whoever reads the judgement, may see what was asked."""

REVIEW_DRAFT = View(
    tag="rvd",
    source="review_drafts {t}",
    columns={
        "state": "case when {t}.state = 'draft' and (select "
        + REVIEW_REQUEST.column("state").replace("{t}", "q")
        + " from review_requests q where q.id = {t}.request_id) not in ('open', 'claimed') then 'voided'"
        " else {t}.state end",
        "declaration": "{t}.coi_declaration",
    },
    seen=(
        holders(Permission.REVIEW, of="the organization that reviews"),
        told(
            "the outside expert who writes it",
            "{t}.request_id = {actor_request} and {t}.reviewer_id = {actor_person}",
        ),
    ),
)

_PLACE = {"start": "{t}.start_at", "end": "{t}.end_at"}
_SIDES = (
    members("school_id", of="the school that was reviewed"),
    members(of="the organization that reviewed"),
    told("the outside expert who reviewed", "{t}.request_id = {actor_request}"),
)
REVIEW_COMMENT = View(tag="rcm", source="review_comments {t}", columns=_PLACE, seen=_SIDES)
REVIEW_SUGGESTION = View(tag="rsg", source="review_suggestions {t}", columns=_PLACE, seen=_SIDES)
REVIEW_REPLY = View(tag="rpl", source="review_replies {t}", seen=_SIDES)


def _written(name: str, *texts: str) -> View:
    """The items of one kind in a draft."""
    return View(
        tag="item",
        source=f"jsonb_array_elements({{parent}}.{name}) with ordinality {{t}}(item, no)",
        columns={
            **{text: f"{{t}}.item->>'{text}'" for text in ("path", "quoted", *texts)},
            "start": "({t}.item->>'start')::int",
            "end": "({t}.item->>'end')::int",
            "asks_change": "({t}.item->>'asks_change')::boolean",
        },
        seen=(WITH_PARENT,),
        key="{t}.no",
    )


DRAFT_COMMENT = _written("comments", "body")
DRAFT_SUGGESTION = _written("suggestions", "replacement", "reason")

CHANGE_REQUEST = View(
    tag="chg",
    source="change_requests {t}",
    columns={"id": "'chg_' || {t}.id"},
    seen=(members("school_id", of="the school that is asked"), members(of="the organization that asks")),
)

CHANGE_REQUEST_EVENT = View(tag="che", source="change_request_events {t}", seen=(WITH_PARENT,), key="{t}.no")

TICKED = View(
    tag="tck",
    source="(select c.id as change_request_id, c.raised_at, k.answer, k.note, k.ticked_at from change_requests c"
    " left join change_request_ticks k on k.change_request_id = c.id and k.draft_id = {parent}.id"
    " where c.spec_id = {parent}.spec_id and (k.draft_id is not null"
    " or ({parent}.version_id is null and c.state in ('open', 'reopened')))) {t}",
    seen=(WITH_PARENT,),
    key="{t}.change_request_id",
)
"""The change requests that a draft has before it: all that wait for an answer, and what the draft ticks off."""

ASKED_BETWEEN = (
    "exists (select from spec_versions a, spec_versions b, spec_versions r"
    " where a.id = {parent}.from_id and b.id = {parent}.to_id and r.spec_id = a.spec_id"
    " and ((r.id = {child}.spec_version_id and r.ordinal >= least(a.ordinal, b.ordinal)"
    " and r.ordinal < greatest(a.ordinal, b.ordinal))"
    " or (r.id = {child}.answered_in_id and r.ordinal > least(a.ordinal, b.ordinal)"
    " and r.ordinal <= greatest(a.ordinal, b.ordinal))))"
)
"""Whether the change request `{child}` was raised on, or answered by, one of the versions that are compared."""
