"""Ask for a review, claim it, decide or decline it, cancel it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from countersign.conflicts import service as conflicts
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, InvalidState, NotAllowed, NotFound, Path, TooLong
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, require_unmodified, shown
from countersign.log.sources import enter
from countersign.organizations import members
from countersign.reviews import change_requests, hands, places, renewals, rules, rules_blind, rules_due
from countersign.reviews.logged import REVIEWS
from countersign.reviews.rubric import DEFAULT_ID
from countersign.reviews.rules import Decision, RequestState
from countersign.reviews.rules_writing import AlreadyWriting, require_viewed, sections_of
from countersign.reviews.tables import Review, ReviewComment, ReviewRequest, ReviewSuggestion
from countersign.reviews.ties import Judging, check_judge, check_tie
from countersign.reviews.views import LAST_DAY
from countersign.specs import service as specs
from countersign.specs.rules import State as SpecState
from countersign.specs.rules import endorsable
from countersign.specs.sections import Section
from countersign.specs.service import FrozenVersion

MESSAGE_LIMIT = 2_000


class AlreadyAsked(Conflict):
    """This organization has been asked to review this version and has not answered yet."""


@dataclass(frozen=True, slots=True)
class RequestReview:
    """A school asks an organization to review one frozen version by a day (28 days from now unless given).

    With `blind` the reviewer does not learn of which school it is until the review is submitted.
    """

    spec_version_id: UUID
    organization_id: UUID
    message: str = ""
    due_on: date | None = None
    blind: bool = False
    previous_review_id: UUID | None = None
    """The organization's review of an earlier version: then only what changed since is asked."""


@dataclass(frozen=True, slots=True)
class Extend:
    """A later due date for a request that waits; `seen` is its `updated_at` as the school read it."""

    request_id: UUID
    due_on: date
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """The review of a claimed request; `viewed` are the sections that the reviewer says to have viewed, None unsaid."""

    request_id: UUID
    decision: Decision
    viewed: frozenset[Section] | None = None


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
    ConflictOfInterest, AlreadyAsked; of a blind one NothingToHide, NamesTheSchool; of a renewal as `renewals.plan`.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    due_on = rules_due.due_on(command.due_on, hands.today_of(await tx.now()))
    version = await reviewable(tx, actor, command.spec_version_id, command.message)
    target = await tx.fetchval(
        "select true from organizations where id = $1 and kind in ('employer', 'agency')"
        " and verification <> 'suspended'",
        command.organization_id,
    )
    if target is None:
        raise NotFound(what="employer or agency", path=("organizationId",))
    judging = Judging(command.organization_id, version.organization_id, version.id, told=version.organization_id)
    await check_judge(tx, judging, path=("organizationId",))
    covered = await blind_content(tx, version, command.message) if command.blind else None
    renewal = None
    if command.previous_review_id is not None:
        renewal = await renewals.plan(
            tx, version, command.organization_id, command.previous_review_id, blind=command.blind
        )
    asked = Asked(command.organization_id, actor.person_id, command.message, due_on, covered, renewal=renewal)
    identity = await ask(tx, version, asked, path=("organizationId",))
    await tx.emit("review.requested", f"rrq_{identity}")
    return identity


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, by whom, how and until when; `covered` is the text of a blind request, None of an open one."""

    organization_id: UUID
    requested_by: UUID | None
    message: str
    due_on: date
    covered: dict[str, Any] | None = None
    call_id: UUID | None = None
    renewal: renewals.Renewal | None = None


async def reviewable(tx: Tx, actor: Actor, version_id: UUID, message: str) -> FrozenVersion:
    """The own school's version, locked, in a state in which reviews are asked for. Raises as `request`, and TooLong."""
    if len(message) > MESSAGE_LIMIT:
        raise TooLong(what="The message", limit=MESSAGE_LIMIT, path=("message",))
    version = await specs.lock_version(tx, version_id, changing=True)
    if version is None or version.organization_id != actor.organization_id:
        raise NotFound(what="version", path=("specVersionId",))
    require_endorsable(version)
    return version


def require_endorsable(version: FrozenVersion) -> None:
    """Refuse a version of which a review would be of no use: it can be endorsed by nobody. Raises InvalidState."""
    if not endorsable(version.state):
        needed = " or ".join(state.value for state in SpecState if endorsable(state))
        raise InvalidState(what="version", state=version.state.value, verb="a review", needed=needed)


async def blind_content(tx: Tx, version: FrozenVersion, message: str) -> dict[str, Any]:
    """The version's content with everything covered that is known to name its school or the school's parents.

    Raises NothingToHide, NamesTheSchool.
    """
    rows = await tx.fetch(_NAMES, version.organization_id)
    names = [row["name"] for row in rows]
    rules_blind.check_blind(
        version.state.value, public=version.state is SpecState.PUBLISHED, message=message, names=names
    )
    content = await tx.fetchval("select content from spec_versions where id = $1", version.id)
    found: dict[str, Any] = rules_blind.covered(content, names)
    return found


