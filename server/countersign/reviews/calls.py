"""Open calls: a school looks for reviewers by skill and sector; who offers to review such things takes a place."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, require_unmodified, shown
from countersign.organizations import members
from countersign.reviews import hands, places, rules_calls, rules_due, service
from countersign.reviews.rules_calls import CallAct, Caller, CallState
from countersign.reviews.sectors import Sector
from countersign.reviews.service import Asked
from countersign.reviews.tables_calls import ReviewCall
from countersign.reviews.ties import Judging, check_judge
from countersign.specs import service as specs

_CALL = ("reviewCallId",)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an organization reviews: skills and sectors; it takes the place of what it said before."""

    skill_ids: frozenset[UUID] = frozenset()
    sectors: frozenset[Sector] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call for so many reviewers of one version, by a day; `skill_ids` None: those that the version proves."""

    spec_version_id: UUID
    skill_ids: frozenset[UUID] | None = None
    sectors: frozenset[Sector] = frozenset()
    places: int = 1
    message: str = ""
    due_on: date | None = None
    blind: bool = False


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A call is over before its day; `seen` is its `updated_at` as the school read it."""

    call_id: UUID
    seen: datetime | None = None


async def offer(tx: Tx, actor: Actor, command: Offer) -> UUID:
    """Say what the own organization reviews, in place of what it said; nothing at all: it is shown no calls.

    Raises NotAllowed, Invalid (too many), NotFound (a skill).
    """
    access.require(actor, Permission.OFFER_REVIEWS)
    await members.hold(tx, actor, Role.REVIEWER, Role.ORG_ADMIN)
    rules_calls.check_skills(command.skill_ids)
    await _known_skills(tx, command.skill_ids)
    identity: UUID = await tx.fetchval(
        "insert into review_offers as f (id, organization_id, skill_ids, sectors, updated_at)"
        " values ($1, $2, $3, $4, $5) on conflict (organization_id) do update"
        " set skill_ids = excluded.skill_ids, sectors = excluded.sectors,"
        " updated_at = greatest(excluded.updated_at, f.updated_at + interval '1 millisecond') returning id",
        *(new_id(), actor.organization_id, sorted(command.skill_ids)),
        *(sorted(sector.value for sector in command.sectors), shown(await tx.now())),
    )
    await tx.emit("review_offer.made", f"rof_{identity}")
    return identity


async def open_call(tx: Tx, actor: Actor, command: OpenCall) -> UUID:
    """Look for reviewers of a version; its own school only. Whoever offers to review such things may read its text.

    Raises NotAllowed, NotFound, InvalidState, DueInPast, Required, Invalid, TooLong, CallStands; of a blind one
    NothingToHide, NamesTheSchool.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    now = await tx.now()
    due_on = rules_due.due_on(command.due_on, hands.today_of(now))
    version = await service.reviewable(tx, actor, command.spec_version_id, command.message)
    skills = command.skill_ids
    if skills is None:
        proved = await tx.fetch("select skill_id from spec_version_skills where spec_version_id = $1", version.id)
        skills = frozenset(row["skill_id"] for row in proved)
    rules_calls.check_call(skills, command.sectors, command.places)
    await _known_skills(tx, skills)
    covered = await service.blind_content(tx, version, command.message) if command.blind else None
    await tx.execute(
        "update review_calls set state = $3, closed_at = $2, updated_at = $2 where spec_version_id = $1"
        " and state = 'open' and due_on < $4",
        *(version.id, shown(now), CallState.LAPSED.value, hands.today_of(now)),
    )
    call = ReviewCall(
        id=new_id(),
        spec_version_id=version.id,
        school_id=version.organization_id,
        opened_by=actor.person_id,
        skill_ids=sorted(skills),
        sectors=sorted(sector.value for sector in command.sectors),
        message=command.message,
        due_on=due_on,
        places=command.places,
        state=CallState.OPEN.value,
        blind=covered is not None,
        blind_content=covered,
        opened_at=now,
        updated_at=shown(now),
    )
    try:
        async with tx.savepoint():
            await tx.insert(call)
    except asyncpg.UniqueViolationError:
        raise rules_calls.CallStands(path=("specVersionId",)) from None
    await tx.emit("review_call.opened", f"rcl_{call.id}")
    return call.id


async def close(tx: Tx, actor: Actor, command: CloseCall) -> UUID:
    """Close a call before its day; the school that made it only. Places that were taken go on, others end.

    Raises NotAllowed, NotFound, Changed, InvalidState.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    now = await tx.now()
    found = await places.load(tx, command.call_id, now)
    if found is None or found[0]["school_id"] != actor.organization_id:
        raise NotFound(what="call", path=_CALL)
    row, state = found
    require_unmodified(row["updated_at"], command.seen, what="call")
    after = rules_calls.move(state, CallAct.CLOSE, Caller.SCHOOL)
    changed = next_change(now, row["updated_at"])
    await tx.execute(
        "update review_calls set state = $2, closed_at = $3, updated_at = $4 where id = $1",
        *(row["id"], after.value, now, changed),
    )
    given_back = await tx.fetch(
        "update review_requests set state = 'cancelled', closed_at = $2, updated_at = $3"
        " where call_id = $1 and state = 'open' returning id",
        *(row["id"], now, changed),
    )
    await tx.emit_all(("review.cancelled", f"rrq_{request['id']}", {}) for request in given_back)
    await tx.emit("review_call.closed", f"rcl_{row['id']}")
    return command.call_id


