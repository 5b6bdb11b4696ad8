"""Copies that learners make of their data.

Revision 20261122104000, after 20261122103000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122104000"
down_revision = "20261122103000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_copies",
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("archive_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("learner_id", "id"),
    )
    op.create_index("data_copies_expires_at", "data_copies", ["expires_at"])


def downgrade() -> None:
    op.drop_table("data_copies")
