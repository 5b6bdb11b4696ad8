"""The ties that make an organization too near to judge."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from countersign.reviews.independence import ConflictOfInterest, Side, Tie, check_independence, ties


def side(number: int, **changes: object) -> Side:
    key = UUID(int=number)
    return replace(Side(key, key, frozenset({key})), **changes)  # type: ignore[arg-type]


SCHOOL = side(1, domains=frozenset({"northgate.example"}), people=frozenset({UUID(int=90)}))


@pytest.mark.parametrize(
    ("endorser", "expected"),
    [
        (side(2), ()),
        (side(1), (Tie.SAME_ORGANIZATION, Tie.PARENT, Tie.CONTROL_GROUP)),
        (side(2, control_group=UUID(int=1)), (Tie.CONTROL_GROUP,)),
        (side(2, chain=frozenset({UUID(int=2), UUID(int=1)})), (Tie.PARENT,)),
        (side(2, domains=frozenset({"northgate.example", "orbita.example"})), (Tie.DOMAIN,)),
        (side(2, people=frozenset({UUID(int=90), UUID(int=91)})), (Tie.PERSON,)),
    ],
)
def test_every_tie_between_endorser_and_school_is_found_and_refused(endorser: Side, expected: tuple[Tie, ...]) -> None:
    assert ties(endorser, SCHOOL) == expected
    assert ties(SCHOOL, endorser) == expected
    if expected:
        with pytest.raises(ConflictOfInterest, match=expected[-1].value):
            check_independence(endorser, SCHOOL, who="Orbita", path=("specVersion",))
    else:
        check_independence(endorser, SCHOOL, who="Orbita", path=("specVersion",))
