"""A review that is being written: what may happen to its draft, and what it lacks until it can be submitted. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from countersign.kit.errors import Code, Conflict, Invalid, InvalidState, Path, Refusal, Refusals, Required, TooLong
from countersign.reviews import rules, rules_anchors
from countersign.reviews.rubric import Rubric
from countersign.reviews.rules import Decision, Interest, Party, Recommendation, Score
from countersign.reviews.rules_anchors import Anchor
from countersign.reviews.rules_threads import NotYourPart
from countersign.specs.content import Content
from countersign.specs.reading import to_json
from countersign.specs.sections import Section, section_of

BODY_LIMIT: Final = 4_000
REPLACEMENT_LIMIT: Final = 20_000
MOST_COMMENTS: Final = 200
MOST_SUGGESTIONS: Final = 100


class DraftState(enum.StrEnum):
    """Where a draft of a review stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    VOIDED = "voided"


class DraftAct(enum.StrEnum):
    """What can be done to a draft of a review, or happen to it."""

    WRITE = "write"
    SUBMIT = "submit"
    DISCARD = "discard"
    FALL = "fall"
    CLOSE = "close"


MOVES: Final[Mapping[tuple[DraftState, DraftAct], tuple[Party, DraftState]]] = MappingProxyType(
    {
        (DraftState.DRAFT, DraftAct.WRITE): (Party.REVIEWER, DraftState.DRAFT),
        (DraftState.DRAFT, DraftAct.SUBMIT): (Party.REVIEWER, DraftState.SUBMITTED),
        (DraftState.DRAFT, DraftAct.DISCARD): (Party.REVIEWER, DraftState.VOIDED),
        (DraftState.DRAFT, DraftAct.FALL): (Party.DEPARTURE, DraftState.VOIDED),
        (DraftState.DRAFT, DraftAct.CLOSE): (Party.CLOCK, DraftState.VOIDED),
    }
)
"""Every move of a draft. `FALL`: its reviewer has gone; `CLOSE`: its request was answered otherwise, or ended."""


class AlreadyWriting(Conflict):
    """You are writing this review already: go on with it, or discard it first."""


class NotViewed(Refusal):
    """Look at every section before you submit; not viewed yet: {sections}."""

    code = Code.REQUIRED


class NothingChanged(Refusal):
    """A suggestion says something else than what stands there."""


@dataclass(frozen=True, slots=True)
class DraftComment:
    """A remark at a place; `asks_change` when the school has to answer it by a change."""

    anchor: Anchor
    body: str
    asks_change: bool = False


@dataclass(frozen=True, slots=True)
class DraftSuggestion:
    """Another text for a range, and why."""

    anchor: Anchor
    replacement: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a draft says."""

    interest: Interest
    declaration: str
    scores: tuple[Score, ...]
    comment: str
    recommendation: Recommendation | None
    comments: tuple[DraftComment, ...]
    suggestions: tuple[DraftSuggestion, ...]
    sections: frozenset[Section]
    viewed: frozenset[Section]


def move(state: DraftState, act: DraftAct, party: Party) -> DraftState:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYours)."""
    found = MOVES.get((state, act))
    if found is None:
        raise InvalidState(what="review", state=state.value, verb=f"to {act.value} it", needed=DraftState.DRAFT.value)
    allowed, after = found
    if party is not allowed:
        raise NotYourPart(who="the reviewer who writes it", verb=act.value, what="review")
    return after


def check_declaration(interest: Interest | None, declaration: str) -> Interest:
    """The declared interest. Refuses one that is missing, and a disclosed one without its words."""
    if interest is None:
        raise Required(what="A declaration of interests", path=("interest",))
    if interest is Interest.DISCLOSED and not declaration.strip():
        raise Required(what="The interest in words", path=("declaration",))
    if len(declaration) > rules.REASON_LIMIT:
        raise TooLong(what="The declaration", limit=rules.REASON_LIMIT, path=("declaration",))
    return interest


