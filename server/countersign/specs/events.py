"""What the rooms above are told in the transaction in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from countersign.kit.events import Event


@dataclass(frozen=True, slots=True)
class VersionSubmitted(Event):
    """A draft became a version."""

    draft_id: UUID
    version_id: UUID


@dataclass(frozen=True, slots=True)
class VersionPublished(Event):
    """A school offers a version."""

    version_id: UUID
