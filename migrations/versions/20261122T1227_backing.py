"""Files behind pieces of evidence, pledges as ledgers, end-of-life dates of tools, drift alarms.

Revision 20261122122700, after 20261122122000. Runs before the code that needs it. Every hiring pledge that was signed
before gets its ledger.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "20261122122700"
down_revision = "20261122122000"
branch_labels = None
depends_on = None

BACKFILL = """
insert into pledges (id, endorsement_id, evidence_id, organization_id, seats, role, region, opens_on, closes_on,
    reserved, redeemed, returned, broken)
select gen_random_uuid(), e.id, d.id, e.organization_id, (d.payload->>'seats')::int, d.payload->>'role',
    d.payload->>'region', (d.payload->>'opens_on')::date, (d.payload->>'closes_on')::date, 0, 0, 0, 0
from endorsement_evidence d join endorsements e on e.id = d.endorsement_id
where d.kind = 'hiring_pledge'
"""


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "evidence_attachments",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"],
            ["endorsement_evidence.id"],
        ),
        sa.PrimaryKeyConstraint("evidence_id", "no"),
    )
    op.create_index("evidence_attachments_by_file", "evidence_attachments", ["attachment_id"], unique=False)
    op.create_table(
        "pledges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endorsement_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("role", text(), nullable=False),
        sa.Column("region", text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("redeemed", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.Column("withdrawal_reason", text(), nullable=True),
        sa.CheckConstraint("(withdrawn_at is null) = (withdrawal_reason is null)", name="pledges_withdrawal"),
        sa.CheckConstraint("least(reserved, redeemed, returned, broken) >= 0", name="pledges_figures"),
        sa.CheckConstraint("redeemed + returned + broken <= reserved", name="pledges_settled_once"),
        sa.CheckConstraint("reserved - returned - broken <= seats", name="pledges_no_more_than_seats"),
        sa.CheckConstraint("seats >= 1 and opens_on <= closes_on", name="pledges_promise"),
        sa.ForeignKeyConstraint(
            ["endorsement_id"],
            ["endorsements.id"],
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"],
            ["endorsement_evidence.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("evidence_id"),
    )
    op.create_index("ix_pledges_endorsement_id", "pledges", ["endorsement_id"], unique=False)
    op.create_index("ix_pledges_organization_id", "pledges", ["organization_id"], unique=False)
    op.create_table(
        "pledge_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("endorser_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("reference", text(), nullable=True),
        sa.Column("reason", text(), nullable=True),
        sa.Column("entered_at", moment, nullable=False),
        sa.CheckConstraint("(kind = 'release') = (reason is not null)", name="pledge_entries_reason"),
        sa.CheckConstraint("(kind = 'reserve') = (reference is not null)", name="pledge_entries_reference"),
        sa.CheckConstraint("(kind = 'reserve') = (reservation_id is null)", name="pledge_entries_reservation"),
        sa.CheckConstraint("kind in ('reserve', 'redeem', 'release')", name="pledge_entries_kind"),
        sa.ForeignKeyConstraint(
            ["by_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["endorser_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"],
            ["pledges.id"],
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"],
            ["pledge_entries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reservation_id", name="pledge_entries_settled_once"),
    )
    op.create_index("ix_pledge_entries_pledge_id", "pledge_entries", ["pledge_id"], unique=False)
    op.create_table(
        "support_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", text(), nullable=False),
        sa.Column("sha256", text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("imported_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "tool_cycles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tool", text(), nullable=False),
        sa.Column("tool_key", text(), nullable=False),
        sa.Column("keys", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("cycle", text(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("supported_until", sa.Date(), nullable=True),
        sa.Column("source", text(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["support_imports.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tool_key", "cycle", name="tool_cycles_once"),
    )
    op.create_index("tool_cycles_by_name", "tool_cycles", ["keys"], unique=False, postgresql_using="gin")
    op.create_table(
        "drift_alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("spec_version_id", sa.Uuid(), nullable=False),
        sa.Column("endorsement_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("newer_version_id", sa.Uuid(), nullable=True),
        sa.Column("cause", text(), nullable=False),
        sa.Column("tool", text(), nullable=False),
        sa.Column("versions", text(), nullable=False),
        sa.Column("newer_versions", text(), nullable=True),
        sa.Column("supported_until", sa.Date(), nullable=True),
        sa.Column("mark", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("raised_at", moment, nullable=False),
        sa.Column("acknowledged_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("note", text(), nullable=True),
        sa.CheckConstraint(
            "cause in ('support_ending', 'support_ended', 'tool_dropped', 'version_changed')", name="drift_alarms_cause"
        ),
        sa.CheckConstraint("state in ('open', 'acknowledged', 'resolved', 'cleared')", name="drift_alarms_state"),
        sa.ForeignKeyConstraint(
            ["endorsement_id"],
            ["endorsements.id"],
        ),
        sa.ForeignKeyConstraint(
            ["newer_version_id"],
            ["spec_versions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["spec_version_id"],
            ["spec_versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mark", name="drift_alarms_once"),
    )
    op.create_index("drift_alarms_of_endorsement", "drift_alarms", ["endorsement_id"], unique=False)
    op.create_index("drift_alarms_of_organization", "drift_alarms", ["organization_id", "id"], unique=False)
    op.create_index("drift_alarms_of_version", "drift_alarms", ["spec_version_id"], unique=False)
    op.execute(BACKFILL)


def downgrade() -> None:
    for table in (
        "drift_alarms",
        "tool_cycles",
        "support_imports",
        "pledge_entries",
        "pledges",
        "evidence_attachments",
    ):
        op.drop_table(table)
