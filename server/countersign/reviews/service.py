"""Ask for a review, claim it, decide or decline it, cancel it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from countersign.conflicts import service as conflicts
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, InvalidState, NotAllowed, NotFound, TooLong
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, require_unmodified, shown
from countersign.organizations import members
from countersign.reviews import rules
from countersign.reviews.rules import Decision, Request, RequestState
from countersign.reviews.tables import Review, ReviewRequest
from countersign.reviews.views import CHANGED_AT
from countersign.specs import service as specs
from countersign.specs.rules import State as SpecState
from countersign.specs.rules import endorsable

USUAL_TIME = timedelta(days=28)  # the 20 working days of New Zealand's Workforce Development Councils
MESSAGE_LIMIT = 2_000


class AlreadyAsked(Conflict):
    """This organization has been asked to review this version and has not answered yet."""


@dataclass(frozen=True, slots=True)
class RequestReview:
    """A school asks an organization to review one frozen version by a day (28 days from now unless given)."""

    spec_version_id: UUID
    organization_id: UUID
    message: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """The review of a claimed request."""

    request_id: UUID
    decision: Decision


@dataclass(frozen=True, slots=True)
class Decline:
    """A refusal to review, with its reason; it is kept and shown to the school."""

    request_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """A request is taken back; `seen` is its `updated_at` as the school read it."""

    request_id: UUID
    seen: datetime | None = None


async def request(tx: Tx, actor: Actor, command: RequestReview) -> UUID:
    """Ask for a review; the version's own school only. The first request opens the version's review.

    Raises NotAllowed, NotFound (a foreign version, an organization that does not review), InvalidState, DueInPast,
    ConflictOfInterest, AlreadyAsked.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    now = await tx.now()
    due_on = _due_on(command.due_on, now)
    if len(command.message) > MESSAGE_LIMIT:
        raise TooLong(what="The message", limit=MESSAGE_LIMIT, path=("message",))
    version = await specs.lock_version(tx, command.spec_version_id, changing=True)
    if version is None or version.organization_id != actor.organization_id:
        raise NotFound(what="version", path=("specVersionId",))
    if not endorsable(version.state):
        needed = " or ".join(state.value for state in SpecState if endorsable(state))
        raise InvalidState(what="version", state=version.state.value, verb="a review", needed=needed)
    target = await tx.fetchrow(
        "select display_name from organizations where id = $1 and kind in ('employer', 'agency')"
        " and verification <> 'suspended'",
        command.organization_id,
    )
    if target is None:
        raise NotFound(what="employer or agency", path=("organizationId",))
    await conflicts.check(
        *(tx, command.organization_id, version.organization_id),
        who=target["display_name"],
        path=("organizationId",),
        version_id=version.id,
        told=version.organization_id,
    )
    await tx.execute(
        "update review_requests set state = 'expired', closed_at = $3, updated_at = $3 where spec_version_id = $1"
        " and organization_id = $2 and state in ('open', 'claimed') and due_on < $4",
        version.id,
        command.organization_id,
        now,
        _today(now),
    )
    identity = new_id()
    row = ReviewRequest(
        id=identity,
        spec_version_id=version.id,
        school_id=version.organization_id,
        organization_id=command.organization_id,
        requested_by=actor.person_id,
        message=command.message,
        due_on=due_on,
        state=RequestState.OPEN.value,
        requested_at=now,
        updated_at=shown(now),
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise AlreadyAsked(path=("organizationId",)) from None
    await specs.open_review(tx, version.id, command.organization_id)
    await tx.emit("review.requested", f"rrq_{identity}")
    return identity


async def claim(tx: Tx, actor: Actor, request_id: UUID) -> UUID:
    """Claim a request for a week, or extend one's own claim; a reviewer of the organization asked only.

    Raises NotAllowed, NotFound, ConflictOfInterest, InvalidState, Leased.
    """
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row, state = await _asked_of(tx, actor, request_id)
    now = await tx.now()
    # A tie may have come since the school asked.
    name = await tx.fetchval("select display_name from organizations where id = $1", row["organization_id"])
    await conflicts.check(
        *(tx, row["organization_id"], row["school_id"]),
        who=name,
        path=("reviewRequestId",),
        version_id=row["spec_version_id"],
    )
    claimed = rules.claim(state, actor.person_id, now)
    await tx.execute(
        "update review_requests set state = $2, claimed_by = $3, claimed_until = $4, updated_at = $5 where id = $1",
        request_id,
        claimed.state.value,
        claimed.claimed_by,
        claimed.claimed_until,
        next_change(now, row["changed_at"]),
    )
    await tx.emit("review.claimed", f"rrq_{request_id}")
    return request_id


async def decide(tx: Tx, actor: Actor, command: Decide) -> UUID:
    """Decide a request that the actor has claimed; the answer is the new review's id.

    Raises NotAllowed, NotFound, InvalidState, LeaseLost, and what `rules.check` refuses, each with its place.
    """
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row, state = await _asked_of(tx, actor, command.request_id)
    now = await tx.now()
    after = rules.decide(state, actor.person_id, command.decision, now)
    decision = command.decision
    if actor.person_id is None or decision.interest is None:
        raise NotAllowed(why="Only a person reviews")
    identity = new_id()
    await tx.insert(
        Review(
            id=identity,
            request_id=command.request_id,
            spec_version_id=row["spec_version_id"],
            organization_id=row["organization_id"],
            reviewer_id=actor.person_id,
            interest=decision.interest.value,
            coi_declaration=decision.declaration,
            scores=[asdict(score) for score in decision.scores],
            comment=decision.comment,
            recommendation=decision.recommendation.value,
            decided_at=now,
        )
    )
    if decision.interest is rules.Interest.DISCLOSED:
        await conflicts.note_interest(tx, identity, row["organization_id"], row["spec_version_id"])
    await _close(tx, row, after, now)
    await tx.emit("review.decided", f"rev_{identity}", recommendation=decision.recommendation.value)
    return identity


async def decline(tx: Tx, actor: Actor, command: Decline) -> UUID:
    """Decline a request with a reason; a reviewer of the organization asked only.

    Raises NotAllowed, NotFound, InvalidState, Leased, Required (reason).
    """
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row, state = await _asked_of(tx, actor, command.request_id)
    now = await tx.now()
    after = rules.decline(state, actor.person_id, command.reason, now)
    await _close(tx, row, after, now, command.reason)
    await tx.emit("review.declined", f"rrq_{command.request_id}")
    return command.request_id


async def cancel(tx: Tx, actor: Actor, command: Cancel) -> UUID:
    """Take a request back before it is answered; the school that asked only.

    Raises NotAllowed, NotFound, Changed (somebody claimed it since it was seen), InvalidState.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    row, state = await _load(tx, command.request_id)
    if row["school_id"] != actor.organization_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    require_unmodified(row["changed_at"], command.seen, what="review request")
    after = rules.move(state, rules.Act.CANCEL, rules.Party.SCHOOL)
    await _close(tx, row, after, await tx.now())
    await tx.emit("review.cancelled", f"rrq_{command.request_id}")
    return command.request_id


async def _load(tx: Tx, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    row = await tx.fetchrow(
        f"select q.*, {CHANGED_AT.format(t='q')} as changed_at from review_requests q where q.id = $1 for update",
        request_id,
    )
    if row is None:
        raise NotFound(what="review request", path=("reviewRequestId",))
    state = RequestState(row["state"])
    if (state, rules.Act.EXPIRE) in rules.MOVES and row["due_on"] < _today(await tx.now()):
        state = rules.move(Request(state), rules.Act.EXPIRE, rules.Party.CLOCK)
    return row, Request(state, row["claimed_by"], row["claimed_until"])


async def _asked_of(tx: Tx, actor: Actor, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    row, state = await _load(tx, request_id)
    if row["organization_id"] != actor.organization_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    return row, state


async def _close(tx: Tx, row: asyncpg.Record, after: RequestState, now: datetime, reason: str | None = None) -> None:
    await tx.execute(
        "update review_requests set state = $2, closed_at = $3, decline_reason = $4, updated_at = $5 where id = $1",
        row["id"],
        after.value,
        now,
        reason,
        next_change(now, row["changed_at"]),
    )


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _due_on(asked: date | None, now: datetime) -> date:
    today = _today(now)
    if asked is None:
        return today + USUAL_TIME
    if not today < asked <= today + rules.LONGEST_DUE:
        raise rules.DueInPast(path=("dueOn",))
    return asked
