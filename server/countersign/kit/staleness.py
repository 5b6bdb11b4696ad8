"""Optimistic locks: who changes a thing names the moment of its last change, as they saw it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from countersign.kit.errors import Code, Refusal

TICK: Final = timedelta(milliseconds=1)
"""The precision in which moments are shown: no finer, because a JavaScript Date holds no more."""


class Changed(Refusal):
    """The {what} has changed since you looked: last at {at}; look again and repeat."""

    code = Code.STALE_VERSION


def shown(moment: datetime) -> datetime:
    """The moment as clients see it: cut to whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def require_unmodified(changed_at: datetime, seen: datetime | None, *, what: str) -> None:
    """Refuse unless `seen` is the moment of the last change, to the millisecond; the row must be locked by the caller.

    A validator and no point in time (RFC 9110, section 13.1.4): a later moment, such as the time on a client's clock,
    proves nothing. None for who made or read the row in this very transaction. Raises Changed.
    """
    if seen is not None and shown(changed_at) != shown(seen):
        raise Changed(what=what, at=shown(changed_at).isoformat(timespec="milliseconds"), path=("ifUnmodifiedSince",))


def next_change(now: datetime, before: datetime) -> datetime:
    """The moment to write for a change: now, and always later than the one before, as clients see them."""
    return max(shown(now), shown(before) + TICK)
