"""Ties: what counts as one group; every state × act × side of a link."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from countersign.conflicts.rules import (
    MOVES,
    Act,
    LinkState,
    Side,
    Step,
    Tie,
    groups,
    move,
)
from countersign.kit.errors import InvalidState, NotAllowed

A, B, C, D, E, F = (UUID(int=number) for number in range(1, 7))


def row(*organizations: UUID, tie: Tie = Tie.SAME_OWNER) -> list[Step]:
    return [step for one, other in pairwise(organizations) for step in (Step(one, other, tie), Step(other, one, tie))]


def test_all_that_are_tied_are_one_group_however_far() -> None:
    found = groups((A, B, C, D, E, F), row(F, E, D, C) + row(A, B))
    assert found == {A: A, B: A, C: C, D: C, E: C, F: C}
    assert groups((D,), ()) == {D: D}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", LinkState)
def test_every_move_of_a_link(state: LinkState, act: Act, side: Side) -> None:
    found = MOVES.get((state, act))
    if found is None:
        with pytest.raises(InvalidState):
            move(state, act, side)
    elif side in found[0]:
        assert move(state, act, side) is found[1]
    else:
        with pytest.raises(NotAllowed):
            move(state, act, side)


def test_nobody_but_the_operator_unties_what_is_confirmed() -> None:
    assert MOVES[LinkState.CONFIRMED, Act.END][0] == {Side.OPERATOR}
    assert Side.DECLARER not in MOVES[LinkState.DECLARED, Act.CONFIRM][0]
