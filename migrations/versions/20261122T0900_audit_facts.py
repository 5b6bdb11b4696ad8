"""What an audit event says of request, rule and digests, its seal, and the transaction that wrote it.

Revision 20261122090000, after 20261122052000. Runs before the code that needs it. Rows that exist get no transaction:
they are older than every one that is still open.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122090000"
down_revision = "20261122052000"
branch_labels = None
depends_on = None

TEXTS = (
    "actor_type",
    "on_behalf_of",
    "digest",
    "rule",
    "before",
    "after",
    "kind",
    "content",
    "request_id",
    "ip_prefix",
)


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("audit_events", sa.Column(name, sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("audit_events", sa.Column("login_id", sa.Uuid(), nullable=True))
    op.add_column("audit_events", sa.Column("mac", sa.LargeBinary(), nullable=True))
    # A default that came with the column would be worked out for every row.
    op.add_column("audit_events", sa.Column("xact", sa.BigInteger(), nullable=True))
    op.alter_column("audit_events", "xact", server_default=sa.text("((pg_current_xact_id())::text)::bigint"))
    op.create_index("audit_events_by_transaction", "audit_events", ["xact"])
    op.create_index("audit_events_by_organization", "audit_events", ["organization_id", "at", "id"])
    op.create_index(
        "audit_events_by_thing", "audit_events", ["kind", "object"], postgresql_where=sa.text("kind is not null")
    )


def downgrade() -> None:
    for name in ("audit_events_by_thing", "audit_events_by_organization", "audit_events_by_transaction"):
        op.drop_index(name, table_name="audit_events")
    for name in ("xact", "mac", "login_id", *reversed(TEXTS)):
        op.drop_column("audit_events", name)
