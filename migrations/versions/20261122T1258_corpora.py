"""Vacancy corpora.

Revision 20261122125800, after 20261122125700. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122125800"
down_revision = "20261122125700"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    op.create_table(
        "vacancy_snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("corpus", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("digest", text(), nullable=False),
        sa.Column("vacancies", sa.Integer(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("region", text(), nullable=False),
        sa.Column("source", text(), nullable=False),
        sa.Column("licence", text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="vacancy_snapshots_digest"),
        sa.CheckConstraint("period_from <= period_to", name="vacancy_snapshots_period"),
        sa.CheckConstraint("vacancies > 0", name="vacancy_snapshots_some"),
        sa.UniqueConstraint("key", "digest", name="vacancy_snapshots_once"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("vacancy_snapshots_by_digest", "vacancy_snapshots", ["digest"])
    op.create_table(
        "vacancies",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("external_id", text(), nullable=False),
        sa.Column("terms", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("region", text(), nullable=True),
        sa.ForeignKeyConstraint(["snapshot_id"], ["vacancy_snapshots.id"]),
        sa.UniqueConstraint("snapshot_id", "external_id", name="vacancies_once"),
        sa.PrimaryKeyConstraint("snapshot_id", "no"),
    )


def downgrade() -> None:
    op.drop_table("vacancies")
    op.drop_table("vacancy_snapshots")
