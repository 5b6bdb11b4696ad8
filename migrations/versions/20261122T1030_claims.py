"""Claim links, the roster's second factor, and records of one person.

Revision 20261122103000, after 20261122100000. Expand only, before the code. No row is rewritten: new columns are empty
or take their default; awards that stand are not held back, since nobody's account holds a learner yet.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122103000"
down_revision = "20261122100000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learner_merges",
        sa.Column("learner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("main_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("main_id <> learner_id", name="learner_merges_other"),
        sa.PrimaryKeyConstraint("learner_id"),
    )
    op.create_index("ix_learner_merges_main_id", "learner_merges", ["main_id"])
    op.add_column("awards", sa.Column("held_back", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("awards", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "claim_factors",
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind in ('birth_year', 'student_number')", name="claim_factors_kind"),
        sa.ForeignKeyConstraint(["learner_id", "award_id"], ["awards.learner_id", "awards.id"]),
        sa.PrimaryKeyConstraint("learner_id", "award_id"),
    )
    op.create_table(
        "claim_links",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("learner_id", sa.BigInteger(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_index(
        "claim_links_one_open",
        "claim_links",
        ["learner_id", "award_id"],
        unique=True,
        postgresql_where=sa.text("used_at is null and withdrawn_at is null"),
    )
    op.create_table(
        "claim_failures",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day"),
    )


def downgrade() -> None:
    for table in ("claim_failures", "claim_links", "claim_factors", "learner_merges"):
        op.drop_table(table)
    for column in ("claimed_at", "held_back"):
        op.drop_column("awards", column)
