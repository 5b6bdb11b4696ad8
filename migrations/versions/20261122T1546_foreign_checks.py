"""Endorsements from elsewhere are looked at again; those that were there are looked at once.

Revision 20261122154600, after 20261122150000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122154600"
down_revision = "20261122150000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "foreign_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("foreign_endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_at", time, nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("fetched", postgresql.JSONB(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["foreign_endorsement_id"], ["foreign_endorsements.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("foreign_checks_by_time", "foreign_checks", ["foreign_endorsement_id", "checked_at"])
    op.create_table(
        "foreign_watches",
        sa.Column("foreign_endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("check_due_at", time, nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("looked_at", time, nullable=True),
        sa.Column("checked_at", time, nullable=True),
        sa.Column("proved_at", time, nullable=True),
        sa.ForeignKeyConstraint(["foreign_endorsement_id"], ["foreign_endorsements.id"]),
        sa.PrimaryKeyConstraint("foreign_endorsement_id"),
    )
    op.create_index("foreign_watches_due", "foreign_watches", ["check_due_at"])
    op.execute(
        "insert into foreign_watches (foreign_endorsement_id, check_due_at, checked_at, proved_at)"
        " select id, imported_at, imported_at, case when verified then imported_at end from foreign_endorsements"
        " where withdrawn_at is null"
    )


def downgrade() -> None:
    op.drop_table("foreign_watches")
    op.drop_table("foreign_checks")
