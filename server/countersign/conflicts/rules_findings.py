"""What a tie means for somebody's word: blocked, not counted, disclosed or nothing; and how it is told. Pure."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never
from uuid import UUID

from countersign.conflicts.rules import ConflictOfInterest, Tie
from countersign.kit.errors import Path

WINDOW: Final = timedelta(days=365)
"""How long an endorsement is remembered as half of a ring, and a payment after it has ended."""


class Outcome(enum.StrEnum):
    """What comes of a tie, from the mildest to the strictest."""

    CLEAR = "clear"
    """Nothing."""
    DISCLOSE = "disclose"
    """They may judge; the signed credential tells of the tie."""
    EXCLUDE = "exclude"
    """As DISCLOSE, and their word counts to no quorum."""
    BLOCK = "block"
    """They may neither review nor sign."""


_ORDER: Final = tuple(Outcome)


def strictest(outcomes: Iterable[Outcome]) -> Outcome:
    """The strictest of some outcomes; CLEAR of none."""
    return max(outcomes, key=_ORDER.index, default=Outcome.CLEAR)


def mildest(outcomes: Iterable[Outcome]) -> Outcome:
    """The mildest of some outcomes; CLEAR of none."""
    return min(outcomes, key=_ORDER.index, default=Outcome.CLEAR)


DEFAULTS: Final[Mapping[Tie, Outcome]] = MappingProxyType(
    {
        Tie.SAME_ORGANIZATION: Outcome.BLOCK,
        Tie.PARENT: Outcome.BLOCK,
        Tie.CONTROLS: Outcome.BLOCK,
        Tie.SAME_OWNER: Outcome.BLOCK,
        Tie.DECLARED: Outcome.BLOCK,
        Tie.KEY: Outcome.BLOCK,
        Tie.DOMAIN: Outcome.BLOCK,
        Tie.PERSON: Outcome.BLOCK,
        Tie.GROUP: Outcome.EXCLUDE,
        Tie.RECIPROCAL: Outcome.EXCLUDE,
        Tie.SPONSOR: Outcome.EXCLUDE,
        Tie.SUPPLIER: Outcome.DISCLOSE,
        Tie.INTEREST: Outcome.DISCLOSE,
    }
)
"""What comes of each tie unless a policy says otherwise."""

FLOOR: Final[Mapping[Tie, Outcome]] = MappingProxyType(
    {
        tie: Outcome.BLOCK
        if tie is Tie.SAME_ORGANIZATION
        else Outcome.DISCLOSE
        if tie in {Tie.SUPPLIER, Tie.INTEREST, Tie.SPONSOR}
        else Outcome.EXCLUDE
        for tie in Tie
    }
)
"""The mildest that the platform's policy may make of a tie: who is not independent may be disclosed, never counted."""

NOTHING: Final[Mapping[Tie, Outcome]] = MappingProxyType({})


def in_effect(platform: Mapping[str, str], others: Iterable[Mapping[str, str]] = ()) -> dict[Tie, Outcome]:
    """What policies make of every tie: the platform's (the default where it is silent), or the stricter of the others.

    The platform alone may make a tie milder than the default, down to its floor (domain.md, invariant 6: a policy may
    have who is near disclosed instead of refused; it counts to no quorum then). Names of ties and outcomes are as
    policies keep them, in lower case.
    """
    made = {tie: outcome_of(tie, _named(platform)) for tie in Tie}
    for other in others:
        for tie, outcome in _named(other).items():
            made[tie] = strictest((made[tie], outcome))
    return made


def _named(outcomes: Mapping[str, str]) -> dict[Tie, Outcome]:
    return {Tie[name.upper()]: Outcome(outcome) for name, outcome in outcomes.items()}


def outcome_of(tie: Tie, outcomes: Mapping[Tie, Outcome] = NOTHING) -> Outcome:
    """What comes of a tie by a policy's `outcomes`, else by default; never milder than its floor."""
    return strictest((FLOOR[tie], outcomes.get(tie, DEFAULTS[tie])))


@dataclass(frozen=True, slots=True)
class ToldStep:
    """One tie with the names of its two ends, as it was found.

    `open` says that everybody may know it; otherwise its two ends alone. `since` and `until` are days, `tool` a tool.
    """

    here: UUID
    there: UUID
    here_name: str
    there_name: str
    tie: Tie
    open: bool
    tool: str = ""
    since: date | None = None
    until: date | None = None

    def known_to(self, viewer: UUID | None) -> bool:
        """Whether an organization (None: a stranger) may know of it."""
        return self.open or (viewer is not None and viewer in {self.here, self.there})

    def clause(self) -> str:
        """What it is, as a clause without its ends where it has two."""
        match self.tie:
            case Tie.SUPPLIER:
                return f"{self.here_name} makes {self.tool}, which the version uses"
            case Tie.SPONSOR:
                until = f" until {self.until}" if self.until else ""
                return f"{self.here_name} pays {self.there_name}, since {self.since}{until}"
            case Tie.RECIPROCAL:
                return f"{self.here_name} endorsed a version of {self.there_name} on {self.since}"
            case Tie.INTEREST:
                return f"a reviewer of {self.here_name} has disclosed an interest"
            case _:
                return self.tie.value

    def sentence(self) -> str:
        """The clause with its ends."""
        if self.tie in {Tie.SUPPLIER, Tie.SPONSOR, Tie.RECIPROCAL, Tie.INTEREST}:
            return self.clause()
        return f"{self.here_name} and {self.there_name}: {self.tie.value}"


