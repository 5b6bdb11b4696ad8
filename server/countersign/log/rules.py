"""Merkle trees as in RFC 9162, section 2: hashes, what a proof is made of, and whether it holds.

A subtree (`Node`) is named by level and place: it covers the leaves from place·2^level to (place + 1)·2^level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A complete subtree."""

    level: int
    place: int


Range: TypeAlias = tuple[int, int]
"""Leaves from the first to before the second."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes that stand beside each other."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[n], row[n + 1]) for n in range(0, len(row), 2)]
    return row[0]


def cover(span: Range) -> list[Node]:
    """The fewest complete subtrees that cover a range that a proof may ask for, from left to right."""
    first, last = span
    found = []
    while first < last:
        level = (last - first).bit_length() - 1
        found.append(Node(level, first >> level))
        first += 1 << level
    return found


def fold(hashes: Iterable[bytes]) -> bytes:
    """The root over complete subtrees from left to right, of which each is larger than the next."""
    whole = list(hashes)
    if not whole:
        return EMPTY_ROOT
    root = whole.pop()
    while whole:
        root = node_hash(whole.pop(), root)
    return root


def inclusion(index: int, size: int) -> list[Range]:
    """The ranges whose roots are the inclusion proof of a leaf, from below (section 2.1.3.1).

    Raises ValueError for a leaf that is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    path: list[Range] = []
    first, last = 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            path.append((middle, last))
            last = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """The ranges whose roots are the consistency proof of two sizes (section 2.1.4.1).

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError("the sizes are not in order")
    path: list[Range] = []
    first, last, whole = 0, new, True
    while old < last:
        middle = first + _split(last - first)
        if old <= middle:
            path.append((middle, last))
            last = middle
        else:
            path.append((first, middle))
            first, whole = middle, False
    return [*([] if whole else [(first, last)]), *reversed(path)]


def includes(root: bytes, leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that a leaf (its hash) stands at `index` in the tree of that root (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(part, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def extends(old_root: bytes, old: int, new_root: bytes, new: int, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the newer tree begins with the whole of the older one (section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    parts = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = now = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            was, now = node_hash(part, was), node_hash(part, now)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            now = node_hash(now, part)
        at, last = at >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


@dataclass(slots=True)
class Edge:
    """The right edge of a tree that grows: for each height of tiles the hashes of the tile that is not full."""

    size: int = 0
    rows: list[list[bytes]] = field(default_factory=lambda: [[]])

    def add(self, leaf: bytes, keep: Callable[[Node, bytes], None]) -> None:
        """Append a leaf's hash; `keep` is called for the root of each tile that it fills."""
        self.size += 1
        added, height = leaf, 0
        while True:
            if height == len(self.rows):
                self.rows.append([])
            row = self.rows[height]
            row.append(added)
            if len(row) < TILE_WIDTH:
                return
            added = complete_root(row)
            row.clear()
            height += 1
            keep(Node(height * TILE_HEIGHT, (self.size >> (height * TILE_HEIGHT)) - 1), added)

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        parts: list[bytes] = []
        for row in reversed(self.rows):
            at = 0
            for node in cover((0, len(row))):
                parts.append(complete_root(row[at : at + (1 << node.level)]))
                at += 1 << node.level
        return fold(parts)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
