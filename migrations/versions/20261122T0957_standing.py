"""What takes two persons, pauses of endorsements and of organizations.

Revision 20261122095700, after 20261122095500. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122095700"
down_revision = "20261122095500"
branch_labels = None
depends_on = None

STATES = (
    "state in ('awaiting_approval', 'queued', 'running', 'canceling', 'completed', 'failed', 'canceled', 'expired')"
)
BEFORE = "state in ('queued', 'running', 'canceling', 'completed', 'failed', 'canceled', 'expired')"


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("action", text(), nullable=False),
        sa.Column("object", text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("motive", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("reason", text(), nullable=True),
        sa.CheckConstraint(
            "action in ('add_signing_key', 'mark_key_compromised', 'bulk_export')", name="approvals_action"
        ),
        sa.CheckConstraint("state in ('proposed', 'approved', 'rejected', 'expired')", name="approvals_state"),
        sa.CheckConstraint(
            "proposed_by is distinct from decided_by or state <> 'approved'", name="approvals_two_persons"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("approvals_organization", "approvals", ["organization_id", "id"], unique=False)
    op.create_index(
        "approvals_one_open",
        "approvals",
        ["organization_id", "action", "object"],
        unique=True,
        postgresql_where="state = 'proposed'",
    )
    op.create_index(
        "approvals_lapsing", "approvals", ["expires_at"], unique=False, postgresql_where="state = 'proposed'"
    )
    op.create_table(
        "endorsement_suspensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("suspended_at", moment, nullable=False),
        sa.Column("resumed_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["endorsement_id"], ["endorsements.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "endorsement_suspensions_one_open",
        "endorsement_suspensions",
        ["endorsement_id"],
        unique=True,
        postgresql_where="resumed_at is null",
    )
    op.create_index(
        "endorsement_suspensions_of", "endorsement_suspensions", ["endorsement_id", "suspended_at"], unique=False
    )
    op.create_table(
        "organization_suspensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("before", text(), nullable=False),
        sa.Column("suspended_at", moment, nullable=False),
        sa.Column("resumed_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "organization_suspensions_one_open",
        "organization_suspensions",
        ["organization_id"],
        unique=True,
        postgresql_where="resumed_at is null",
    )
    # A list of suspensions stands beside one of revocations; an export may wait for a second person. Both only widen.
    _widen("status_lists", "status_lists_purpose", "purpose in ('revocation', 'suspension')")
    _widen("bulk_operations", "bulk_operations_state", STATES)


def _widen(table: str, name: str, condition: str) -> None:
    op.drop_constraint(name, table, type_="check")
    op.execute(f"alter table {table} add constraint {name} check ({condition}) not valid")
    op.execute(f"alter table {table} validate constraint {name}")


def downgrade() -> None:
    _widen("bulk_operations", "bulk_operations_state", BEFORE)
    _widen("status_lists", "status_lists_purpose", "purpose = 'revocation'")
    for table in ("organization_suspensions", "endorsement_suspensions", "approvals"):
        op.drop_table(table)
