"""A review request may carry an earlier review, of which what did not change still stands.

Revision 20261122125700, after 20261122125000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122125700"
down_revision = "20261122125000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_requests", sa.Column("previous_review_id", sa.Uuid(), nullable=True))
    op.add_column("review_requests", sa.Column("sections", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("review_requests", sa.Column("carried", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_foreign_key(
        "review_requests_previous_review_id_fkey", "review_requests", "reviews", ["previous_review_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint("review_requests_previous_review_id_fkey", "review_requests")
    for column in ("carried", "sections", "previous_review_id"):
        op.drop_column("review_requests", column)
