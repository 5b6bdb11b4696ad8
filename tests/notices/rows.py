"""Notices as rows, for worlds in which nothing need have happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from countersign.kit.access import Actor
from countersign.kit.db import Tx
from countersign.kit.ids import new_id

FACTS: Final[Mapping[str, Any]] = {"title": "A/B", "semver": "1.0.0", "slug": "a-b", "partner": "Ω {x}"}


async def told(tx: Tx, reader: Actor, facts: Mapping[str, Any] = FACTS, *, read_at: datetime | None = None) -> str:
    """A notice for a member or a learner: its id."""
    identity = new_id()
    await tx.execute(
        "insert into notices (id, event_id, organization_id, person_id, learner_id, topic, kind, voice, subject,"
        " facts, shown, at, read_at) values ($1, $2, $3, $4, $5, 'endorsement.revoked', 'endorsements',"
        " 'endorsement.revoked', $6, $7, true, $8, $9)",
        *(identity, new_id(), reader.organization_id, None if reader.learner_id else reader.person_id),
        *(reader.learner_id, f"end_{new_id()}", dict(facts), await tx.now(), read_at),
    )
    return f"notice_{identity}"
