"""The title of a frozen version stands beside its content, so that lists need not open the whole of it.

PostgreSQL makes it of the content, which nobody may change: the two cannot differ. Adding it writes the table once anew;
it has a row for each version that a school submitted. Revision 20261122144500, after 20261122125900.
Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122144500"
down_revision = "20261122125900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("spec_versions", sa.Column("title", sa.Text(), sa.Computed("content->>'title'", persisted=True)))


def downgrade() -> None:
    op.drop_column("spec_versions", "title")
