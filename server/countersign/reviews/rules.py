"""What may happen to a review request, and what a review must say. Pure: no rows, no clock."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never
from uuid import UUID

from countersign.kit.errors import Code, Invalid, InvalidState, Path, Refusal, Refusals, Required, TooLong
from countersign.reviews.rubric import DEFAULT, HIGHEST, LOWEST, Rubric

LEASE: Final = timedelta(days=7)
"""How long a claimed request is kept for the reviewer who claimed it."""
LONGEST_DUE: Final = timedelta(days=365)
COMMENT_LIMIT: Final = 10_000
REASON_LIMIT: Final = 2_000
EVIDENCE_LIMIT: Final = 2_000
MOST_SCORES: Final = 100
LONGEST_CODE: Final = 40
"""How much of a code that nobody knows is said back."""


class RequestState(enum.StrEnum):
    """Where a review request stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    DECIDED = "decided"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Act(enum.StrEnum):
    """What can be done to a review request."""

    CLAIM = "claim"
    DECIDE = "decide"
    DECLINE = "decline"
    CANCEL = "cancel"
    EXPIRE = "expire"
    RELEASE = "release"
    RETURN = "return"
    LAPSE = "lapse"


class Party(enum.StrEnum):
    """Who acts on a review request: the school that asked, a reviewer of the organization that was asked, or time.

    `DEPARTURE`: nobody acts, but the reviewer who held the request is no reviewer of the organization any more.
    """

    SCHOOL = "school"
    REVIEWER = "reviewer"
    CLOCK = "clock"
    DEPARTURE = "departure"


class Recommendation(enum.StrEnum):
    """What a reviewer recommends to their own organization and tells the school."""

    ENDORSE = "endorse"
    REQUEST_CHANGES = "request_changes"
    COMMENT = "comment"
    DECLINE = "decline"


class Interest(enum.StrEnum):
    """What a reviewer declares about ties with the school, before any score is read."""

    NONE = "none"
    DISCLOSED = "disclosed"


class NotYours(Refusal):
    """Only {who} may {verb} this review request."""

    code = Code.NOT_ALLOWED


class Leased(Refusal):
    """Another reviewer has claimed this request until {until:%Y-%m-%d %H:%M} UTC."""

    code = Code.CONFLICT


class LeaseLost(Refusal):
    """You have not claimed this request, or your claim has run out: claim it again before you {verb} it."""

    code = Code.INVALID_STATE


class UnknownCriterion(Refusal):
    """The rubric has no criterion {code!r}; it has {codes}."""


class ScoredTwice(Refusal):
    """The criterion {criterion} is scored twice."""


class OutOfScale(Refusal):
    """A score is a whole number from 0 to 4; {value} is not."""


class EvidenceNeeded(Refusal):
    """A score of {value} for {criterion} needs the evidence that you saw."""

    code = Code.REQUIRED


class ScoresMissing(Refusal):
    """Score every criterion before you {verb}; missing: {missing}."""

    code = Code.REQUIRED


class InterestDisclosed(Refusal):
    """A reviewer with a disclosed interest may comment or ask for changes, and cannot recommend to endorse."""

    code = Code.CONFLICT_OF_INTEREST


Moves = Mapping[tuple[RequestState, Act], tuple[Party, RequestState]]

