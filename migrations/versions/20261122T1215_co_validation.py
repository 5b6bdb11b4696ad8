"""What a review said at signing; since when a version is co-validated, and its turns.

Revision 20261122121500, after 20261122121000. Runs before the code that needs it. Versions that somebody has endorsed
already are looked at once; their turns of before are written down and not told. What was signed before stays as it was
logged: without scores.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122121500"
down_revision = "20261122121000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endorsement_signatures", sa.Column("rubric_mean", sa.Numeric(4, 3), nullable=True))
    op.add_column("endorsement_signatures", sa.Column("rubric_least", sa.Integer(), nullable=True))
    op.add_column(
        "quorum_policies", sa.Column("whole_scope", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.alter_column("quorum_policies", "whole_scope", server_default=None)
    op.create_table(
        "co_validation_standings",
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("co_validated", sa.Boolean(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_from", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("spec_version_id"),
    )
    op.create_index(
        "co_validation_standings_due",
        "co_validation_standings",
        ["next_at"],
        postgresql_where=sa.text("next_at is not null"),
    )
    op.create_index("co_validation_standings_by_age", "co_validation_standings", ["settled_at"])
    op.create_table(
        "co_validation_turns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("co_validated", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("spec_version_id", "number", name="co_validation_turns_once"),
    )
    op.execute("""
        insert into co_validation_standings (spec_version_id, co_validated, turns, next_at, told_from)
        select distinct e.spec_version_id, false, 0, now(), now() from endorsements e where e.in_force is not null""")


def downgrade() -> None:
    op.drop_table("co_validation_turns")
    op.drop_table("co_validation_standings")
    op.drop_column("quorum_policies", "whole_scope")
    op.drop_column("endorsement_signatures", "rubric_least")
    op.drop_column("endorsement_signatures", "rubric_mean")
