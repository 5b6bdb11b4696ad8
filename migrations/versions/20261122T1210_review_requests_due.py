"""Review requests: blind ones, days of grace, returned claims, outside experts, what was told of due dates.

Revision 20261122121000, after 20261122120000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122121000"
down_revision = "20261122120000"
branch_labels = None
depends_on = None

STEPS = "step in ('seven_days', 'three_days', 'one_day', 'overdue', 'overdue_school')"


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.add_column("review_requests", sa.Column("expires_on", sa.Date(), nullable=True))
    op.add_column("review_requests", sa.Column("blind", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("review_requests", sa.Column("blind_content", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("review_requests", sa.Column("unveiled_at", moment, nullable=True))
    op.add_column("review_requests", sa.Column("returns", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("reviews", sa.Column("by_expert", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table, column in (("review_requests", "blind"), ("review_requests", "returns"), ("reviews", "by_expert")):
        op.alter_column(table, column, server_default=None)
    op.create_check_constraint("review_requests_blind", "review_requests", "not blind or blind_content is not null")
    op.create_check_constraint("review_requests_returns", "review_requests", "returns >= 0")
    op.create_index(
        "review_requests_due", "review_requests", ["due_on"], postgresql_where="state in ('open', 'claimed')"
    )
    op.create_table(
        "review_experts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("invited_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("first_used_at", moment, nullable=True),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.CheckConstraint("expires_at > invited_at", name="review_experts_expiry"),
        sa.ForeignKeyConstraint(["request_id"], ["review_requests.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_sha256"),
    )
    op.create_index("ix_review_experts_organization_id", "review_experts", ["organization_id"])
    op.create_index(
        "review_experts_one_open",
        "review_experts",
        ["request_id"],
        unique=True,
        postgresql_where="withdrawn_at is null",
    )
    op.create_table(
        "review_reminders",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step", text(), nullable=False),
        sa.Column("told_at", moment, nullable=False),
        sa.CheckConstraint(STEPS, name="review_reminders_step"),
        sa.ForeignKeyConstraint(["request_id"], ["review_requests.id"]),
        sa.PrimaryKeyConstraint("request_id", "due_on", "step"),
    )


def downgrade() -> None:
    op.drop_table("review_reminders")
    op.drop_table("review_experts")
    op.drop_column("reviews", "by_expert")
    op.drop_index("review_requests_due", "review_requests")
    for name in ("review_requests_blind", "review_requests_returns"):
        op.drop_constraint(name, "review_requests", type_="check")
    for column in ("returns", "unveiled_at", "blind_content", "blind", "expires_on"):
        op.drop_column("review_requests", column)
