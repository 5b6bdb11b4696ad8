"""Write a review over time: begin with a declaration, score, remark, look at every section, submit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.kit.staleness import next_change, require_unmodified, shown
from countersign.reviews import hands, renewals, rubrics, rules, rules_anchors, service
from countersign.reviews import rules_writing as writing
from countersign.reviews.change_requests import Asked
from countersign.reviews.rules import Act, Interest, LeaseLost, Party, Recommendation, Request, Score
from countersign.reviews.rules_anchors import Anchor, quotation
from countersign.reviews.rules_blind import COVER
from countersign.reviews.rules_threads import SuggestionState, ThreadState
from countersign.reviews.rules_writing import Draft, DraftAct, DraftComment, DraftState, DraftSuggestion
from countersign.reviews.tables import ReviewComment, ReviewDraft, ReviewSuggestion
from countersign.specs import service as specs
from countersign.specs.reading import to_json
from countersign.specs.sections import Section


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to write the review of a claimed request, with the declaration of interests."""

    request_id: UUID
    interest: Interest | None
    declaration: str = ""
    rubric_version_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Declare:
    """Another declaration than the one that the draft began with."""

    draft_id: UUID
    interest: Interest | None
    declaration: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """New contents of a draft; what is None stays, what is given takes the place of all of its kind."""

    draft_id: UUID
    scores: tuple[Score, ...] | None = None
    comments: tuple[DraftComment, ...] | None = None
    suggestions: tuple[DraftSuggestion, ...] | None = None
    comment: str | None = None
    recommendation: Recommendation | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """Submit a draft as it was seen; `seen` is its `updated_at`."""

    draft_id: UUID
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Discard:
    """Throw a draft away; `seen` is its `updated_at`."""

    draft_id: UUID
    seen: datetime | None = None


async def start(tx: Tx, actor: Actor, command: Start) -> UUID:
    """Begin a review of a request that the actor has claimed; nothing can be scored before this declaration.

    Raises NotAllowed, NotFound, Required (the declaration), InvalidState, LeaseLost, AlreadyWriting, Outdated.
    """
    row, state = await _taken_up(tx, actor, command.request_id)
    now = await tx.now()
    _require_lease(state, actor, now)
    interest = writing.check_declaration(command.interest, command.declaration)
    rubric_id, _ = await rubrics.to_use(tx, command.rubric_version_id, row["organization_id"])
    if actor.person_id is None:
        raise NotAllowed(why="Only a person reviews")
    content = await specs.content_of(tx, row["spec_version_id"])
    needed = renewals.to_view(row, writing.sections_of(content))
    identity = new_id()
    draft = ReviewDraft(
        id=identity,
        request_id=command.request_id,
        spec_version_id=row["spec_version_id"],
        organization_id=row["organization_id"],
        reviewer_id=actor.person_id,
        rubric_version_id=rubric_id,
        interest=interest.value,
        coi_declaration=command.declaration,
        sections=[section.value for section in Section if section in needed],
        viewed=[],
        scores=[asdict(score) for score in await renewals.fill(tx, row, rubric_id, ())],
        comments=[],
        suggestions=[],
        comment="",
        state=DraftState.DRAFT.value,
        created_at=now,
        updated_at=shown(now),
    )
    try:
        async with tx.savepoint():
            await tx.insert(draft)
    except asyncpg.UniqueViolationError:
        raise writing.AlreadyWriting(path=("reviewRequestId",)) from None
    return identity


async def declare(tx: Tx, actor: Actor, command: Declare) -> UUID:
    """Declare another interest while the review is being written. Raises as `start`."""
    draft, _ = await _in_hand(tx, actor, command.draft_id)
    interest = writing.check_declaration(command.interest, command.declaration)
    await tx.execute(
        "update review_drafts set interest = $2, coi_declaration = $3, updated_at = $4 where id = $1",
        command.draft_id,
        interest.value,
        command.declaration,
        next_change(await tx.now(), draft["updated_at"]),
    )
    return command.draft_id


