"""Rows of endorsements by others, for worlds in which they only have to be there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
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


DOCUMENT = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Endorsement",
    "claim": {"id": "https://example.org/2"},
    "issuer": "https://example.org/3",
}
FETCHED = {
    "purpose": "keys",
    "url": "https://example.org/3",
    "sha256": "0" * 64,
    "size": 2,
    "problem": "It is no JSON.",
}


async def brought(tx: Tx, version: UUID, statement: str = "Well made.") -> UUID:
    """An endorsement from elsewhere of a version, as its school has imported it, and looked at once."""
    key = new_id()
    await tx.execute(
        "insert into foreign_endorsements (id, spec_version_id, organization_id, format, issuer_id, statement, source,"
        " sha256, document, findings, verified, imported_at)"
        " select $1, id, organization_id, 'open_badges_2', 'https://example.org/3', $3, 'A letter', $4, $7, $5,"
        " false, $6 from spec_versions where id = $2",
        *(key, version, statement, key.hex * 2, [FINDING], await tx.now()),
        json.dumps(DOCUMENT).encode(),
    )
    await tx.execute(
        "insert into foreign_checks (id, foreign_endorsement_id, checked_at, findings, fetched, verified)"
        " values ($1, $2, $3, $4, $5, false)",
        *(new_id(), key, await tx.now(), [FINDING], [FETCHED]),
    )
    await tx.execute(
        "insert into foreign_watches (foreign_endorsement_id, checked_at, proved_at, check_due_at)"
        " values ($1, $2::timestamptz, $2, $2 + interval '1 day')",
        *(key, await tx.now()),
    )
    return key


async def quorate(tx: Tx, version: UUID, others: Sequence[UUID]) -> None:
    """Beside the endorsement of a version in force, one of a second organization, and one of a third that is revoked.

    Both organizations may act again since this moment, at which the second completes the quorum.
    """
    now = await tx.now()
    await tx.execute("update organizations set control_group = id where id = $1", others[0])
    for number, (other, ended) in enumerate(zip(others, (False, True), strict=True), 1):
        await tx.execute(
            "insert into endorsements (id, spec_version_id, organization_id, signatory_id, digest, state, statement,"
            " valid_from, valid_until, in_force, document, status_list_id, status_index, requested_at)"
            " select $1, spec_version_id, $2, signatory_id, digest, $3, statement, valid_from, valid_until,"
            " tstzrange(valid_from - $4::interval, case when $5 then valid_from else valid_until end), document,"
            " status_list_id, status_index + $6, requested_at from endorsements"
            " where spec_version_id = $7 and state = 'in_force' order by id limit 1",
            *(new_id(), other, "revoked" if ended else "in_force", timedelta(days=2 * ended), ended, 1000 + number),
            version,
        )
        await tx.execute(
            "insert into organization_suspensions (id, organization_id, reason, before, suspended_at, resumed_at)"
            " values ($1, $2, 'A look', 'verified', $3, $4)",
            *(new_id(), other, now - timedelta(days=1), now),
        )
