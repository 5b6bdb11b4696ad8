"""Changes that a review asks for: ticked off in a draft, answered by the next version, settled by who asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from countersign.reviews.tables import ChangeRequest
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


@dataclass(frozen=True, slots=True)
class _Turn:
    """What becomes of a change request, when, with which words; `version_id` is the version that it is about."""

    id: UUID
    state: ChangeState
    note: str
    at: datetime
    version_id: UUID | None = None


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
    await tx.insert(*rows)
    await _tell(tx, [_Turn(row.id, ChangeState.OPEN, "", now, row.spec_version_id) for row in rows], topic="raised")
    return [row.id for row in rows]


async def tick(tx: Tx, actor: Actor, command: Tick) -> UUID:
    """Tick a change request off in the school's open draft; the school's authors only.

    Nobody else sees it: it is the answer once the draft is submitted. Raises NotAllowed, NotFound (draft, change
    request of another specification), InvalidState (draft submitted, change request answered or ticked off already),
    Required (a reason to decline), TooLong.
    """
    access.require(actor, Permission.EDIT_SPEC)
    await members.hold(tx, actor, Role.AUTHOR)
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
    access.require(actor, Permission.EDIT_SPEC)
    await members.hold(tx, actor, Role.AUTHOR)
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
    due = [(row, rules.answering(Answer(row["answer"]))) for row in rows]
    answered = [(row, act) for row, act in due if (ChangeState(row["state"]), act) in rules.MOVES]
    await _put(
        tx,
        [_turn(row, act, ChangeParty.SCHOOL, row["note"], now, version_id=event.version_id) for row, act in answered],
    )
    await specs.let_read(tx, event.version_id, *{row["organization_id"] for row, _ in answered})


async def decline(tx: Tx, actor: Actor, change_request_id: UUID, reason: str) -> UUID:
    """Decline a change at once, with a reason that who asked reads; the school's authors only.

    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    access.require(actor, Permission.EDIT_SPEC)
    rules.check_note(reason, needed=True, path=("reason",))
    await members.hold(tx, actor, Role.AUTHOR)
    row = await _load(tx, change_request_id)
    if row["school_id"] != actor.organization_id:
        raise NotFound(what="change request", path=("changeRequestId",))
    await _put(tx, [_turn(row, ChangeAct.DECLINE, ChangeParty.SCHOOL, reason, await tx.now())])
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
    standing = [row for row in rows if (ChangeState(row["state"]), ChangeAct.FALL) in rules.MOVES]
    await _put(tx, [_turn(row, ChangeAct.FALL, ChangeParty.DEPARTURE, "", now) for row in standing])


async def _settle(tx: Tx, actor: Actor, change_request_id: UUID, act: ChangeAct, note: str) -> UUID:
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row = await _load(tx, change_request_id)
    if row["organization_id"] != actor.organization_id:
        raise NotFound(what="change request", path=("changeRequestId",))
    await _put(tx, [_turn(row, act, ChangeParty.REVIEWER, note, await tx.now())])
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


_PUT: Final = """
update change_requests c set state = u.state, updated_at = u.at,
  answer = case when u.answers then u.note else c.answer end,
  answered_at = case when u.answers then u.at else c.answered_at end,
  answered_in_id = case when u.answers then u.version_id else c.answered_in_id end
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::uuid[], $6::bool[])
  u(id, state, note, at, version_id, answers)
where c.id = u.id
"""
_TELL: Final = """
insert into change_request_events (id, change_request_id, no, state, note, at, spec_version_id)
select u.key, u.id, (select count(*)::int + 1 from change_request_events e where e.change_request_id = u.id),
       u.state, u.note, u.at, u.version_id
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::uuid[], $6::uuid[])
  u(id, state, note, at, version_id, key)
"""


def _turn(
    row: asyncpg.Record, act: ChangeAct, party: ChangeParty, note: str, now: datetime, *, version_id: UUID | None = None
) -> _Turn:
    after = rules.move(ChangeState(row["state"]), act, party)
    return _Turn(row["id"], after, note, next_change(now, row["updated_at"]), version_id)


async def _put(tx: Tx, turns: Sequence[_Turn]) -> None:
    """Write down and tell what becomes of change requests that are locked: three statements, however many there are."""
    if turns:
        answers = [turn.state in {ChangeState.ADDRESSED, ChangeState.DECLINED} for turn in turns]
        await tx.execute(_PUT, *_columns(turns), answers)
        await _tell(tx, turns)


async def _tell(tx: Tx, turns: Sequence[_Turn], topic: str | None = None) -> None:
    if turns:
        await tx.execute(_TELL, *_columns(turns), [new_id() for _ in turns])
        await tx.emit_all((f"change_request.{topic or turn.state.value}", f"chg_{turn.id}", {}) for turn in turns)


def _columns(turns: Sequence[_Turn]) -> tuple[list[object], ...]:
    return (
        [turn.id for turn in turns],
        [turn.state.value for turn in turns],
        [turn.note for turn in turns],
        [turn.at for turn in turns],
        [turn.version_id for turn in turns],
    )
