"""The stage, built once for a run and put back for every test: building it costs a hundred times as much."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import asyncpg
import pytest_asyncio

from countersign import app
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.placement import table_name
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers
from tests.conftest import NOW, ORIGIN, emptying
from tests.factories import Factory
from tests.mutations.stage import Stage, make_stage

COLUMNS = """
select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'
"""


@dataclass(frozen=True)
class Kept:
    """The stage, and the statement that brings its rows back."""

    stage: Stage
    restoring: str


@pytest_asyncio.fixture(scope="session")
async def kept_stage(pools: Database, owner: asyncpg.Connection[asyncpg.Record], workers: Workers) -> Kept:
    """The stage's rows, kept in a schema beside the tables, which are left empty."""
    clock = FrozenClock(NOW)
    pools.clock = clock
    signer = Signer(SecretKeyEncryption(secrets.token_bytes(32)), Addresses(ORIGIN), workers)
    stage = await make_stage(pools, signer, Factory(clock))
    await owner.execute("create schema kept")
    parts = []
    # Under other names: tests that look a table up by its name alone must find one.
    for number, name in enumerate(map(table_name, app.declare_tables())):
        if await owner.fetchval(f"select exists (select from {name})"):
            columns = await owner.fetchval(COLUMNS, name)
            await owner.execute(f"create table kept.rows{number} as select {columns} from {name}")
            parts.append(
                f"insert into {name} ({columns}) overriding system value select {columns} from kept.rows{number};"
            )
    await owner.execute(emptying())
    return Kept(stage, f"begin; set local session_replication_role = replica; {''.join(parts)} commit")


@pytest_asyncio.fixture
async def stage(db: Database, kept_stage: Kept, owner: asyncpg.Connection[asyncpg.Record]) -> Stage:
    """The stage as it was built, on the day of the tests."""
    assert kept_stage.stage.db is db
    await owner.execute(kept_stage.restoring)
    return kept_stage.stage
