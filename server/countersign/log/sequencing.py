"""Events become leaves, and leaves a checkpoint: one process at a time, in the order in which they were written down.

Transactions are taken by their numbers, and those of one step by when each event was made (its UUIDv7): a command has
its number before it waits for what it changes, so who has the lower one may have changed a thing last.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from countersign.kit import audit
from countersign.kit.db import Reader, Tx
from countersign.log import rules
from countersign.log.adopting import adopt, adopt_late
from countersign.log.rules_notes import Checkpoint, LogKey
from countersign.log.sources import ERASED, Source, forget_salts
from countersign.log.tables import LogLeaf, LogNode

AT_ONCE: Final = 2_000
SALT_BYTES: Final = 16
EVENT: Final = ", ".join(f"e.{name}" for name in (*audit.SEALED, "mac"))

PENDING: Final = f"""
select {EVENT}, e.xact from audit_events e
where ($1::bigint is null or e.xact < $1 or e.xact is null) and ($2 = 0 or e.xact >= $2)
  and not exists (select from log_leaves l where l.event_id = e.id)
order by e.xact nulls first, e.at, e.id limit $3
"""
"""Events that have no leaf yet, of transactions that have ended: from `$2` to before `$1` (null: all that are seen)."""

WAITING: Final = """
select count(*) as waiting, min(at) as since from (
    select e.at from audit_events e, log_head h where e.xact >= h.watermark order by e.xact limit $1) w
