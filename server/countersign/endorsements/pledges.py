"""The ledger of pledged seats: the school reserves, the endorser redeems, either releases, the signatory withdraws.

Every command locks the pledge's row first, so that two of them never count the same seat; the checks of the table hold
the same whatever happens here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.endorsements import pledge_rules as rules
from countersign.endorsements.pledge_rules import Act, Figures, Party, Promise, State
from countersign.endorsements.tables_backing import PledgeEntry
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter
from countersign.organizations import members
from countersign.specs import service as specs

PROMISES: Final = {
    Promise.ENDED: "e.state in ('refused', 'revoked', 'superseded')",
    Promise.PENDING: "e.in_force is null",
    Promise.PAUSED: "e.state = 'suspended'",
}
"""What the endorsement `e` makes of its pledges, the first that holds; else it is given."""

_PAST: Final = {Act.RESERVE: "reserved", Act.REDEEM: "redeemed", Act.RELEASE: "released"}

LOGGED: Final = Source(
    kind="pledge",
    subject="plg_{0}",
    sql="""
        select 'plg_' || p.id as subject, p.organization_id, null::bytea as content, row(
            p.id, p.endorsement_id, p.evidence_id, p.organization_id, p.seats, p.role, p.region, p.opens_on,
            p.closes_on, p.reserved, p.redeemed, p.returned, p.broken, p.withdrawn_at, p.withdrawal_reason,
            (select string_agg(row(x.id, x.pledge_id, x.kind, x.reservation_id, x.school_id, x.endorser_id, x.by_id,
                x.reference, x.reason, x.entered_at)::text, '' order by x.id)
             from pledge_entries x where x.pledge_id = p.id))::text as facts
        from pledges p where (p.reserved > 0 or p.withdrawn_at is not null)""",
    key="p.id = $1",
)
"""What the log covers of a pledge that was put to the test: the promise, its figures and every entry."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A seat for somebody whom only the school knows by this reference."""

    pledge_id: UUID
    reference: str


@dataclass(frozen=True, slots=True)
class Release:
    """A reserved seat given back, with the reason that both sides read."""

    reservation_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A pledge taken back, with the reason that everyone may read."""

    pledge_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A line of the ledger and the pledge that it is in."""

    pledge_id: UUID
    entry_id: UUID


async def reserve(tx: Tx, actor: Actor, command: Reserve) -> Entered:
    """Reserve a seat of an open pledge; a registrar of the school whose version was endorsed only.

    Raises NotAllowed, NotFound, NotOpaque, NotYourPart, InvalidState (not open, or no seat is left), ReservedAlready.
    """
    access.require(actor, Permission.RESERVE_SEAT)
    rules.check_reference(command.reference)
    await members.hold(tx, actor, Role.REGISTRAR)
    pledge = await _locked(tx, actor, command.pledge_id, "pledgeId")
    await _step(tx, pledge, Act.RESERVE, _party(actor, pledge))
    twice = await tx.fetchval(
        "select true from pledge_entries r where r.pledge_id = $1 and r.kind = 'reserve' and r.reference = $2"
        " and not exists (select from pledge_entries s where s.reservation_id = r.id and s.kind = 'release')",
        *(command.pledge_id, command.reference),
    )
    if twice:
        raise rules.ReservedAlready(path=("reference",))
    return await _enter(tx, actor, pledge, Act.RESERVE, "reserved", reference=command.reference)


async def redeem(tx: Tx, actor: Actor, reservation_id: UUID) -> Entered:
    """Say that a reserved seat was filled; the endorser only, at any time, whatever became of the pledge.

    Raises NotAllowed, NotFound, NotYourPart, SettledAlready.
    """
    access.require(actor, Permission.REDEEM_SEAT)
    await members.hold(tx, actor, Role.RECRUITER, Role.SIGNATORY)
    pledge = await _settling(tx, actor, reservation_id)
    await _step(tx, pledge, Act.REDEEM, _party(actor, pledge))
    return await _enter(tx, actor, pledge, Act.REDEEM, "redeemed", reservation_id=reservation_id)


async def release(tx: Tx, actor: Actor, command: Release) -> Entered:
    """Give a reserved seat back: by the school it counts for nothing, by the endorser as a promise not kept.

    Raises NotAllowed, NotFound, Required and TooLong (reason), NotYourPart, SettledAlready.
    """
    access.require(actor, Permission.RELEASE_SEAT)
    rules.check_reason(command.reason)
    await members.hold(tx, actor, Role.REGISTRAR, Role.RECRUITER, Role.SIGNATORY)
    pledge = await _settling(tx, actor, command.reservation_id)
    party = _party(actor, pledge)
    await _step(tx, pledge, Act.RELEASE, party)
    counted = "returned" if party is Party.SCHOOL else "broken"
    return await _enter(
        tx, actor, pledge, Act.RELEASE, counted, reservation_id=command.reservation_id, reason=command.reason
    )


