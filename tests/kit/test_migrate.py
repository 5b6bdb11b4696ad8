"""Migrations: two at once agree, a repeat changes nothing, and a database of an older version keeps its data."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio

from countersign import config
from countersign.kit.migrate import migrate
from tests.conftest import with_database

CODE = "import asyncio, sys; from countersign.kit.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"


@pytest_asyncio.fixture
async def empty_dsn(server_dsn: str) -> AsyncIterator[str]:
    """A database without a table."""
    name = f"countersign_test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f'create database "{name}"')
    yield with_database(server_dsn, name)
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


async def tables(dsn: str) -> list[str]:
    """The tables and columns, and the revision."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select table_name || '.' || column_name as name from information_schema.columns"
            " where table_schema = 'public' union all select version_num from alembic_version order by 1"
        )
        return [row["name"] for row in rows]
    finally:
        await connection.close()


def process(dsn: str) -> subprocess.Popen[str]:
    """A process that migrates."""
    environment = {**os.environ, "PYTHONPATH": str(config.ROOT / "server")}
    return subprocess.Popen([sys.executable, "-c", CODE, dsn], env=environment, stderr=subprocess.PIPE, text=True)


async def test_two_migrations_at_once_agree_and_a_repeat_changes_nothing(empty_dsn: str) -> None:
    both = [process(empty_dsn), process(empty_dsn)]
    for one in both:
        _, said = await asyncio.to_thread(one.communicate)
        assert one.returncode == 0, said
    made = await tables(empty_dsn)
    assert len(made) > 100
    await migrate(empty_dsn)
    assert await tables(empty_dsn) == made


def test_migrations_have_names_with_their_time() -> None:
    names = [p.name for p in (Path(config.ROOT) / "migrations" / "versions").glob("*.py")]
    assert names
    assert all(name[:8].isdigit() and name[8] == "T" and name[9:13].isdigit() for name in names)
