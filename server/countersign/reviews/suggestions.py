"""What the school makes of suggested words: accept them into a draft of its own, or decline them with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotFound, Required, TooLong
from countersign.kit.staleness import next_change
from countersign.organizations import members
from countersign.reviews import rules_anchors as anchors
from countersign.reviews import rules_threads as rules
from countersign.reviews.rules import REASON_LIMIT, Party
from countersign.reviews.rules_anchors import Change, TextMoved
from countersign.reviews.rules_threads import SuggestionAct, SuggestionState
from countersign.specs import drafts
from countersign.specs import service as specs
from countersign.specs.reading import to_json


class WhichDraft(Conflict):
    """You are writing {count} drafts of this; say into which one."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Take the suggested words into a draft; without one, into the only open draft, else into a new one."""

    suggestion_id: UUID
    draft_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decline:
    """Leave the text as it is, and say why."""

    suggestion_id: UUID
    reason: str


async def accept(tx: Tx, actor: Actor, command: Accept) -> UUID:
    """Put the suggested words into the school's draft; an author of the school only. Answers the suggestion's id.

    The frozen version stays as it is. Raises NotAllowed, NotFound, InvalidState, WhichDraft, TextMoved when the draft
    reads otherwise there by now, and whatever an edit of the draft would be refused for.
    """
    access.require(actor, Permission.EDIT_SPEC)
    await members.hold(tx, actor, Role.AUTHOR)
    row = await _of_school(tx, actor, command.suggestion_id)
    after = rules.take(SuggestionState(row["state"]), SuggestionAct.ACCEPT, Party.SCHOOL)
    draft_id = command.draft_id or await _next_draft(tx, actor, row["spec_version_id"])
    draft = await drafts.own_draft(tx, actor, draft_id, Permission.EDIT_SPEC)
    same = await tx.fetchval(
        "select exists (select from spec_versions where id = $1 and spec_id = $2)",
        row["spec_version_id"],
        draft["spec_id"],
    )
    if not same:
        raise NotFound(what="draft of this specification", path=("draftId",))
    content = await _with_words(tx, row, draft_id, draft["content"])
    await drafts.edit_draft(tx, actor, drafts.EditDraft(draft_id, content))
    await _decide(tx, row, after, draft_id=draft_id)
    await tx.emit("review.suggestion_accepted", f"rsg_{row['id']}")
    return command.suggestion_id


async def decline(tx: Tx, actor: Actor, command: Decline) -> UUID:
    """Leave the text as it is, with a reason that the reviewer reads; an author of the school only.

    Raises NotAllowed, NotFound, InvalidState, Required (reason), TooLong.
    """
    access.require(actor, Permission.ANSWER_REVIEW)
    await members.hold(tx, actor, Role.AUTHOR)
    row = await _of_school(tx, actor, command.suggestion_id)
    after = rules.take(SuggestionState(row["state"]), SuggestionAct.DECLINE, Party.SCHOOL)
    if not command.reason.strip():
        raise Required(what="A reason", path=("reason",))
    if len(command.reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))
    await _decide(tx, row, after, reason=command.reason)
    await tx.emit("review.suggestion_declined", f"rsg_{row['id']}")
    return command.suggestion_id


async def _of_school(tx: Tx, actor: Actor, suggestion_id: UUID) -> asyncpg.Record:
    row = await tx.fetchrow("select * from review_suggestions where id = $1 for update", suggestion_id)
    if row is None or row["school_id"] != actor.organization_id:
        raise NotFound(what="suggestion", path=("reviewSuggestionId",))
    return row


async def _next_draft(tx: Tx, actor: Actor, version_id: UUID) -> UUID:
    """The school's open draft that follows the version: the only one there is, or a new one."""
    found = await tx.fetch(
        "select d.id from spec_drafts d join spec_versions v on v.spec_id = d.spec_id"
        " where v.id = $1 and d.version_id is null and d.organization_id = $2 order by d.id limit 100",
        version_id,
        actor.organization_id,
    )
    if len(found) > 1:
        raise WhichDraft(count=len(found), path=("draftId",))
    if found:
        only: UUID = found[0]["id"]
        return only
    return await specs.new_draft_from(tx, actor, version_id)


async def _with_words(tx: Tx, row: asyncpg.Record, draft_id: UUID, content: dict[str, object]) -> dict[str, object]:
    """The draft's content with the suggested words at their place."""
    frozen = to_json(await specs.content_of(tx, row["spec_version_id"]))
    path: str = row["path"]
    moved = TextMoved(field=path, path=("draftId",))
    try:
        before, now = anchors.read(frozen, path), anchors.read(content, path)
    except anchors.NoSuchField:
        raise moved from None
    if not isinstance(before, str) or not isinstance(now, str):
        raise moved
    taken = await tx.fetch(
        "select start_at, end_at, replacement from review_suggestions"
        " where draft_id = $1 and spec_version_id = $2 and path = $3 and state = 'accepted'",
        draft_id,
        row["spec_version_id"],
        path,
    )
    made = [Change(one["start_at"], one["end_at"], one["replacement"]) for one in taken]
    wanted = Change(row["start_at"], row["end_at"], row["replacement"])
    at = anchors.place(before, now, wanted, made)
    if at is None:
        raise moved
    length = wanted.end - wanted.start
    return anchors.write(content, path, anchors.applied(now, [Change(at, at + length, wanted.text)]))


async def _decide(
    tx: Tx, row: asyncpg.Record, after: SuggestionState, *, draft_id: UUID | None = None, reason: str | None = None
) -> None:
    now = await tx.now()
    await tx.execute(
        "update review_suggestions set state = $2, draft_id = $3, decline_reason = $4, decided_at = $5,"
        " updated_at = $6 where id = $1",
        row["id"],
        after.value,
        draft_id,
        reason,
        now,
        next_change(now, row["updated_at"]),
    )