def sections_of(content: Content) -> frozenset[Section]:
    """The sections of which a content says anything."""
    said, silent = to_json(content), to_json(Content())
    return frozenset(section_of(field) for field, value in said.items() if value != silent[field])


def check_edit(
    content: Mapping[str, Any],
    rubric: Rubric,
    *,
    scores: Iterable[Score] = (),
    comments: Iterable[DraftComment] = (),
    suggestions: Iterable[DraftSuggestion] = (),
    comment: str = "",
) -> None:
    """Refuse what a draft cannot hold, naming every place; anchors are checked with `content`, the frozen text."""
    faults = rules.score_faults(scores, rubric, evidence=False)
    remarks, proposals = list(comments), list(suggestions)
    for what, found, most in (("comments", remarks, MOST_COMMENTS), ("suggestions", proposals, MOST_SUGGESTIONS)):
        if len(found) > most:
            raise Invalid(problem=f"A review has at most {most} {what}", path=(what,))
    for number, remark in enumerate(remarks):
        faults += _comment_faults(remark, content, ("comments", number))
    for number, proposal in enumerate(proposals):
        faults += _suggestion_faults(proposal, content, ("suggestions", number))
    if len(comment) > rules.COMMENT_LIMIT:
        faults.append(TooLong(what="The comment", limit=rules.COMMENT_LIMIT, path=("comment",)))
    if faults:
        raise Refusals(faults)


def body_fault(body: str, at: Path) -> list[Refusal]:
    """Why a text is no remark: there is nothing in it, or too much."""
    if not body.strip():
        return [Required(what="What you want to say", path=at)]
    return [TooLong(what="The text", limit=BODY_LIMIT, path=at)] if len(body) > BODY_LIMIT else []


def _comment_faults(remark: DraftComment, content: Mapping[str, Any], at: Path) -> list[Refusal]:
    return [*rules_anchors.faults(remark.anchor, content, at), *body_fault(remark.body, (*at, "body"))]


def _suggestion_faults(proposal: DraftSuggestion, content: Mapping[str, Any], at: Path) -> list[Refusal]:
    anchor = proposal.anchor
    if anchor.path is None or anchor.start is None or anchor.end is None:
        return [Required(what="The path and the range of what you would say otherwise", path=(*at, "path"))]
    faults = rules_anchors.faults(anchor, content, at)
    if proposal.replacement == anchor.quoted:
        faults.append(NothingChanged(path=(*at, "replacement")))
    for what, text, limit in (
        ("replacement", proposal.replacement, REPLACEMENT_LIMIT),
        ("reason", proposal.reason, BODY_LIMIT),
    ):
        if len(text) > limit:
            faults.append(TooLong(what=f"The {what}", limit=limit, path=(*at, what)))
    return faults


def require_viewed(needed: frozenset[Section], viewed: frozenset[Section]) -> None:
    """Refuse unless every section that must be was viewed. Raises NotViewed with those that were not."""
    unseen = [section.value for section in Section if section in needed - viewed]
    if unseen:
        raise NotViewed(sections=", ".join(unseen), path=("viewedSections",))


def submit(draft: Draft, rubric: Rubric) -> Decision:
    """The decision that a whole draft makes. Refuses with every reason: sections not viewed, scores, recommendation."""
    faults: list[Refusal] = []
    try:
        require_viewed(draft.sections, draft.viewed)
    except NotViewed as unseen:
        faults.append(unseen)
    if draft.recommendation is None:
        faults.append(Required(what="A recommendation", path=("recommendation",)))
    decision = Decision(
        interest=draft.interest,
        declaration=draft.declaration,
        scores=draft.scores,
        comment=draft.comment,
        recommendation=draft.recommendation or Recommendation.REQUEST_CHANGES,
    )
    try:
        rules.check(decision, rubric, complete=True)
    except Refusals as several:
        faults += several.refusals
    except Refusal as one:
        faults.append(one)
    if faults:
        raise Refusals(faults)
    return decision
