"""What happens here and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class TiesChanged(Event):
    """Something that ties organizations to others has come or gone: a domain, a link, a member."""

    organizations: tuple[UUID, ...]
