"""How a domain proves whose it is, and how long that holds. Pure."""

from __future__ import annotations

import enum
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from countersign.kit.errors import Conflict, InvalidState
from countersign.organizations.rules import BASE62

PREFIX: Final = "countersign-verification="
SECRET_LENGTH: Final = 32
LABEL: Final = "_countersign"
FILE: Final = "/.well-known/countersign.txt"
MOST_DOMAINS: Final = 50

AGAIN_AFTER: Final = timedelta(days=1)
"""How long a proof is believed before the domain is asked again."""
DOUBT_AFTER: Final = timedelta(hours=6)
"""How soon it is asked again when it did not say it."""
LEASE: Final = timedelta(minutes=1)
"""How long one process has for asking before another does."""
ABSENCES: Final = 3
"""How often in a row the domain may lack what it said before it is lost."""
SILENCE: Final = timedelta(days=7)
"""How long it may be out of reach before it is lost: unreadable is not absent."""
PATIENCE: Final = timedelta(days=30)
"""How long a claim that was never proved may be asked about."""


class TooManyDomains(Conflict):
    """An organization claims at most {limit} domains; withdraw one first."""


class State(enum.StrEnum):
    """Where a claim to a domain stands."""

    PENDING = "pending"
    VERIFIED = "verified"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


class Method(enum.StrEnum):
    """How a domain says whose it is."""

    DNS = "dns"
    FILE = "file"


class Finding(enum.Enum):
    """What came of asking a domain."""

    PROVED = "proved"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a domain said: how it proved the claim, or in words why it did not."""

    finding: Finding
    method: Method | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What the rules need to know of a claim."""

    state: State
    requested_at: datetime
    proved_at: datetime | None = None
    absences: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim after an answer, and when the domain is asked next (None: not by itself)."""

    state: State
    proved_at: datetime | None
    absences: int
    due_at: datetime | None


def challenge() -> str:
    """What a domain must say: 190 random bits behind a name that tells what they are for."""
    return PREFIX + "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH))


def file_says(body: bytes, wanted: str) -> bool:
    """Whether a line of the file is the challenge."""
    return wanted in {line.strip() for line in body.decode("utf-8", "replace").splitlines()}


def ask(state: State) -> None:
    """Refuse to ask about a claim that was withdrawn."""
    if state is State.WITHDRAWN:
        raise InvalidState(what="claim", state=state.value, verb="Verifying", needed="pending, verified or lost")


def after(claim: Claim, answer: Answer, now: datetime) -> Checked:
    """The claim after an answer.

    A verified domain is lost when it lacks the challenge three times in a row, or is out of reach for a week; what was
    never proved stays pending for thirty days, and is asked only when somebody wants it.
    """
    if claim.state is State.WITHDRAWN:
        return Checked(claim.state, claim.proved_at, claim.absences, None)
    if answer.finding is Finding.PROVED:
        return Checked(State.VERIFIED, now, 0, now + AGAIN_AFTER)
    absences = claim.absences + (answer.finding is Finding.ABSENT)
    if claim.state is not State.VERIFIED:
        return Checked(claim.state, claim.proved_at, absences, None)
    silent = claim.proved_at is None or now - claim.proved_at > SILENCE
    if absences >= ABSENCES or (answer.finding is Finding.UNREADABLE and silent):
        return Checked(State.LOST, claim.proved_at, absences, None)
    return Checked(State.VERIFIED, claim.proved_at, absences, now + DOUBT_AFTER)


def verification(present: str, *, verified_domains: int) -> str:
    """The organization's standing once this many of its domains are verified.

    Only the two lowest follow the domains: a legal identity that was checked, and a suspension, do not.
    """
    if present == "unverified" and verified_domains:
        return "domain_verified"
    if present == "domain_verified" and not verified_domains:
        return "unverified"
    return present
