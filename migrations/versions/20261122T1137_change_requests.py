"""Changes that reviews ask for, what became of them, and what a draft ticks off.

Revision 20261122113700, after 20261122122700. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122113700"
down_revision = "20261122122700"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    op.create_table(
        "change_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=True),
        sa.Column("spec_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("path", TEXT(), nullable=True),
        sa.Column("section", TEXT(), nullable=True),
        sa.Column("body", TEXT(), nullable=False),
        sa.Column("state", TEXT(), nullable=False),
        sa.Column("answer", TEXT(), nullable=True),
        sa.Column("answered_in_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'addressed', 'declined', 'reopened', 'accepted', 'withdrawn')",
            name="change_requests_state",
        ),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"]),
        sa.ForeignKeyConstraint(["spec_id"], ["specs.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["answered_in_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("review_id", "spec_version_id", "school_id", "organization_id", "answered_in_id"):
        op.create_index(f"ix_change_requests_{column}", "change_requests", [column])
    op.create_index("change_requests_of_spec", "change_requests", ["spec_id", "state"])
    op.create_table(
        "change_request_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("change_request_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("state", TEXT(), nullable=False),
        sa.Column("note", TEXT(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["change_request_id"], ["change_requests.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("change_request_id", "no", name="change_request_events_no"),
    )
    op.create_table(
        "change_request_ticks",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("change_request_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("answer", TEXT(), nullable=False),
        sa.Column("note", TEXT(), nullable=False),
        sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("answer in ('addressed', 'declined')", name="change_request_ticks_answer"),
        sa.ForeignKeyConstraint(["draft_id"], ["spec_drafts.id"]),
        sa.ForeignKeyConstraint(["change_request_id"], ["change_requests.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("draft_id", "change_request_id"),
    )
    op.create_index("ix_change_request_ticks_organization_id", "change_request_ticks", ["organization_id"])


def downgrade() -> None:
    op.drop_table("change_request_ticks")
    op.drop_table("change_request_events")
    op.drop_table("change_requests")
