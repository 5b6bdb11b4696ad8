"""Bring a database to the schema of this code: migrations, then the grants that the tables declare."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from countersign.kit.placement import grants

ROOT = Path(__file__).parents[3]


def sqlalchemy_url(dsn: str) -> str:
    """The same address in SQLAlchemy's spelling."""
    scheme, _, rest = dsn.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def alembic_config(dsn: str) -> Config:
    """Alembic's settings, from pyproject.toml, for one database."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = sqlalchemy_url(dsn)
    return config


async def migrate(dsn: str) -> None:
    """Upgrade to the newest migration and set the grants; safe to repeat and to run twice at once.

    The login needs the right to create roles and extensions, or both must be there already.
    """
    await asyncio.to_thread(command.upgrade, alembic_config(dsn), "head")
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(7239)")
            for statement in grants():
                await connection.execute(statement)
    finally:
        await connection.close()
