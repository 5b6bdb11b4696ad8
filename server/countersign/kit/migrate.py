"""Bring a database to the schema of this code: migrations, then roles, grants and policies as the tables declare."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from countersign.kit.placement import APP_ROLE, POLICY_OF_OWNERS, ROLES, grants, placed_tables, policies, table_name

ROOT = Path(__file__).parents[3]
_ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(7239)"


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


async def migrate(dsn: str, *, login: str | None = None) -> None:
    """Upgrade to the newest migration, set grants and policies; safe to repeat and to run twice at once.

    `dsn` is the owner's, who needs the right to create roles and extensions, or both must be there already. `login`
    is the role with which the server logs in, when it is another: it is made a member of the server's roles.
    """
    await _in_turn(dsn, _make_roles)
    await asyncio.to_thread(command.upgrade, alembic_config(dsn), "head")
    await _in_turn(dsn, _set_walls)
    if login is not None:
        await _in_turn(dsn, _let_in, login)


async def is_at_head(dsn: str) -> bool:
    """Whether the newest migration has run, as the server's own role sees it. Raises what connecting raises."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(f"set role {APP_ROLE}")
        here = await connection.fetchval("select version_num from alembic_version")
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError):
        return False  # never migrated, or this login was never let in
    finally:
        await connection.close()
    return bool(here == ScriptDirectory.from_config(alembic_config(dsn)).get_current_head())


async def login_of(dsn: str) -> str:
    """The role with which an address logs in. Raises what connecting raises."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return str(await connection.fetchval("select session_user"))
    finally:
        await connection.close()


async def _in_turn(dsn: str, work: Callable[..., Awaitable[None]], *args: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(_ONE_AT_A_TIME)
            await work(connection, *args)
    finally:
        await connection.close()


async def _make_roles(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    may_all = await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    for role in ROLES:
        # Roles belong to the whole server: a migration of another database may be making it just now.
        await connection.execute(
            f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') then"
            f" create role {role} nologin; end if;"
            " exception when duplicate_object or unique_violation then null; end $$"
        )
        if not may_all:
            # Whoever makes a role may give it to others, but not take it on: that is granted too (PostgreSQL 16).
            await connection.execute(f"grant {role} to current_user")


async def _set_walls(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    for statement in grants():
        await connection.execute(statement)
    kept = {
        row["name"]: row["told"]
        for row in await connection.fetch(
            "select c.relname::text as name, obj_description(p.oid, 'pg_policy') as told"
            " from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = $1",
            POLICY_OF_OWNERS,
        )
    }
    for cls in placed_tables():
        statements = policies(cls) if cls.__owners__ else []
        # Row-level security is switched under a lock that waits for every reader: only where something changed.
        digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
        if statements and kept.get(table_name(cls)) != digest:
            for statement in statements:
                await connection.execute(statement)
            await connection.execute(f"comment on policy {POLICY_OF_OWNERS} on {table_name(cls)} is '{digest}'")


async def _let_in(connection: asyncpg.Connection[asyncpg.Record], login: str) -> None:
    for role in ROLES:
        quoted = '"' + login.replace('"', '""') + '"'
        await connection.execute(f"grant {role} to {quoted}")