async def take(tx: Tx, actor: Actor, call_id: UUID) -> UUID:
    """Take a place in a call that means the own organization; its reviewers only. The claimed request's id.

    Raises NotAllowed, NotFound (foreign and missing look the same), InvalidState, CallFull, AlreadyTaken, AlreadyAsked,
    ConflictOfInterest, BlindTie.
    """
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    if actor.organization_id is None:
        raise NotAllowed(why="Only a member of an organization may do this")
    now = await tx.now()
    found = await places.load(tx, call_id, now)
    if found is None or not await _means(tx, found[0], actor.organization_id):
        raise NotFound(what="call", path=_CALL)
    row, state = found
    rules_calls.move(state, CallAct.TAKE, Caller.REVIEWER)
    own = await tx.fetchrow(
        "select id, state, claimed_until from review_requests where call_id = $1 and organization_id = $2"
        " and state in ('open', 'claimed', 'decided')",
        *(call_id, actor.organization_id),
    )
    if own is not None:
        if own["state"] != "open":
            raise rules_calls.AlreadyTaken(path=_CALL)
        return await service.claim(tx, actor, own["id"])
    rules_calls.check_places(row["taken"], row["places"])
    judging = Judging(actor.organization_id, row["school_id"], row["spec_version_id"], hidden=row["blind"])
    await check_judge(tx, judging, path=_CALL)
    version = await specs.lock_version(tx, row["spec_version_id"], changing=True)
    if version is None:
        raise NotFound(what="call", path=_CALL)
    service.require_endorsable(version)
    asked = Asked(actor.organization_id, row["opened_by"], row["message"], row["due_on"], row["blind_content"], call_id)
    request = await service.ask(tx, version, asked, path=_CALL)
    await service.claim(tx, actor, request)
    if row["taken"] + 1 == row["places"]:
        await tx.emit("review_call.filled", f"rcl_{call_id}")
    return request


async def _means(tx: Tx, row: asyncpg.Record, organization_id: UUID) -> bool:
    offered = await tx.fetchrow(
        "select skill_ids, sectors from review_offers where organization_id = $1", organization_id
    )
    if offered is None or row["school_id"] == organization_id:
        return False
    return rules_calls.means(_wish(row), _wish(offered))


def _wish(row: asyncpg.Record) -> tuple[AbstractSet[UUID], AbstractSet[Sector]]:
    return frozenset(row["skill_ids"]), frozenset(Sector(sector) for sector in row["sectors"])


async def _known_skills(tx: Tx, skills: AbstractSet[UUID]) -> None:
    known = await tx.fetchval("select count(*) from skills where id = any($1)", list(skills))
    if known != len(skills):
        raise NotFound(what="skill", path=("skillIds",))
