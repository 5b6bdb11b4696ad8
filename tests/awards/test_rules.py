"""What an award must say, and every state from which it may be revoked."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.awards import rules
from countersign.awards.rules import AwardState
from countersign.kit.errors import Invalid, InvalidState, Required, TooLong

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(1989, 12, 31)])
def test_a_day_in_the_future_or_long_ago_is_refused(day: date) -> None:
    with pytest.raises(Invalid):
        rules.check_awarded_on(day, TODAY)


@pytest.mark.parametrize("day", [TODAY, date(1990, 1, 1)])
def test_a_day_up_to_today_is_taken(day: date) -> None:
    rules.check_awarded_on(day, TODAY)


@pytest.mark.parametrize("state", list(AwardState))
def test_only_valid_awards_are_revoked(state: AwardState) -> None:
    if state in {AwardState.ISSUED, AwardState.SUSPENDED}:
        rules.check_revocation(state, "Issued in error")
    else:
        with pytest.raises(InvalidState):
            rules.check_revocation(state, "Issued in error")


def test_a_revocation_says_why() -> None:
    with pytest.raises(Required):
        rules.check_revocation(AwardState.ISSUED, "  ")
    with pytest.raises(TooLong):
        rules.check_revocation(AwardState.ISSUED, "x" * 501)


@given(st.integers(0, 2**63 - 1), st.uuids())
def test_a_route_leads_back(learner_id: int, award_id: UUID) -> None:
    assert rules.read_route(rules.route(learner_id, award_id)) == (learner_id, award_id)


@given(st.binary(max_size=40).filter(lambda b: len(b) != 24))
def test_anything_else_is_no_route(payload: bytes) -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        rules.read_route(payload)
