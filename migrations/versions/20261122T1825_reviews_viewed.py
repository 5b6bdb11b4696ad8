"""Which sections the reviewer viewed stands in the review.

Revision 20261122182500, after 20261122180500. Expand only; runs before the code that needs it. Reviews that were there
keep their digests in the log: what they say of it is read from their drafts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122182500"
down_revision = "20261122180500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reviews", sa.Column("viewed", postgresql.ARRAY(sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("reviews", "viewed")