MOVES: Final[Moves] = MappingProxyType(
    {
        (RequestState.OPEN, Act.CLAIM): (Party.REVIEWER, RequestState.CLAIMED),
        (RequestState.OPEN, Act.DECLINE): (Party.REVIEWER, RequestState.DECLINED),
        (RequestState.OPEN, Act.CANCEL): (Party.SCHOOL, RequestState.CANCELLED),
        (RequestState.OPEN, Act.EXPIRE): (Party.CLOCK, RequestState.EXPIRED),
        (RequestState.CLAIMED, Act.CLAIM): (Party.REVIEWER, RequestState.CLAIMED),
        (RequestState.CLAIMED, Act.DECIDE): (Party.REVIEWER, RequestState.DECIDED),
        (RequestState.CLAIMED, Act.DECLINE): (Party.REVIEWER, RequestState.DECLINED),
        (RequestState.CLAIMED, Act.CANCEL): (Party.SCHOOL, RequestState.CANCELLED),
        (RequestState.CLAIMED, Act.EXPIRE): (Party.CLOCK, RequestState.EXPIRED),
        (RequestState.CLAIMED, Act.RELEASE): (Party.DEPARTURE, RequestState.OPEN),
        (RequestState.CLAIMED, Act.RETURN): (Party.REVIEWER, RequestState.OPEN),
        (RequestState.CLAIMED, Act.LAPSE): (Party.CLOCK, RequestState.OPEN),
        (RequestState.DECIDED, Act.RELEASE): (Party.DEPARTURE, RequestState.OPEN),
    }
)
"""Every move of a review request: from where, by which act, by whom, to where. What is not here is refused."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the rules need to know of a review request."""

    state: RequestState
    claimed_by: UUID | None = None
    claimed_until: datetime | None = None

    def leased_to_other(self, person: UUID | None, now: datetime) -> bool:
        """Whether somebody else's claim still runs."""
        live = self.claimed_until is not None and now < self.claimed_until
        return self.state is RequestState.CLAIMED and live and self.claimed_by != person

    def leased_to(self, person: UUID | None, now: datetime) -> bool:
        """Whether this person's own claim still runs."""
        live = self.claimed_until is not None and now < self.claimed_until
        return self.state is RequestState.CLAIMED and live and self.claimed_by == person


@dataclass(frozen=True, slots=True)
class Score:
    """One criterion's score, 0 to 4, and the evidence that the reviewer saw for it."""

    criterion: str
    value: int
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A whole review: the declaration, then scores, comment and recommendation."""

    interest: Interest | None
    declaration: str
    scores: tuple[Score, ...]
    comment: str
    recommendation: Recommendation


def acting(act: Act, party: Party) -> str:
    """Who must act, in words, when the wrong party tried."""
    match party:
        case Party.SCHOOL:
            return "the school that asked"
        case Party.REVIEWER:
            return "a reviewer of the organization that was asked"
        case Party.CLOCK:
            return f"time itself ({act.value})"
        case Party.DEPARTURE:
            return "nobody: it happens when a reviewer goes"
        case _:
            assert_never(party)


def move(request: Request, act: Act, party: Party) -> RequestState:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYours)."""
    found = MOVES.get((request.state, act))
    if found is None:
        needed = " or ".join(state.value for state, of in MOVES if of is act)
        raise InvalidState(what="review request", state=request.state.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party is not allowed:
        raise NotYours(who=acting(act, allowed), verb=act.value)
    return after


def claim(request: Request, person: UUID | None, now: datetime) -> Request:
    """Claim, or extend one's own claim, for `LEASE`. Refuses while another reviewer's claim runs."""
    after = move(request, Act.CLAIM, Party.REVIEWER)
    if request.leased_to_other(person, now):
        raise Leased(until=request.claimed_until)
    return Request(after, claimed_by=person, claimed_until=now + LEASE)


def decide(request: Request, person: UUID | None, decision: Decision, now: datetime) -> RequestState:
    """Decide a claimed request. Refuses without one's own running claim, and whatever `check` refuses."""
    after = move(request, Act.DECIDE, Party.REVIEWER)
    if not request.leased_to(person, now):
        raise LeaseLost(verb=Act.DECIDE.value)
    check(decision)
    return after


def give_back(request: Request, person: UUID | None, now: datetime) -> RequestState:
    """Give one's own claim back, so that a colleague may take it. Refuses without one's own running claim."""
    after = move(request, Act.RETURN, Party.REVIEWER)
    if not request.leased_to(person, now):
        raise LeaseLost(verb=Act.RETURN.value)
    return after


def decline(request: Request, person: UUID | None, reason: str, now: datetime) -> RequestState:
    """Decline with a reason. Refuses without one, and while another reviewer's claim runs."""
    after = move(request, Act.DECLINE, Party.REVIEWER)
    if request.leased_to_other(person, now):
        raise Leased(until=request.claimed_until)
    if not reason.strip():
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))
    return after


