"""Notices, and the place up to which the outbox was told.

Revision 20261122120000, after 20261122113300. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122120000"
down_revision = "20261122113300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_cursor",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name="notice_cursor_one_row"),
        sa.PrimaryKeyConstraint("single"),
    )
    # Nobody is told of what happened before there were notices.
    op.execute("insert into notice_cursor (single, sequence) select true, sequence from outbox_head")
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("learner_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("voice", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(organization_id is not null and person_id is not null) <> (learner_id is not null)",
            name="notices_one_reader",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "event_id",
            "organization_id",
            "person_id",
            "learner_id",
            name="notices_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_notices_organization_id", "notices", ["organization_id"])
    op.create_index("notices_at", "notices", ["at"])
    op.create_index("notices_of_person", "notices", ["person_id", "organization_id", "at"])
    op.create_index("notices_of_learner", "notices", ["learner_id"], postgresql_where=sa.text("learner_id is not null"))
    op.create_index(
        "notices_unread",
        "notices",
        ["person_id", "organization_id"],
        postgresql_where=sa.text("read_at is null and shown"),
    )


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("notice_cursor")
