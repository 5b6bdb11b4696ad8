"""Production serves with a login that the walls hold: no superuser, no owner, nobody who may become one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from countersign.cli import hosting
from countersign.config import Mode, Settings, UnsafeSettings
from countersign.kit.db import Database
from countersign.kit.login import faults
from countersign.kit.migrate import is_at_head
from countersign.kit.placement import APP_ROLE, SEARCH_ROLE
from tests.patience import WAIT

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PASSWORD = secrets.token_urlsafe(24)


def logging_in(dsn: str, role: str, database: str) -> str:
    """The same server's address for another role and database."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{place}", path=f"/{database}"))


@dataclass
class Place:
    """An empty database of its own, whose owner is no superuser; and a login beside, which is nothing yet."""

    admin: Owner
    name: str
    dsn: str
    owner_dsn: str

    def settings(self, **changes: Any) -> Settings:
        """The settings of a production over it, safe but for `changes`."""
        given: dict[str, Any] = {
            "mode": Mode.PRODUCTION,
            "public_origin": "https://credentials.example",
            "database_url": SecretStr(self.dsn),
            "database_owner_url": SecretStr(self.owner_dsn),
            "key_encryption_key": SecretStr("the key that wraps keys, of a test of walls"),
        }
        return Settings(**(given | changes))


@pytest_asyncio.fixture
async def place(server_dsn: str) -> AsyncIterator[Place]:
    name = f"countersign_walls_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_dsn)
    # Who owns may make roles, as the README asks; here they may be there already.
    await admin.execute(f"create role {name}_owner login createrole password '{PASSWORD}'")
    await admin.execute(f"create role {name} login password '{PASSWORD}'")
    for made in await admin.fetch(
        "select rolname from pg_roles where rolname ~ '^countersign_(app|reader|search|signer)$'"
    ):
        await admin.execute(f"grant {made['rolname']} to {name}_owner with admin option")
    for role in (name, f"{name}_owner"):
        await admin.execute(f"alter role {role} set synchronous_commit = on")  # the tests' own server has it off
    await admin.execute(f"create database {name} owner {name}_owner")
    yield Place(admin, name, logging_in(server_dsn, name, name), logging_in(server_dsn, f"{name}_owner", name))
    await admin.execute(f"drop database {name} with (force)")
    for role in (f"{name}_owner", name):
        await admin.execute(f"drop owned by {role} cascade")
        await admin.execute(f"drop role {role}")
    await admin.close()


async def refusals(settings: Settings) -> str:
    with pytest.raises(UnsafeSettings) as refused:
        await hosting.prepare(settings)
    return " ".join(refused.value.problems)


async def test_production_serves_with_a_login_that_owns_nothing(place: Place, server_dsn: str) -> None:
    superuser = SecretStr(server_dsn)
    told = await refusals(place.settings(database_url=superuser))
    assert "DATABASE_URL logs in as a superuser" in told
    assert "at this version's schema" in await refusals(place.settings(database_owner_url=None))
    assert "as the owner of the tables" in await refusals(place.settings(database_url=SecretStr(place.owner_dsn)))
    await hosting.prepare(place.settings())
    await hosting.prepare(place.settings(database_owner_url=None))
    assert await is_at_head(place.dsn)
    assert "DATABASE_READ_URL logs in as a superuser" in await refusals(place.settings(database_read_url=superuser))
    db = await Database.open(place.dsn, pool_size=1, wait_seconds=WAIT)
    try:
        async with db.searcher() as connection:
            assert (
                await connection.fetchval("select session_user || ' ' || current_user") == f"{place.name} {SEARCH_ROLE}"
            )
        async with db.writer() as tx:
            assert await tx.fetchval("select current_user") == APP_ROLE
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tx.savepoint():
                    await tx.execute("alter table awards disable row level security")
    finally:
        await db.close()
    owner = await asyncpg.connect(place.owner_dsn)
    try:
        # Forced on the owner too, whose migrations see every row by a policy that names it.
        assert await owner.fetchval("select row_security_active('learners')")
        await owner.execute("insert into uploads (id, organization_id) values (gen_random_uuid(), null)")
    except asyncpg.NotNullViolationError:
        pass  # the policy let it through to the constraints
    finally:
        await owner.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter role {name} bypassrls", "BYPASSRLS"),
        ("grant pg_read_all_data to {name}", "reads or writes everything"),
        ("alter role {name} superuser", "superuser"),
        ("create role {name}_more superuser; grant {name}_more to {name}", "may become one"),
    ],
)
async def test_a_login_that_may_too_much_is_refused_even_when_it_takes_on_a_smaller_role(
    place: Place, change: str, told: str
) -> None:
    await place.admin.execute(change.format(name=place.name))
    connection = await asyncpg.connect(place.dsn)
    try:
        if told == "superuser":
            await connection.execute(f"set role {APP_ROLE}")
        found = await faults(connection)
    finally:
        await connection.close()
        await place.admin.execute(f"drop role if exists {place.name}_more")
    assert len(found) == 1
    assert told in found[0]


async def test_commits_that_may_be_lost_are_refused_in_production_alone(place: Place) -> None:
    await place.admin.execute(f"alter role {place.name} set synchronous_commit = off")
    with pytest.raises(UnsafeSettings, match="synchronous_commit is off"):
        await hosting.check_database(place.settings())
    await hosting.check_database(place.settings(mode=Mode.DEV))
