"""The vault: keys of learners and files, sealed columns beside the plain ones, and no plain text any more.

Revision 20261122095500, after 20261122095000. Runs before the code that needs it. The plain columns of rows that exist
are sealed and emptied afterwards by the code (`countersign migrate`), which has the key; the constraints hold for every
row that is written from now on and are validated when the last plain column is gone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122095500"
down_revision = "20261122095000"
branch_labels = None
depends_on = None

SEALED = {
    "learners": ("full_name", "email"),
    "awards": ("holder_name", "revocation_reason"),
}


def upgrade() -> None:
    op.create_table(
        "learner_keys",
        sa.Column("learner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("learner_id"),
    )
    # The remains of a deleted key are swept away at the next look, not when a fifth of the table has gone.
    op.execute("alter table learner_keys set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0)")
    # Marks of addresses are keyed from now on; those of learners who exist are keyed by the code, which has the key.
    op.execute(
        "insert into installation (key, value) select 'directory_keyed', 'hmac-sha-256'"
        " where not exists (select from learner_directory) on conflict do nothing"
    )
    op.add_column("learners", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    for table, columns in SEALED.items():
        for column in columns:
            op.add_column(table, sa.Column(f"{column}_sealed", sa.LargeBinary(), nullable=True))
            op.alter_column(table, column, nullable=True)
        empty = " and ".join(f"{column} is null" for column in columns)
        later = op.get_bind().scalar(sa.text(f"select exists (select from {table})"))
        held = " not valid" if later else ""
        op.execute(f"alter table {table} add constraint {table}_sealed check ({empty}){held}")
    op.add_column("uploads", sa.Column("wrapped_key", sa.LargeBinary(), nullable=True))
    op.add_column("bulk_operations", sa.Column("wrapped_key", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("bulk_operations", "wrapped_key")
    op.drop_column("uploads", "wrapped_key")
    for table, columns in SEALED.items():
        op.drop_constraint(f"{table}_sealed", table)
        for column in columns:
            op.drop_column(table, f"{column}_sealed")
    op.drop_column("learners", "erased_at")
    op.drop_table("learner_keys")
