"""What readers do with their notices: mark them as read, or as unread again."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.kit.records import all_of

_MINE: Final = "n.shown and ((n.organization_id = $1 and n.person_id = $2) or n.learner_id = any($3::bigint[]))"


async def mark(tx: Tx, actor: Actor, notice_id: UUID, *, read: bool = True) -> UUID:
    """Mark one notice of one's own as read, at its first reading, or as unread. Raises NotAllowed, NotFound."""
    access.require(actor, Permission.MANAGE_NOTICES)
    found: UUID | None = await tx.fetchval(
        f"update notices n set read_at = case when $5 then coalesce(n.read_at, $6::timestamptz) end"
        f" where {_MINE} and n.id = $4 returning n.id",
        *await _reader(tx, actor),
        notice_id,
        read,
        await tx.now(),
    )
    if found is None:
        raise NotFound(what="notice", path=("noticeId",))
    return found


async def mark_all(tx: Tx, actor: Actor, newest_id: UUID) -> UUID:
    """Mark as read the notice that was the newest when one looked, and all of one's own that are not newer.

    What has come since stays unread. Raises NotAllowed, NotFound.
    """
    access.require(actor, Permission.MANAGE_NOTICES)
    reader = await _reader(tx, actor)
    newest = await tx.fetchrow(f"select n.at, n.id from notices n where {_MINE} and n.id = $4", *reader, newest_id)
    if newest is None:
        raise NotFound(what="notice", path=("upToId",))
    await tx.execute(
        f"update notices n set read_at = $6 where {_MINE} and n.read_at is null and (n.at, n.id) <= ($5, $4)",
        *reader,
        newest["id"],
        newest["at"],
        await tx.now(),
    )
    return newest_id


async def _reader(tx: Tx, actor: Actor) -> tuple[UUID | None, UUID | None, list[int]]:
    """Whose notices the actor reads: a person's in the organization for which they act, or a learner's."""
    records = [] if actor.learner_id is None else sorted(await all_of(tx, actor.learner_id))
    return actor.organization_id, actor.person_id, records
