"""What happens here and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from countersign.kit.access import Role
from countersign.kit.events import Event
from countersign.organizations.rules_approvals import Action


@dataclass(frozen=True, slots=True)
class TiesChanged(Event):
    """Something that ties organizations to others has come or gone: a domain, a link, a member."""

    organizations: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class StandingChanged(Event):
    """Organizations were suspended, may act again, or are in other control groups than before."""

    organizations: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class MembershipEnded(Event):
    """A person has lost roles in an organization: all of them when the membership ended, some when they were changed.

    The membership's row is locked by the publisher and already says so.
    """

    organization_id: UUID
    person_id: UUID
    lost: frozenset[Role]
    at: datetime


@dataclass(frozen=True, slots=True)
class Approved(Event):
    """A second person has approved what is now to happen; None for a person is the operator."""

    organization_id: UUID
    approval_id: UUID
    action: Action
    subject: str
    parameters: Mapping[str, Any]
    proposed_by: UUID | None
    approved_by: UUID | None


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """What was proposed will not happen: somebody rejected it, or nobody approved it in time."""

    organization_id: UUID
    approval_id: UUID
    action: Action
    subject: str
    parameters: Mapping[str, Any]
