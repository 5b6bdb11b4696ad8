"""How often something may be tried: exact over processes, and kept without saying who tried it."""

from __future__ import annotations

from datetime import timedelta

from countersign.kit.db import Tx
from countersign.kit.ids import Sealer

_TAKE = """
insert into attempts as a (key, since, count) values ($1, $2, 1)
on conflict (key) do update set
  since = case when a.since <= excluded.since - $3::interval then excluded.since else a.since end,
  count = case when a.since <= excluded.since - $3::interval then 1 else least(a.count + 1, 1000000) end
returning count
"""


async def take(tx: Tx, sealer: Sealer, what: str, who: str, *, most: int, within: timedelta) -> bool:
    """Count one more try of `what` by `who` (an address, a network); whether it is one of the `most` allowed.

    The span begins with the first try. Whoever is refused is told the same whoever exists.
    """
    count: int = await tx.fetchval(_TAKE, sealer.fingerprint(f"attempts {what}", who), await tx.now(), within)
    return count <= most
