"""Ties: the shortest way, in words; what counts as one group; every state × act × side of a link."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from countersign.conflicts.rules import (
    HOPS,
    MOVES,
    Act,
    ConflictOfInterest,
    LinkState,
    Side,
    Step,
    Tie,
    check_independence,
    groups,
    move,
    way,
)
from countersign.kit.errors import InvalidState, NotAllowed

A, B, C, D, E, F = (UUID(int=number) for number in range(1, 7))
NAMES = {A: "Alba", B: "Bora", C: "Cora", D: "Dora", E: "Echo", F: "Fuga"}


def row(*organizations: UUID, tie: Tie = Tie.SAME_OWNER) -> list[Step]:
    return [step for one, other in pairwise(organizations) for step in (Step(one, other, tie), Step(other, one, tie))]


@pytest.mark.parametrize("length", range(6))
def test_up_to_three_ties_in_a_row_are_a_conflict(length: int) -> None:
    chain = (A, B, C, D, E, F)
    found = way(row(*chain), A, chain[length])
    assert found is not None
    assert len(found) == length
    if length > HOPS:
        check_independence(found, who="Alba", name=NAMES.__getitem__)
    else:
        with pytest.raises(ConflictOfInterest):
            check_independence(found, who="Alba", name=NAMES.__getitem__)


def test_without_a_way_there_is_no_conflict() -> None:
    assert way(row(A, B) + row(C, D), A, D) is None
    check_independence(None, who="Alba", name=NAMES.__getitem__)


def test_the_shortest_way_and_its_strongest_ties_are_told() -> None:
    steps = row(A, B, C, D) + row(A, E, D, tie=Tie.PERSON) + row(A, E, tie=Tie.DOMAIN)
    with pytest.raises(ConflictOfInterest) as refused:
        check_independence(way(steps, A, D), who="Alba", name=NAMES.__getitem__)
    assert refused.value.message == (
        "Alba is not independent of the school: Alba and Echo: they share a domain;"
        " Echo and Dora: a person has a role in both."
    )


def test_a_circle_of_ties_ends() -> None:
    assert way(row(A, B, C, A), A, D) is None


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
