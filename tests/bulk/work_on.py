"""A worker in a process of its own, to be killed by the tests of crashes."""

from __future__ import annotations

import asyncio
import sys

from countersign.bulk import jobs
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers
from tests.conftest import NOW, ORIGIN, VAULT
from tests.patience import WAIT


async def work(dsn: str) -> None:
    """Work on what waits until killed."""
    db = await Database.open(dsn, clock=FrozenClock(NOW), pool_size=4, vault=VAULT, wait_seconds=WAIT)
    signer = Signer(SecretKeyEncryption(b"k" * 32), Addresses(ORIGIN), Workers(1))
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    print("started", flush=True)  # noqa: T201 - for the test that waits
    await jobs.run(db, engine.exporter, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
