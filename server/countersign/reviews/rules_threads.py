"""What becomes of a submitted review's comments and suggestions, between reviewer and school. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from countersign.kit.errors import Code, InvalidState, Refusal
from countersign.reviews.rules import Act as RequestAct
from countersign.reviews.rules import Party, acting


class NotYourPart(Refusal):
    """Only {who} may {verb} this {what}."""

    code = Code.NOT_ALLOWED


class ThreadState(enum.StrEnum):
    """Where a comment's thread stands: who has the last word."""

    OPEN = "open"
    ANSWERED = "answered"
    RESOLVED = "resolved"


class ThreadAct(enum.StrEnum):
    """What can be done in a thread."""

    ANSWER = "answer"
    REPLY = "reply to"
    RESOLVE = "resolve"
    REOPEN = "reopen"


THREADS: Final[Mapping[tuple[ThreadState, ThreadAct], tuple[Party, ThreadState]]] = MappingProxyType(
    {
        (ThreadState.OPEN, ThreadAct.ANSWER): (Party.SCHOOL, ThreadState.ANSWERED),
        (ThreadState.ANSWERED, ThreadAct.ANSWER): (Party.SCHOOL, ThreadState.ANSWERED),
        (ThreadState.OPEN, ThreadAct.REPLY): (Party.REVIEWER, ThreadState.OPEN),
        (ThreadState.ANSWERED, ThreadAct.REPLY): (Party.REVIEWER, ThreadState.OPEN),
        (ThreadState.OPEN, ThreadAct.RESOLVE): (Party.REVIEWER, ThreadState.RESOLVED),
        (ThreadState.ANSWERED, ThreadAct.RESOLVE): (Party.REVIEWER, ThreadState.RESOLVED),
        (ThreadState.RESOLVED, ThreadAct.REOPEN): (Party.REVIEWER, ThreadState.OPEN),
    }
)
"""Every move of a thread: the school answers, and only who reviewed says that a comment is met."""


class SuggestionState(enum.StrEnum):
    """What the school made of a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class SuggestionAct(enum.StrEnum):
    """What the school can make of a suggestion."""

    ACCEPT = "accept"
    DECLINE = "decline"


SUGGESTIONS: Final[Mapping[tuple[SuggestionState, SuggestionAct], tuple[Party, SuggestionState]]] = MappingProxyType(
    {
        (SuggestionState.OPEN, SuggestionAct.ACCEPT): (Party.SCHOOL, SuggestionState.ACCEPTED),
        (SuggestionState.OPEN, SuggestionAct.DECLINE): (Party.SCHOOL, SuggestionState.DECLINED),
        (SuggestionState.DECLINED, SuggestionAct.ACCEPT): (Party.SCHOOL, SuggestionState.ACCEPTED),
    }
)
"""Every move of a suggestion: the school's text is the school's, so only the school takes it or leaves it."""


def speak(state: ThreadState, act: ThreadAct, party: Party) -> ThreadState:
    """The thread's state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYours)."""
    found = THREADS.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, possible in THREADS if possible is act)
        raise InvalidState(what="comment", state=state.value, verb=f"to {act.value} it", needed=needed)
    allowed, after = found
    if party is not allowed:
        raise NotYourPart(who=acting(RequestAct.DECIDE, allowed), verb=act.value, what="comment")
    return after


def take(state: SuggestionState, act: SuggestionAct, party: Party) -> SuggestionState:
    """The suggestion's state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotYours)."""
    found = SUGGESTIONS.get((state, act))
    if found is None:
        needed = " or ".join(before.value for before, possible in SUGGESTIONS if possible is act)
        raise InvalidState(what="suggestion", state=state.value, verb=f"to {act.value} it", needed=needed)
    allowed, after = found
    if party is not allowed:
        raise NotYourPart(who=acting(RequestAct.DECIDE, allowed), verb=act.value, what="suggestion")
    return after
