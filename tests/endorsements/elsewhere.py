"""A row of an endorsement that was made elsewhere, for worlds in which it only has to be there."""

from __future__ import annotations

from uuid import UUID

from countersign.kit.db import Tx
from countersign.kit.ids import new_id

FINDING = {
    "check": "subject",
    "outcome": "passed",
    "verdict": "VALID",
    "detail": "It is about this version.",
    "path": "$",
}


async def brought(tx: Tx, version: UUID, statement: str = "Well made.") -> UUID:
    """An endorsement from elsewhere of a version, as its school has imported it."""
    key = new_id()
    await tx.execute(
        "insert into foreign_endorsements (id, spec_version_id, organization_id, format, issuer_id, statement, source,"
        " sha256, document, findings, verified, imported_at)"
        " select $1, id, organization_id, 'open_badges_2', 'https://example.org/3', $3, 'A letter', $4, '{}', $5,"
        " false, $6 from spec_versions where id = $2",
        *(key, version, statement, key.hex * 2, [FINDING], await tx.now()),
    )
    return key
