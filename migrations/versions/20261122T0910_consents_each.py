"""Consents for each purpose, with the text that was read and the organization that may contact.

Revision 20261122091000, after 20261122090000. Expand only, before the code: the new columns are empty for what stands
(consents that came before there were texts), the old server goes on writing `talent_search` alone. No row is rewritten.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122091000"
down_revision = "20261122090000"
branch_labels = None
depends_on = None

OPEN = sa.text("withdrawn_at is null and expires_at is null")


def upgrade() -> None:
    op.add_column("consents", sa.Column("organization_id", sa.Uuid(), nullable=True))
    op.add_column("consents", sa.Column("text_version", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("consents", sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.create_foreign_key("consents_organization_id_fkey", "consents", "organizations", ["organization_id"], ["id"])
    op.drop_constraint("consents_purpose", "consents")
    op.create_check_constraint(
        "consents_purpose",
        "consents",
        "purpose in ('talent_search', 'contact_by', 'outcome', 'analytics', 'public_profile')",
    )
    op.create_check_constraint(
        "consents_organization", "consents", "(purpose = 'contact_by') = (organization_id is not null)"
    )
    op.create_check_constraint("consents_text", "consents", "(text_version is null) = (language is null)")
    op.create_index(
        "consents_one_open_each",
        "consents",
        ["learner_id", "purpose", "organization_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=OPEN,
    )
    op.drop_index("consents_one_open", table_name="consents")


def downgrade() -> None:
    op.execute("delete from consents where purpose <> 'talent_search'")
    op.create_index("consents_one_open", "consents", ["learner_id", "purpose"], unique=True, postgresql_where=OPEN)
    op.drop_index("consents_one_open_each", table_name="consents")
    for name in ("consents_text", "consents_organization", "consents_purpose"):
        op.drop_constraint(name, "consents")
    op.create_check_constraint("consents_purpose", "consents", "purpose in ('talent_search')")
    for column in ("language", "text_version", "organization_id"):
        op.drop_column("consents", column)
