"""Choices, digests, addresses and pauses by themselves: tables and instants, no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from countersign.kit.errors import InvalidState
from countersign.notices import rules_mailbox
from countersign.notices.rules_delivery import DEFAULTS, Channel, Choice, Delivery, Rhythm, delivery, due
from countersign.notices.rules_mailbox import MOVES, Act, State
from countersign.notices.rules_sending import MAIL_PAUSES, After, Next, Outcome, after
from countersign.notices.rules_topics import Kind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # a Sunday
SHOWN = Delivery(shown=True, rhythm=None)
DELIVERED = {
    (Channel.NONE, True): None,
    (Channel.NONE, False): None,
    (Channel.INBOX, True): SHOWN,
    (Channel.INBOX, False): SHOWN,
    (Channel.BOTH, True): Delivery(shown=True, rhythm=Rhythm.DAILY),
    (Channel.BOTH, False): SHOWN,
    (Channel.MAIL, True): Delivery(shown=False, rhythm=Rhythm.DAILY),
    (Channel.MAIL, False): SHOWN,
}
EXPECTED = {
    (State.NONE, Act.SET): State.PENDING,
    (State.PENDING, Act.SET): State.PENDING,
    (State.CONFIRMED, Act.SET): State.PENDING,
    (State.BOUNCED, Act.SET): State.PENDING,
    (State.UNSUBSCRIBED, Act.SET): State.PENDING,
    (State.NONE, Act.REMOVE): State.NONE,
    (State.PENDING, Act.REMOVE): State.NONE,
    (State.CONFIRMED, Act.REMOVE): State.NONE,
    (State.BOUNCED, Act.REMOVE): State.NONE,
    (State.UNSUBSCRIBED, Act.REMOVE): State.NONE,
    (State.PENDING, Act.CONFIRM): State.CONFIRMED,
    (State.CONFIRMED, Act.CONFIRM): State.CONFIRMED,
    (State.PENDING, Act.UNSUBSCRIBE): State.NONE,
    (State.CONFIRMED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
    (State.BOUNCED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
    (State.UNSUBSCRIBED, Act.UNSUBSCRIBE): State.UNSUBSCRIBED,
    (State.PENDING, Act.BOUNCE): State.BOUNCED,
    (State.CONFIRMED, Act.BOUNCE): State.BOUNCED,
}


@pytest.mark.parametrize(("channel", "confirmed"), list(product(Channel, (True, False))))
def test_every_choice_delivers_as_it_says_with_and_without_an_address(channel: Channel, confirmed: bool) -> None:
    assert delivery(Choice(channel, Rhythm.DAILY), confirmed=confirmed) == DELIVERED[channel, confirmed]


def test_every_kind_has_a_default_and_none_is_silent() -> None:
    assert set(DEFAULTS) == set(Kind)
    assert all(delivery(choice, confirmed=False) == SHOWN for choice in DEFAULTS.values())


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_every_step_of_an_address_is_taken_or_refused(state: State, act: Act) -> None:
    if (state, act) in EXPECTED:
        assert rules_mailbox.move(state, act) is EXPECTED[state, act]
    else:
        with pytest.raises(InvalidState, match=f"The address is {state.value}"):
            rules_mailbox.move(state, act)
    assert set(MOVES) == set(EXPECTED)


@pytest.mark.parametrize(
    ("rhythm", "now", "then"),
    [
        (Rhythm.NOW, NOW, NOW),
        (Rhythm.DAILY, NOW, datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (Rhythm.DAILY, datetime(2026, 11, 22, 6, 59, 59, tzinfo=UTC), datetime(2026, 11, 22, 7, tzinfo=UTC)),
        (Rhythm.DAILY, datetime(2026, 11, 22, 7, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (Rhythm.WEEKLY, NOW, datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (Rhythm.WEEKLY, datetime(2026, 11, 23, 6, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (Rhythm.WEEKLY, datetime(2026, 11, 23, 8, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)),
        (Rhythm.WEEKLY, datetime(2026, 12, 31, 8, tzinfo=UTC), datetime(2027, 1, 4, 7, tzinfo=UTC)),
    ],
)
def test_a_digest_goes_out_at_the_next_seven_or_monday(rhythm: Rhythm, now: datetime, then: datetime) -> None:
    assert due(rhythm, now) == then


def test_the_link_of_a_confirmation_is_good_for_a_day() -> None:
    assert rules_mailbox.confirmable(NOW + timedelta(seconds=1), NOW)
    assert not rules_mailbox.confirmable(NOW, NOW)
    assert not rules_mailbox.confirmable(None, NOW)


@pytest.mark.parametrize("attempts", range(1, len(MAIL_PAUSES) + 3))
@pytest.mark.parametrize("outcome", Outcome)
def test_pauses_grow_and_then_it_is_given_up(outcome: Outcome, attempts: int) -> None:
    found = after(outcome, attempts, MAIL_PAUSES, NOW)
    if outcome is Outcome.DONE:
        assert found == Next(After.SETTLED, NOW)
    elif outcome is Outcome.NEVER or attempts > len(MAIL_PAUSES):
        assert found == Next(After.GIVEN_UP, NOW)
    else:
        assert found == Next(After.WAITING, NOW + MAIL_PAUSES[attempts - 1])
    assert list(MAIL_PAUSES) == sorted(set(MAIL_PAUSES))
