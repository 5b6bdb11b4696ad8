"""The log of a small market, with events that are sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from countersign.kit import audit
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.log.support import SECRET, Ledger, ledger


@pytest_asyncio.fixture
async def kept(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Ledger]:
    audit.use_key(SECRET)
    yield await ledger(db, signer, make)
    audit.use_key(None)
