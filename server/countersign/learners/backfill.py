"""Seal what older versions kept in plain text: names, addresses, and marks of addresses."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit import installation
from countersign.kit.db import Tx
from countersign.kit.vault import keep_keys
from countersign.learners.service import EMAIL, NAME

AT_ONCE: Final = 500
KEYED: Final = "directory_keyed"


async def key_directory(tx: Tx) -> int:
    """Key the bare SHA-256 of addresses in the directory, once for an installation; how many."""
    if not await installation.note_first(tx, KEYED, "hmac-sha-256"):
        return 0
    rows = await tx.fetch("select lookup_key from learner_directory order by lookup_key for update")
    old = [row["lookup_key"] for row in rows]
    await tx.execute(
        "update learner_directory d set lookup_key = n.new from unnest($1::bytea[], $2::bytea[]) n(old, new)"
        " where d.lookup_key = n.old",
        old,
        [tx.vault.mac("email", mark) for mark in old],
    )
    return len(old)


async def give_keys(tx: Tx, after: tuple[int, UUID]) -> list[tuple[int, UUID]]:
    """Make data keys for the next learners of older versions, who have none; the places of those it looked at."""
    rows = await tx.fetch(
        "select l.learner_id, k.learner_id is null and l.erased_at is null as bare"
        " from learners l left join learner_keys k using (learner_id)"
        " where l.learner_id > $1 order by l.learner_id limit $2",
        after[0],
        AT_ONCE,
    )
    now = await tx.now()
    bare = [row["learner_id"] for row in rows if row["bare"]]
    await keep_keys(tx, {learner_id: tx.vault.new_learner_key(learner_id)[1] for learner_id in bare}, now)
    return [(row["learner_id"], after[1]) for row in rows]


async def seal_plain(tx: Tx, after: tuple[int, UUID]) -> list[tuple[int, UUID]]:
    """Seal the next names and addresses that are in plain text, and empty their columns; the places of the rows."""
    rows = await tx.fetch(
        "select l.learner_id, l.full_name, l.email, k.wrapped from learners l join learner_keys k using (learner_id)"
        " where l.learner_id > $1 and (l.full_name is not null or l.email is not null)"
        " order by l.learner_id limit $2 for update of l",
        after[0],
        AT_ONCE,
    )
    keys = [tx.vault.learner_key(row["learner_id"], row["wrapped"]) for row in rows]
    await tx.execute(
        "update learners l set full_name = null, email = null, full_name_sealed = n.name, email_sealed = n.email"
        " from unnest($1::bigint[], $2::bytea[], $3::bytea[]) n(learner_id, name, email)"
        " where l.learner_id = n.learner_id",
        [row["learner_id"] for row in rows],
        [key.seal(NAME, row["full_name"] or "") for key, row in zip(keys, rows, strict=True)],
        [key.seal(EMAIL, row["email"] or "") for key, row in zip(keys, rows, strict=True)],
    )
    return [(row["learner_id"], after[1]) for row in rows]