async def edit(tx: Tx, actor: Actor, command: Edit) -> UUID:
    """Write on: scores, remarks and suggestions at places of the frozen text, the whole comment, the recommendation.

    Raises NotAllowed, NotFound, InvalidState, LeaseLost, Changed, and for each place what `rules_writing.check_edit`
    refuses: Misquoted when the quotation is not what the frozen text says there.
    """
    draft, request = await _in_hand(tx, actor, command.draft_id)
    require_unmodified(draft["updated_at"], command.seen, what="review")
    writing.check_edit(
        await _text(tx, request),
        await rubrics.of(tx, draft["rubric_version_id"]),
        scores=command.scores or (),
        comments=command.comments or (),
        suggestions=command.suggestions or (),
        comment=command.comment or "",
    )
    scores = command.scores
    if scores is not None:
        scores = await renewals.fill(tx, request, draft["rubric_version_id"], scores)
    await tx.execute(
        "update review_drafts set scores = coalesce($2, scores), comments = coalesce($3, comments),"
        " suggestions = coalesce($4, suggestions), comment = coalesce($5, comment),"
        " recommendation = coalesce($6, recommendation), updated_at = $7 where id = $1",
        command.draft_id,
        None if scores is None else [asdict(score) for score in scores],
        None if command.comments is None else [_remark(comment) for comment in command.comments],
        None if command.suggestions is None else [_proposal(suggestion) for suggestion in command.suggestions],
        command.comment,
        command.recommendation.value if command.recommendation else None,
        next_change(await tx.now(), draft["updated_at"]),
    )
    return command.draft_id


async def view(tx: Tx, actor: Actor, draft_id: UUID, section: Section) -> UUID:
    """Note that the reviewer has looked at a section; looking twice changes nothing. Raises as `start`."""
    draft, _ = await _in_hand(tx, actor, draft_id)
    if section.value not in draft["viewed"]:
        await tx.execute(
            "update review_drafts set viewed = array_append(viewed, $2), updated_at = $3 where id = $1",
            draft_id,
            section.value,
            next_change(await tx.now(), draft["updated_at"]),
        )
    return draft_id


async def discard(tx: Tx, actor: Actor, command: Discard) -> UUID:
    """Throw the draft away, so that another can be begun, perhaps by another rubric. Raises as `start`; Changed."""
    draft, _ = await _in_hand(tx, actor, command.draft_id, DraftAct.DISCARD)
    require_unmodified(draft["updated_at"], command.seen, what="review")
    await _close(tx, draft, DraftState.VOIDED, await tx.now())
    return command.draft_id


async def submit(tx: Tx, actor: Actor, command: Submit) -> UUID:
    """Make the review of the draft: from now on the school reads it and nobody changes it. Answers the review's id.

    Remarks and suggestions become rows with threads of their own. Raises NotAllowed, NotFound, InvalidState, LeaseLost,
    Changed, and every reason why it is not complete: NotViewed, ScoresMissing, EvidenceNeeded, Required.
    """
    draft, request = await _in_hand(tx, actor, command.draft_id, DraftAct.SUBMIT)
    require_unmodified(draft["updated_at"], command.seen, what="review")
    rubric = await rubrics.of(tx, draft["rubric_version_id"])
    content = to_json(await specs.content_of(tx, request["spec_version_id"]))
    whole = _read(draft, request["blind_content"], content)
    decision = writing.submit(whole, rubric)
    now = await tx.now()
    sides = {name: request[name] for name in ("spec_version_id", "school_id", "organization_id")}
    place = {"review_id": command.draft_id, "request_id": request["id"]}
    kept = {**sides, **place, "made_at": now, "updated_at": shown(now)}
    remarks = [_comment(comment, number, kept, content) for number, comment in enumerate(whole.comments, start=1)]
    words = [_suggestion(words, number, kept, content) for number, words in enumerate(whole.suggestions, start=1)]
    end = service.Conclusion(
        command.draft_id,
        draft["reviewer_id"],
        draft["rubric_version_id"],
        now,
        by_expert=actor.request_id is not None,
        asked=[Asked(remark.body, remark.path, remark.id) for remark in remarks if remark.asks_change],
        said=[*remarks, *words],
        viewed=whole.viewed,
    )
    await service.conclude(tx, actor, request, decision, end)
    await _close(tx, draft, DraftState.SUBMITTED, now)
    return command.draft_id


