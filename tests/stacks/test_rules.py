"""The rules of stacks."""

from __future__ import annotations

from uuid import UUID

import pytest

from countersign.kit.errors import Refusal, Refusals, Required, TooLong
from countersign.stacks.rules import (
    BadHandle,
    BlockTwice,
    CapstoneAmongBlocks,
    Empty,
    NotABlock,
    NotACapstone,
    Part,
    TooManyBlocks,
    check,
    check_size,
)


def block(number: int) -> Part:
    return Part(UUID(int=number), "block")


CAPSTONE = Part(UUID(int=99), "capstone")
BLOCKS = tuple(block(n) for n in range(1, 7))


def faults(
    handle: str = "analyst", title: str = "Analyst", blocks: tuple[Part, ...] = BLOCKS, capstone: Part | None = CAPSTONE
) -> list[tuple[type[Refusal], tuple[str | int, ...]]]:
    with pytest.raises(Refusals) as caught:
        check(handle, title, "", blocks, capstone)
    return [(type(r), r.path) for r in caught.value.refusals]


def test_six_blocks_and_a_capstone_are_a_stack() -> None:
    check("analyst", "Analyst", "Six blocks and a capstone.", BLOCKS, CAPSTONE)
    check("analyst", "Analyst", "", BLOCKS[:1], None)


@pytest.mark.parametrize(("blocks", "fault"), [(0, Empty), (1, None), (63, None), (64, TooManyBlocks)])
def test_a_stack_has_one_to_sixty_three_blocks(blocks: int, fault: type[Refusal] | None) -> None:
    if fault is None:
        check_size(range(blocks))
    else:
        with pytest.raises(fault):
            check_size(range(blocks))


def test_no_block_stands_twice() -> None:
    assert faults(blocks=(block(1), block(2), block(1))) == [(BlockTwice, ("blockIds", 2))]


def test_the_capstone_is_not_among_the_blocks() -> None:
    assert faults(blocks=(block(1), CAPSTONE)) == [(CapstoneAmongBlocks, ("blockIds", 1))]
    assert faults(blocks=(CAPSTONE,), capstone=None) == [(CapstoneAmongBlocks, ("blockIds", 0))]


def test_only_blocks_stack_and_only_a_capstone_ends_the_line() -> None:
    diploma = Part(UUID(int=50), "diploma")
    assert faults(blocks=(diploma,)) == [(NotABlock, ("blockIds", 0))]
    assert faults(capstone=diploma) == [(NotACapstone, ("capstoneId",))]


@pytest.mark.parametrize("handle", ["", "-a", "a-", "A", "а", "a_b", "a" * 61, "a\n"])
def test_a_handle_is_lower_case_letters_digits_and_inner_hyphens(handle: str) -> None:
    assert faults(handle=handle) == [(BadHandle, ("handle",))]


def test_a_stack_has_a_title_within_limits() -> None:
    assert faults(title=" ") == [(Required, ("title",))]
    assert faults(title="x" * 201) == [(TooLong, ("title",))]
