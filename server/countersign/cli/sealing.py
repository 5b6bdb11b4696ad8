"""What migrating does to personal data of older versions: the vault's key is checked, then what is plain is sealed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from countersign.awards import backfill as awards
from countersign.bulk import backfill as bulk
from countersign.kit import installation
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Refusal
from countersign.kit.vault import Vault
from countersign.learners import backfill as learners

Place = tuple[int, UUID]
CHECK: Final = "vault_check"
DONE: Final = "vault_sealed"
START: Final[Place] = (-1, UUID(int=0))
STEPS: Final[tuple[Callable[[Tx, Place], Awaitable[list[Place]]], ...]] = (
    learners.give_keys,
    learners.seal_plain,
    awards.seal_plain,
    bulk.drop_plain,
)
HELD: Final = ("learners", "awards")
"""Tables whose plain columns stay empty, by the constraint `<table>_sealed`."""


class OtherKey(Refusal):
    """These data were sealed under another COUNTERSIGN_KEY_ENCRYPTION_KEY: set that one, since no other opens them."""


async def check_key(tx: Tx) -> None:
    """Remember a mark of the key-encryption key at first use; refuse another key later. Raises OtherKey."""
    mark = tx.vault.mac("check").hex()
    await installation.note(tx, CHECK, mark)
    if await installation.noted(tx, CHECK) != mark:
        raise OtherKey


async def seal_plain(owner_dsn: str, vault: Vault) -> int:
    """Seal every personal value that older versions left in plain text; how many rows were looked at.

    Small transactions, safe to repeat and to break off; once everything is sealed it is a look at one row.
    `owner_dsn` logs in as the owner of the tables. Raises OtherKey, asyncpg.PostgresError, OSError.
    """
    owner = await Database.open(owner_dsn, pool_size=1, role="none", vault=vault)
    try:
        return await _seal_all(owner)
    finally:
        await owner.close()


async def _seal_all(owner: Database) -> int:
    async with owner.writer() as tx:
        await check_key(tx)
        if await installation.noted(tx, DONE) is not None:
            return 0
        done = await learners.key_directory(tx)
    for step in STEPS:
        place = START
        while True:
            async with owner.writer() as tx:
                places = await step(tx, place)
            if not places:
                break
            done, place = done + len(places), places[-1]
    async with owner.writer() as tx:
        for table in HELD:
            await tx.execute(f"alter table {table} validate constraint {table}_sealed")
        await installation.note(tx, DONE, "1")
    return done
