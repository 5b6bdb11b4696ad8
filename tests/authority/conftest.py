"""Both markets and the engine over them, for each test that asks."""

from __future__ import annotations

import asyncpg
import pytest_asyncio

from countersign.kit.db import Database
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.authority.place import CORE, SEALER, Place, marks_of
from tests.authority.policy import read_book
from tests.authority.rows import fill_up
from tests.authority.world import make_world
from tests.factories import Factory


@pytest_asyncio.fixture
async def place(db: Database, signer: Signer, make: Factory, owner: asyncpg.Connection[asyncpg.Record]) -> Place:
    """Two markets, each with everything once."""
    world = await make_world(db, make)
    async with db.writer() as tx:
        await fill_up(tx, CORE, world)
    book = await read_book(owner, CORE)
    return Place(Engine(the_schema(), Tools(db, SEALER, signer)), world, book, marks_of(book, world))