async def withdraw(tx: Tx, actor: Actor, command: Withdraw) -> UUID:
    """Take a pledge back: no seat is reserved from now on, and what was reserved is honoured; a signatory only.

    Raises NotAllowed, NotFound, Required and TooLong (reason), NotYourPart, InvalidState (over, or taken back).
    """
    access.require(actor, Permission.WITHDRAW_PLEDGE)
    rules.check_reason(command.reason)
    await members.hold(tx, actor, Role.SIGNATORY)
    pledge = await _locked(tx, actor, command.pledge_id, "pledgeId")
    await _step(tx, pledge, Act.WITHDRAW, _party(actor, pledge))
    await tx.execute(
        "update pledges set withdrawn_at = $2, withdrawal_reason = $3 where id = $1",
        *(command.pledge_id, await tx.now(), command.reason),
    )
    await enter(tx, LOGGED, command.pledge_id, actor=actor, action="pledge.withdrawn", reason=command.reason)
    await tx.emit("pledge.withdrawn", f"plg_{command.pledge_id}")
    return command.pledge_id


_PLEDGE: Final = f"""
select p.*, e.spec_version_id, v.organization_id as school_id,
       case {" ".join(f"when {when} then '{promise.name}'" for promise, when in PROMISES.items())}
       else '{Promise.GIVEN.name}' end as promise
from pledges p join endorsements e on e.id = p.endorsement_id join spec_versions v on v.id = e.spec_version_id
where p.id = $1 for update of p for share of e
"""


async def _locked(tx: Tx, actor: Actor, pledge_id: UUID, place: str) -> asyncpg.Record:
    """A pledge that the actor sees; nobody else counts its seats, and its endorsement stays as it is."""
    pledge = await tx.fetchrow(_PLEDGE, pledge_id)
    own = pledge is not None and pledge["organization_id"] == actor.organization_id
    seen = pledge is not None and (
        own
        or (
            Promise[pledge["promise"]] is not Promise.PENDING
            and await specs.readable(tx, pledge["spec_version_id"], actor.organization_id)
        )
    )
    if pledge is None or not seen:
        raise NotFound(what="pledge", path=(place,))
    return pledge


async def _settling(tx: Tx, actor: Actor, reservation_id: UUID) -> asyncpg.Record:
    """The pledge of a reserved seat that waits for its outcome; foreign reservations are not found."""
    entry = await tx.fetchrow(
        "select pledge_id from pledge_entries where id = $1 and kind = 'reserve' and $2 in (school_id, endorser_id)",
        *(reservation_id, actor.organization_id),
    )
    if entry is None:
        raise NotFound(what="reservation", path=("reservationId",))
    pledge = await tx.fetchrow(_PLEDGE, entry["pledge_id"])
    if pledge is None:
        raise NotFound(what="reservation", path=("reservationId",))
    settled = await tx.fetchval("select kind from pledge_entries where reservation_id = $1", reservation_id)
    if settled is not None:
        raise rules.SettledAlready(how=_PAST[Act(settled)], path=("reservationId",))
    return pledge


def _party(actor: Actor, pledge: asyncpg.Record) -> Party:
    if actor.organization_id == pledge["organization_id"]:
        return Party.ENDORSER
    return Party.SCHOOL if actor.organization_id == pledge["school_id"] else Party.STRANGER


async def _step(tx: Tx, pledge: asyncpg.Record, act: Act, party: Party) -> State:
    figures = Figures(
        seats=pledge["seats"],
        opens_on=pledge["opens_on"],
        closes_on=pledge["closes_on"],
        reserved=pledge["reserved"],
        redeemed=pledge["redeemed"],
        returned=pledge["returned"],
        broken=pledge["broken"],
        withdrawn=pledge["withdrawn_at"] is not None,
    )
    today = (await tx.now()).astimezone(UTC).date()
    return rules.move(rules.state_of(figures, Promise[pledge["promise"]], today), act, party)


async def _enter(tx: Tx, actor: Actor, pledge: asyncpg.Record, act: Act, counted: str, **entry: Any) -> Entered:
    identity = new_id()
    if actor.organization_id is None:
        raise NotAllowed(why="Only a member of an organization may do this")
    await tx.insert(
        PledgeEntry(
            id=identity,
            pledge_id=pledge["id"],
            kind=act.value,
            school_id=pledge["school_id"],
            endorser_id=pledge["organization_id"],
            by_id=actor.organization_id,
            entered_at=await tx.now(),
            **entry,
        )
    )
    await tx.execute(f"update pledges set {counted} = {counted} + 1 where id = $1", pledge["id"])
    past = _PAST[act]
    await enter(tx, LOGGED, pledge["id"], actor=actor, action=f"pledge.{past}")
    await tx.emit(f"pledge.{past}", f"plg_{pledge['id']}")
    return Entered(pledge["id"], identity)