HIDDEN: Final = "a tie that is not public"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against somebody's word: a way of ties, in order."""

    steps: tuple[ToldStep, ...]
    outcome: Outcome

    @property
    def tie(self) -> Tie:
        """The tie after which it is called: the first."""
        return self.steps[0].tie

    def words(self, viewer: UUID | None) -> str:
        """The reason as an organization may be told it (None: everybody)."""
        if len(self.steps) == 1:
            return self.steps[0].clause() if self.steps[0].known_to(viewer) else HIDDEN
        return "; ".join(step.sentence() if step.known_to(viewer) else HIDDEN for step in self.steps)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a judge and a school, strictest reason first."""

    judge_id: UUID
    outcome: Outcome = Outcome.CLEAR
    reasons: tuple[Reason, ...] = ()
    disclosures: tuple[dict[str, str], ...] = field(default=())
    """What a signature discloses: tie, outcome and words of each reason, as everybody may read them."""

    @property
    def counts(self) -> bool:
        """Whether the judge's word counts to a quorum."""
        return self.outcome in {Outcome.CLEAR, Outcome.DISCLOSE}

    @property
    def steps(self) -> tuple[ToldStep, ...]:
        """Every step of every reason."""
        return tuple(step for reason in self.reasons for step in reason.steps)

    def words(self, viewer: UUID | None = None) -> str:
        """All reasons as an organization may be told them; empty when there is none."""
        return "; ".join(reason.words(viewer) for reason in self.reasons)

    def refuse_blocked(self, *, who: str, viewer: UUID | None, path: Path = ()) -> None:
        """Refuse a judge who is too near, in words for whoever is told. Raises ConflictOfInterest."""
        blocking = [reason for reason in self.reasons if reason.outcome is Outcome.BLOCK]
        if blocking:
            raise ConflictOfInterest(who=who, why="; ".join(r.words(viewer) for r in blocking), path=path)


def tool_key(name: str) -> str:
    """A tool's name as names are compared: without case, width and doubled spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).lower()


def read_step(item: Mapping[str, Any]) -> ToldStep:
    """A step as `ways.REASONS` writes it."""
    return ToldStep(
        here=UUID(item["here"]),
        there=UUID(item["there"]),
        here_name=item["hereName"],
        there_name=item["thereName"],
        tie=Tie[item["tie"]],
        open=item["open"],
        tool=item.get("tool") or "",
        since=date.fromisoformat(item["since"]) if item.get("since") else None,
        until=date.fromisoformat(item["until"]) if item.get("until") else None,
    )


def read_reason(item: Iterable[Mapping[str, Any]], outcomes: Mapping[Tie, Outcome] = NOTHING) -> Reason:
    """A way of ties; it is as strong as its weakest tie."""
    steps = tuple(read_step(step) for step in item)
    return Reason(steps, mildest(outcome_of(step.tie, outcomes) for step in steps))


def find(
    judge_id: UUID, ways: Iterable[Iterable[Mapping[str, Any]]], outcomes: Mapping[Tie, Outcome] = NOTHING
) -> Finding:
    """What comes of all ways between a judge and a school by a policy's outcomes (defaults where it names none)."""
    order = list(Tie)
    found = sorted(
        (read_reason(way, outcomes) for way in ways),
        key=lambda r: (-_ORDER.index(r.outcome), len(r.steps), [order.index(step.tie) for step in r.steps]),
    )
    reasons = tuple(reason for reason in found if reason.outcome is not Outcome.CLEAR)
    return Finding(
        judge_id=judge_id,
        outcome=strictest(reason.outcome for reason in reasons),
        reasons=reasons,
        disclosures=tuple(
            {"tie": r.tie.name.lower(), "outcome": r.outcome.value, "words": r.words(judge_id)} for r in reasons
        ),
    )


def verdict(outcome: Outcome, judge: str, school: str, words: str) -> str:
    """What comes of the ties between two organizations of these names, in one sentence."""
    match outcome:
        case Outcome.CLEAR:
            return f"Nothing is known that ties {judge} to {school}: it may review, sign and be counted."
        case Outcome.DISCLOSE:
            return f"{judge} may review and sign for {school}; the signed endorsement discloses: {words}."
        case Outcome.EXCLUDE:
            return f"{judge} may review and sign for {school}; it is disclosed and counts to no quorum: {words}."
        case Outcome.BLOCK:
            return f"{judge} may neither review nor sign for {school}: {words}."
        case _:
            assert_never(outcome)
