"""What the caller may do with a review that is written and with what is said about it, by their own tables of moves."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from countersign.kit.access import Permission
from countersign.reads.bind import bound
from countersign.reviews import rules
from countersign.reviews.rules_calls import CALL_MOVES, CallAct
from countersign.reviews.rules_threads import SUGGESTIONS, THREADS, SuggestionAct, ThreadAct
from countersign.reviews.rules_writing import MOVES, DraftAct
from countersign.reviews.views import REVIEW_DRAFT, REVIEW_REQUEST
from countersign.reviews.views_calls import MAY_TAKE, REVIEW_CALL
from countersign.schema.abilities import ABILITIES, MINE, may

_OF_SCHOOL = "{t}.school_id = {actor_organization}"
_REQUEST = f"({REVIEW_REQUEST.column('state')})".replace("{t}", "q")
_DRAFT = f"({REVIEW_DRAFT.column('state')})"
_CALL = f"({REVIEW_CALL.column('state')})"


def moved(state: str, act: StrEnum, moves: Mapping[Any, Any]) -> str:
    """Whether a state machine lets the act: `moves` by (state, act), `state` as SQL."""
    names = ", ".join(sorted({f"'{before.value}'" for before, possible in moves if possible is act}))
    return f"{state} in ({names})"


# Written by the reviewer who holds the request, as long as its lease runs; a colleague reads along.
_HELD = (
    "exists (select from review_requests q where q.id = {t}.request_id and q.claimed_by = {actor_person}"
    " and q.claimed_until > {now} and " + moved(_REQUEST, rules.Act.DECIDE, rules.MOVES) + ")"
)


def _writing(act: DraftAct) -> str:
    return (
        f"({MINE} or {{t}}.request_id = {{actor_request}}) and {{t}}.reviewer_id = {{actor_person}}"
        f" and {moved(_DRAFT, act, MOVES)} and {_HELD}"
    )


def _speaking(act: ThreadAct) -> str:
    return moved("{t}.state", act, THREADS)


@bound(ABILITIES, description="What you may do with a review that is being written.")
class ReviewDraftAbilities:
    """What the caller may do with a review that is being written."""

    edit: bool = may(
        Permission.WRITE_REVIEW,
        _writing(DraftAct.WRITE),
        description="Write on: scores, comments, suggestions, your declaration, and the sections that you have viewed.",
    )
    submit: bool = may(
        Permission.WRITE_REVIEW, _writing(DraftAct.SUBMIT), description="Submit it, once nothing is missing."
    )
    discard: bool = may(Permission.WRITE_REVIEW, _writing(DraftAct.DISCARD), description="Throw it away.")


@bound(ABILITIES, description="What you may do in a comment's thread.")
class ReviewCommentAbilities:
    """What the caller may do in a comment's thread."""

    answer: bool = may(
        Permission.ANSWER_REVIEW,
        f"{_OF_SCHOOL} and {_speaking(ThreadAct.ANSWER)}",
        description="Answer for the school.",
    )
    reply: bool = may(
        Permission.REVIEW, f"{MINE} and {_speaking(ThreadAct.REPLY)}", description="Write on as who reviewed."
    )
    resolve: bool = may(
        Permission.REVIEW, f"{MINE} and {_speaking(ThreadAct.RESOLVE)}", description="Say that it is met."
    )
    reopen: bool = may(
        Permission.REVIEW, f"{MINE} and {_speaking(ThreadAct.REOPEN)}", description="Say that it is not met after all."
    )


@bound(ABILITIES, description="What you may do with words that a reviewer suggests.")
class ReviewSuggestionAbilities:
    """What the caller may do with a reviewer's suggestion."""

    accept: bool = may(
        Permission.EDIT_SPEC,
        f"{_OF_SCHOOL} and {moved('{t}.state', SuggestionAct.ACCEPT, SUGGESTIONS)}",
        description="Take the words into a draft.",
    )
    decline: bool = may(
        Permission.ANSWER_REVIEW,
        f"{_OF_SCHOOL} and {moved('{t}.state', SuggestionAct.DECLINE, SUGGESTIONS)}",
        description="Keep your own words.",
    )


@bound(ABILITIES, description="What you may do with a call for reviewers.")
class ReviewCallAbilities:
    """What the caller may do with a call for reviewers."""

    close: bool = may(
        Permission.REQUEST_REVIEW,
        f"{_OF_SCHOOL} and {moved(_CALL, CallAct.CLOSE, CALL_MOVES)}",
        description="Close it.",
    )
    take_place: bool = may(
        Permission.REVIEW,
        f"{moved(_CALL, CallAct.TAKE, CALL_MOVES)} and {MAY_TAKE}",
        description="Take a place: it means your organization, and there is one.",
    )
