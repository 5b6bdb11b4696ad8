"""Tells of pledges whose window is over, and of reserved seats without an answer, before they count as not kept."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Final

from countersign.endorsements.pledge_rules import ANSWER_DUE, SETTLING, Mark, Promise
from countersign.endorsements.pledges import PROMISES
from countersign.kit.db import Database
from countersign.kit.waiting import now_and_then

PAUSE: Final = 600.0
"""Seconds between two looks."""
AT_ONCE: Final = 500

_ENDED: Final = PROMISES[Promise.ENDED]
DUE: Final = f"""
with due as materialized (
    select p.id, m.mark, m.no, p.closes_on
    from pledges p
    join endorsements e on e.id = p.endorsement_id and e.in_force is not null
    cross join lateral (
        select n.mark, n.no from (values
            (3, '{Mark.NOT_KEPT.value}', p.reserved - p.returned - p.broken > p.redeemed
                and $1::date > p.closes_on + {SETTLING.days}),
            (2, '{Mark.ANSWER_DUE.value}', p.reserved - p.returned - p.broken > p.redeemed
                and $1::date >= p.closes_on + {(SETTLING - ANSWER_DUE).days}),
            (1, '{Mark.LAPSED.value}', $1::date > p.closes_on and p.withdrawn_at is null and not ({_ENDED}))
        ) n(no, mark, met) where n.met order by n.no desc limit 1
    ) m
    where p.closes_on < $1::date and p.closes_on >= $1::date - {2 * SETTLING.days}
      and not exists (select from pledge_reminders r where r.pledge_id = p.id and r.mark = m.mark)
      and not exists (select from pledge_reminders r where r.pledge_id = p.id and m.no = 1)
    order by p.closes_on, p.id limit $2
), told as (
    insert into pledge_reminders (pledge_id, mark, told_at) select id, mark, $3::timestamptz from due
    on conflict do nothing returning pledge_id, mark
)
select due.id, due.mark from due join told on told.pledge_id = due.id and told.mark = due.mark
order by due.closes_on, due.id
"""
"""What is to be told now: of each pledge the last mark that it has passed, unless that was told.

What is older than a month after its last mark is nobody's news.
"""


async def look(db: Database) -> int:
    """Tell of every pledge whose window is over, and of seats whose answer is due or missing; how many were told.

    Each mark once (`pledge_reminders`), in the transaction of its event, however many look at once. Whoever has pledged
    and been taken at the word, and then says nothing, is told a week before it counts as a promise that was not kept.
    """
    told = 0
    while True:
        async with db.writer() as tx:
            now = await tx.now()
            rows = await tx.fetch(DUE, now.astimezone(UTC).date(), AT_ONCE, now)
            await tx.emit_all((f"pledge.{row['mark']}", f"plg_{row['id']}", {}) for row in rows)
        told += len(rows)
        if len(rows) < AT_ONCE:
            return told


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look every ten minutes until told to stop."""
    await now_and_then(lambda: look(db), PAUSE, stop, "no look for pledges whose window is over")
