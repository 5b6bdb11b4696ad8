"""Declare which tools an organization makes and who pays whom, and say that it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.conflicts import logged, rules
from countersign.conflicts.rules_findings import WINDOW, tool_key
from countersign.conflicts.tables import Sponsorship, ToolMaker
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, Invalid, InvalidState, NotAllowed, NotFound, Required, TooLong
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import members

NAME_LIMIT: Final = 200
MOST_TOOLS: Final = 500
AHEAD: Final = timedelta(days=366)
"""How far ahead a payment may begin or end."""


class ToolDeclared(Conflict):
    """Your organization has declared this tool already."""


class TooManyTools(Conflict):
    """An organization declares at most {limit} tools."""


@dataclass(frozen=True, slots=True)
class DeclareSponsorship:
    """One organization pays the actor's own, or is paid by it (`paying`), from `since` until `until` (null: open)."""

    other_id: UUID
    paying: bool
    since: date
    until: date | None = None


async def declare_tool(tx: Tx, actor: Actor, name: str, *, maker_id: UUID | None = None) -> UUID:
    """Say that the own organization makes a tool; an admin of it, or the operator for any (`maker_id`).

    It is public, and binds nobody but the maker: what it signs about versions that use the tool discloses it. Raises
    NotAllowed, NotFound, Required, TooLong, ToolDeclared, TooManyTools.
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    owner = maker_id if actor.system else actor.organization_id
    if owner is None:
        raise NotAllowed(why="Only a member of an organization declares what it makes")
    shown = " ".join(name.split())
    if not tool_key(shown):
        raise Required(what="A tool's name", path=("name",))
    if len(shown) > NAME_LIMIT:
        raise TooLong(what="A tool's name", limit=NAME_LIMIT, path=("name",))
    if not await tx.fetchval("select true from organizations where id = $1", owner):
        raise NotFound(what="organization")
    await members.lock_members(tx, owner)
    declared = await tx.fetchval(
        "select count(*) from tool_makers where organization_id = $1 and ended_at is null", owner
    )
    if declared >= MOST_TOOLS:
        raise TooManyTools(limit=MOST_TOOLS)
    row = ToolMaker(
        id=new_id(),
        organization_id=owner,
        name=shown,
        key=tool_key(shown),
        declared_by=None if actor.system else owner,
        declared_at=await tx.now(),
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise ToolDeclared(path=("name",)) from None
    await enter(tx, logged.TOOLS, row.id, actor=actor, action="tool_maker.declared")
    await tx.emit("tool_maker.declared", f"mak_{row.id}")
    return row.id


async def withdraw_tool(tx: Tx, actor: Actor, tool_maker_id: UUID) -> UUID:
    """Say that the own organization makes a tool no more; it is disclosed for a year yet.

    What the operator declared the operator ends. Raises NotAllowed, NotFound, InvalidState.
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    row = await tx.fetchrow("select * from tool_makers where id = $1 for update", tool_maker_id)
    if row is None:
        raise NotFound(what="tool", path=("toolMakerId",))
    if not actor.system and actor.organization_id != row["declared_by"]:
        raise NotAllowed(why="Only who declared it may do this")
    if row["ended_at"] is not None:
        raise InvalidState(what="declaration", state="withdrawn", verb="to withdraw", needed="standing")
    await tx.execute("update tool_makers set ended_at = $2 where id = $1", tool_maker_id, await tx.now())
    await enter(tx, logged.TOOLS, tool_maker_id, actor=actor, action="tool_maker.withdrawn")
    await tx.emit("tool_maker.withdrawn", f"mak_{tool_maker_id}")
    return tool_maker_id


