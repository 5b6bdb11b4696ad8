"""Idempotency keys by age, so that the old ones are found without reading all.

Revision 20261122051500, after 20261122051100. Expand only; commands wait while it is built (a second for a million).
"""

from __future__ import annotations

from alembic import op

revision = "20261122051500"
down_revision = "20261122051100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_index("idempotency_keys_by_age", "idempotency_keys")
