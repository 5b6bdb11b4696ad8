"""Suspensions of organizations are found by their end and by organization.

Every read of endorsements asks for those that stand now, and must not walk through those of all years.
Revision 20261122150000, after 20261122144500. Runs before or after the code that uses it.
"""

from __future__ import annotations

from alembic import op

revision = "20261122150000"
down_revision = "20261122144500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("organization_suspensions_until", "organization_suspensions", ["resumed_at", "suspended_at"])
    op.create_index("organization_suspensions_of", "organization_suspensions", ["organization_id", "suspended_at"])


def downgrade() -> None:
    op.drop_index("organization_suspensions_of", table_name="organization_suspensions")
    op.drop_index("organization_suspensions_until", table_name="organization_suspensions")
