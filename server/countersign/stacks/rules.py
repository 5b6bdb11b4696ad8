"""What makes a stack: at least one block, none twice, a capstone that is a capstone. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from countersign.kit.errors import Code, Refusal, Refusals, Required, TooLong

MOST_BLOCKS: Final = 63
"""A learner's progress in a stack is one bit mask in a signed 64-bit number."""
HANDLE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
TITLE_LIMIT: Final = 200
DESCRIPTION_LIMIT: Final = 5_000


class BadHandle(Refusal):
    """A handle is 1 to 60 lower-case letters, digits and hyphens, with no hyphen at either end."""


class Empty(Refusal):
    """A stack needs at least one block."""

    code = Code.REQUIRED


class TooManyBlocks(Refusal):
    """A stack holds at most {limit} blocks."""

    code = Code.TOO_LONG


class BlockTwice(Refusal):
    """This block is in the stack twice."""

    code = Code.CONFLICT


class CapstoneAmongBlocks(Refusal):
    """The capstone comes after the blocks; it cannot be one of them."""

    code = Code.CONFLICT


class NotABlock(Refusal):
    """Only blocks stack; this spec is a {kind}."""


class NotACapstone(Refusal):
    """The capstone of a stack must be a spec of the kind capstone; this one is a {kind}."""


@dataclass(frozen=True, slots=True)
class Part:
    """A spec as the stack sees it; its kind is block, capstone or diploma."""

    spec: UUID
    kind: str


def check_text(handle: str, title: str, description: str) -> list[Refusal]:
    """The faults of a stack's words."""
    faults: list[Refusal] = []
    if not HANDLE.fullmatch(handle):
        faults.append(BadHandle(path=("handle",)))
    if not title.strip():
        faults.append(Required(what="A title", path=("title",)))
    if len(title) > TITLE_LIMIT:
        faults.append(TooLong(what="The title", limit=TITLE_LIMIT, path=("title",)))
    if len(description) > DESCRIPTION_LIMIT:
        faults.append(TooLong(what="The description", limit=DESCRIPTION_LIMIT, path=("description",)))
    return faults


def check_size(blocks: Sequence[object]) -> None:
    """Refuse an empty stack and one of more than 63 blocks, before anything is looked up."""
    if not blocks:
        raise Empty(path=("blockIds",))
    if len(blocks) > MOST_BLOCKS:
        raise TooManyBlocks(limit=MOST_BLOCKS, path=("blockIds",))


def check_parts(blocks: Sequence[Part], capstone: Part | None) -> list[Refusal]:
    """The faults of a stack's parts, each with its place."""
    faults: list[Refusal] = []
    seen: set[UUID] = set()
    for number, block in enumerate(blocks):
        if block.spec in seen:
            faults.append(BlockTwice(path=("blockIds", number)))
        seen.add(block.spec)
        if (capstone is not None and block.spec == capstone.spec) or block.kind == "capstone":
            faults.append(CapstoneAmongBlocks(path=("blockIds", number)))
        elif block.kind != "block":
            faults.append(NotABlock(kind=block.kind, path=("blockIds", number)))
    if capstone is not None and capstone.kind != "capstone":
        faults.append(NotACapstone(kind=capstone.kind, path=("capstoneId",)))
    return faults


def check(handle: str, title: str, description: str, blocks: Sequence[Part], capstone: Part | None) -> None:
    """Refuse a stack that is not one, naming every place."""
    faults = [*check_text(handle, title, description), *check_parts(blocks, capstone)]
    if faults:
        raise Refusals(faults)
