"""Open calls for reviewers, and what organizations say that they review.

Revision 20261122125000, after 20261122124000. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122125000"
down_revision = "20261122124000"
branch_labels = None
depends_on = None

SECTORS = (
    "sectors <@ array['agriculture', 'mining', 'manufacturing', 'energy', 'water_and_waste', 'construction', 'trade',"
    " 'transport', 'hospitality', 'media', 'telecom_and_computing', 'finance', 'real_estate',"
    " 'professional_and_scientific', 'administrative_services', 'public_administration', 'education',"
    " 'health_and_social_work', 'arts_and_sports', 'other_services', 'households', 'extraterritorial']"
)


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "review_offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("skill_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sectors", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.CheckConstraint(SECTORS, name="review_offers_sectors"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id"),
    )
    op.create_table(
        "review_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("skill_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sectors", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("message", text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("blind_content", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("updated_at", moment, nullable=False),
        sa.CheckConstraint("state in ('open', 'closed', 'lapsed')", name="review_calls_state"),
        sa.CheckConstraint("places between 1 and 20", name="review_calls_places"),
        sa.CheckConstraint("not blind or blind_content is not null", name="review_calls_blind"),
        sa.CheckConstraint(SECTORS, name="review_calls_sectors"),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_review_calls_spec_version_id", "review_calls", ["spec_version_id"])
    op.create_index("ix_review_calls_school_id", "review_calls", ["school_id"])
    op.create_index(
        "review_calls_one_open", "review_calls", ["spec_version_id"], unique=True, postgresql_where="state = 'open'"
    )
    op.create_index("review_calls_due", "review_calls", ["due_on"], postgresql_where="state = 'open'")
    op.add_column("review_requests", sa.Column("call_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("review_requests_call_id_fkey", "review_requests", "review_calls", ["call_id"], ["id"])
    op.create_index("ix_review_requests_call_id", "review_requests", ["call_id"])


def downgrade() -> None:
    op.drop_index("ix_review_requests_call_id", "review_requests")
    op.drop_constraint("review_requests_call_id_fkey", "review_requests", type_="foreignkey")
    op.drop_column("review_requests", "call_id")
    op.drop_table("review_calls")
    op.drop_table("review_offers")
