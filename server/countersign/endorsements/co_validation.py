"""Who is told when a version becomes co-validated or is so no more: once for each turn.

Whether it is co-validated is always worked out anew (`views.CO_VALIDATED_AT`). What is kept here is up to when it was
looked at, and its turns: a numbered row each, so that six approvals that race make one turn and one event. Who changes
what counts calls `settle` at the end of the same transaction; what time alone ends, and what concerns many versions at
once (a suspended organization, a policy), is found by `look`, which knows when to look again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from countersign.endorsements.co_validation_views import CHANGES, HAPPENED
from countersign.endorsements.tables import CoValidationTurn
from countersign.endorsements.views import CO_VALIDATED_AT
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id
from countersign.kit.waiting import now_and_then
from countersign.organizations.events import StandingChanged

PAUSE: Final = 5.0
"""Seconds between two looks."""
AT_ONCE: Final = 50
IN_ROTATION: Final = 20
LOOKED_AT_AGAIN: Final = timedelta(hours=1)
GAINED: Final = "spec.co_validated"
LOST: Final = "spec.co_validation_lost"


async def own_scores(tx: Tx, version_id: UUID, organization_id: UUID) -> tuple[Decimal | None, int | None]:
    """The mean and the least of the scores in an organization's standing review of a version; None without any."""
    row = await tx.fetchrow(
        "select round(avg((x->>'value')::numeric), 3) as mean, min((x->>'value')::int) as least"
        " from (select r.scores from reviews r where r.spec_version_id = $1 and r.organization_id = $2"
        " and r.voided_at is null order by r.decided_at desc, r.id desc limit 1) r, jsonb_array_elements(r.scores) x",
        *(version_id, organization_id),
    )
    return (row["mean"], row["least"]) if row else (None, None)


async def settle(tx: Tx, version_ids: Iterable[UUID]) -> int:
    """Write down and tell the turns of versions up to now; how many. The last thing that a transaction does.

    Versions are locked in the order of their ids, after endorsements: whoever signs at the same time waits here, and
    then sees what the other has signed.
    """
    turned = 0
    for version_id in sorted(set(version_ids)):
        turned += await _settle(tx, version_id)
    return turned


_LOCK: Final = """
insert into co_validation_standings as s (spec_version_id, co_validated, turns) values ($1, false, 0)
on conflict (spec_version_id) do update set turns = s.turns
returning co_validated, turns, settled_at, told_from
"""
_TURNS: Final = f"""
select c.at, c.co_validated from spec_versions v, lateral {CHANGES.format(v="v", until="$2::timestamptz")} c
where v.id = $1 and ($3::timestamptz is null or c.at > $3) order by c.at
"""
_NOW: Final = f"select {CO_VALIDATED_AT.format(v='v', at='$2::timestamptz')} from spec_versions v where v.id = $1"
_NEXT: Final = f"""
select min(h.at) from spec_versions v, lateral {HAPPENED.format(v="v")} h where v.id = $1 and h.at > $2
"""


async def _settle(tx: Tx, version_id: UUID) -> int:
    last = await tx.fetchrow(_LOCK, version_id)
    if last is None:
        raise LookupError("an insert that updates answers its row")
    # Whoever had the lock before may have looked at a later time than this transaction began with.
    now = max(await tx.now(), last["settled_at"] or await tx.now())
    turns = [(row["at"], row["co_validated"]) for row in await tx.fetch(_TURNS, version_id, now, last["settled_at"])]
    status, number = last["co_validated"], last["turns"]
    found: list[CoValidationTurn] = []
    # What two transactions did at one instant, or what the past was corrected to, shows in the present at the latest.
    for at, co_validated in [*turns, (now, await tx.fetchval(_NOW, version_id, now))]:
        if co_validated is status:
            continue
        status, number = co_validated, number + 1
        turn = CoValidationTurn(
            id=new_id(), spec_version_id=version_id, number=number, co_validated=status, at=at, noticed_at=now
        )
        found.append(turn)
    if found:
        await tx.insert(*found)
    for turn in found:
        if last["told_from"] is None or turn.at >= last["told_from"]:
            topic = GAINED if turn.co_validated else LOST
            await tx.emit(topic, f"version_{version_id}", at=turn.at.isoformat(), turn=turn.number)
    await tx.execute(
        "update co_validation_standings set co_validated = $2, turns = $3, settled_at = $4, next_at = $5"
        " where spec_version_id = $1",
        *(version_id, status, number, now, await tx.fetchval(_NEXT, version_id, now)),
    )
    return len(found)


async def due(tx: Tx, condition: str, *values: object, at: datetime | None = None) -> int:
    """Have versions looked at by the next `look` (or from `at` on); `condition` is SQL over `s.spec_version_id`."""
    return await tx.execute(
        "update co_validation_standings s set next_at = least(s.next_at, $1) where s.spec_version_id = any(array("
        f"select s.spec_version_id from co_validation_standings s where {condition}"
        " order by s.spec_version_id for update))",
        *(at or await tx.now(), *values),
    )


CONCERNED: Final = (
    "s.spec_version_id in (select e.spec_version_id from endorsements e where e.organization_id = any($2::uuid[])"
    " union all select v.id from spec_versions v where v.organization_id = any($2::uuid[]))"
)


async def follow(tx: Tx, event: StandingChanged) -> None:
    """Have every version looked at that an organization endorsed or made: its authority or its group has changed."""
    await due(tx, CONCERNED, list(event.organizations))


async def look(db: Database) -> int:
    """Settle what is due by time, and a few that nobody has looked at for an hour; how many turned.

    Safe in several processes at once: each takes what no other has.
    """
    turned = 0
    while True:
        async with db.writer() as tx:
            now = await tx.now()
            rows = await tx.fetch(
                "select spec_version_id from co_validation_standings where next_at <= $1"
                " order by next_at, spec_version_id limit $2 for update skip locked",
                *(now, AT_ONCE),
            )
            turned += await settle(tx, [row["spec_version_id"] for row in rows])
        if len(rows) < AT_ONCE:
            break
    async with db.writer() as tx:
        rows = await tx.fetch(
            "select spec_version_id from co_validation_standings where settled_at < $1"
            " order by settled_at, spec_version_id limit $2 for update skip locked",
            *(await tx.now() - LOOKED_AT_AGAIN, IN_ROTATION),
        )
        return turned + await settle(tx, [row["spec_version_id"] for row in rows])


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look every five seconds until told to stop."""
    await now_and_then(lambda: look(db), PAUSE, stop, "no look for co-validation that has turned")
