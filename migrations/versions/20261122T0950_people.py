"""Invitations, tokens with networks that are rolled, when they were used; reviews that are voided.

Revision 20261122095000, after 20261122094000. Expand only; runs before the code that needs it. The unique constraint of
`reviews.request_id` becomes one over the reviews that stand: old code, which voids nothing, finds the same.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122095000"
down_revision = "20261122094000"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("memberships", sa.Column("updated_at", WHEN, nullable=True))
    op.create_index(
        "memberships_one_standing",
        "memberships",
        ["organization_id", "person_id"],
        unique=True,
        postgresql_where="valid_until is null",
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("address_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("accepted_at", WHEN, nullable=True),
        sa.Column("membership_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", WHEN, nullable=True),
        sa.CheckConstraint("expires_at > created_at", name="invitations_expiry"),
        sa.CheckConstraint("accepted_at is null or membership_id is not null", name="invitations_accepted"),
        sa.CheckConstraint("accepted_at is null or withdrawn_at is null", name="invitations_one_end"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_sha256"),
    )
    op.create_index("ix_invitations_organization_id", "invitations", ["organization_id"])
    op.add_column("api_tokens", sa.Column("revoked_because", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("api_tokens", sa.Column("networks", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("api_tokens", sa.Column("replaces_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        "api_tokens_revoked_because",
        "api_tokens",
        "revoked_because in ('revoked', 'leaked', 'rolled', 'membership_ended')",
    )
    op.create_foreign_key("api_tokens_replaces_id_fkey", "api_tokens", "api_tokens", ["replaces_id"], ["id"])
    op.create_unique_constraint("api_tokens_replaces_id_key", "api_tokens", ["replaces_id"])
    op.create_table(
        "token_uses",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("last_used_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.add_column("reviews", sa.Column("voided_at", WHEN, nullable=True))
    op.create_index(
        "reviews_one_standing", "reviews", ["request_id"], unique=True, postgresql_where="voided_at is null"
    )
    op.create_index("ix_reviews_request_id", "reviews", ["request_id"])
    op.drop_constraint("reviews_request_id_key", "reviews", type_="unique")
    op.add_column("endorsement_signatures", sa.Column("signatory_roles", sa.ARRAY(sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("endorsement_signatures", "signatory_roles")
    op.drop_index("ix_reviews_request_id", "reviews")
    op.drop_index("reviews_one_standing", "reviews")
    op.drop_column("reviews", "voided_at")
    op.create_unique_constraint("reviews_request_id_key", "reviews", ["request_id"])
    op.drop_table("token_uses")
    for column in ("replaces_id", "networks", "revoked_because"):
        op.drop_column("api_tokens", column)
    op.drop_table("invitations")
    op.drop_index("memberships_one_standing", "memberships")
    op.drop_column("memberships", "updated_at")
