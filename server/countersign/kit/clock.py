"""Time as a parameter: production asks the database's clock, tests bring their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is for a transaction; None leaves it to the database (`statement_timestamp()`)."""

    def now(self) -> datetime | None:
        """Aware UTC, or None."""


class DatabaseClock:
    """The clock of production: the database decides."""

    def now(self) -> None:
        """Nothing: SQL's `coalesce($now, statement_timestamp())` takes the database's time."""


class FrozenClock:
    """A clock that stands until it is moved; for tests and for made histories."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def move(self, by: timedelta) -> None:
        """Move forward (or back) by a span."""
        self.at += by