_NAMES = """
with recursive up(id, steps) as (
    select $1::uuid, 0 union all
    select o.parent_id, up.steps + 1 from up join organizations o on o.id = up.id
    where o.parent_id is not null and up.steps < 3)
select unnest(array[o.display_name, o.legal_name, o.handle, coalesce(substring(o.url from '//([^/:]+)'), '')]
    || o.domains || array(select d.domain from organization_domains d where d.organization_id = o.id)) as name
from up join organizations o on o.id = up.id
"""


async def ask(tx: Tx, version: FrozenVersion, asked: Asked, *, path: Path) -> UUID:
    """Write a request down and open the version's review; for whoever has checked what `request` checks.

    Raises AlreadyAsked.
    """
    now = await tx.now()
    await tx.execute(
        "update review_requests q set state = 'expired', closed_at = $3, updated_at = $3 where spec_version_id = $1"
        f" and organization_id = $2 and state in ('open', 'claimed') and {LAST_DAY.format(t='q')} < $4",
        *(version.id, asked.organization_id, now, hands.today_of(now)),
    )
    row = ReviewRequest(
        id=new_id(),
        spec_version_id=version.id,
        school_id=version.organization_id,
        organization_id=asked.organization_id,
        requested_by=asked.requested_by,
        message=asked.message,
        due_on=asked.due_on,
        expires_on=rules_due.expires_on(asked.due_on),
        state=RequestState.OPEN.value,
        requested_at=now,
        updated_at=shown(now),
        blind=asked.covered is not None,
        blind_content=asked.covered,
        call_id=asked.call_id,
        previous_review_id=asked.renewal.review_id if asked.renewal else None,
        sections=list(asked.renewal.sections) if asked.renewal else None,
        carried=list(asked.renewal.carried) if asked.renewal else None,
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise AlreadyAsked(path=path) from None
    await specs.open_review(tx, version.id, None if row.blind else asked.organization_id)
    return row.id


async def extend(tx: Tx, actor: Actor, command: Extend) -> UUID:
    """Give a request that waits a later due date; the school that asked only. What is told about it begins anew.

    Raises NotAllowed, NotFound, Changed, InvalidState, NotLater, DueInPast.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    row, state = await hands.load(tx, command.request_id)
    if row["school_id"] != actor.organization_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    require_unmodified(row["changed_at"], command.seen, what="review request")
    if (state.state, rules.Act.EXPIRE) not in rules.MOVES:
        raise InvalidState(
            what="review request", state=state.state.value, verb="another due date", needed="open or claimed"
        )
    now = await tx.now()
    due_on = rules_due.later(row["due_on"], command.due_on, hands.today_of(now))
    await tx.execute(
        "update review_requests set due_on = $2, expires_on = $3, updated_at = $4 where id = $1",
        *(command.request_id, due_on, rules_due.expires_on(due_on), next_change(now, row["changed_at"])),
    )
    await tx.emit("review.extended", f"rrq_{command.request_id}")
    return command.request_id


async def claim(tx: Tx, actor: Actor, request_id: UUID) -> UUID:
    """Claim a request for a week, or extend one's own claim; a reviewer of the organization asked only.

    Raises NotAllowed, NotFound, ConflictOfInterest, InvalidState, Leased; CallFull when it was a place of a call that
    others have taken.
    """
    access.require(actor, Permission.REVIEW)
    now = await tx.now()
    await places.hold(tx, actor.organization_id, request_id, now)
    row, state = await hands.asked_of(tx, actor, request_id)
    # A tie may have come since the school asked.
    await check_tie(tx, row, path=("reviewRequestId",))
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


async def give_back(tx: Tx, actor: Actor, request_id: UUID) -> UUID:
    """Give one's own claim back, so that a colleague may take the request; whoever claimed it only.

    Raises NotAllowed, NotFound, InvalidState, LeaseLost.
    """
    access.require(actor, Permission.REVIEW)
    row, state = await hands.asked_of(tx, actor, request_id)
    now = await tx.now()
    after = rules.give_back(state, actor.person_id, now)
    await hands.let_go(tx, row, after, now, returned=True)
    await tx.emit("review.returned", f"rrq_{request_id}")
    return request_id


async def decide(tx: Tx, actor: Actor, command: Decide) -> UUID:
    """Decide a request that the actor has claimed; the answer is the new review's id.

    Whoever has begun to write the review over time submits or discards that: what it asks for, a look at every section
    among it, is not passed by. Raises NotAllowed, NotFound, InvalidState, LeaseLost, AlreadyWriting, and what
    `rules.check` refuses, each with its place; NotViewed when who recommends to endorse says to have left one out.
    """
    access.require(actor, Permission.WRITE_REVIEW)
    row, state = await hands.taken_up(tx, actor, command.request_id)
    now = await tx.now()
    rules.move(state, rules.Act.DECIDE, rules.Party.REVIEWER)
    writes = "select true from review_drafts where request_id = $1 and reviewer_id = $2 and state = 'draft'"
    if await tx.fetchval(writes, row["id"], actor.person_id):
        raise AlreadyWriting(path=("reviewRequestId",))
    decision = command.decision
    decision = replace(decision, scores=await renewals.fill(tx, row, DEFAULT_ID, decision.scores))
    rules.decide(state, actor.person_id, decision, now)
    needed = renewals.to_view(row, sections_of(await specs.content_of(tx, row["spec_version_id"])))
    if command.viewed is not None and decision.recommendation is rules.Recommendation.ENDORSE:
        require_viewed(needed, command.viewed)
    if actor.person_id is None:
        raise NotAllowed(why="Only a person reviews")
    identity = new_id()
    end = Conclusion(
        *(identity, actor.person_id, DEFAULT_ID, now),
        by_expert=actor.request_id is not None,
        viewed=command.viewed,
    )
    await conclude(tx, actor, row, decision, end)
    return identity


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Under which id a review is kept, who wrote it, by which rubric, and when.

    `asked` are the changes that it asks for one by one; without any its comment as a whole is one. `said` are the rows
    of what it remarks and suggests. `viewed` are the sections that were viewed, None where nothing was said of it.
    """

    review_id: UUID
    reviewer_id: UUID
    rubric_version_id: UUID
    now: datetime
    by_expert: bool
    asked: Sequence[change_requests.Asked] = ()
    said: Sequence[ReviewComment | ReviewSuggestion] = ()
    viewed: AbstractSet[Section] | None = None


async def conclude(tx: Tx, actor: Actor, row: asyncpg.Record, decision: Decision, end: Conclusion) -> None:
    """Keep a review that the rules have let through, and close its request: the end of every way of reviewing."""
    if decision.interest is None:
        raise NotAllowed(why="Nobody reviews without a declaration of interests")
    await tx.insert(
        Review(
            id=end.review_id,
            request_id=row["id"],
            spec_version_id=row["spec_version_id"],
            organization_id=row["organization_id"],
            reviewer_id=end.reviewer_id,
            rubric_version_id=end.rubric_version_id,
            interest=decision.interest.value,
            coi_declaration=decision.declaration,
            scores=[asdict(score) for score in decision.scores],
            comment=decision.comment,
            recommendation=decision.recommendation.value,
            decided_at=end.now,
            by_expert=end.by_expert,
            viewed=None if end.viewed is None else [section.value for section in Section if section in end.viewed],
        ),
        *end.said,
    )
    await enter(tx, REVIEWS, end.review_id, actor=actor, action="review.submitted")
    if decision.interest is rules.Interest.DISCLOSED:
        await conflicts.note_interest(tx, end.review_id, row["organization_id"], row["spec_version_id"])
    if decision.recommendation is rules.Recommendation.REQUEST_CHANGES:
        await change_requests.open_from(tx, end.review_id, end.asked or [change_requests.Asked(decision.comment)])
    await hands.answered(tx, row, end.now)
    await tx.emit("review.decided", f"rev_{end.review_id}", recommendation=decision.recommendation.value)


async def decline(tx: Tx, actor: Actor, command: Decline) -> UUID:
    """Decline a request with a reason; a reviewer of the organization asked only.

    Raises NotAllowed, NotFound, InvalidState, Leased, Required (reason).
    """
    access.require(actor, Permission.REVIEW)
    row, state = await hands.asked_of(tx, actor, command.request_id)
    now = await tx.now()
    after = rules.decline(state, actor.person_id, command.reason, now)
    await hands.close(tx, row, after, now, command.reason)
    await tx.emit("review.declined", f"rrq_{command.request_id}")
    return command.request_id


async def cancel(tx: Tx, actor: Actor, command: Cancel) -> UUID:
    """Take a request back before it is answered; the school that asked only.

    Raises NotAllowed, NotFound, Changed (somebody claimed it since it was seen), InvalidState.
    """
    access.require(actor, Permission.REQUEST_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    row, state = await hands.load(tx, command.request_id)
    if row["school_id"] != actor.organization_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    require_unmodified(row["changed_at"], command.seen, what="review request")
    after = rules.move(state, rules.Act.CANCEL, rules.Party.SCHOOL)
    await hands.close(tx, row, after, await tx.now())
    await tx.emit("review.cancelled", f"rrq_{command.request_id}")
    return command.request_id
