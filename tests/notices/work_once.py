"""A worker in a process of its own, to be killed by a test."""

from __future__ import annotations

import asyncio
import sys

from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.notices import making
from tests.conftest import NOW, VAULT
from tests.patience import WAIT


async def work(dsn: str) -> None:
    """Tell what is there."""
    db = await Database.open(dsn, clock=FrozenClock(NOW), pool_size=2, vault=VAULT, wait_seconds=WAIT)
    await making.look(db)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
