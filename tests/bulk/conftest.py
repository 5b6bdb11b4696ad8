"""The school that the tests of this folder work with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.api import served
from tests.awards.support import campus
from tests.bulk.support import House
from tests.factories import Factory


@pytest_asyncio.fixture
async def house(db: Database, make: Factory, signer: Signer) -> AsyncIterator[House]:
    async with db.writer() as tx:
        here = await campus(tx, make)
    async with served(db, signer, make) as api:
        yield House(api, db, here, api.tools)