async def declare_sponsorship(tx: Tx, actor: Actor, command: DeclareSponsorship) -> UUID:
    """Say that the own organization pays another or is paid by it; an admin of it only. It is public.

    It binds the two and no third, so it needs no confirmation. Every one that was declared within a year, or counts
    still, is one of the at most 100. Raises NotAllowed, NotFound, Invalid, TooManyLinks.
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    own = actor.organization_id
    if own is None:
        raise NotAllowed(why="Only a member of an organization declares who pays it")
    await members.lock_members(tx, own)
    declared = await tx.fetchval(
        "select count(*) from sponsorships where declared_by = $1"
        " and (until is null or greatest(until, (declared_at at time zone 'utc')::date) > $2)",
        *(own, (await tx.now()).astimezone(UTC).date() - WINDOW),
    )
    if declared >= rules.MOST_LINKS:
        raise rules.TooManyLinks(limit=rules.MOST_LINKS)
    sponsor, sponsored = (own, command.other_id) if command.paying else (command.other_id, own)
    return await _sponsor(tx, actor, sponsor, sponsored, command.since, command.until, declared_by=own)


async def record_sponsorship(
    tx: Tx, actor: Actor, sponsor_id: UUID, sponsored_id: UUID, since: date, until: date | None = None
) -> UUID:
    """Write down a payment that the operator knows of. Raises as `declare_sponsorship`."""
    access.require(actor, Permission.IMPORT)
    return await _sponsor(tx, actor, sponsor_id, sponsored_id, since, until, declared_by=None)


async def end_sponsorship(tx: Tx, actor: Actor, sponsorship_id: UUID, until: date | None = None) -> UUID:
    """Say that a payment ends on a day, today unless given; who declared it, or the operator.

    It counts for a year more: nobody ends a payment in time for a signature. Raises NotAllowed, NotFound, InvalidState,
    Invalid (a day that is over).
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    row = await tx.fetchrow("select * from sponsorships where id = $1 for update", sponsorship_id)
    if row is None:
        raise NotFound(what="sponsorship", path=("sponsorshipId",))
    if not actor.system and actor.organization_id != row["declared_by"]:
        raise NotAllowed(why="Only who declared it may do this")
    if row["until"] is not None:
        raise InvalidState(what="sponsorship", state="ended", verb="to end", needed="open")
    today = (await tx.now()).astimezone(UTC).date()
    day = max(today, row["since"]) if until is None else until
    if day < max(today, row["since"]) or day > today + AHEAD:
        raise Invalid(problem="A payment ends today or within a year", path=("until",))
    await tx.execute("update sponsorships set until = $2 where id = $1", sponsorship_id, day)
    await enter(tx, logged.SPONSORSHIPS, sponsorship_id, actor=actor, action="sponsorship.ended")
    await tx.emit("sponsorship.ended", f"spo_{sponsorship_id}")
    return sponsorship_id


async def _sponsor(
    tx: Tx, actor: Actor, sponsor: UUID, sponsored: UUID, since: date, until: date | None, *, declared_by: UUID | None
) -> UUID:
    if sponsor == sponsored:
        raise Invalid(problem="A payment is between two organizations", path=("organizationId",))
    today = (await tx.now()).astimezone(UTC).date()
    if since > today + AHEAD:
        raise Invalid(problem="A payment begins within a year", path=("since",))
    if until is not None and not since <= until <= max(since, today) + AHEAD:
        raise Invalid(problem="A payment ends after it began, and within a year", path=("until",))
    known = await tx.fetchval("select count(*) from organizations where id in ($1, $2)", sponsor, sponsored)
    if known != 2:  # noqa: PLR2004 - both of them
        raise NotFound(what="organization", path=("organizationId",))
    row = Sponsorship(
        id=new_id(),
        sponsor_id=sponsor,
        sponsored_id=sponsored,
        since=since,
        until=until,
        declared_by=declared_by,
        declared_at=await tx.now(),
    )
    await tx.insert(row)
    await enter(tx, logged.SPONSORSHIPS, row.id, actor=actor, action="sponsorship.declared")
    await tx.emit("sponsorship.declared", f"spo_{row.id}")
    return row.id
