"""What happens here and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.kit.access import Role
from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class TiesChanged(Event):
    """Something that ties organizations to others has come or gone: a domain, a link, a member."""

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
