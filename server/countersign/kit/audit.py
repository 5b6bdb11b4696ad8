"""The audit log: one event for every command, written in the command's own transaction."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime
from sqlmodel import Field

from countersign.kit.access import Actor
from countersign.kit.ids import new_id
from countersign.kit.placement import Placement, Table


class AuditEvent(Table, table=True):
    """Who did what, on which thing, and what was decided. Append-only; no personal data."""

    __tablename__ = "audit_events"
    __placement__: ClassVar[Placement] = Placement.LOCAL

    stream_key: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    id: uuid.UUID = Field(primary_key=True)
    actor: str
    organization_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None
    action: str
    object: str | None = None
    decision: str
    reason: str | None = None


def record(
    actor: Actor, action: str, at: datetime, *, subject: str | None, decision: str, reason: str | None
) -> AuditEvent:
    """One event; its stream is the actor's organization, else the actor."""
    stream = f"org:{actor.organization_id}" if actor.organization_id else actor.identity
    return AuditEvent(
        stream_key=stream,
        at=at,
        id=new_id(),
        actor=actor.identity,
        organization_id=actor.organization_id,
        token_id=actor.token_id,
        action=action,
        object=subject,
        decision=decision,
        reason=reason,
    )
