"""Endorsements that were made elsewhere, and the issuers whom the operator knows.

Revision 20261122125900, after 20261122125800. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122125900"
down_revision = "20261122125800"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.create_table(
        "foreign_endorsements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("format", text, nullable=False),
        sa.Column("issuer_id", text, nullable=False),
        sa.Column("issuer_name", text, nullable=True),
        sa.Column("statement", text, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("sha256", text, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "format in ('open_badges_3', 'open_badges_3_jwt', 'open_badges_2')", name="foreign_endorsements_format"
        ),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("spec_version_id", "sha256", name="foreign_endorsements_once"),
    )
    op.create_index("ix_foreign_endorsements_organization_id", "foreign_endorsements", ["organization_id"])
    op.create_table(
        "recognized_issuers",
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("recognized_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("recognized_issuers")
    op.drop_table("foreign_endorsements")
