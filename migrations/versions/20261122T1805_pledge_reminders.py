"""What was told of a pledge whose window is over, so that it is told once.

Revision 20261122180500, after 20261122175000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122180500"
down_revision = "20261122175000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pledge_reminders",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mark in ('lapsed', 'answer_due', 'not_kept')", name="pledge_reminders_mark"),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledges.id"]),
        sa.PrimaryKeyConstraint("pledge_id", "mark"),
    )
    op.create_index("pledges_by_last_day", "pledges", ["closes_on"])


def downgrade() -> None:
    op.drop_index("pledges_by_last_day", "pledges")
    op.drop_table("pledge_reminders")
