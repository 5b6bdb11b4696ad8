"""What may happen to a change that a reviewer asks for. Pure: no rows, no clock."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, assert_never

from countersign.kit.errors import Code, InvalidState, Path, Refusal, Required, TooLong

BODY_LIMIT: Final = 10_000
NOTE_LIMIT: Final = 2_000


class ChangeState(enum.StrEnum):
    """Where a change request stands."""

    OPEN = "open"
    ADDRESSED = "addressed"
    DECLINED = "declined"
    REOPENED = "reopened"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class ChangeAct(enum.StrEnum):
    """What can be done to a change request."""

    ADDRESS = "address"
    DECLINE = "decline"
    ACCEPT = "accept"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    FALL = "fall"


class ChangeParty(enum.StrEnum):
    """Who acts: the school, a reviewer of the organization that asks, or nobody.

    `DEPARTURE`: the review fell because its reviewer is no reviewer of the organization any more.
    """

    SCHOOL = "school"
    REVIEWER = "reviewer"
    DEPARTURE = "departure"


class Answer(enum.StrEnum):
    """How a school answers a change request in its next version."""

    ADDRESSED = "addressed"
    DECLINED = "declined"


class NotYoursToSay(Refusal):
    """Only {who} may {verb} this change request."""

    code = Code.NOT_ALLOWED


_SCHOOL: Final = ChangeParty.SCHOOL
_REVIEWER: Final = ChangeParty.REVIEWER
_UNANSWERED: Final = (ChangeState.OPEN, ChangeState.REOPENED)
_ANSWERED: Final = (ChangeState.ADDRESSED, ChangeState.DECLINED)

MOVES: Final[Mapping[tuple[ChangeState, ChangeAct], tuple[ChangeParty, ChangeState]]] = MappingProxyType(
    {
        **{(state, ChangeAct.ADDRESS): (_SCHOOL, ChangeState.ADDRESSED) for state in _UNANSWERED},
        **{(state, ChangeAct.DECLINE): (_SCHOOL, ChangeState.DECLINED) for state in _UNANSWERED},
        **{(state, ChangeAct.ACCEPT): (_REVIEWER, ChangeState.ACCEPTED) for state in _ANSWERED},
        **{(state, ChangeAct.REOPEN): (_REVIEWER, ChangeState.REOPENED) for state in _ANSWERED},
        **{(s, ChangeAct.WITHDRAW): (_REVIEWER, ChangeState.WITHDRAWN) for s in _UNANSWERED + _ANSWERED},
        **{(s, ChangeAct.FALL): (ChangeParty.DEPARTURE, ChangeState.WITHDRAWN) for s in _UNANSWERED + _ANSWERED},
    }
)
"""Every move of a change request: from where, by which act, by whom, to where. What is not here is refused."""


def acting(party: ChangeParty) -> str:
    """Who must act, in words."""
    match party:
        case ChangeParty.SCHOOL:
            return "the school"
        case ChangeParty.REVIEWER:
            return "a reviewer of the organization that asks for it"
        case ChangeParty.DEPARTURE:
            return "nobody: it happens when a reviewer goes"
        case _:
            assert_never(party)


def move(state: ChangeState, act: ChangeAct, party: ChangeParty) -> ChangeState:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYoursToSay)."""
    found = MOVES.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, of in MOVES if of is act)
        raise InvalidState(what="change request", state=state.value, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party is not allowed:
        raise NotYoursToSay(who=acting(allowed), verb=act.value)
    return after


def answering(answer: Answer) -> ChangeAct:
    """The act that an answer is."""
    match answer:
        case Answer.ADDRESSED:
            return ChangeAct.ADDRESS
        case Answer.DECLINED:
            return ChangeAct.DECLINE
        case _:
            assert_never(answer)


def check_note(note: str, *, needed: bool, path: Path) -> None:
    """Refuse a missing reason where one is needed, and more than 2,000 characters."""
    if needed and not note.strip():
        raise Required(what="A reason", path=path)
    if len(note) > NOTE_LIMIT:
        raise TooLong(what="The text", limit=NOTE_LIMIT, path=path)
