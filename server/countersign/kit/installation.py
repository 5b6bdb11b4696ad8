"""What was fixed when this installation's data were made."""

from __future__ import annotations

from typing import ClassVar

import asyncpg
from sqlmodel import Field

from countersign.kit.db import Tx
from countersign.kit.errors import Refusal
from countersign.kit.placement import Placement, Table


class Installation(Table, table=True):
    """A fact of the installation, such as its public origin."""

    __tablename__ = "installation"
    __placement__: ClassVar[Placement] = Placement.REFERENCE

    key: str = Field(primary_key=True)
    value: str


class OriginMismatch(Refusal):
    """These data were made for {kept}, not for {given}: set that public origin or use another data directory."""


async def fix_origin(tx: Tx, origin: str) -> None:
    """Remember the public origin at first use; refuse another one later, since it is inside ids and signatures."""
    await tx.execute(
        "insert into installation (key, value) values ('public_origin', $1) on conflict (key) do nothing", origin
    )
    kept = await tx.fetchval("select value from installation where key = 'public_origin'")
    if kept != origin:
        raise OriginMismatch(kept=kept, given=origin)


async def note(tx: Tx, key: str, value: str) -> None:
    """Remember a fact of the installation; one that is remembered already stays as it is."""
    await tx.execute("insert into installation (key, value) values ($1, $2) on conflict (key) do nothing", key, value)


async def note_first(tx: Tx, key: str, value: str) -> bool:
    """Remember a fact of the installation; whether it was not remembered before."""
    fresh: bool | None = await tx.fetchval(
        "insert into installation (key, value) values ($1, $2) on conflict (key) do nothing returning true", key, value
    )
    return fresh is not None


async def noted(tx: Tx, key: str) -> str | None:
    """A fact of the installation, or None."""
    value: str | None = await tx.fetchval("select value from installation where key = $1", key)
    return value


async def forget(owner: asyncpg.Connection[asyncpg.Record], key: str) -> None:
    """Forget a fact of the installation: the owner's right, not the application's."""
    await owner.execute("delete from installation where key = $1", key)
