"""Domains that organizations claim and that say so themselves.

Revision 20261122092500, after 20261122092000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122092500"
down_revision = "20261122092000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "organization_domains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("domain", text(), nullable=False),
        sa.Column("challenge", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("method", text(), nullable=True),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("check_due_at", moment, nullable=True),
        sa.Column("checked_at", moment, nullable=True),
        sa.Column("proved_at", moment, nullable=True),
        sa.Column("absences", sa.Integer(), nullable=False),
        sa.Column("finding", text(), nullable=True),
        sa.CheckConstraint("state in ('pending', 'verified', 'lost', 'withdrawn')", name="organization_domains_state"),
        sa.CheckConstraint("method in ('dns', 'file')", name="organization_domains_method"),
        sa.CheckConstraint("state <> 'verified' or proved_at is not null", name="organization_domains_proved"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "domain", name="organization_domains_once"),
    )
    op.create_index(
        "organization_domains_due",
        "organization_domains",
        ["check_due_at"],
        unique=False,
        postgresql_where="check_due_at is not null",
    )
    op.create_index(
        "organization_domains_verified",
        "organization_domains",
        ["domain"],
        unique=False,
        postgresql_where="state = 'verified'",
    )


def downgrade() -> None:
    op.drop_table("organization_domains")
