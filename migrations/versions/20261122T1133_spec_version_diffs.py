"""What differs between two versions of a specification.

Revision 20261122113300, after 20261122113500. Runs before the code that needs it; `migrate` then fills it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122113300"
down_revision = "20261122113500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spec_version_diffs",
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("table_version", sa.Integer(), nullable=False),
        sa.Column("change_class", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sections", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("change_class in ('material', 'editorial')", name="spec_version_diffs_change_class"),
        sa.ForeignKeyConstraint(["from_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["to_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("from_id", "to_id"),
    )
    op.create_index("spec_version_diffs_to", "spec_version_diffs", ["to_id"])


def downgrade() -> None:
    op.drop_table("spec_version_diffs")
