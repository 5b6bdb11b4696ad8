"""The watch over toolchains: alarms are raised when support ends or what is taught moves away, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Final
from uuid import UUID

import asyncpg

from countersign.endorsements import drift_rules as rules
from countersign.endorsements import support
from countersign.endorsements.drift_rules import Act, Finding, Known, Party, State
from countersign.endorsements.tables_backing import DriftAlarm
from countersign.endorsements.views import LIVE
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.kit.waiting import now_and_then
from countersign.organizations import members
from countersign.specs import service as specs

PAUSE: Final = 600.0
"""Seconds between two looks."""
AT_ONCE: Final = 500
WATCHING: Final = 7_346_523
"""The advisory lock of whoever looks: one at a time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the thing that it is about."""

    mark: str
    finding: Finding
    spec_version_id: UUID
    endorsement_id: UUID | None
    organization_id: UUID
    newer_version_id: UUID | None


async def look(db: Database, at_once: int = AT_ONCE) -> int:
    """Compare every toolchain that counts with the dates and with what is taught now; how many alarms were raised.

    Looked at are versions that are reviewed or taught, and endorsements that are live. Looking again raises nothing
    again; an alarm whose cause is gone is cleared, and opens again when the cause comes back.
    """
    async with db.writer() as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", WATCHING)
        today = (await tx.now()).astimezone(UTC).date()
        known = Known(*await support.cycles(tx))
        several = [*await _versions(tx, at_once, known, today), *await _endorsements(tx, at_once, known, today)]
        found = {each.mark: each for each in several}
        rows = await tx.fetch(_STANDING, list(found))
        raised = await _raise(tx, [f for name, f in found.items() if name not in {row["mark"] for row in rows}])
        states = [(row, State(row["state"])) for row in rows]
        again = [(r["id"], rules.move(s, Act.RAISE, Party.WATCH)) for r, s in states if _returns(r, s, found)]
        gone = [(r["id"], rules.move(s, Act.CLEAR, Party.WATCH)) for r, s in states if _is_gone(r, s, found)]
        concerns = {rules.concern(name) for name in found}
        overtaken = {r["id"] for r, _ in states if rules.concern(r["mark"]) in concerns}
        await _turn(tx, [*again, *gone], overtaken)
    return raised + len(again)


def _returns(row: asyncpg.Record, state: State, found: Container[str]) -> bool:
    return row["mark"] in found and state is State.CLEARED


def _is_gone(row: asyncpg.Record, state: State, found: Container[str]) -> bool:
    return row["mark"] not in found and state in {State.OPEN, State.ACKNOWLEDGED}


_STANDING: Final = (
    "select id, mark, state from drift_alarms where state in ('open', 'acknowledged') or mark = any($1) order by id"
)


async def _raise(tx: Tx, found: list[Found]) -> int:
    now = await tx.now()
    alarms = [
        DriftAlarm(
            id=new_id(),
            spec_version_id=each.spec_version_id,
            endorsement_id=each.endorsement_id,
            organization_id=each.organization_id,
            newer_version_id=each.newer_version_id,
            cause=each.finding.cause.value,
            tool=each.finding.tool,
            versions=each.finding.versions,
            newer_versions=each.finding.newer_versions,
            supported_until=each.finding.supported_until,
            mark=each.mark,
            state=State.OPEN.value,
            raised_at=now,
        )
        for each in found
    ]
    await tx.insert(*alarms)
    await tx.emit_all(
        ("drift.raised", f"drf_{alarm.id}", {"cause": alarm.cause, "tool": alarm.tool}) for alarm in alarms
    )
    return len(alarms)


async def _turn(tx: Tx, turns: Sequence[tuple[UUID, State]], overtaken: Container[UUID]) -> None:
    """Open alarms again, and clear others: two statements, however many there are.

    One whose place another takes is cleared under a name of its own, so that nobody is told that its cause is gone.
    """
    if not turns:
        return
    await tx.execute(
        "update drift_alarms a set state = u.state,"
        " raised_at = case when u.state = 'open' then $3 else a.raised_at end,"
        " ended_at = case when u.state = 'open' then null else $3 end"
        " from unnest($1::uuid[], $2::text[]) u(id, state) where a.id = u.id",
        *([alarm for alarm, _ in turns], [after.value for _, after in turns], await tx.now()),
    )
    ends = {alarm: "drift.overtaken" if alarm in overtaken else "drift.cleared" for alarm, _ in turns}
    await tx.emit_all(
        ("drift.raised" if after is State.OPEN else ends[alarm], f"drf_{alarm}", {}) for alarm, after in turns
    )


_TAUGHT: Final = """
select id, organization_id, content->'toolchain' as toolchain from spec_versions
where state in ('submitted', 'in_review', 'published', 'deprecated') and id > $1
  and jsonb_typeof(content->'toolchain') = 'array' and content->'toolchain' <> '[]'
