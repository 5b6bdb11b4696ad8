"""The market's history as a list of events in the order of time. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from countersign.demo.market import Block, Endorsement, Market, Review, Stack, Version

OFFICE_OPENS: Final = time(9, 0, tzinfo=UTC)
STACKED: Final = timedelta(days=30)
"""Stacks are put together when all of their blocks are published."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A school freezes a version."""

    block: Block
    version: Version


@dataclass(frozen=True, slots=True)
class Asked:
    """A school asks for a review."""

    block: Block
    version: Version
    review: Review


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A reviewer decides."""

    block: Block
    version: Version
    review: Review


@dataclass(frozen=True, slots=True)
class Published:
    """A school publishes a version."""

    block: Block
    version: Version


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A signatory endorses a version."""

    block: Block
    version: Version
    endorsement: Endorsement


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A school takes no new learners for a version."""

    block: Block
    version: Version


@dataclass(frozen=True, slots=True)
class Revoked:
    """A signatory takes an endorsement back."""

    block: Block
    version: Version
    endorsement: Endorsement


@dataclass(frozen=True, slots=True)
class Stacked:
    """A school puts blocks together."""

    stack: Stack


Event: TypeAlias = Submitted | Asked | Reviewed | Published | Endorsed | Deprecated | Revoked | Stacked


def events(market: Market) -> tuple[tuple[datetime, Event], ...]:
    """Everything that ever happened in the market, oldest first; each has a minute of its own on its day."""
    dated = [*_of_versions(market), *((market.today - STACKED, Stacked(stack)) for stack in market.stacks)]
    dated.sort(key=lambda pair: pair[0])  # stable: on one day the order of the files stands
    used: dict[date, int] = {}
    timed: list[tuple[datetime, Event]] = []
    for day, event in dated:
        used[day] = used.get(day, -1) + 1
        timed.append((datetime.combine(day, OFFICE_OPENS) + timedelta(minutes=used[day]), event))
    return tuple(timed)


def _of_versions(market: Market) -> Iterator[tuple[date, Event]]:
    for block, version in market.versions:
        yield version.submitted_on, Submitted(block, version)
        for review in version.reviews:
            yield review.requested_on, Asked(block, version, review)
            if review.decided_on is not None:
                yield review.decided_on, Reviewed(block, version, review)
        if version.published_on is not None:
            yield version.published_on, Published(block, version)
        for endorsement in version.endorsements:
            yield endorsement.on, Endorsed(block, version, endorsement)
            if endorsement.revoked_on is not None:
                yield endorsement.revoked_on, Revoked(block, version, endorsement)
        if version.deprecated_on is not None:
            yield version.deprecated_on, Deprecated(block, version)
