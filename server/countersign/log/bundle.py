"""The log as one file of JSON lines, so that a program that is not ours can check it without the database.

Lines, each an object with one member: `head`, `checkpoint`, `node`, `leaf` (with its `event`), `event` (in no leaf),
`thing` (what a source says now, as SHA-256). Bytes are hex, times UTC to the microsecond. No personal data, no secrets.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from countersign.kit import audit
from countersign.kit.db import Reader
from countersign.log.checking import CHUNK, LEAVES, OUTSIDE
from countersign.log.sources import Source

LEAF = ("index", "stream", "seq", "previous", "salt", "content_salt", "data", "hash")
THINGS = """
select subject, encode(sha256(convert_to(facts, 'UTF8')), 'hex') as facts, encode(sha256(content), 'hex') as content
from ({source}) f order by subject
"""


async def lines(reader: Reader, sources: Sequence[Source]) -> AsyncIterator[str]:
    """The lines of a bundle, without their ends. Give it one snapshot (a repeatable read)."""
    head = await reader.fetchrow("select size, watermark from log_head")
    if head is not None:
        yield _line("head", dict(head))
    for row in await reader.fetch("select number, size, note from log_checkpoints order by number"):
        yield _line("checkpoint", dict(row))
    for row in await reader.fetch("select level, index, hash from log_nodes order by level, index"):
        yield _line("node", dict(row))
    last = -(1 << 63)
    while rows := await reader.fetch(LEAVES, last, CHUNK):
        for row in rows:
            yield _line("leaf", {name: row[name] for name in LEAF} | {"event": _event(row) if row["there"] else None})
        last = rows[-1]["index"]
    for row in await reader.fetch(OUTSIDE):
        yield _line("event", _event(row) | {"fresh": row["fresh"]})
    for source in sources:
        for row in await reader.fetch(THINGS.format(source=source.sql)):
            yield _line("thing", {"kind": source.kind, **row})


def _event(row: asyncpg.Record) -> dict[str, Any]:
    return {name: row[name] for name in (*audit.SEALED, "mac")}


def _line(name: str, value: dict[str, Any]) -> str:
    return json.dumps({name: value}, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a bundle")
