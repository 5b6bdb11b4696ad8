"""Stacks through the service, on real rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, Refusals
from countersign.kit.ids import new_id
from countersign.specs.rules import Kind
from countersign.stacks import service as stacks
from countersign.stacks.rules import Empty, TooManyBlocks
from countersign.stacks.service import CreateStack, HandleTaken
from tests.factories import Factory
from tests.reviews.support import submitted
from tests.specs.support import ground


async def school_with_blocks(tx: Tx, make: Factory, blocks: int = 3) -> tuple[Actor, tuple[UUID, ...], UUID]:
    await ground(tx)
    school = await make.school(tx)
    made = [(await submitted(tx, school, published=True))[0] for _ in range(blocks)]
    capstone, _ = await submitted(tx, school, kind=Kind.CAPSTONE, published=True)
    return school, tuple(made), capstone


async def refused(tx: Tx, kind: type[Exception], act: Callable[[], Awaitable[object]]) -> Any:
    with pytest.raises(kind) as caught:
        async with tx.savepoint():
            await act()
    assert await tx.fetchval("select (select count(*) from stacks) + (select count(*) from stack_blocks)") == 0
    return caught.value


async def test_a_stack_keeps_its_blocks_in_order_and_its_capstone(tx: Tx, make: Factory) -> None:
    school, blocks, capstone = await school_with_blocks(tx, make)
    order = (blocks[2], blocks[0], blocks[1])
    identity = await stacks.create(tx, school, CreateStack("analyst", "Analyst", order, "Three blocks.", capstone))
    rows = await tx.fetch("select spec_id from stack_blocks where stack_id = $1 order by position", identity)
    assert tuple(row["spec_id"] for row in rows) == order
    row = await tx.fetchrow("select handle, capstone_spec_id, organization_id from stacks where id = $1", identity)
    assert row is not None
    assert tuple(row) == ("analyst", capstone, school.organization_id)


async def test_an_employer_stacks_published_blocks_of_schools(tx: Tx, make: Factory) -> None:
    _, blocks, capstone = await school_with_blocks(tx, make)
    identity = await make.organization(tx)
    employer = await make.member(tx, identity, OrganizationKind.EMPLOYER, Role.AUTHOR)
    assert await stacks.create(tx, employer, CreateStack("what-we-hire", "What we hire", blocks, capstone_id=capstone))


async def test_only_an_author_creates_a_stack(tx: Tx, make: Factory) -> None:
    school, blocks, _ = await school_with_blocks(tx, make)
    command = CreateStack("analyst", "Analyst", blocks)
    await refused(tx, NotAllowed, lambda: stacks.create(tx, make.without(school, Role.AUTHOR), command))


async def test_a_spec_that_is_foreign_and_unpublished_is_as_missing_as_one_that_is_not_there(
    tx: Tx, make: Factory
) -> None:
    school, blocks, _ = await school_with_blocks(tx, make)
    other = await make.school(tx)
    hidden, _ = await submitted(tx, other)
    for spec in (hidden, new_id()):
        several = await refused(
            tx,
            Refusals,
            lambda spec=spec: stacks.create(tx, school, CreateStack("analyst", "Analyst", (*blocks, spec), "", spec)),  # type: ignore[misc] # mypy cannot type a default
        )
        assert [(r.message, r.path) for r in several.refusals] == [
            ("There is no such specification, or you may not see it.", ("blockIds", 3)),
            ("There is no such specification, or you may not see it.", ("capstoneId",)),
        ]
    await stacks.create(tx, other, CreateStack("own", "Own", (hidden,)))


async def test_a_stack_is_not_empty_and_holds_at_most_sixty_three_blocks(tx: Tx, make: Factory) -> None:
    school, _, capstone = await school_with_blocks(tx, make, 1)
    await refused(tx, Empty, lambda: stacks.create(tx, school, CreateStack("a", "A", (), capstone_id=capstone)))
    many = tuple(new_id() for _ in range(64))
    await refused(tx, TooManyBlocks, lambda: stacks.create(tx, school, CreateStack("a", "A", many)))


async def test_duplicates_and_a_capstone_among_the_blocks_are_named(tx: Tx, make: Factory) -> None:
    school, blocks, capstone = await school_with_blocks(tx, make)
    twice = CreateStack("analyst", "Analyst", (blocks[0], blocks[0], capstone), capstone_id=capstone)
    several = await refused(tx, Refusals, lambda: stacks.create(tx, school, twice))
    assert [r.path for r in several.refusals] == [("blockIds", 1), ("blockIds", 2)]


async def test_a_handle_is_taken_once(tx: Tx, make: Factory) -> None:
    school, blocks, _ = await school_with_blocks(tx, make)
    await stacks.create(tx, school, CreateStack("analyst", "Analyst", blocks))
    with pytest.raises(HandleTaken):
        await stacks.create(tx, school, CreateStack("analyst", "Another", blocks[:1]))
    assert await tx.fetchval("select count(*) from stacks") == 1
