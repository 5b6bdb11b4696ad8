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

import asyncpg

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
    then sees what the other has signed. Six statements, however many versions.
    """
    wanted = sorted(set(version_ids))
    if not wanted:
        return 0
    locked = await tx.fetch(_LOCK, wanted)
    # Whoever had the lock before may have looked at a later time than this transaction began with.
    started = await tx.now()
    looks = {row["spec_version_id"]: max(started, row["settled_at"] or started) for row in locked}
    ids, times = list(looks), list(looks.values())
    passed: dict[UUID, list[tuple[datetime, bool]]] = {version: [] for version in ids}
    for row in await tx.fetch(_TURNS, ids, times, [row["settled_at"] for row in locked]):
        passed[row["id"]].append((row["at"], row["co_validated"]))
    # What two transactions did at one instant, or what the past was corrected to, shows in the present at the latest.
    for row in await tx.fetch(_NOW, ids, times):
        passed[row["id"]].append((looks[row["id"]], row["co_validated"]))
    found: list[CoValidationTurn] = []
    told = []
    for row in locked:
        turns = _turns(row, passed[row["spec_version_id"]], looks[row["spec_version_id"]])
        found += turns
        told += [turn for turn in turns if row["told_from"] is None or turn.at >= row["told_from"]]
    await tx.insert(*found)
    await tx.emit_all(
        (
            GAINED if turn.co_validated else LOST,
            f"version_{turn.spec_version_id}",
            {"at": turn.at.isoformat(), "turn": turn.number},
        )
        for turn in told
    )
    last = {turn.spec_version_id: (turn.co_validated, turn.number) for turn in found}
    stands = [last.get(row["spec_version_id"], (row["co_validated"], row["turns"])) for row in locked]
    await tx.execute(_STANDS, ids, times, [status for status, _ in stands], [number for _, number in stands])
    return len(found)


def _turns(last: asyncpg.Record, passed: Iterable[tuple[datetime, bool]], now: datetime) -> list[CoValidationTurn]:
    """What of all that was looked at is a turn: another status than the one before it."""
    status, number = last["co_validated"], last["turns"]
    found: list[CoValidationTurn] = []
    for at, co_validated in passed:
        if co_validated is status:
            continue
        status, number = co_validated, number + 1
        found.append(
            CoValidationTurn(
                id=new_id(),
                spec_version_id=last["spec_version_id"],
                number=number,
                co_validated=status,
                at=at,
                noticed_at=now,
            )
        )
    return found


_LOCK: Final = """
insert into co_validation_standings as s (spec_version_id, co_validated, turns)
select u.id, false, 0 from unnest($1::uuid[]) with ordinality u(id, place) order by u.place
on conflict (spec_version_id) do update set turns = s.turns
returning spec_version_id, co_validated, turns, settled_at, told_from
"""
_AT: Final = "unnest($1::uuid[], $2::timestamptz[]) u(id, at) join spec_versions v on v.id = u.id"
_TURNS: Final = f"""
select u.id, c.at, c.co_validated from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) u(id, at, since)
join spec_versions v on v.id = u.id cross join lateral {CHANGES.format(v="v", until="u.at")} c
where u.since is null or c.at > u.since order by u.id, c.at
"""
_NOW: Final = f"select u.id, {CO_VALIDATED_AT.format(v='v', at='u.at')} as co_validated from {_AT}"
_STANDS: Final = f"""
update co_validation_standings s set co_validated = k.co_validated, turns = k.turns, settled_at = k.at,
  next_at = (select min(h.at) from spec_versions v, lateral {HAPPENED.format(v="v")} h
             where v.id = k.id and h.at > k.at)
from unnest($1::uuid[], $2::timestamptz[], $3::bool[], $4::int[]) k(id, at, co_validated, turns)
where s.spec_version_id = k.id
"""


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