order by id limit $2
"""


async def _versions(tx: Tx, at_once: int, known: Known, today: date) -> list[Found]:
    return [
        Found(rules.mark(f"version_{row['id']}", finding), finding, row["id"], None, row["organization_id"], None)
        async for row in _each(tx, at_once, _TAUGHT)
        for finding in rules.of_toolchain(row["toolchain"], known, today)
    ]


_CONFIRMED: Final = f"""
with counting as materialized (
    select e.id, e.organization_id, e.spec_version_id from endorsements e
    where {LIVE.format(e="e", now="$3::timestamptz")} and e.id > $1 and exists (
        select from endorsement_evidence d where d.endorsement_id = e.id and d.kind = 'toolchain_confirmation')
    order by e.id limit $2)
select e.id, e.organization_id, e.spec_version_id, d.payload->'tools' as tools, v.content->'toolchain' as toolchain,
       n.id as newer_id, n.toolchain as newer
from counting e
join endorsement_evidence d on d.endorsement_id = e.id and d.kind = 'toolchain_confirmation'
join spec_versions v on v.id = e.spec_version_id
left join lateral (
    select o.id, o.content->'toolchain' as toolchain from spec_versions o
    where o.spec_id = v.spec_id and o.ordinal > v.ordinal and o.state = 'published'
    order by o.ordinal desc limit 1
) n on not exists (
    -- Whoever stands behind the newest version as well knows what it teaches.
    select from endorsements m where m.organization_id = e.organization_id and m.spec_version_id = n.id
    and {LIVE.format(e="m", now="$3::timestamptz")})
order by e.id, d.no
"""


async def _endorsements(tx: Tx, at_once: int, known: Known, today: date) -> list[Found]:
    found: list[Found] = []
    async for row in _each(tx, at_once, _CONFIRMED, await tx.now()):
        newer = None if row["newer_id"] is None else (row["newer_id"], row["newer"] or [])
        for finding in rules.of_confirmation(row["tools"], row["toolchain"] or [], newer, known, today):
            moved = finding.cause in {rules.Cause.TOOL_DROPPED, rules.Cause.VERSION_CHANGED}
            found.append(
                Found(
                    rules.mark(f"end_{row['id']}", finding),
                    finding,
                    row["spec_version_id"],
                    row["id"],
                    row["organization_id"],
                    row["newer_id"] if moved else None,
                )
            )
    return found


async def _each(tx: Tx, at_once: int, sql: str, *more: object) -> AsyncIterator[asyncpg.Record]:
    """The rows of a text that takes the last id seen and how many, some at a time: others run in between."""
    last = UUID(int=0)
    while rows := await tx.fetch(sql, last, at_once, *more):
        for row in rows:
            yield row
        last = rows[-1]["id"]


@dataclass(frozen=True, slots=True)
class Resolve:
    """The end of an alarm, with what was done about it; everyone who sees the alarm may read it."""

    alarm_id: UUID
    note: str


async def acknowledge(tx: Tx, actor: Actor, alarm_id: UUID) -> UUID:
    """Say that an alarm was seen; an author, reviewer or signatory of the organization that it concerns.

    Raises NotAllowed, NotFound, NotYourAlarm, InvalidState.
    """
    after = await _step(tx, actor, alarm_id, Act.ACKNOWLEDGE)
    await tx.execute(
        "update drift_alarms set state = $2, acknowledged_at = $3 where id = $1",
        *(alarm_id, after.value, await tx.now()),
    )
    await tx.emit("drift.acknowledged", f"drf_{alarm_id}")
    return alarm_id


async def resolve(tx: Tx, actor: Actor, command: Resolve) -> UUID:
    """Say what was done about an alarm; by whom as in `acknowledge`. The same finding raises it no more.

    Raises NotAllowed, NotFound, Required and TooLong (note), NotYourAlarm, InvalidState.
    """
    rules.check_note(command.note)
    after = await _step(tx, actor, command.alarm_id, Act.RESOLVE)
    await tx.execute(
        "update drift_alarms set state = $2, ended_at = $3, note = $4 where id = $1",
        *(command.alarm_id, after.value, await tx.now(), command.note),
    )
    await tx.emit("drift.resolved", f"drf_{command.alarm_id}")
    return command.alarm_id


async def _step(tx: Tx, actor: Actor, alarm_id: UUID, act: Act) -> State:
    access.require(actor, Permission.ANSWER_DRIFT)
    await members.hold(tx, actor, Role.AUTHOR, Role.REVIEWER, Role.SIGNATORY)
    row = await tx.fetchrow(
        "select organization_id, spec_version_id, state from drift_alarms where id = $1 for update", alarm_id
    )
    own = row is not None and row["organization_id"] == actor.organization_id
    if row is None or not (own or await specs.readable(tx, row["spec_version_id"], actor.organization_id)):
        raise NotFound(what="alarm", path=("driftAlarmId",))
    return rules.move(State(row["state"]), act, Party.CONCERNED if own else Party.STRANGER)


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look at once and every ten minutes, until told to stop."""
    await now_and_then(lambda: look(db), PAUSE, stop, "toolchains were not looked at")
