"""What the log publishes: its newest checkpoint, proofs, tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.kit.db import Reader
from countersign.log import rules
from countersign.log.rules import Node, Range
from countersign.log.sequencing import hashes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A leaf, where it stands, and what shows that a checkpoint covers it."""

    index: int
    leaf: bytes
    salt: bytes | None
    proof: tuple[bytes, ...]
    note: str


async def checkpoint(reader: Reader, size: int | None = None) -> str | None:
    """The signed note of the newest checkpoint, or of the one at a size; None when there is none such."""
    if size is None:
        note: str | None = await reader.fetchval("select note from log_checkpoints order by size desc limit 1")
    else:
        note = await reader.fetchval("select note from log_checkpoints where size = $1", size)
    return note


async def last_size(reader: Reader) -> int:
    """How many leaves the newest checkpoint covers."""
    return await reader.fetchval("select coalesce(max(size), 0) from log_checkpoints") or 0


async def inclusion(reader: Reader, index: int, size: int | None = None) -> Inclusion | None:
    """The proof that a leaf is under the newest checkpoint, or the one at a size.

    None for a leaf, or a checkpoint, that is not there. The salt of what was signed comes with the leaf: with it who
    holds the bytes can recompute its digest.
    """
    covered = await last_size(reader) if size is None else size
    note = await checkpoint(reader, covered)
    row = await reader.fetchrow("select data, content_salt from log_leaves where index = $1", index)
    if note is None or row is None or index >= covered:
        return None
    proof = await _roots(reader, rules.inclusion(index, covered))
    return Inclusion(index, row["data"], row["content_salt"], tuple(proof), note)


async def consistency(reader: Reader, old: int, new: int) -> list[bytes] | None:
    """The proof that the tree of one checkpoint begins with that of an older one; None for what was not signed."""
    signed = await reader.fetch("select size from log_checkpoints where size = any($1::bigint[])", [old, new])
    if {row["size"] for row in signed} != {old, new} or not 0 < old <= new:
        return None
    return await _roots(reader, rules.consistency(old, new))


async def place_of(reader: Reader, digest: str) -> int | None:
    """The newest leaf of the bytes with this SHA-256 (hex): of a credential, a spec.json, a key, a DID document.

    None when they are not in the log, or were a learner's who was erased.
    """
    index: int | None = await reader.fetchval(
        "select l.index from audit_events e join log_leaves l on l.event_id = e.id"
        " where e.content = $1 and l.content_salt is not null order by l.index desc limit 1",
        digest,
    )
    return index


async def tile(reader: Reader, height: int, index: int, width: int) -> bytes | None:
    """The hashes of a tile (C2SP tlog-tiles), or its first `width`; None unless a checkpoint covers them."""
    level = height * rules.TILE_HEIGHT
    first = index * rules.TILE_WIDTH
    if not 0 < width <= rules.TILE_WIDTH or first + width > await last_size(reader) >> level:
        return None
    return b"".join(await hashes(reader, level, first, first + width))


async def entries(reader: Reader, index: int, width: int) -> bytes | None:
    """The leaves of a bundle (C2SP tlog-tiles), each after its length in two bytes; None unless they are signed for."""
    first = index * rules.TILE_WIDTH
    if not 0 < width <= rules.TILE_WIDTH or first + width > await last_size(reader):
        return None
    rows = await reader.fetch(
        "select data from log_leaves where index >= $1 and index < $2 order by index", first, first + width
    )
    return b"".join(len(row["data"]).to_bytes(2, "big") + row["data"] for row in rows)


async def _roots(reader: Reader, ranges: Sequence[Range]) -> list[bytes]:
    parts = [rules.cover(span) for span in ranges]
    known = await _subtrees(reader, [node for nodes in parts for node in nodes])
    return [rules.fold(known[node] for node in nodes) for nodes in parts]


async def _subtrees(reader: Reader, nodes: Sequence[Node]) -> dict[Node, bytes]:
    found: dict[Node, bytes] = {}
    for node in nodes:
        height, above = divmod(node.level, rules.TILE_HEIGHT)
        width = 1 << above
        row = await hashes(reader, height * rules.TILE_HEIGHT, node.place * width, (node.place + 1) * width)
        found[node] = rules.complete_root(row)
    return found
