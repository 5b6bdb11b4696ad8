"""Declare, confirm and end ownership links; find the ways between organizations; keep the control groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from countersign.conflicts import logged, policies, rules, rules_findings, ways
from countersign.conflicts.rules import LinkKind, LinkState, Side, Step, Tie
from countersign.conflicts.rules_findings import Finding, tool_key
from countersign.conflicts.tables import EndorsementEdge, OwnershipLink
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound, Path
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import members
from countersign.organizations import service as organizations
from countersign.organizations.events import TiesChanged

MOST_IN_A_GROUP: Final = 10_000
REGROUPING: Final = 7_346_521
"""The advisory lock of whoever works out control groups: one transaction at a time."""


@dataclass(frozen=True, slots=True)
class Declare:
    """What an organization says of its ties: it holds the other, is held by it (`held`), or shares its owner."""

    other_id: UUID
    kind: LinkKind
    held: bool = False


async def declare(tx: Tx, actor: Actor, command: Declare) -> UUID:
    """Declare a tie of the own organization; an admin of it only. It is public, and binds the two at once.

    Others it concerns only when the other side or the operator has confirmed it, so that nobody can tie two rivals to a
    school. Raises NotAllowed, NotFound, Invalid, LinkStands, TooManyLinks.
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    own = actor.organization_id
    if own is None:
        raise NotAllowed(why="Only a member of an organization declares its ties")
    await members.lock_members(tx, own)
    declared = await tx.fetchval(
        "select count(*) from ownership_links where declared_by = $1 and state = 'declared'", own
    )
    if declared >= rules.MOST_LINKS:
        raise rules.TooManyLinks(limit=rules.MOST_LINKS)
    holder, held = (command.other_id, own) if command.held else (own, command.other_id)
    return await _link(tx, actor, holder, held, command.kind, declared_by=own)


async def record(tx: Tx, actor: Actor, holder_id: UUID, held_id: UUID, kind: LinkKind) -> UUID:
    """Write down a tie that the operator knows: it is confirmed at once. Raises as `declare`."""
    access.require(actor, Permission.IMPORT)
    link = await _link(tx, actor, holder_id, held_id, kind, declared_by=None)
    await regroup(tx, (holder_id, held_id))
    return link


async def confirm(tx: Tx, actor: Actor, link_id: UUID) -> UUID:
    """Confirm what another organization declared of the own one. Raises NotAllowed, NotFound, InvalidState."""
    row, side = await _load(tx, actor, link_id)
    after = rules.move(LinkState(row["state"]), rules.Act.CONFIRM, side)
    await tx.execute(
        "update ownership_links set state = $2, confirmed_at = $3 where id = $1", link_id, after.value, await tx.now()
    )
    await regroup(tx, (row["holder_id"], row["held_id"]))
    await enter(tx, logged.LINKS, link_id, actor=actor, action="ownership.confirmed")
    await tx.emit("ownership.confirmed", f"lnk_{link_id}")
    return link_id


async def end(tx: Tx, actor: Actor, link_id: UUID) -> UUID:
    """End a link: a declared one either side, a confirmed one the operator alone. Raises as `confirm`."""
    row, side = await _load(tx, actor, link_id)
    after = rules.move(LinkState(row["state"]), rules.Act.END, side)
    await tx.execute(
        "update ownership_links set state = $2, ended_at = $3 where id = $1", link_id, after.value, await tx.now()
    )
    await regroup(tx, (row["holder_id"], row["held_id"]))
    await enter(tx, logged.LINKS, link_id, actor=actor, action="ownership.ended")
    await tx.emit("ownership.ended", f"lnk_{link_id}")
    return link_id


async def judge(
    tx: Tx,
    judge_id: UUID,
    school_id: UUID,
    *,
    version_id: UUID | None = None,
    tools: Iterable[str] = (),
) -> Finding:
    """What ties a reviewer's or endorser's organization to a school at this moment, and what policies make of it.

    With a version, the tools of its toolchain count (and `tools`, which are confirmed beside it), interests that
    reviewers have disclosed, and the policy for its specification. The policies are those in effect at this moment, the
    platform's and the school's: so the same tie has the same outcome when a reviewer is asked and when it is signed.
    """
    row = await tx.fetchrow(JUDGED, judge_id, school_id, version_id, await tx.now(), [tool_key(tool) for tool in tools])
    if row is None:
        return Finding(judge_id)
    outcomes = rules_findings.in_effect(row["platform"], row["others"])
    return rules_findings.find(judge_id, row["ways"], outcomes)


async def check(
    tx: Tx,
    judge_id: UUID,
    school_id: UUID,
    *,
    who: str,
    path: Path = (),
    version_id: UUID | None = None,
    tools: Iterable[str] = (),
    told: UUID | None = None,
) -> Finding:
    """As `judge`, and refuse an organization that is too near. Raises ConflictOfInterest, which names every step.

    Ties that are nobody's business but their two ends' are named to those alone; `told` is the organization that is
    refused (the judge, when left out).
    """
    found = await judge(tx, judge_id, school_id, version_id=version_id, tools=tools)
    found.refuse_blocked(who=who, viewer=told or judge_id, path=path)
    return found


