"""Create a stack."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotAllowed, NotFound, Refusal, Refusals
from countersign.kit.ids import new_id
from countersign.stacks import rules
from countersign.stacks.rules import Part
from countersign.stacks.tables import Stack, StackBlock


class HandleTaken(Conflict):
    """The handle {handle} is taken; choose another."""


@dataclass(frozen=True, slots=True)
class CreateStack:
    """A stack of blocks in the order of learning, with the capstone that ends it, if any."""

    handle: str
    title: str
    blocks: tuple[UUID, ...]
    description: str = ""
    capstone_id: UUID | None = None


async def create(tx: Tx, actor: Actor, command: CreateStack) -> UUID:
    """Create a stack; a school of its own or others' published specs, or an employer or agency.

    Raises NotAllowed, Empty, TooManyBlocks, HandleTaken, NotFound (a spec with no public version that is not the
    actor's own), and every fault of `rules.check` at once.
    """
    access.require(actor, Permission.CREATE_STACK)
    if actor.organization_id is None:
        raise NotAllowed(why="A stack belongs to an organization")
    rules.check_size(command.blocks)
    known = await _kinds(tx, actor.organization_id, command)
    missing: list[Refusal] = [
        NotFound(what="specification", path=("blockIds", number))
        for number, spec in enumerate(command.blocks)
        if spec not in known
    ]
    if command.capstone_id is not None and command.capstone_id not in known:
        missing.append(NotFound(what="specification", path=("capstoneId",)))
    if missing:
        raise Refusals(missing)
    rules.check(
        command.handle,
        command.title,
        command.description,
        [Part(spec, known[spec]) for spec in command.blocks],
        Part(command.capstone_id, known[command.capstone_id]) if command.capstone_id else None,
    )
    identity = new_id()
    stack = Stack(
        id=identity,
        organization_id=actor.organization_id,
        handle=command.handle,
        title=command.title,
        description=command.description,
        capstone_spec_id=command.capstone_id,
        created_at=await tx.now(),
    )
    try:
        async with tx.savepoint():
            await tx.insert(stack)
    except asyncpg.UniqueViolationError:
        raise HandleTaken(handle=command.handle, path=("handle",)) from None
    await tx.insert(
        *(
            StackBlock(stack_id=identity, spec_id=spec, position=position)
            for position, spec in enumerate(command.blocks, start=1)
        )
    )
    await tx.emit("stack.created", f"stk_{identity}")
    return identity


async def _kinds(tx: Tx, organization_id: UUID, command: CreateStack) -> dict[UUID, str]:
    """The kind of each spec of the command that the organization may see: its own, and what was ever published."""
    wanted = [*command.blocks, *([command.capstone_id] if command.capstone_id else [])]
    rows = await tx.fetch(
        "select s.id, s.kind from specs s where s.id = any($1::uuid[]) and (s.organization_id = $2 or exists"
        " (select from spec_versions v where v.spec_id = s.id and v.state in ('published', 'deprecated', 'retired')))",
        wanted,
        organization_id,
    )
    return {row["id"]: row["kind"] for row in rows}