def voids(recommendation: Recommendation, due_on: date, today: date) -> bool:
    """Whether a decision that nobody has signed for falls with its reviewer.

    A recommendation to endorse always does: it asks for a signature. Dissent asks for none; it falls while the question
    is still running, when a colleague can answer it anew, and is kept afterwards.
    """
    match recommendation:
        case Recommendation.ENDORSE:
            return True
        case Recommendation.REQUEST_CHANGES | Recommendation.COMMENT | Recommendation.DECLINE:
            return due_on >= today
        case _:
            assert_never(recommendation)


def check(decision: Decision, rubric: Rubric = DEFAULT, *, complete: bool = False) -> None:
    """Refuse an incomplete review, naming every place; the declaration is asked for before any score is looked at.

    With `complete` every recommendation but a mere comment needs all criteria of the rubric; without, only endorsing.
    """
    if decision.interest is None:
        raise Required(what="A declaration of interests", path=("interest",))
    if decision.interest is Interest.DISCLOSED and not decision.declaration.strip():
        raise Required(what="The interest in words", path=("declaration",))
    if decision.interest is Interest.DISCLOSED and decision.recommendation is Recommendation.ENDORSE:
        raise InterestDisclosed(path=("recommendation",))
    faults = [
        *score_faults(decision.scores, rubric, evidence=True),
        *_text_faults(decision),
        *_recommendation_faults(decision, rubric, complete=complete),
    ]
    if faults:
        raise Refusals(faults)


def score_faults(scores: Iterable[Score], rubric: Rubric, *, evidence: bool) -> list[Refusal]:
    """What cannot be kept, even in a draft: an unknown criterion, one scored twice, a score out of the scale.

    With `evidence` also each score that needs what the reviewer saw and lacks it.
    """
    faults: list[Refusal] = []
    seen: set[str] = set()
    given = list(scores)
    if len(given) > MOST_SCORES:
        return [Invalid(problem=f"A review has at most {MOST_SCORES} scores", path=("scores",))]
    for number, score in enumerate(given):
        at: Path = ("scores", number)
        code = score.criterion[:LONGEST_CODE]
        if score.criterion not in rubric.codes:
            codes = f"{rubric.codes[0]} to {rubric.codes[-1]}"
            faults.append(UnknownCriterion(code=code, codes=codes, path=(*at, "criterion")))
        if score.criterion in seen:
            faults.append(ScoredTwice(criterion=code, path=(*at, "criterion")))
        seen.add(score.criterion)
        if not LOWEST <= score.value <= HIGHEST:
            faults.append(OutOfScale(value=score.value, path=(*at, "value")))
        elif evidence and score.value >= rubric.evidence_from and not score.evidence.strip():
            faults.append(EvidenceNeeded(value=score.value, criterion=code, path=(*at, "evidence")))
        if len(score.evidence) > EVIDENCE_LIMIT:
            faults.append(TooLong(what="The evidence", limit=EVIDENCE_LIMIT, path=(*at, "evidence")))
    return faults


def _text_faults(decision: Decision) -> list[Refusal]:
    faults: list[Refusal] = []
    if len(decision.comment) > COMMENT_LIMIT:
        faults.append(TooLong(what="The comment", limit=COMMENT_LIMIT, path=("comment",)))
    if len(decision.declaration) > REASON_LIMIT:
        faults.append(TooLong(what="The declaration", limit=REASON_LIMIT, path=("declaration",)))
    return faults


def _recommendation_faults(decision: Decision, rubric: Rubric, *, complete: bool) -> list[Refusal]:
    scored = [score.criterion for score in decision.scores]
    missing = ", ".join(rubric.missing(scored))
    match decision.recommendation:
        case Recommendation.ENDORSE:
            return [ScoresMissing(verb="recommend to endorse", missing=missing, path=("scores",))] if missing else []
        case Recommendation.REQUEST_CHANGES | Recommendation.DECLINE:
            faults: list[Refusal] = []
            if complete and missing:
                faults.append(ScoresMissing(verb="submit", missing=missing, path=("scores",)))
            return faults + _silence(decision)
        case Recommendation.COMMENT:
            return _silence(decision)
        case _:
            assert_never(decision.recommendation)


def _silence(decision: Decision) -> list[Refusal]:
    return [] if decision.comment.strip() else [Required(what="A comment", path=("comment",))]
