"""What happens to keys and concerns the rooms above, in the same transaction (`kit/events`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class KeyCompromised(Event):
    """A key is not believed any more: every signature by it fails from now on. `since` is when it was lost."""

    organization_id: UUID
    key_id: UUID
    verification_method: str
    since: datetime
