"""What the transparency log covers of this room: submitted reviews and published rubrics; quorums rest on scores."""

from __future__ import annotations

from typing import Final

from countersign.log.sources import Source

REVIEWS: Final = Source(
    kind="review",
    subject="rev_{0}",
    sql="""
        select 'rev_' || r.id as subject, r.organization_id, null::bytea as content, row(
            r.id, r.request_id, r.spec_version_id, r.organization_id, r.reviewer_id, r.rubric_version_id, r.interest,
            r.coi_declaration, r.scores, r.comment, r.recommendation, r.decided_at, r.voided_at, r.by_expert,
            (select string_agg(row(c.id, c.no, c.path, c.start_at, c.end_at, c.quoted, c.body, c.asks_change)::text,
                '' order by c.no) from review_comments c where c.review_id = r.id),
            (select string_agg(row(s.id, s.no, s.path, s.start_at, s.end_at, s.quoted, s.replacement, s.reason)::text,
                '' order by s.no) from review_suggestions s where s.review_id = r.id)
        )::text || coalesce(' viewed ' || r.viewed::text, '') as facts
        from reviews r where true""",
    key="r.id = $1",
    late=True,
)
"""A review as it was submitted, with its remarks and suggestions, and when it was voided.

What is said in their threads since is none of it.
"""

RUBRICS: Final = Source(
    kind="rubric",
    subject="rub_{0}",
    sql="""
        select 'rub_' || v.id as subject, v.organization_id, null::bytea as content, row(
            v.id, v.rubric_id, v.organization_id, v.number, v.title, v.criteria, v.evidence_from, v.published_at,
            v.published_by)::text as facts
        from rubric_versions v where true""",
    key="v.id = $1",
    late=True,
)
"""A published version of a rubric: all of it, for ever."""
