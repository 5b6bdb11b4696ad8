"""Due dates of review requests: what is told before and after, how long an answer is still taken. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from countersign.kit.errors import Refusal
from countersign.reviews.rules import LONGEST_DUE

USUAL_TIME: Final = timedelta(days=28)
"""The 20 working days of New Zealand's Workforce Development Councils."""
GRACE: Final = timedelta(days=14)
"""How long after its due date a request may still be answered: it is overdue, and people are told."""


class DueInPast(Refusal):
    """The due date must be after today and within a year."""


class NotLater(Refusal):
    """A due date is only moved to a later day; this request is due on {due_on} already."""


class Audience(enum.StrEnum):
    """Who is told."""

    REVIEWERS = "reviewers"
    ADMINS = "admins"
    SCHOOL = "school"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is told once about a due date, from `days` before it (negative: after it)."""

    name: str
    days: int
    audience: Audience
    topic: str


STEPS: Final[tuple[Step, ...]] = (
    Step("seven_days", 7, Audience.REVIEWERS, "review.reminder"),
    Step("three_days", 3, Audience.REVIEWERS, "review.reminder"),
    Step("one_day", 1, Audience.REVIEWERS, "review.reminder"),
    Step("overdue", -1, Audience.ADMINS, "review.overdue"),
    Step("overdue_school", -7, Audience.SCHOOL, "review.overdue_school"),
)
"""Everything that is told about a due date, once each: reminders to the reviewers, then the asked organization's
admins, then the school that asked."""


def steps_due(due_on: date, asked_on: date, today: date) -> list[Step]:
    """The steps whose day has come: of each audience the last one alone, and none that lay before the asking.

    Who was not told in time (nothing ran for a week) is told the latest, not everything at once; of days that are left
    nobody is told when none is.
    """
    come = [
        step
        for step in STEPS
        if asked_on < due_on - timedelta(days=step.days) <= today and (step.days < 0 or today <= due_on)
    ]
    return [step for step in come if step.days == min(s.days for s in come if s.audience is step.audience)]


def due_on(asked: date | None, today: date) -> date:
    """The day by which an answer is wanted: as asked, else in 28 days. Refuses today, the past, more than a year."""
    if asked is None:
        return today + USUAL_TIME
    if not today < asked <= today + LONGEST_DUE:
        raise DueInPast(path=("dueOn",))
    return asked


def later(due: date, asked: date, today: date) -> date:
    """The due date that takes the place of another. Refuses one that is not later, past, or beyond a year."""
    if asked <= due:
        raise NotLater(due_on=due.isoformat(), path=("dueOn",))
    return due_on(asked, today)


def expires_on(due: date) -> date:
    """The last day on which a request with this due date is answered."""
    return due + GRACE
