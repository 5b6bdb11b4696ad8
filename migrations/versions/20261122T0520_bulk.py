"""Uploads, bulk operations, trusted documents.

Revision 20261122052000, after 20261122051500. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122052000"
down_revision = "20261122051500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_documents",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bulk_operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("format", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("document", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_created", sa.Integer(), nullable=True),
        sa.Column("rows_unchanged", sa.Integer(), nullable=True),
        sa.Column("row_error_count", sa.Integer(), nullable=False),
        sa.Column("first_row_errors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result_bytes", sa.BigInteger(), nullable=True),
        sa.Column("result_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("error_bytes", sa.BigInteger(), nullable=True),
        sa.Column("failure_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'export') = (document is not null)", name="bulk_operations_document"),
        sa.CheckConstraint("(kind = 'import') = (upload_id is not null)", name="bulk_operations_upload"),
        sa.CheckConstraint(
            "(state in ('completed', 'failed', 'canceled', 'expired')) = (finished_at is not null)",
            name="bulk_operations_finished",
        ),
        sa.CheckConstraint("kind in ('import', 'export')", name="bulk_operations_kind"),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'canceling', 'completed', 'failed', 'canceled', 'expired')",
            name="bulk_operations_state",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bulk_operations_expires_at",
        "bulk_operations",
        ["expires_at"],
        unique=False,
        postgresql_where="state <> 'expired'",
    )
    op.create_index(
        "bulk_operations_open",
        "bulk_operations",
        ["created_at"],
        unique=False,
        postgresql_where="state in ('queued', 'running', 'canceling')",
    )
    op.create_index("bulk_operations_organization", "bulk_operations", ["organization_id", "id"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("format", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("filename", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format in ('json_lines', 'csv')", name="uploads_format"),
        sa.CheckConstraint("size > 0", name="uploads_size"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uploads_expires_at", "uploads", ["expires_at"], unique=False)
    op.create_index("uploads_organization", "uploads", ["organization_id"], unique=False)
    op.create_table(
        "bulk_chunks",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("file", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("file in ('result', 'errors')", name="bulk_chunks_file"),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["bulk_operations.id"],
        ),
        sa.PrimaryKeyConstraint("operation_id", "file", "number"),
    )
    op.create_table(
        "upload_chunks",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
        ),
        sa.PrimaryKeyConstraint("upload_id", "number"),
    )


def downgrade() -> None:
    for table in ("upload_chunks", "bulk_chunks", "uploads", "bulk_operations", "trusted_documents"):
        op.drop_table(table)
