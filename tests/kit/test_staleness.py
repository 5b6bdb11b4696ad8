"""Moments as optimistic locks: exact to the millisecond that clients see, and always growing."""

from datetime import UTC, datetime, timedelta

import pytest

from countersign.kit.errors import Code
from countersign.kit.staleness import Changed, next_change, require_unmodified, shown

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_moment_that_was_seen_is_good_in_the_precision_in_which_it_is_shown() -> None:
    stored = NOON + timedelta(microseconds=123_456)
    require_unmodified(stored, shown(stored), what="draft")
    require_unmodified(stored, NOON + timedelta(milliseconds=123), what="draft")
    require_unmodified(stored, None, what="draft")


@pytest.mark.parametrize("off", [-1_000_000, -1_000, 1_000, 60_000_000, 10**15])
def test_any_other_moment_is_stale_earlier_or_later(off: int) -> None:
    with pytest.raises(Changed) as refused:
        require_unmodified(NOON, NOON + timedelta(microseconds=off), what="draft")
    assert (refused.value.code, refused.value.path) == (Code.STALE_VERSION, ("ifUnmodifiedSince",))
    assert "2026-11-22T12:00:00.000+00:00" in refused.value.message


@pytest.mark.parametrize("microseconds", [-5_000_000, 0, 1, 999, 1_000, 70_000])
def test_a_change_is_later_than_the_one_before_whatever_the_clock_says(microseconds: int) -> None:
    now = NOON + timedelta(microseconds=microseconds)
    after = next_change(now, NOON)
    assert after == shown(after) > NOON
    assert after >= shown(now)
