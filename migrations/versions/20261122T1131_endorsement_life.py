"""The life of an endorsement: proposals, scope, suggestions, display, reminders, signing authority with an end.

Revision 20261122113100, after 20261122113000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122113100"
down_revision = "20261122113000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.add_column("endorsements", sa.Column("outcome_keys", sa.ARRAY(sa.Text()), nullable=True))
    op.create_index(
        "endorsements_ending",
        "endorsements",
        [sa.text("upper(in_force)")],
        unique=False,
        postgresql_where="state = 'in_force'",
    )
    op.add_column("memberships", sa.Column("signing_until", moment, nullable=True))
    op.create_table(
        "signing_reminders",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("told_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"]),
        sa.PrimaryKeyConstraint("membership_id", "until", "days"),
    )
    op.create_table(
        "endorsement_proposals",
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attachment_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("outcome_keys", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("digest", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("statement", text(), nullable=False),
        sa.Column("valid_until", moment, nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("refusal", text(), nullable=True),
        sa.Column("endorsement_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state in ('proposed', 'approved', 'signing', 'refused', 'withdrawn')", name="endorsement_proposals_state"
        ),
        sa.CheckConstraint(
            "(state = 'signing') = (endorsement_id is not null)", name="endorsement_proposals_became_an_endorsement"
        ),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["endorsement_id"], ["endorsements.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endorsement_id"),
    )
    op.create_index("ix_endorsement_proposals_spec_version_id", "endorsement_proposals", ["spec_version_id"])
    op.create_index("endorsement_proposals_organization", "endorsement_proposals", ["organization_id", "id"])
    op.create_index(
        "endorsement_proposals_one_open",
        "endorsement_proposals",
        ["organization_id", "spec_version_id"],
        unique=True,
        postgresql_where="state in ('proposed', 'approved')",
    )
    op.create_table(
        "statement_suggestions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("body", text(), nullable=False),
        sa.Column("suggested_by", sa.Uuid(), nullable=True),
        sa.Column("suggested_at", moment, nullable=False),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statement_suggestions_organization", "statement_suggestions", ["organization_id", "id"])
    op.create_index("statement_suggestions_school", "statement_suggestions", ["school_id", "id"])
    op.create_index(
        "statement_suggestions_one_standing",
        "statement_suggestions",
        ["spec_version_id", "organization_id"],
        unique=True,
        postgresql_where="withdrawn_at is null",
    )
    op.create_table(
        "endorsement_hidings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("hidden_by", sa.Uuid(), nullable=True),
        sa.Column("hidden_at", moment, nullable=False),
        sa.Column("shown_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["endorsement_id"], ["endorsements.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "endorsement_hidings_one_open",
        "endorsement_hidings",
        ["endorsement_id"],
        unique=True,
        postgresql_where="shown_at is null",
    )
    op.create_table(
        "endorsement_reminders",
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("told_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["endorsement_id"], ["endorsements.id"]),
        sa.PrimaryKeyConstraint("endorsement_id", "days"),
    )


def downgrade() -> None:
    for table in (
        "endorsement_reminders",
        "endorsement_hidings",
        "statement_suggestions",
        "endorsement_proposals",
        "signing_reminders",
    ):
        op.drop_table(table)
    op.drop_column("memberships", "signing_until")
    op.drop_index("endorsements_ending", "endorsements")
    op.drop_column("endorsements", "outcome_keys")
