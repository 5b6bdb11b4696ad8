"""A bulk operation may be asked for with a session.

Revision 20261122100000, after 20261122095700. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122100000"
down_revision = "20261122095700"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bulk_operations", sa.Column("login_id", sa.Uuid(), nullable=True))
    op.alter_column("bulk_operations", "token_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    op.execute("delete from bulk_operations where token_id is null")
    op.alter_column("bulk_operations", "token_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_column("bulk_operations", "login_id")
