"""Ownership links between organizations, and the index by which subsidiaries are found.

Revision 20261122092600, after 20261122092500. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122092600"
down_revision = "20261122092500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "ownership_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("held_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", moment, nullable=False),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.CheckConstraint("kind in ('controls', 'same_owner')", name="ownership_links_kind"),
        sa.CheckConstraint("state in ('declared', 'confirmed', 'ended')", name="ownership_links_state"),
        sa.CheckConstraint("holder_id <> held_id", name="ownership_links_two"),
        sa.ForeignKeyConstraint(["holder_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["held_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["declared_by"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ownership_links_once",
        "ownership_links",
        ["holder_id", "held_id", "kind"],
        unique=True,
        postgresql_where="state in ('declared', 'confirmed')",
    )
    op.create_index("ownership_links_held", "ownership_links", ["held_id"], unique=False)
    op.create_index(op.f("ix_organizations_parent_id"), "organizations", ["parent_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_organizations_parent_id"), table_name="organizations")
    op.drop_table("ownership_links")
