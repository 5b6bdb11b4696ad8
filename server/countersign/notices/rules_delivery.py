"""How a notice reaches its reader: by the choice for its kind, and whether there is an address to write to."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from countersign.notices.rules_topics import Kind

DIGEST_AT: Final = time(7, 0)
"""When digests go out (UTC); weekly ones on Mondays."""
WEEK: Final = 7


class Channel(enum.Enum):
    """Where notices of a kind go."""

    INBOX = "inbox"
    MAIL = "mail"
    BOTH = "both"
    NONE = "none"


class Rhythm(enum.Enum):
    """How soon mail is sent: at once, or gathered in one letter a day or a week."""

    NOW = "now"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants of one kind."""

    channel: Channel
    rhythm: Rhythm


_AT_ONCE: Final = Choice(Channel.BOTH, Rhythm.NOW)
_DAILY: Final = Choice(Channel.BOTH, Rhythm.DAILY)
_QUIET: Final = Choice(Channel.INBOX, Rhythm.WEEKLY)
DEFAULTS: Final[Mapping[Kind, Choice]] = MappingProxyType(
    {
        Kind.REVIEWS: _AT_ONCE,
        Kind.CALLS: _QUIET,
        Kind.CHANGES: _DAILY,
        Kind.COMMENTS: _DAILY,
        Kind.ENDORSEMENTS: _DAILY,
        Kind.CO_VALIDATION: _AT_ONCE,
        Kind.REMINDERS: _AT_ONCE,
        Kind.PLEDGES: _DAILY,
        Kind.ALARMS: _AT_ONCE,
        Kind.VERSIONS: _QUIET,
        Kind.ORGANIZATION: _AT_ONCE,
        Kind.AWARDS: _QUIET,
    }
)
"""What who has chosen nothing gets: mail at once only for what waits for them or cannot wait."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether a notice stands in the inbox, and how soon it is mailed; None for not at all."""

    shown: bool
    rhythm: Rhythm | None


def delivery(choice: Choice, *, confirmed: bool) -> Delivery | None:
    """What becomes of a notice; None when it is not even made.

    Who wants mail alone and has no confirmed address is told in the inbox, so that nothing is lost.
    """
    match choice.channel:
        case Channel.NONE:
            return None
        case Channel.INBOX:
            return Delivery(shown=True, rhythm=None)
        case Channel.BOTH:
            return Delivery(shown=True, rhythm=choice.rhythm if confirmed else None)
        case Channel.MAIL:
            return Delivery(shown=not confirmed, rhythm=choice.rhythm if confirmed else None)


def due(rhythm: Rhythm, now: datetime) -> datetime:
    """When what happens now is mailed: at once, at the next seven o'clock, on the next Monday at seven (UTC)."""
    if rhythm is Rhythm.NOW:
        return now
    day = now.date() if now.timetz().replace(tzinfo=None) < DIGEST_AT else now.date() + timedelta(days=1)
    if rhythm is Rhythm.WEEKLY:
        day += timedelta(days=-day.weekday() % WEEK)
    return datetime.combine(day, DIGEST_AT, now.tzinfo)
