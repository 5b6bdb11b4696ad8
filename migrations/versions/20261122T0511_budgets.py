"""Budgets of organizations, leased by workers.

Revision 20261122051100, after 20261122051000. Expand only; runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122051100"
down_revision = "20261122051000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("holder", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("available", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Float(), nullable=False),
        sa.Column("leases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("holder"),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("budgets")
