"""What older versions kept in plain text is sealed by migrating, once; another key-encryption key is refused."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from alembic import command

from countersign.cli.sealing import OtherKey, seal_plain
from countersign.kit.migrate import alembic_config, migrate
from countersign.kit.vault import Vault
from countersign.learners.service import directory_key
from tests.conftest import VAULT, with_database

BEFORE = "20261122095000"
AWARD = UUID(int=5)
EMAIL, NAME = "anna@example.com", "Anna Example"


@pytest_asyncio.fixture
async def old_dsn(server_dsn: str) -> AsyncIterator[str]:
    """A database of the version before the vault, with a learner and an award in plain text."""
    name = f"countersign_test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f'create database "{name}"')
    dsn = with_database(server_dsn, name)
    await asyncio.to_thread(command.upgrade, alembic_config(dsn), BEFORE)
    owner = await asyncpg.connect(dsn)
    await owner.execute("set session_replication_role = replica")  # an award needs no version to be sealed
    await owner.execute(
        "insert into learners (learner_id, id, full_name, email, country, created_at)"
        " values ($1, $2, $3, $4, 'DE', now())",
        7,
        UUID(int=1),
        NAME,
        EMAIL,
    )
    await owner.execute(
        "insert into learner_directory (lookup_key, learner_id) values ($1, 7)", hashlib.sha256(EMAIL.encode()).digest()
    )
    await owner.execute(
        "insert into awards (learner_id, id, spec_version_id, organization_id, holder_name, state, mode, awarded_on,"
        " issued_at, document, credential, status_list_id, status_index, revoked_at, revocation_reason)"
        " values (7, $1, $1, $1, $2, 'revoked', 'study', '2026-10-01', now(), $3, $4, $1, 1, now(), 'By error')",
        AWARD,
        NAME,
        b'{"unsigned": true}',
        b'{"signed": true}',
    )
    await owner.close()
    yield dsn
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


async def test_what_older_versions_left_in_plain_text_is_sealed_once(old_dsn: str) -> None:
    await migrate(old_dsn)
    assert await seal_plain(old_dsn, VAULT) > 0
    owner = await asyncpg.connect(old_dsn)
    try:
        learner = await owner.fetchrow("select l.*, k.wrapped from learners l join learner_keys k using (learner_id)")
        award = await owner.fetchrow("select * from awards")
        assert learner is not None
        assert award is not None
        assert (learner["full_name"], learner["email"], award["holder_name"], award["revocation_reason"]) == (None,) * 4
        key = VAULT.learner_key(7, learner["wrapped"])
        assert key.open("learners.full_name", learner["full_name_sealed"]).decode() == NAME
        assert key.open("learners.email", learner["email_sealed"]).decode() == EMAIL
        assert key.open("awards.holder_name", award["holder_name_sealed"]).decode() == NAME
        assert key.open("awards.revocation_reason", award["revocation_reason_sealed"]) == b"By error"
        assert key.open("awards.document", award["document"]) == b'{"unsigned": true}'
        assert key.open("awards.credential", award["credential"]) == b'{"signed": true}'
        assert await owner.fetchval("select lookup_key from learner_directory") == directory_key(VAULT, EMAIL)
        # Again changes nothing, and nobody writes plain text any more.
        assert await seal_plain(old_dsn, VAULT) == 0
        assert await owner.fetchrow("select * from awards") == award
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("update learners set email = $1", EMAIL)
        assert await owner.fetchval("select bool_and(convalidated) from pg_constraint where conname ~ '_sealed$'")
    finally:
        await owner.close()


async def test_another_key_encryption_key_is_refused_before_anything_is_sealed(old_dsn: str) -> None:
    await migrate(old_dsn)
    await seal_plain(old_dsn, VAULT)
    with pytest.raises(OtherKey, match="another COUNTERSIGN_KEY_ENCRYPTION_KEY"):
        await seal_plain(old_dsn, Vault(b"another key-encryption key, of tests"))
