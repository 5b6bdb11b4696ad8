"""Which candidates a file of an export shows, so that whoever withdraws takes it along.

Revision 20261122175000, after 20261122154600. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122175000"
down_revision = "20261122154600"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bulk_operations", sa.Column("shown_learners", sa.ARRAY(sa.BigInteger()), nullable=True))
    op.create_index(
        "bulk_operations_shown",
        "bulk_operations",
        ["shown_learners"],
        postgresql_using="gin",
        postgresql_where=sa.text("shown_learners is not null"),
    )


def downgrade() -> None:
    op.drop_index("bulk_operations_shown", table_name="bulk_operations")
    op.drop_column("bulk_operations", "shown_learners")
