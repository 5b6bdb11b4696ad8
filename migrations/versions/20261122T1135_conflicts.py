"""What the conflict engine finds ties in, former control groups, and what was disclosed with an endorsement.

Revision 20261122113500, after 20261122113100. Runs before the code that needs it.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122113500"
down_revision = "20261122113100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "endorsement_edges",
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("endorser_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["endorser_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("endorsement_id"),
    )
    op.create_index("endorsement_edges_given", "endorsement_edges", ["endorser_id", "signed_at"])
    op.create_index("endorsement_edges_taken", "endorsement_edges", ["school_id", "signed_at"])
    op.execute(
        "insert into endorsement_edges (endorsement_id, endorser_id, school_id, spec_version_id, signed_at)"
        " select e.id, e.organization_id, v.organization_id, v.id, s.signed_at from endorsements e"
        " join endorsement_signatures s on s.endorsement_id = e.id join spec_versions v on v.id = e.spec_version_id"
    )
    op.create_table(
        "tool_makers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["declared_by"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "tool_makers_once",
        "tool_makers",
        ["organization_id", "key"],
        unique=True,
        postgresql_where="ended_at is null",
    )
    op.create_index("tool_makers_of", "tool_makers", ["organization_id"])
    op.create_table(
        "sponsorships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sponsor_id", sa.Uuid(), nullable=False),
        sa.Column("sponsored_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", moment, nullable=False),
        sa.CheckConstraint("sponsor_id <> sponsored_id", name="sponsorships_two"),
        sa.CheckConstraint("until is null or until >= since", name="sponsorships_period"),
        sa.ForeignKeyConstraint(["sponsor_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["sponsored_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["declared_by"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sponsorships_sponsor", "sponsorships", ["sponsor_id"])
    op.create_index("sponsorships_sponsored", "sponsorships", ["sponsored_id"])
    op.create_table(
        "disclosed_interests",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("disclosed_at", moment, nullable=False),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["spec_version_id"], ["spec_versions.id"]),
        sa.PrimaryKeyConstraint("review_id"),
    )
    op.create_index("disclosed_interests_of", "disclosed_interests", ["spec_version_id", "organization_id"])
    op.execute(
        "insert into disclosed_interests (review_id, organization_id, spec_version_id, disclosed_at, withdrawn_at)"
        " select id, organization_id, spec_version_id, decided_at, voided_at from reviews where interest = 'disclosed'"
    )
    op.create_table(
        "former_control_groups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("control_group", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("organization_id", "until"),
    )
    op.add_column(
        "endorsements",
        sa.Column("disclosures", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("endorsements", sa.Column("counts", sa.Boolean(), server_default=sa.text("true"), nullable=False))


def downgrade() -> None:
    op.drop_column("endorsements", "counts")
    op.drop_column("endorsements", "disclosures")
    for table in ("former_control_groups", "disclosed_interests", "sponsorships", "tool_makers", "endorsement_edges"):
        op.drop_table(table)
