"""Reviews that are written over time: drafts, rubrics of organizations, comments with threads, suggestions.

Revision 20261122124100, after 20261122113700. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122124100"
down_revision = "20261122113700"
branch_labels = None
depends_on = None

PLATFORM = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    listed = postgresql.JSONB(astext_type=sa.Text())
    # Every review so far was scored by the platform's rubric: a constant default rewrites no row.
    op.add_column(
        "reviews", sa.Column("rubric_version_id", sa.Uuid(), server_default=sa.text(f"'{PLATFORM}'"), nullable=False)
    )
    op.create_table(
        "rubric_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rubric_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", text(), nullable=False),
        sa.Column("criteria", listed, nullable=False),
        sa.Column("evidence_from", sa.Integer(), nullable=False),
        sa.Column("published_at", moment, nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("number >= 1 and evidence_from between 1 and 5", name="rubric_versions_sane"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rubric_id", "number", name="rubric_versions_number"),
    )
    op.create_index(op.f("ix_rubric_versions_organization_id"), "rubric_versions", ["organization_id"])
    op.create_table(
        "review_drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("rubric_version_id", sa.Uuid(), nullable=False),
        sa.Column("interest", text(), nullable=False),
        sa.Column("coi_declaration", text(), nullable=False),
        sa.Column("sections", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("viewed", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("scores", listed, nullable=False),
        sa.Column("comments", listed, nullable=False),
        sa.Column("suggestions", listed, nullable=False),
        sa.Column("comment", text(), nullable=False),
        sa.Column("recommendation", text(), nullable=True),
        sa.Column("state", text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.CheckConstraint("state in ('draft', 'submitted', 'voided')", name="review_drafts_state"),
        sa.CheckConstraint("interest in ('none', 'disclosed')", name="review_drafts_interest"),
        sa.CheckConstraint(
            "recommendation in ('endorse', 'request_changes', 'comment', 'decline')",
            name="review_drafts_recommendation",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["request_id"], ["review_requests.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_review_drafts_request_id"), "review_drafts", ["request_id"])
    op.create_index(op.f("ix_review_drafts_organization_id"), "review_drafts", ["organization_id"])
    op.create_index(
        "review_drafts_one_open",
        "review_drafts",
        ["request_id", "reviewer_id"],
        unique=True,
        postgresql_where="state = 'draft'",
    )
    op.create_table(
        "review_comments",
        *_parties(),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("path", text(), nullable=True),
        sa.Column("start_at", sa.Integer(), nullable=True),
        sa.Column("end_at", sa.Integer(), nullable=True),
        sa.Column("quoted", text(), nullable=False),
        sa.Column("body", text(), nullable=False),
        sa.Column("asks_change", sa.Boolean(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.CheckConstraint("state in ('open', 'answered', 'resolved')", name="review_comments_state"),
        sa.CheckConstraint(
            "(start_at is null) = (end_at is null) and (start_at is null or path is not null)",
            name="review_comments_range",
        ),
        *_keys(),
        sa.UniqueConstraint("review_id", "no", name="review_comments_no"),
    )
    op.create_index(op.f("ix_review_comments_spec_version_id"), "review_comments", ["spec_version_id"])
    op.create_table(
        "review_replies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("by_school", sa.Boolean(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("body", text(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["review_comments.id"]),
        sa.ForeignKeyConstraint(["request_id"], ["review_requests.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_review_replies_comment_id"), "review_replies", ["comment_id"])
    op.create_table(
        "review_suggestions",
        *_parties(),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("path", text(), nullable=False),
        sa.Column("start_at", sa.Integer(), nullable=False),
        sa.Column("end_at", sa.Integer(), nullable=False),
        sa.Column("quoted", text(), nullable=False),
        sa.Column("replacement", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("decline_reason", text(), nullable=True),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("updated_at", moment, nullable=False),
        sa.CheckConstraint("state in ('open', 'accepted', 'declined')", name="review_suggestions_state"),
        sa.CheckConstraint("(state = 'accepted') = (draft_id is not null)", name="review_suggestions_accepted"),
        *_keys(),
        sa.ForeignKeyConstraint(["draft_id"], ["spec_drafts.id"]),
        sa.UniqueConstraint("review_id", "no", name="review_suggestions_no"),
    )
    op.create_index(op.f("ix_review_suggestions_spec_version_id"), "review_suggestions", ["spec_version_id"])
    op.create_index(op.f("ix_review_suggestions_draft_id"), "review_suggestions", ["draft_id"])


def _parties() -> list[sa.Column[object]]:
    names = ("id", "review_id", "request_id", "spec_version_id", "school_id", "organization_id")
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in names]


def _keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"]),
        sa.ForeignKeyConstraint(["request_id"], ["review_requests.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    ]


def downgrade() -> None:
    for table in ("review_suggestions", "review_replies", "review_comments", "review_drafts", "rubric_versions"):
        op.drop_table(table)
    op.drop_column("reviews", "rubric_version_id")
