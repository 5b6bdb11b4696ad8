"""A worker of its own process that spends one organization's budget as fast as it can; prints the points it got."""

from __future__ import annotations

import asyncio
import sys
import time
from uuid import UUID

from countersign.kit.access import Actor
from countersign.kit.budgets import Budgets
from countersign.kit.db import Database
from tests.patience import WAIT

SIZES = (1, 7, 40, 333)


async def spend(budgets: Budgets, actor: Actor, until: float) -> int:
    """Points that were allowed before the monotonic time `until`."""
    got = turn = 0
    while time.monotonic() < until:
        size = SIZES[turn % len(SIZES)]
        turn += 1
        charge = await budgets.charge(actor, size)
        got += size if charge.allowed else 0
        await asyncio.sleep(0 if charge.allowed else 0.002)
    return got


async def main(dsn: str, organization: str, capacity: str, restored: str, seconds: str) -> None:
    """Spend, with four callers at once, and print what was got."""
    db = await Database.open(dsn, pool_size=3, wait_seconds=WAIT)
    budgets = Budgets(db, capacity=int(capacity), restored=float(restored))
    actor = Actor(organization_id=UUID(organization), token_id=UUID(int=1))
    until = time.monotonic() + float(seconds)
    got = await asyncio.gather(*(spend(budgets, actor, until) for _ in range(4)))
    await db.close()  # without giving anything back, as a crash
    sys.stdout.write(f"{sum(got)}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
