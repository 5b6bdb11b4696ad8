"""Published quorum policies.

Revision 20261122113000, after 20261122104000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122113000"
down_revision = "20261122104000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quorum_policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("spec_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("groups", sa.Integer(), nullable=False),
        sa.Column("employers", sa.Integer(), nullable=False),
        sa.Column("agencies", sa.Integer(), nullable=False),
        sa.Column("evidence", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rubric_floor", sa.Numeric(3, 2), nullable=True),
        sa.Column("criterion_floor", sa.Integer(), nullable=True),
        sa.Column("freshness_days", sa.Integer(), nullable=True),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("outcomes", postgresql.JSONB(), nullable=False),
        sa.Column("foreign_counts", sa.Boolean(), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("spec_id is null or organization_id is not null", name="quorum_policies_scope"),
        sa.CheckConstraint("effective_from >= published_at", name="quorum_policies_forward"),
        sa.CheckConstraint("groups >= 1 and employers >= 0 and agencies >= 0", name="quorum_policies_groups"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["spec_id"], ["specs.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "organization_id", "spec_id", "number", name="quorum_policies_once", postgresql_nulls_not_distinct=True
        ),
    )


def downgrade() -> None:
    op.drop_table("quorum_policies")
