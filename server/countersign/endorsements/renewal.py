"""Renew an endorsement before or after its time is over, and tell in time that it will be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from countersign.endorsements import backing, rules, service
from countersign.endorsements.evidence import Evidence
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from countersign.kit.waiting import now_and_then
from countersign.organizations import members
from countersign.specs.rules import State as SpecState
from countersign.specs.rules import endorsable

PAUSE: Final = 600.0
"""Seconds between two looks for endorsements that will end."""
AT_ONCE: Final = 500
OLD_NEWS: Final = 7
"""Nobody is told any more that an endorsement ended so many days ago."""


@dataclass(frozen=True, slots=True)
class Renew:
    """The same word said anew, for the version whose digest the signatory saw; None for what stays as it was said."""

    endorsement_id: UUID
    expected_digest: str
    statement: str | None = None
    evidence: tuple[Evidence, ...] | None = None
    evidence_files: tuple[tuple[UUID, ...], ...] = ()
    """The files behind each piece of new evidence, by its place."""
    attachments: tuple[UUID, ...] | None = None
    valid_until: datetime | None = None
    known_later: UUID | None = None


async def renew(tx: Tx, actor: Actor, command: Renew) -> UUID:
    """Take a new endorsement that says what an earlier one of the own organization said; a signatory only.

    Its signature closes the earlier one, to which it is linked; one that is revoked in between is not renewed. Scope,
    and what the command leaves out, are the earlier one's, and are checked as if they were said now: evidence whose
    day has passed is refused with its place. Raises as `service.endorse`, and NotFound, NotTheEndorser, InvalidState.
    """
    access.require(actor, Permission.SIGN_ENDORSEMENT)
    await members.hold(tx, actor, Role.SIGNATORY)
    row = await tx.fetchrow(
        "select id, organization_id, spec_version_id, state, in_force, statement, outcome_keys from endorsements"
        " where id = $1 for share",
        command.endorsement_id,
    )
    if row is None or (row["organization_id"] != actor.organization_id and row["in_force"] is None):
        raise NotFound(what="endorsement", path=("endorsementId",))
    party = rules.Party.SIGNATORY if row["organization_id"] == actor.organization_id else rules.Party.STRANGER
    rules.move(service.present_state(row, await tx.now()), rules.Act.RENEW, party)
    before = await backing.given(tx, row["id"])
    return await service.endorse(
        tx,
        actor,
        service.EndorseSpec(
            spec_version_id=row["spec_version_id"],
            expected_digest=command.expected_digest,
            statement=row["statement"] if command.statement is None else command.statement,
            evidence=before.evidence if command.evidence is None else command.evidence,
            evidence_files=before.evidence_files if command.evidence is None else command.evidence_files,
            attachments=before.files if command.attachments is None else command.attachments,
            valid_until=command.valid_until,
            outcomes=None if row["outcome_keys"] is None else tuple(row["outcome_keys"]),
            renews=row["id"],
            known_later=command.known_later,
        ),
    )


_ENDORSABLE: Final = ", ".join(f"'{state.value}'" for state in SpecState if endorsable(state))

DUE: Final = f"""
with ending as materialized (
    select e.id, e.spec_version_id, e.in_force, true as counts from endorsements e
    where e.state = 'in_force' and upper(e.in_force) <= $1::timestamptz + make_interval(days => $3)
      and upper(e.in_force) > $1::timestamptz - make_interval(days => $5)
    union all
    select e.id, e.spec_version_id, e.in_force, false from endorsement_suspensions s
    join endorsements e on e.id = s.endorsement_id and e.state = 'suspended'
    where s.resumed_at is null and upper(e.in_force) <= $1::timestamptz
      and upper(e.in_force) > $1::timestamptz - make_interval(days => $5)
), due as materialized (
    select e.id, d.days, upper(e.in_force) as ends
    from ending e
    join spec_versions v on v.id = e.spec_version_id
    cross join lateral (
        select min(t.days) as days from unnest($2::int[]) t(days)
        where upper(e.in_force) <= $1::timestamptz + make_interval(days => t.days)
          and (t.days = 0 or (e.counts and v.state in ({_ENDORSABLE})
                              and lower(e.in_force) < upper(e.in_force) - make_interval(days => t.days)))
    ) d
    where d.days is not null
      and not exists (select from endorsement_reminders r where r.endorsement_id = e.id and r.days = d.days)
    order by upper(e.in_force), e.id limit $4
), told as (
    insert into endorsement_reminders (endorsement_id, days, told_at) select id, days, $1::timestamptz from due
    on conflict do nothing returning endorsement_id, days
)
select due.id, due.days, due.ends, ceil(extract(epoch from due.ends - $1::timestamptz) / 86400)::int as days_left
from due join told on told.endorsement_id = due.id and told.days = due.days
order by due.ends, due.id
"""
"""What is to be told now: of each endorsement the nearest mark that it has passed, unless that was told.

A mark that lay before the endorsement began is none of its own: nobody is told at signing that it ends soon. Nobody is
asked to renew what cannot be (a version that is endorsed no more), nor what its endorser has paused; that either is
over is told. What is told late tells the days that are left then, not the mark's.
"""


async def look(db: Database) -> int:
    """Tell of every endorsement in force that ends in 60, 30 or 7 days, and of whatever is over; how many were told.

    Each mark once (`endorsement_reminders`), in the transaction of its event, however many look at once. A renewal is
    another endorsement, whose clock begins anew.
    """
    marks = [*rules.REMINDERS, 0]
    told = 0
    while True:
        async with db.writer() as tx:
            rows = await tx.fetch(DUE, await tx.now(), marks, max(marks), AT_ONCE, OLD_NEWS)
            await tx.emit_all(_news(row["id"], row["days_left"] if row["days"] else 0, row["ends"]) for row in rows)
        told += len(rows)
        if len(rows) < AT_ONCE:
            return told


def _news(endorsement_id: UUID, days_left: int, ends: datetime) -> tuple[str, str, dict[str, object]]:
    if days_left:
        return "endorsement.expiring", f"end_{endorsement_id}", {"days": days_left, "ends": ends.isoformat()}
    return "endorsement.expired", f"end_{endorsement_id}", {"ends": ends.isoformat()}


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look every ten minutes until told to stop."""
    await now_and_then(lambda: look(db), PAUSE, stop, "no look for endorsements that will end")
