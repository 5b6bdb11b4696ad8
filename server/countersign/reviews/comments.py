"""Threads under a submitted review's comments: the school answers, who reviewed replies, and says when it is met."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound, Refusals
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change
from countersign.organizations import members
from countersign.reviews import rules_threads as rules
from countersign.reviews.rules import Party
from countersign.reviews.rules_threads import ThreadAct, ThreadState
from countersign.reviews.rules_writing import body_fault
from countersign.reviews.tables import ReviewReply


@dataclass(frozen=True, slots=True)
class Say:
    """A word in a comment's thread."""

    comment_id: UUID
    body: str


async def answer(tx: Tx, actor: Actor, command: Say) -> UUID:
    """Answer a comment; an author of the school that was reviewed only. Answers the reply's id.

    Raises NotAllowed, NotFound, InvalidState (resolved), Required, TooLong.
    """
    access.require(actor, Permission.ANSWER_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    return await _say(tx, actor, command, ThreadAct.ANSWER, Party.SCHOOL)


async def reply(tx: Tx, actor: Actor, command: Say) -> UUID:
    """Write on in a comment's thread; a reviewer of the organization that reviewed only. Raises as `answer`."""
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    return await _say(tx, actor, command, ThreadAct.REPLY, Party.REVIEWER)


async def resolve(tx: Tx, actor: Actor, comment_id: UUID) -> UUID:
    """Say that a comment is met; a reviewer of the organization that reviewed only.

    Raises NotAllowed, NotFound, InvalidState.
    """
    return await _settle(tx, actor, comment_id, ThreadAct.RESOLVE)


async def reopen(tx: Tx, actor: Actor, comment_id: UUID) -> UUID:
    """Say that a comment is not met after all; a reviewer of the organization that reviewed only. As `resolve`."""
    return await _settle(tx, actor, comment_id, ThreadAct.REOPEN)


async def _settle(tx: Tx, actor: Actor, comment_id: UUID, act: ThreadAct) -> UUID:
    access.require(actor, Permission.REVIEW)
    await members.hold(tx, actor, Role.REVIEWER)
    row = await _of_side(tx, actor, comment_id, Party.REVIEWER)
    after = await _move(tx, row, act, Party.REVIEWER)
    topic = "review.comment_resolved" if after is ThreadState.RESOLVED else "review.comment_reopened"
    await tx.emit(topic, f"rcm_{comment_id}")
    return comment_id


async def _say(tx: Tx, actor: Actor, command: Say, act: ThreadAct, party: Party) -> UUID:
    row = await _of_side(tx, actor, command.comment_id, party)
    faults = body_fault(command.body, ("body",))
    if faults:
        raise Refusals(faults)
    await _move(tx, row, act, party)
    identity = new_id()
    await tx.insert(
        ReviewReply(
            id=identity,
            comment_id=row["id"],
            request_id=row["request_id"],
            school_id=row["school_id"],
            organization_id=row["organization_id"],
            by_school=party is Party.SCHOOL,
            author_id=actor.person_id,
            body=command.body,
            made_at=await tx.now(),
        )
    )
    topic = "review.comment_answered" if party is Party.SCHOOL else "review.comment_replied"
    await tx.emit(topic, f"rcm_{row['id']}")
    return identity


async def _of_side(tx: Tx, actor: Actor, comment_id: UUID, party: Party) -> asyncpg.Record:
    """The comment, locked, when the actor acts for that side of it. Raises NotFound, also for a foreign one."""
    row = await tx.fetchrow("select * from review_comments where id = $1 for update", comment_id)
    side = "school_id" if party is Party.SCHOOL else "organization_id"
    if row is None or row[side] != actor.organization_id:
        raise NotFound(what="comment", path=("reviewCommentId",))
    return row


async def _move(tx: Tx, row: asyncpg.Record, act: ThreadAct, party: Party) -> ThreadState:
    after = rules.speak(ThreadState(row["state"]), act, party)
    await tx.execute(
        "update review_comments set state = $2, updated_at = $3 where id = $1",
        row["id"],
        after.value,
        next_change(await tx.now(), row["updated_at"]),
    )
    return after
