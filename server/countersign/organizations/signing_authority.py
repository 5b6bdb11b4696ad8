"""Signing authority with an end: the role of signatory counts until a day, and its end is told in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, InvalidState
from countersign.kit.staleness import next_change, require_unmodified
from countersign.kit.waiting import now_and_then
from countersign.log.sources import enter
from countersign.organizations import logged, members
from countersign.organizations import rules_members as rules

PAUSE: Final = 600.0
"""Seconds between two looks for authority that will end."""
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Limit:
    """Until when a member may sign, None for as long as the membership; `seen` is the membership's `updatedAt`."""

    membership_id: UUID
    until: datetime | None
    seen: datetime | None = None


async def limit(tx: Tx, actor: Actor, command: Limit) -> UUID:
    """Set, move or lift the end of a member's signing authority; an admin of the organization only.

    From that instant on the role of signatory is none: nothing is signed, approved or revoked with it, and what waits
    for its signature is refused. What was signed before stands. Raises NotAllowed, NotFound, MembershipOver, Changed,
    InvalidState (the member is no signatory), Invalid (an end that is not ahead).
    """
    access.require(actor, Permission.MANAGE_MEMBERS)
    row = await members.locked(tx, actor, command.membership_id)
    await members.hold(tx, actor, Role.ORG_ADMIN)
    now = await members.present(tx)
    if row["valid_until"] is not None and row["valid_until"] <= now:
        raise rules.MembershipOver(path=("membershipId",))
    changed_at = row["updated_at"] or row["valid_from"]
    require_unmodified(changed_at, command.seen, what="membership")
    if Role.SIGNATORY.value not in row["roles"]:
        raise InvalidState(
            what="member", state="no signatory", verb="signing authority with an end", needed="a signatory"
        )
    if command.until is not None and command.until <= now:
        raise Invalid(
            problem="Signing authority ends in the future; to end it now, take the role away", path=("until",)
        )
    await tx.execute(
        "update memberships set signing_until = $2, updated_at = $3 where id = $1",
        *(row["id"], command.until, next_change(now, changed_at)),
    )
    await enter(tx, logged.MEMBERSHIPS, row["id"], actor=actor, action="membership.signing_limited")
    await tx.emit("membership.signing_limited", f"membership_{row['id']}")
    return command.membership_id


DUE: Final = """
with due as materialized (
    select m.id, m.signing_until, d.days
    from memberships m
    cross join lateral (
        select min(t.days) as days from unnest($2::int[]) t(days)
        where m.signing_until <= $1::timestamptz + make_interval(days => t.days)
          and coalesce(m.updated_at, m.valid_from) < m.signing_until - make_interval(days => t.days)
    ) d
    where 'signatory' = any(m.roles) and m.signing_until > $1::timestamptz
      and (m.valid_until is null or m.valid_until > $1::timestamptz)
      and d.days is not null and not exists (
          select from signing_reminders r
          where r.membership_id = m.id and r.until = m.signing_until and r.days <= d.days)
    order by m.signing_until, m.id limit $3
), told as (
    insert into signing_reminders (membership_id, until, days, told_at)
    select id, signing_until, days, $1::timestamptz from due
    on conflict do nothing returning membership_id, until, days
)
select membership_id as id, until, ceil(extract(epoch from until - $1::timestamptz) / 86400)::int as days_left
from told order by until, id
"""
"""The nearest mark that an end has passed and that was not told; one that lay before the end was set is none.

What is told late tells the days that are left then, not the mark's.
"""


async def look(db: Database) -> int:
    """Tell of every signing authority that ends in 30, 7 or 1 days, each mark once for that end; how many were told."""
    told = 0
    while True:
        async with db.writer() as tx:
            rows = await tx.fetch(DUE, await tx.now(), list(rules.SIGNING_REMINDERS), AT_ONCE)
            await tx.emit_all(
                (
                    "membership.signing_expiring",
                    f"membership_{row['id']}",
                    {"days": row["days_left"], "ends": row["until"].isoformat()},
                )
                for row in rows
            )
        told += len(rows)
        if len(rows) < AT_ONCE:
            return told


async def run(db: Database, stop: asyncio.Event) -> None:
    """Look every ten minutes until told to stop."""
    await now_and_then(lambda: look(db), PAUSE, stop, "no look for signing authority that will end")
