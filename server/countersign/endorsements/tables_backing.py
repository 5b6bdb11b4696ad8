"""Rows of what stands behind endorsements beside their evidence: files, pledges, dates of tools, drift alarms."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Index, Text, UniqueConstraint
from sqlmodel import Field

from countersign.kit.placement import Owner, Placement, Table


class EvidenceAttachment(Table, table=True):
    """A file behind one piece of evidence: its name and digest stand in the piece's signed sentence."""

    __tablename__ = "evidence_attachments"
    __table_args__ = (Index("evidence_attachments_by_file", "attachment_id"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    evidence_id: uuid.UUID = Field(primary_key=True, foreign_key="endorsement_evidence.id")
    no: int = Field(primary_key=True)
    attachment_id: uuid.UUID = Field(foreign_key="attachments.id")


class Pledge(Table, table=True):
    """A hiring pledge as a ledger: what was promised never changes, the figures only grow, one for each entry.

    Where it stands is in no column: it follows from the figures, the window, the endorsement and the day
    (`pledge_rules.state_of`). The checks hold whatever a service forgot: never more seats taken than pledged, never
    more settled than reserved.
    """

    __tablename__ = "pledges"
    __table_args__ = (
        CheckConstraint("seats >= 1 and opens_on <= closes_on", name="pledges_promise"),
        CheckConstraint("least(reserved, redeemed, returned, broken) >= 0", name="pledges_figures"),
        CheckConstraint("reserved - returned - broken <= seats", name="pledges_no_more_than_seats"),
        CheckConstraint("redeemed + returned + broken <= reserved", name="pledges_settled_once"),
        CheckConstraint("(withdrawn_at is null) = (withdrawal_reason is null)", name="pledges_withdrawal"),
        Index("pledges_by_last_day", "closes_on"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"reserved", "redeemed", "returned", "broken", "withdrawn_at", "withdrawal_reason"}
    )

    id: uuid.UUID = Field(primary_key=True)
    endorsement_id: uuid.UUID = Field(foreign_key="endorsements.id", index=True)
    evidence_id: uuid.UUID = Field(foreign_key="endorsement_evidence.id", unique=True)
    organization_id: uuid.UUID = Field(foreign_key="organizations.id", index=True)
    seats: int
    role: str
    region: str
    opens_on: date
    closes_on: date
    reserved: int = 0
    redeemed: int = 0
    returned: int = 0
    broken: int = 0
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawal_reason: str | None = None


class PledgeReminder(Table, table=True):
    """That something was told of a pledge whose window is over. Each once."""

    __tablename__ = "pledge_reminders"
    __table_args__ = (CheckConstraint("mark in ('lapsed', 'answer_due', 'not_kept')", name="pledge_reminders_mark"),)
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    pledge_id: uuid.UUID = Field(primary_key=True, foreign_key="pledges.id")
    mark: str = Field(primary_key=True)
    told_at: datetime = Field(sa_type=DateTime(timezone=True))


class PledgeEntry(Table, table=True):
    """One line of a pledge's ledger: a seat is reserved, then redeemed or released, once. Never changed.

    `reference` is the school's own word for whom the seat is, which nobody else understands.
    """

    __tablename__ = "pledge_entries"
    __table_args__ = (
        CheckConstraint("kind in ('reserve', 'redeem', 'release')", name="pledge_entries_kind"),
        CheckConstraint("(kind = 'reserve') = (reservation_id is null)", name="pledge_entries_reservation"),
        CheckConstraint("(kind = 'reserve') = (reference is not null)", name="pledge_entries_reference"),
        CheckConstraint("(kind = 'release') = (reason is not null)", name="pledge_entries_reason"),
        UniqueConstraint("reservation_id", name="pledge_entries_settled_once"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __owners__: ClassVar[Mapping[str, Owner]] = {
        "school_id": Owner.ORGANIZATION,
        "endorser_id": Owner.ORGANIZATION,
    }

    id: uuid.UUID = Field(primary_key=True)
    pledge_id: uuid.UUID = Field(foreign_key="pledges.id", index=True)
    kind: str
    reservation_id: uuid.UUID | None = Field(default=None, foreign_key="pledge_entries.id")
    school_id: uuid.UUID = Field(foreign_key="organizations.id")
    endorser_id: uuid.UUID = Field(foreign_key="organizations.id")
    by_id: uuid.UUID = Field(foreign_key="organizations.id")
    reference: str | None = None
    reason: str | None = None
    entered_at: datetime = Field(sa_type=DateTime(timezone=True))


class SupportImport(Table, table=True):
    """A file of end-of-life dates that was imported: its bytes' digest, how many rows, when."""

    __tablename__ = "support_imports"
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True

    id: uuid.UUID = Field(primary_key=True)
    source: str
    sha256: str
    rows: int
    imported_at: datetime = Field(sa_type=DateTime(timezone=True))


class ToolCycle(Table, table=True):
    """A release cycle of a tool with the day on which its maker's support ends; null while none is announced.

    `keys` are the tool's names for comparison, its own first (`ranges.key_of`).
    """

    __tablename__ = "tool_cycles"
    __table_args__ = (
        UniqueConstraint("tool_key", "cycle", name="tool_cycles_once"),
        Index("tool_cycles_by_name", "keys", postgresql_using="gin"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset(
        {"tool", "keys", "released_on", "supported_until", "source", "import_id"}
    )

    id: uuid.UUID = Field(primary_key=True)
    tool: str
    tool_key: str
    keys: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    cycle: str
    released_on: date | None = None
    supported_until: date | None = None
    source: str
    import_id: uuid.UUID = Field(foreign_key="support_imports.id")


class DriftAlarm(Table, table=True):
    """What moved away under a version or an endorsement: a tool's support, or what the school teaches.

    `mark` names what was found, so that finding it again raises nothing. `organization_id` is whose answer it awaits:
    the school for a version, the endorser for an endorsement.
    """

    __tablename__ = "drift_alarms"
    __table_args__ = (
        CheckConstraint("state in ('open', 'acknowledged', 'resolved', 'cleared')", name="drift_alarms_state"),
        CheckConstraint(
            "cause in ('support_ending', 'support_ended', 'tool_dropped', 'version_changed')", name="drift_alarms_cause"
        ),
        UniqueConstraint("mark", name="drift_alarms_once"),
        Index("drift_alarms_of_version", "spec_version_id"),
        Index("drift_alarms_of_endorsement", "endorsement_id"),
        Index("drift_alarms_of_organization", "organization_id", "id"),
    )
    __placement__: ClassVar[Placement] = Placement.REFERENCE
    __searchable__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"state", "acknowledged_at", "ended_at", "note", "raised_at"})

    id: uuid.UUID = Field(primary_key=True)
    spec_version_id: uuid.UUID = Field(foreign_key="spec_versions.id")
    endorsement_id: uuid.UUID | None = Field(default=None, foreign_key="endorsements.id")
    organization_id: uuid.UUID = Field(foreign_key="organizations.id")
    newer_version_id: uuid.UUID | None = Field(default=None, foreign_key="spec_versions.id")
    cause: str
    tool: str
    versions: str
    newer_versions: str | None = None
    supported_until: date | None = None
    mark: str
    state: str
    raised_at: datetime = Field(sa_type=DateTime(timezone=True))
    acknowledged_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    note: str | None = None
