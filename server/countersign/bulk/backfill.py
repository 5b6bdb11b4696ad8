"""Files of older versions lie in plain text: they live for days only, so they go instead of being sealed."""

from __future__ import annotations

from uuid import UUID

from countersign.kit.db import Tx


async def drop_plain(tx: Tx, _after: tuple[int, UUID]) -> list[tuple[int, UUID]]:
    """Delete files without a key; whoever needs one sends it, or asks for it, again."""
    await tx.execute("delete from upload_chunks c using uploads u where u.id = c.upload_id and u.wrapped_key is null")
    rows = await tx.fetch(
        "delete from bulk_chunks c using bulk_operations o where o.id = c.operation_id and o.wrapped_key is null"
        " returning o.id"
    )
    await tx.execute(
        "update bulk_operations set state = 'expired', first_row_errors = '[]'"
        " where id = any($1::uuid[]) and state in ('completed', 'failed', 'canceled')",
        [row["id"] for row in rows],
    )
    return []