async def _taken_up(tx: Tx, actor: Actor, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    access.require(actor, Permission.WRITE_REVIEW)
    return await hands.taken_up(tx, actor, request_id)


async def _in_hand(
    tx: Tx, actor: Actor, draft_id: UUID, act: DraftAct = DraftAct.WRITE
) -> tuple[asyncpg.Record, asyncpg.Record]:
    """The draft and its request, both locked, which the actor holds and may go on with."""
    access.require(actor, Permission.WRITE_REVIEW)
    missing = NotFound(what="review", path=("reviewDraftId",))
    request_id = await tx.fetchval("select request_id from review_drafts where id = $1", draft_id)
    if request_id is None:
        raise missing
    try:
        request, state = await _taken_up(tx, actor, request_id)
    except NotFound:
        raise missing from None
    draft = await tx.fetchrow("select * from review_drafts where id = $1 for update", draft_id)
    if draft is None:
        raise missing
    now = DraftState(draft["state"])
    if now is DraftState.DRAFT and (state.state, Act.DECIDE) not in rules.MOVES:
        now = writing.move(now, DraftAct.CLOSE, Party.CLOCK)
    # A colleague's draft is the colleague's: they read it, and write their own.
    writing.move(now, act, Party.REVIEWER if draft["reviewer_id"] == actor.person_id else Party.DEPARTURE)
    _require_lease(state, actor, await tx.now())
    return draft, request


def _require_lease(state: Request, actor: Actor, now: datetime) -> None:
    rules.move(state, Act.DECIDE, Party.REVIEWER)
    if not state.leased_to(actor.person_id, now):
        raise LeaseLost(verb="review")


async def _text(tx: Tx, request: asyncpg.Record) -> Mapping[str, Any]:
    """The text as the reviewer reads it: of a blind request the one in which the school is covered, sign for sign."""
    if request["blind"] and request["unveiled_at"] is None:
        covered: Mapping[str, Any] = request["blind_content"]
        return covered
    return to_json(await specs.content_of(tx, request["spec_version_id"]))


async def _close(tx: Tx, draft: asyncpg.Record, after: DraftState, now: datetime) -> None:
    await tx.execute(
        "update review_drafts set state = $2, closed_at = $3, updated_at = $4 where id = $1",
        draft["id"],
        after.value,
        now,
        next_change(now, draft["updated_at"]),
    )


def _remark(comment: DraftComment) -> dict[str, Any]:
    return {**asdict(comment.anchor), "body": comment.body, "asks_change": comment.asks_change}


def _proposal(suggestion: DraftSuggestion) -> dict[str, Any]:
    return {**asdict(suggestion.anchor), "replacement": suggestion.replacement, "reason": suggestion.reason}


def _read(draft: asyncpg.Record, covered: Mapping[str, Any] | None, content: Mapping[str, Any]) -> Draft:
    """What a draft says, at the places of the frozen text: in a `covered` one items may have gone by a covered name."""

    def anchor(stored: Mapping[str, Any]) -> Anchor:
        path = stored["path"]
        if path and covered is not None and COVER in path:
            path = rules_anchors.renamed(path, covered, content)
        return Anchor(path, stored["start"], stored["end"], stored["quoted"])

    return Draft(
        interest=Interest(draft["interest"]),
        declaration=draft["coi_declaration"],
        scores=tuple(Score(**score) for score in draft["scores"]),
        comment=draft["comment"],
        recommendation=Recommendation(draft["recommendation"]) if draft["recommendation"] else None,
        comments=tuple(DraftComment(anchor(c), c["body"], c["asks_change"]) for c in draft["comments"]),
        suggestions=tuple(DraftSuggestion(anchor(s), s["replacement"], s["reason"]) for s in draft["suggestions"]),
        sections=frozenset(Section(name) for name in draft["sections"]),
        viewed=frozenset(Section(name) for name in draft["viewed"]),
    )


def _comment(comment: DraftComment, number: int, kept: Mapping[str, Any], content: Mapping[str, Any]) -> ReviewComment:
    return ReviewComment(
        **_place(comment.anchor, content),
        **kept,
        id=new_id(),
        no=number,
        body=comment.body,
        asks_change=comment.asks_change,
        state=ThreadState.OPEN.value,
    )


def _suggestion(
    suggestion: DraftSuggestion, number: int, kept: Mapping[str, Any], content: Mapping[str, Any]
) -> ReviewSuggestion:
    return ReviewSuggestion(
        **_place(suggestion.anchor, content),
        **kept,
        id=new_id(),
        no=number,
        replacement=suggestion.replacement,
        reason=suggestion.reason,
        state=SuggestionState.OPEN.value,
    )


def _place(anchor: Anchor, content: Mapping[str, Any]) -> dict[str, Any]:
    """An anchor as it is kept; what it quotes is taken from the frozen text once more."""
    quoted = quotation(content, anchor.path, anchor.start, anchor.end)
    return {"path": anchor.path, "start_at": anchor.start, "end_at": anchor.end, "quoted": quoted}
