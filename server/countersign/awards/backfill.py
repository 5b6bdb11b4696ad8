"""Seal what older versions kept of awards in plain text: names, documents, credentials, reasons."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.awards.credentials import CREDENTIAL, DOCUMENT
from countersign.awards.service import HOLDER, REASON
from countersign.kit.db import Tx
from countersign.kit.vault import FORM, Key

AT_ONCE: Final = 500

# A sealed value begins with FORM, which no JSON does.
PLAIN: Final = """
select a.learner_id, a.id, a.holder_name, a.revocation_reason, a.document, a.credential, k.wrapped
from awards a join learner_keys k on k.learner_id = a.learner_id
where (a.learner_id, a.id) > ($3, $4)
  and (a.holder_name is not null or a.revocation_reason is not null
       or (a.document is not null and substr(a.document, 1, 1) <> $2)
       or (a.credential is not null and substr(a.credential, 1, 1) <> $2))
order by a.learner_id, a.id limit $1 for update of a
"""


async def seal_plain(tx: Tx, after: tuple[int, UUID]) -> list[tuple[int, UUID]]:
    """Seal the next awards that are in plain text, and empty their plain columns; the places of the rows."""
    rows = await tx.fetch(PLAIN, AT_ONCE, FORM, *after)
    for row in rows:
        key = tx.vault.learner_key(row["learner_id"], row["wrapped"])
        await tx.execute(
            "update awards set holder_name = null, revocation_reason = null,"
            " holder_name_sealed = coalesce($3, holder_name_sealed),"
            " revocation_reason_sealed = coalesce($4, revocation_reason_sealed),"
            " document = $5, credential = $6 where learner_id = $1 and id = $2",
            row["learner_id"],
            row["id"],
            None if row["holder_name"] is None else key.seal(HOLDER, row["holder_name"]),
            None if row["revocation_reason"] is None else key.seal(REASON, row["revocation_reason"]),
            _sealed(key, DOCUMENT, row["document"]),
            _sealed(key, CREDENTIAL, row["credential"]),
        )
    return [(row["learner_id"], row["id"]) for row in rows]


def _sealed(key: Key, column: str, value: bytes | None) -> bytes | None:
    return value if value is None or value[:1] == FORM else key.seal(column, value)
