"""When a review request was last changed, for optimistic locks.

Revision 20261122050000, after 20261122000000. Expand only; runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122050000"
down_revision = "20261122000000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_requests", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("review_requests", "updated_at")