async def note_endorsement(tx: Tx, endorsement_id: UUID, endorser_id: UUID, school_id: UUID, version_id: UUID) -> None:
    """Remember who has signed for whom: rings are found in it. For `endorsements`, with each signature."""
    await tx.insert(
        EndorsementEdge(
            endorsement_id=endorsement_id,
            endorser_id=endorser_id,
            school_id=school_id,
            spec_version_id=version_id,
            signed_at=await tx.now(),
        )
    )


async def note_interest(tx: Tx, review_id: UUID, organization_id: UUID, version_id: UUID) -> None:
    """Remember that a reviewer has disclosed an interest in a version. For `reviews`, when the declaration is made."""
    await tx.execute(
        "insert into disclosed_interests (review_id, organization_id, spec_version_id, disclosed_at)"
        " values ($1, $2, $3, $4) on conflict (review_id) do update set withdrawn_at = null",
        *(review_id, organization_id, version_id, await tx.now()),
    )


async def drop_interest(tx: Tx, review_ids: Iterable[UUID]) -> None:
    """Forget what was disclosed with reviews that are voided, or by who declares none after all. For `reviews`."""
    await tx.execute(
        "update disclosed_interests set withdrawn_at = $2 where review_id = any($1) and withdrawn_at is null",
        *(list(review_ids), await tx.now()),
    )


async def regroup(tx: Tx, organization_ids: Iterable[UUID]) -> int:
    """Work out the control groups of organizations and of all they were or are tied to; how many changed."""
    await tx.fetchval("select pg_advisory_xact_lock($1)", REGROUPING)
    rows = await tx.fetch(
        "select id, control_group from organizations where control_group in"
        " (select control_group from organizations where id = any($1))",
        list(organization_ids),
    )
    seen = {row["id"] for row in rows}
    frontier, steps = set(seen), list[Step]()
    while frontier and len(seen) < MOST_IN_A_GROUP:
        found = await _neighbours(tx, frontier)
        steps += found
        frontier = {step.there for step in found} - seen
        seen |= frontier
    return await organizations.group(tx, rules.groups(seen, steps))


async def follow(tx: Tx, event: TiesChanged) -> None:
    """Keep the control groups when a domain, a member or a key has tied organizations, or does so no more."""
    await regroup(tx, event.organizations)


NEIGHBOURS: Final = ways.NEIGHBOURS.format(here="(select unnest($1::uuid[]) as id)", now="$2::timestamptz")
ASKED: Final = ways.WAYS.format(
    judge="$1::uuid", school="$2::uuid", version="$3::uuid", now="$4::timestamptz", tools="$5::text[]"
)
_POLICIES: Final = policies.in_effect(
    school="$2::uuid", spec="(select v.spec_id from spec_versions v where v.id = $3)", at="$4::timestamptz"
)
JUDGED: Final = f"""
with policies as materialized ({_POLICIES})
select {ASKED} as ways,
  coalesce((select p.outcomes from policies p where p.organization_id is null), '{{}}') as platform,
  coalesce((select jsonb_agg(p.outcomes) from policies p where p.organization_id is not null), '[]') as others
"""


async def _neighbours(tx: Tx, ids: Iterable[UUID]) -> list[Step]:
    """What ties organizations to others at this moment: parents, confirmed links, domains, people, keys."""
    rows = await tx.fetch(NEIGHBOURS, list(ids), await tx.now())
    return [Step(row["here"], row["there"], Tie[row["tie"]]) for row in rows]


async def _link(tx: Tx, actor: Actor, holder: UUID, held: UUID, kind: LinkKind, *, declared_by: UUID | None) -> UUID:
    rules.check_two(holder, held, ("organizationId",))
    if kind is LinkKind.SAME_OWNER:  # it says the same from both sides, so it is kept from one
        holder, held = sorted((holder, held))
    known = await tx.fetchval("select count(*) from organizations where id in ($1, $2)", holder, held)
    if known != 2:  # noqa: PLR2004 - both of them
        raise NotFound(what="organization", path=("organizationId",))
    now = await tx.now()
    confirmed = declared_by is None
    link = OwnershipLink(
        id=new_id(),
        holder_id=holder,
        held_id=held,
        kind=kind.value,
        state=(LinkState.CONFIRMED if confirmed else LinkState.DECLARED).value,
        declared_by=declared_by,
        declared_at=now,
        confirmed_at=now if confirmed else None,
    )
    try:
        async with tx.savepoint():
            await tx.insert(link)
    except asyncpg.UniqueViolationError:
        raise rules.LinkStands(problem="This link stands already", path=("organizationId",)) from None
    await enter(tx, logged.LINKS, link.id, actor=actor, action="ownership.declared")
    await tx.emit("ownership.declared", f"lnk_{link.id}")
    return link.id


async def _load(tx: Tx, actor: Actor, link_id: UUID) -> tuple[asyncpg.Record, Side]:
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    row = await tx.fetchrow("select * from ownership_links where id = $1 for update", link_id)
    if row is None:
        raise NotFound(what="link", path=("ownershipLinkId",))
    if actor.system:
        return row, Side.OPERATOR
    if actor.organization_id not in {row["holder_id"], row["held_id"]}:
        raise NotAllowed(why="Only an organization of the link may do this")
    return row, Side.DECLARER if actor.organization_id == row["declared_by"] else Side.OTHER
