"""Alembic's environment: async, one migration run at a time, short lock waits."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from countersign import app

ADVISORY_LOCK = 0x636F756E746572

app.declare_tables()


def _run(connection: Connection) -> None:
    connection.execute(text("set lock_timeout = '5s'"))
    # The lock is waited for by polling: a statement that waits would hold a snapshot and meet the lock time-out.
    while not connection.scalar(text(f"select pg_try_advisory_lock({ADVISORY_LOCK})")):
        connection.execute(text("select pg_sleep(0.05)"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        compare_type=True,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text(f"select pg_advisory_unlock({ADVISORY_LOCK})"))
        connection.commit()


async def _main() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_main())
