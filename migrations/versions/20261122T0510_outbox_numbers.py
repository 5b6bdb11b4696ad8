"""Numbers of events, given by the relay.

Revision 20261122051000, after 20261122050000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122051000"
down_revision = "20261122050000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_head",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("single", name="outbox_head_one_row"),
        sa.PrimaryKeyConstraint("single"),
    )
    op.add_column("outbox", sa.Column("sequence", sa.BigInteger(), nullable=True))
    # Both stay small: only what was told stands in the first, and nothing told stays for longer than a week.
    op.create_index("outbox_sequence", "outbox", ["sequence"], unique=True)
    op.create_index("outbox_told", "outbox", ["told_at"], unique=False)


def downgrade() -> None:
    op.drop_index("outbox_told", table_name="outbox")
    op.drop_index("outbox_sequence", table_name="outbox")
    op.drop_column("outbox", "sequence")
    op.drop_table("outbox_head")
