"""What time does to review requests: claims run out, due dates are reminded of and escalated, last days pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog

from countersign.kit.db import Database
from countersign.kit.waiting import either
from countersign.reviews import hands, rules
from countersign.reviews.rules import Act, Party, Request, RequestState
from countersign.reviews.rules_calls import CallState
from countersign.reviews.rules_due import STEPS
from countersign.reviews.views import CHANGED_AT, LAST_DAY

PAUSE: Final = 60.0
AT_ONCE: Final = 500
TOPICS: Final[Mapping[str, tuple[str, str]]] = {step.name: (step.topic, step.audience.value) for step in STEPS}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """How many claims came back, how many requests expired, how many were told of, how many calls lapsed."""

    returned: int = 0
    expired: int = 0
    told: int = 0
    lapsed: int = 0

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to do."""
        return self == Looked()


_CHANGED = (
    "greatest(date_trunc('milliseconds', $1::timestamptz),"
    f" date_trunc('milliseconds', {CHANGED_AT.format(t='q')}) + interval '1 millisecond')"
)
RETURN: Final = f"""
with late as (select id from review_requests where state = 'claimed' and claimed_until <= $1
  order by claimed_until, id limit $2 for update skip locked)
update review_requests q set state = $3, claimed_by = null, claimed_until = null, returns = returns + 1,
  updated_at = {_CHANGED}
from late where q.id = late.id returning q.id
"""
EXPIRE: Final = f"""
with late as (select id from review_requests l
  where state in ('open', 'claimed') and {LAST_DAY.format(t="l")} < $4::date
  order by due_on, id limit $2 for update skip locked)
update review_requests q set state = $3, closed_at = $1, updated_at = {_CHANGED}
from late where q.id = late.id returning q.id
"""
LAPSE_CALLS: Final = """
with late as (select id from review_calls where state = 'open' and due_on < $4::date
  order by due_on, id limit $2 for update skip locked)
update review_calls c set state = $3, closed_at = $1,
  updated_at = greatest(date_trunc('milliseconds', $1::timestamptz), c.updated_at + interval '1 millisecond')
from late where c.id = late.id returning c.id
"""
TELL: Final = f"""
insert into review_reminders (request_id, due_on, step, told_at)
select q.id, q.due_on, s.name, $1
from review_requests q cross join lateral (
  select distinct on (n.audience) n.name, n.days
  from unnest($3::text[], $4::int[], $5::text[]) n(name, days, audience)
  where q.due_on - n.days <= $6::date and (n.days < 0 or q.due_on >= $6::date)
    and q.due_on - n.days > (q.requested_at at time zone 'utc')::date
  order by n.audience, n.days) s
where q.state in ('open', 'claimed') and q.due_on <= $6::date + $7::int and {LAST_DAY.format(t="q")} >= $6::date
  and not exists (select from review_reminders r
                  where r.request_id = q.id and r.due_on = q.due_on and r.step = s.name)
order by q.due_on, q.id, s.days desc limit $2
on conflict do nothing returning request_id, step, due_on
"""
"""The steps that `rules_due.steps_due` names and nobody was told of, for some requests, by their days."""


async def look(db: Database, limit: int = AT_ONCE) -> Looked:
    """Do what is due now, for at most `limit` requests of each sort, in one transaction; whoever else looks skips them.

    Whatever is told is told once: a row of `review_reminders` and its event are one commit.
    """
    async with db.writer() as tx:
        now = await tx.now()
        open_again = rules.move(Request(RequestState.CLAIMED), Act.LAPSE, Party.CLOCK)
        returned = await tx.fetch(RETURN, now, limit, open_again.value)
        expired = await tx.fetch(EXPIRE, now, limit, RequestState.EXPIRED.value, hands.today_of(now))
        lapsed = await tx.fetch(LAPSE_CALLS, now, limit, CallState.LAPSED.value, hands.today_of(now))
        today = hands.today_of(now)
        told = await tx.fetch(
            TELL,
            *(now, limit, [s.name for s in STEPS], [s.days for s in STEPS], [s.audience.value for s in STEPS]),
            *(today, max(s.days for s in STEPS)),
        )
        events: list[tuple[str, str, Mapping[str, object]]] = [
            ("review.returned", f"rrq_{row['id']}", {}) for row in returned
        ]
        events += [("review.expired", f"rrq_{row['id']}", {}) for row in expired]
        events += [("review_call.lapsed", f"rcl_{row['id']}", {}) for row in lapsed]
        for row in told:
            topic, audience = TOPICS[row["step"]]
            # What is told late tells the days that are left, not those of its step.
            left = (row["due_on"] - today).days
            events.append((topic, f"rrq_{row['request_id']}", {"days": left, "audience": audience}))
        await tx.emit_all(events)
    return Looked(len(returned), len(expired), len(told), len(lapsed))


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look every minute, and again at once while there is something to do, until told to stop."""
    while not stop.is_set():
        try:
            if not (await look(db)).nothing:
                continue
        except (OSError, asyncpg.PostgresError):
            log.exception("no look for due review requests")
        await either(PAUSE, stop)