"""


async def waiting(reader: Reader) -> tuple[int, datetime | None]:
    """How many events wait for the log (no more than 256 are counted), and the time of the first."""
    row = await reader.fetchrow(WAITING, rules.TILE_WIDTH)
    return (row["waiting"], row["since"]) if row else (0, None)


def sealed_event(row: asyncpg.Record | dict[str, Any], seq: int, previous: bytes | None) -> dict[str, Any]:
    """All that a leaf covers of an event: its words, its seal, and its place in the chain of its stream."""
    said = {name: row[name] for name in audit.SEALED}
    mac = row["mac"]
    return said | {
        "mac": mac.hex() if mac is not None else None,
        "seq": seq,
        "previous": previous.hex() if previous is not None else None,
    }


def leaf_data(event: dict[str, Any], salt: bytes, content_salt: bytes | None) -> bytes:
    """The bytes of a leaf: its time, salted digests, and what kind of thing was signed or published."""
    content = event["content"]
    told = {
        "at": event["at"],
        "event": hashlib.sha256(salt + audit.canonical(event)).hexdigest(),
        "kind": event["kind"],
        "content": hashlib.sha256(content_salt + bytes.fromhex(content)).hexdigest()
        if content is not None and content_salt is not None
        else None,
    }
    return audit.canonical(told)


@dataclass(frozen=True, slots=True)
class Step:
    """The new checkpoint, if there is one, and whether more was waiting than one step takes."""

    note: str | None = None
    more: bool = False


async def sequence(tx: Tx, key: LogKey, sources: Sequence[Source]) -> Step:
    """Take into the log what ended transactions recorded, at most 2,000 events, and sign a checkpoint over it.

    Nothing happens when another process is at it. The first time everything that is there already is adopted, the
    rows of the sources too.
    """
    head = await tx.fetchrow("select size, watermark from log_head for update skip locked")
    if head is None:
        return await _begin(tx, key, sources)
    await adopt_late(tx, sources)
    xmin: int = await tx.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    # Restored into another cluster, whose transactions are numbered anew, it begins with whatever has no leaf.
    restored = head["watermark"] > xmin
    rows = await tx.fetch(PENDING, None if restored else xmin, 0 if restored else head["watermark"], AT_ONCE)
    edge = await _edge(tx, head["size"])
    await _append(tx, edge, sorted(rows, key=lambda row: row["id"]))
    whole = len(rows) < AT_ONCE
    await tx.execute(
        "update log_head set size = $1, watermark = $2",
        edge.size,
        xmin if whole or restored else rows[-1]["xact"] or 0,
    )
    return Step(await _sign(tx, key, edge) if rows else None, not whole)


async def _begin(tx: Tx, key: LogKey, sources: Sequence[Source]) -> Step:
    """Begin the log with a checkpoint over nothing, unless it has begun; what is adopted comes with the next look."""
    # Beginning may take a minute: who begins at the same time shall not wait for it at the head's row.
    if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtext('log'))"):
        return Step()
    if not await tx.execute(
        "insert into log_head (single, size, watermark) values (true, 0, 0) on conflict do nothing"
    ):
        return Step()
    await tx.execute("set local statement_timeout = '60s'")
    await adopt(tx, sources)
    await adopt_late(tx, sources, begins=True)
    return Step(await _sign(tx, key, rules.Edge()), more=True)


async def _edge(tx: Tx, size: int) -> rules.Edge:
    """The right edge of the tree as it was left."""
    rows: list[list[bytes]] = []
    height = 0
    while (full := size >> (height * rules.TILE_HEIGHT)) or not rows:
        first = full - full % rules.TILE_WIDTH
        rows.append(await hashes(tx, height * rules.TILE_HEIGHT, first, full))
        height += 1
    return rules.Edge(size, rows)


async def hashes(reader: Reader, level: int, first: int, last: int) -> list[bytes]:
    """The hashes of a level that is stored (0, 8, 16, …), from `first` to before `last`.

    Raises LookupError when one is missing.
    """
    if level:
        found = await reader.fetch(
            "select hash from log_nodes where level = $1 and index >= $2 and index < $3 order by index",
            level,
            first,
            last,
        )
    else:
        found = await reader.fetch(
            "select hash from log_leaves where index >= $1 and index < $2 order by index", first, last
        )
    if len(found) != last - first:
        raise LookupError(f"the log lacks hashes of level {level} between {first} and {last}")
    return [row["hash"] for row in found]


async def _append(tx: Tx, edge: rules.Edge, rows: Sequence[asyncpg.Record]) -> None:
    streams = sorted({row["stream_key"] for row in rows})
    last = {
        row["stream_key"]: (row["seq"], hashlib.sha256(row["data"]).digest())
        for row in await tx.fetch(
            "select s.stream_key, l.seq, l.data from unnest($1::text[]) s(stream_key) cross join lateral"
            " (select seq, data from log_leaves where stream_key = s.stream_key order by seq desc limit 1) l",
            streams,
        )
    }
    leaves: list[LogLeaf] = []
    nodes: list[LogNode] = []
    for row in rows:
        before, previous = last.get(row["stream_key"], (0, None))
        salt = secrets.token_bytes(SALT_BYTES)
        content_salt = secrets.token_bytes(SALT_BYTES) if row["content"] is not None else None
        event = sealed_event(row, before + 1, previous)
        data = leaf_data(event, salt, content_salt)
        leaf = LogLeaf(
            index=edge.size,
            event_id=row["id"],
            stream_key=row["stream_key"],
            at=row["at"],
            seq=before + 1,
            previous=previous,
            salt=salt,
            content_salt=content_salt,
            data=data,
            hash=rules.leaf_hash(data),
        )
        leaves.append(leaf)
        last[row["stream_key"]] = (leaf.seq, hashlib.sha256(data).digest())
        edge.add(leaf.hash, lambda node, root: nodes.append(LogNode(level=node.level, index=node.place, hash=root)))
    await tx.insert(*leaves, *nodes)
    for row in rows:
        # What was signed a moment before somebody was erased has its leaf, and its salt, only now.
        if row["kind"] is not None and row["action"] == f"{row['kind']}.{ERASED}":
            await forget_salts(tx, row["kind"], [row["object"]])


async def _sign(tx: Tx, key: LogKey, edge: rules.Edge) -> str:
    note = key.sign(Checkpoint(key.verifier.name, edge.size, edge.root()))
    await tx.execute(
        "insert into log_checkpoints (number, size, note) select coalesce(max(number), 0) + 1, $1, $2"
        " from log_checkpoints",
        edge.size,
        note,
    )
    return note
