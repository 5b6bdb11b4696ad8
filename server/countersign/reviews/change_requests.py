"""Changes that a review asks for: ticked off in a draft, answered by the next version, settled by who asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotFound
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, shown
from countersign.organizations import members
from countersign.reviews import rules_changes as rules
from countersign.reviews.rules_changes import Answer, ChangeAct, ChangeParty, ChangeState
from countersign.reviews.tables import ChangeRequest, ChangeRequestEvent
from countersign.specs import service as specs
from countersign.specs.events import VersionSubmitted
from countersign.specs.sections import section_of

UNANSWERED: Final = tuple(state.value for state, act in rules.MOVES if act is ChangeAct.ADDRESS)


@dataclass(frozen=True, slots=True)
class Asked:
    """One change that a review asks for: of a field (None: of the version as a whole), by a comment or by itself."""

    body: str
    path: str | None = None
    comment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """How the school's open draft answers a change request."""

    draft_id: UUID
    change_request_id: UUID
    answer: Answer
    note: str = ""


async def open_from(tx: Tx, review_id: UUID, asked: Iterable[Asked]) -> list[UUID]:
    """Raise what a review that is being submitted asks for; the ids.

    For the service that submits it, which has authorized that and checked the words.
    """
    review = await tx.fetchrow(
        "select r.organization_id, r.spec_version_id, v.spec_id, v.organization_id as school_id"
        " from reviews r join spec_versions v on v.id = r.spec_version_id where r.id = $1",
        review_id,
    )
    if review is None:
        raise LookupError("a change is asked for by a review")
    now = shown(await tx.now())
    rows = [
        ChangeRequest(
            id=new_id(),
            review_id=review_id,
            comment_id=each.comment_id,
            spec_id=review["spec_id"],
            spec_version_id=review["spec_version_id"],
            school_id=review["school_id"],
            organization_id=review["organization_id"],
            path=each.path,
            section=section_of(each.path).value if each.path else None,
            body=each.body,
            state=ChangeState.OPEN.value,
            raised_at=now,
            updated_at=now,
        )
        for each in asked
    ]
    if rows:
        await tx.insert(*rows)
    for row in rows:
        await _tell(tx, row.id, ChangeState.OPEN, "", now, version_id=row.spec_version_id, topic="raised")
    return [row.id for row in rows]


async def tick(tx: Tx, actor: Actor, command: Tick) -> UUID:
    """Tick a change request off in the school's open draft; the school's authors only.

    Nobody else sees it: it is the answer once the draft is submitted. Raises NotAllowed, NotFound (draft, change
    request of another specification), InvalidState (draft submitted, change request answered or ticked off already),
    Required (a reason to decline), TooLong.
    """
    draft = await specs.own_draft(tx, actor, command.draft_id, Permission.EDIT_SPEC)
    rules.check_note(command.note, needed=command.answer is Answer.DECLINED, path=("note",))
    row = await _load(tx, command.change_request_id)
    if row["spec_id"] != draft["spec_id"]:
        raise NotFound(what="change request", path=("changeRequestId",))
    rules.move(ChangeState(row["state"]), rules.answering(command.answer), ChangeParty.SCHOOL)
    made = await tx.fetchval(
        "insert into change_request_ticks (draft_id, change_request_id, organization_id, answer, note, ticked_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (draft_id, change_request_id) do nothing returning true",
        draft["id"],
        row["id"],
        draft["organization_id"],
        command.answer.value,
        command.note,
        shown(await tx.now()),
    )
    if not made:
        raise InvalidState(what="change request", state="ticked", verb="to tick it off", needed="unticked")
    return command.draft_id


async def untick(tx: Tx, actor: Actor, draft_id: UUID, change_request_id: UUID) -> UUID:
    """Take a tick back before the draft is submitted.

    Raises NotAllowed, NotFound (draft), InvalidState (draft submitted, or nothing is ticked off).
    """
    await specs.own_draft(tx, actor, draft_id, Permission.EDIT_SPEC)
    gone = await tx.fetchval(
        "delete from change_request_ticks where draft_id = $1 and change_request_id = $2 returning true",
        draft_id,
        change_request_id,
    )
    if not gone:
        raise InvalidState(what="change request", state="unticked", verb="to take the tick back", needed="ticked")
    return draft_id


async def follow_submission(tx: Tx, event: VersionSubmitted) -> None:
    """Answer what the submitted draft ticks off, and let who asked read the version that answers.

    What was settled meanwhile stays as it is.
    """
    rows = await tx.fetch(
        "select c.id, c.state, c.organization_id, c.updated_at, k.answer, k.note from change_request_ticks k"
        " join change_requests c on c.id = k.change_request_id where k.draft_id = $1 order by c.id for update of c",
        event.draft_id,
    )
    now = await tx.now()
    answered = set()
    for row in rows:
        answer = Answer(row["answer"])
        before = ChangeState(row["state"])
        if (before, rules.answering(answer)) not in rules.MOVES:
            continue
        after = rules.move(before, rules.answering(answer), ChangeParty.SCHOOL)
        await _put(tx, row, after, row["note"], now, answered_in=event.version_id)
        answered.add(row["organization_id"])
    for organization in sorted(answered):
        await specs.let_read(tx, event.version_id, organization)


