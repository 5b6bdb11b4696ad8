"""Copies as files: how they are named to the outside, how they are fetched, when they go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from countersign.kit import audit
from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.vault import key_of
from countersign.kit.waiting import now_and_then
from countersign.privacy.service import ARCHIVE

TAG: Final = "copy"
NUMBER_BYTES: Final = 8
LOOK_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Archive:
    """A copy, opened, and how its file is called."""

    name: str
    data: bytes


async def fetch(db: Database, sealer: Sealer, actor: Actor, text: str) -> Archive | None:
    """The copy of a name, for the learner who had it made; None for anybody else, and once it is gone.

    That it was fetched is recorded before its first byte leaves.
    """
    payload = sealer.open(TAG, b"", text)
    if payload is None or actor.learner_id is None:
        return None
    if int.from_bytes(payload[:NUMBER_BYTES], "big") != actor.learner_id:
        return None
    identity = UUID(bytes=payload[NUMBER_BYTES:])
    async with db.writer() as tx:
        now = await tx.now()
        row = await tx.fetchrow(
            "select made_at, archive_sealed from data_copies where learner_id = $1 and id = $2 and expires_at > $3",
            actor.learner_id,
            identity,
            now,
        )
        key = await key_of(tx, actor.learner_id)
        if row is None or key is None:
            return None
        await tx.insert(
            audit.record(actor, "fetchedMyData", now, subject=f"copy:{identity}", decision="done", reason=None)
        )
    return Archive(f"my-data-{row['made_at']:%Y-%m-%d}.zip", key.open(ARCHIVE, row["archive_sealed"]))


async def expire(db: Database) -> int:
    """Delete copies whose day is over; how many."""
    async with db.writer() as tx:
        return await tx.execute("delete from data_copies where expires_at <= $1", await tx.now())


async def run(db: Database, stop: asyncio.Event) -> None:
    """Delete what has had its time, every ten minutes until told to stop."""
    await now_and_then(lambda: expire(db), LOOK_SECONDS, stop, "no look for old copies")
