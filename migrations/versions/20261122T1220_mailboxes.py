"""How members are told besides their inbox: addresses (sealed), choices, letters.

Revision 20261122122000, after 20261122121500. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122122000"
down_revision = "20261122121500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notices", sa.Column("mail_id", sa.Uuid(), nullable=True))
    op.create_index("notices_of_mail", "notices", ["mail_id"], postgresql_where=sa.text("mail_id is not null"))
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("confirm_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language in ('en', 'ru')", name="mailboxes_language"),
        sa.CheckConstraint(
            "state in ('none', 'pending', 'confirmed', 'bounced', 'unsubscribed')", name="mailboxes_state"
        ),
        sa.CheckConstraint(
            "(state = 'none') = (address_sealed is null) and (address_sealed is null) = (wrapped is null)",
            name="mailboxes_address",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "person_id", name="mailboxes_one"),
    )
    op.create_table(
        "notice_choices",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("rhythm", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.CheckConstraint("channel in ('inbox', 'mail', 'both', 'none')", name="notice_choices_channel"),
        sa.CheckConstraint("rhythm in ('now', 'daily', 'weekly')", name="notice_choices_rhythm"),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"]),
        sa.PrimaryKeyConstraint("mailbox_id", "kind"),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("rhythm", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("purpose in ('confirm', 'notices')", name="mails_purpose"),
        sa.CheckConstraint("rhythm in ('now', 'daily', 'weekly')", name="mails_rhythm"),
        sa.CheckConstraint("state in ('waiting', 'sending', 'sent', 'failed', 'dropped')", name="mails_state"),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mails_mailbox_id", "mails", ["mailbox_id"])
    op.create_index("mails_due", "mails", ["due_at"], postgresql_where=sa.text("state in ('waiting', 'sending')"))
    op.create_index(
        "mails_one_digest",
        "mails",
        ["mailbox_id", "rhythm"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting' and rhythm <> 'now' and attempts = 0"),
    )


def downgrade() -> None:
    op.drop_table("mails")
    op.drop_table("notice_choices")
    op.drop_table("mailboxes")
    op.drop_index("notices_of_mail", "notices")
    op.drop_column("notices", "mail_id")