async def decline(tx: Tx, actor: Actor, change_request_id: UUID, reason: str) -> UUID:
    """Decline a change at once, with a reason that who asked reads; the school's authors only.

    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    access.require(actor, Permission.EDIT_SPEC)
    rules.check_note(reason, needed=True, path=("reason",))
    row = await _load(tx, change_request_id)
    if row["school_id"] != actor.organization_id:
        raise NotFound(what="change request", path=("changeRequestId",))
    after = rules.move(ChangeState(row["state"]), ChangeAct.DECLINE, ChangeParty.SCHOOL)
    await _put(tx, row, after, reason, await tx.now(), answered_in=None)
    return change_request_id


async def accept(tx: Tx, actor: Actor, change_request_id: UUID) -> UUID:
    """Say that the answer settles it; a reviewer of the organization that asked. Raises as `reopen`."""
    return await _settle(tx, actor, change_request_id, ChangeAct.ACCEPT, "")


async def reopen(tx: Tx, actor: Actor, change_request_id: UUID, reason: str) -> UUID:
    """Say that the answer does not settle it, and why; a reviewer of the organization that asked.

    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    access.require(actor, Permission.REVIEW)
    rules.check_note(reason, needed=True, path=("reason",))
    return await _settle(tx, actor, change_request_id, ChangeAct.REOPEN, reason)


async def withdraw(tx: Tx, actor: Actor, change_request_id: UUID, reason: str = "") -> UUID:
    """Ask for it no more; a reviewer of the organization that asked. It is kept. Raises as `reopen`."""
    access.require(actor, Permission.REVIEW)
    rules.check_note(reason, needed=False, path=("reason",))
    return await _settle(tx, actor, change_request_id, ChangeAct.WITHDRAW, reason)


async def fall(tx: Tx, review_ids: Iterable[UUID], now: datetime) -> None:
    """Withdraw what voided reviews ask for; it is kept. For `departures`."""
    rows = await tx.fetch(
        "select id, state, updated_at from change_requests where review_id = any($1) order by id for update",
        list(review_ids),
    )
    for row in rows:
        before = ChangeState(row["state"])
        if (before, ChangeAct.FALL) in rules.MOVES:
            await _put(tx, row, rules.move(before, ChangeAct.FALL, ChangeParty.DEPARTURE), "", now)


async def _settle(tx: Tx, actor: Actor, change_request_id: UUID, act: ChangeAct, note: str) -> UUID:
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row = await _load(tx, change_request_id)
    if row["organization_id"] != actor.organization_id:
        raise NotFound(what="change request", path=("changeRequestId",))
    after = rules.move(ChangeState(row["state"]), act, ChangeParty.REVIEWER)
    await _put(tx, row, after, note, await tx.now())
    return change_request_id


async def _load(tx: Tx, change_request_id: UUID) -> asyncpg.Record:
    row = await tx.fetchrow(
        "select id, spec_id, school_id, organization_id, state, updated_at from change_requests where id = $1"
        " for update",
        change_request_id,
    )
    if row is None:
        raise NotFound(what="change request", path=("changeRequestId",))
    return row


async def _put(
    tx: Tx, row: asyncpg.Record, after: ChangeState, note: str, now: datetime, *, answered_in: UUID | None = None
) -> None:
    answered = after in {ChangeState.ADDRESSED, ChangeState.DECLINED}
    changed = next_change(now, row["updated_at"])
    await tx.execute(
        "update change_requests set state = $2, updated_at = $3,"
        " answer = case when $4 then $5 else answer end, answered_at = case when $4 then $3 else answered_at end,"
        " answered_in_id = case when $4 then $6 else answered_in_id end where id = $1",
        row["id"],
        after.value,
        changed,
        answered,
        note,
        answered_in,
    )
    await _tell(tx, row["id"], after, note, changed, version_id=answered_in, topic=after.value)


async def _tell(
    tx: Tx, identity: UUID, state: ChangeState, note: str, at: datetime, *, version_id: UUID | None, topic: str
) -> None:
    number = await tx.fetchval(
        "select count(*)::int + 1 from change_request_events where change_request_id = $1", identity
    )
    await tx.insert(
        ChangeRequestEvent(
            id=new_id(),
            change_request_id=identity,
            no=number,
            state=state.value,
            note=note,
            spec_version_id=version_id,
            at=at,
        )
    )
    await tx.emit(f"change_request.{topic}", f"chg_{identity}")
