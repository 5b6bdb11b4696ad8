"""What may happen to an endorsement, and what it is worth to a reader. Pure."""

from __future__ import annotations

import calendar
import enum
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never
from uuid import UUID

from countersign.endorsements.evidence_checks import says_something
from countersign.endorsements.rules_co_validation import Range
from countersign.kit.errors import Code, InvalidState, NotAllowed, Refusal, Required, TooLong
from countersign.specs.rules import State as SpecState
from countersign.specs.rules import endorsable

DEFAULT_MONTHS: Final = 12
LONGEST_MONTHS: Final = 24
EXPIRING_WITHIN: Final = timedelta(days=60)
REMINDERS: Final = (60, 30, 7)
"""So many days before its end an endorsement in force is told of, once each."""
STATEMENT_LIMIT: Final = 5_000
REASON_LIMIT: Final = 2_000
MOST_ATTACHMENTS: Final = 5


class State(enum.StrEnum):
    """Where an endorsement stands. `expiring` is not here: it is what an endorsement in force is near its end."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SIGNING = "signing"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Act(enum.StrEnum):
    """What can be done to an endorsement."""

    APPROVE = "approve"
    WITHDRAW = "withdraw"
    TAKE = "take"
    SIGN = "sign"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    RENEW = "renew"
    """To say it anew: another endorsement, whose signature then supersedes this one."""
    REAFFIRM = "reaffirm"
    """To say the same of a later version: another endorsement, beside which this one stays in force."""
    SUPERSEDE = "supersede"
    EXPIRE = "expire"


class Party(enum.StrEnum):
    """Who acts on an endorsement."""

    SIGNATORY = "signatory"
    """A person of the endorser with signing authority."""
    PROPOSER = "proposer"
    """Who of the endorser proposed it, with signing authority or without."""
    REVIEWER = "reviewer"
    """A person of the endorser without it."""
    SCHOOL = "school"
    """Anybody of the school whose version it is."""
    STRANGER = "stranger"
    SIGNER = "signer"
    """The part of the service that holds the keys; it does only what a signatory has asked for."""
    CLOCK = "clock"


class NotTheEndorser(Refusal):
    """Only a person of the endorser with signing authority may {verb} this endorsement."""

    code = Code.NOT_ALLOWED


class StaleVersion(Refusal):
    """This version's digest is {actual}, not the one you saw: read the version again before you sign it."""

    code = Code.STALE_VERSION


class Unverified(Refusal):
    """Only a verified organization may sign; this one is {verification}. It may still review."""

    code = Code.NOT_ALLOWED


class NotEndorsable(Refusal):
    """A version is endorsable from its submission until it is deprecated; this one is {state}."""

    code = Code.INVALID_STATE


class BadValidity(Refusal):
    """An endorsement ends in the future, at most {months} months from now."""


class TooManyAttachments(Refusal):
    """An endorsement carries at most {limit} attachments, each once."""

    code = Code.INVALID


class SignatoryGone(Refusal):
    """The person who endorsed has no signing authority any more."""

    code = Code.NOT_ALLOWED


class RenewalOver(Refusal):
    """What this renews was revoked before the renewal was signed."""

    code = Code.INVALID_STATE


class AlreadySigning(Refusal):
    """An endorsement of this version by this organization is waiting for its signature."""

    code = Code.CONFLICT


_ENDORSER: Final = frozenset({Party.SIGNATORY})
_PROPOSER: Final = frozenset({Party.PROPOSER})
_SIGNER: Final = frozenset({Party.SIGNER})
_CLOCK: Final = frozenset({Party.CLOCK})

MOVES: Final[Mapping[tuple[State, Act], tuple[frozenset[Party], State]]] = MappingProxyType(
    {
        (State.PROPOSED, Act.APPROVE): (_ENDORSER, State.APPROVED),
        (State.PROPOSED, Act.REFUSE): (_ENDORSER | _SIGNER, State.REFUSED),
        (State.PROPOSED, Act.WITHDRAW): (_PROPOSER, State.WITHDRAWN),
        (State.APPROVED, Act.TAKE): (_ENDORSER, State.SIGNING),
        (State.APPROVED, Act.REFUSE): (_ENDORSER | _SIGNER, State.REFUSED),
        (State.APPROVED, Act.WITHDRAW): (_PROPOSER, State.WITHDRAWN),
        (State.SIGNING, Act.SIGN): (_SIGNER, State.IN_FORCE),
        (State.SIGNING, Act.REFUSE): (_SIGNER, State.REFUSED),
        (State.IN_FORCE, Act.SUSPEND): (_ENDORSER, State.SUSPENDED),
        (State.IN_FORCE, Act.REVOKE): (_ENDORSER, State.REVOKED),
        (State.IN_FORCE, Act.RENEW): (_ENDORSER, State.IN_FORCE),
        (State.IN_FORCE, Act.REAFFIRM): (_ENDORSER, State.IN_FORCE),
        (State.IN_FORCE, Act.SUPERSEDE): (_SIGNER, State.SUPERSEDED),
        (State.IN_FORCE, Act.EXPIRE): (_CLOCK, State.EXPIRED),
        (State.SUSPENDED, Act.RESUME): (_ENDORSER, State.IN_FORCE),
        (State.SUSPENDED, Act.REVOKE): (_ENDORSER, State.REVOKED),
        (State.SUSPENDED, Act.RENEW): (_ENDORSER, State.SUSPENDED),
        (State.SUSPENDED, Act.SUPERSEDE): (_SIGNER, State.SUPERSEDED),
        (State.SUSPENDED, Act.EXPIRE): (_CLOCK, State.EXPIRED),
        (State.EXPIRED, Act.RENEW): (_ENDORSER, State.EXPIRED),
    }
)
"""Every move of an endorsement: from where, by which act, by whom, to where. What is not here is refused.

The school is nowhere in it: only a person of the endorser speaks for the endorser."""


def move(state: State, act: Act, party: Party) -> State:
    """The state after the act. Refuses a wrong state (InvalidState) and a wrong party (NotTheEndorser)."""
    found = MOVES.get((state, act))
    if found is None:
        needed = " or ".join(before.value.replace("_", " ") for before, of in MOVES if of is act)
        shown = state.value.replace("_", " ")
        raise InvalidState(what="endorsement", state=shown, verb=f"to {act.value}", needed=needed)
    allowed, after = found
    if party not in allowed:
        raise NotTheEndorser(verb=act.value)
    return after


class Standing(enum.StrEnum):
    """What an endorsement is worth to a reader at an instant."""

    PENDING = "pending"
    LIVE = "live"
    EXPIRING = "expiring"
    PAUSED = "paused"
    OVER = "over"


def standing(state: State, in_force: Range | None, now: datetime) -> Standing:
    """What the endorsement is worth now. Its end by time needs no job: the range says it."""
    match state:
        case State.PROPOSED | State.APPROVED | State.SIGNING:
            return Standing.PENDING
        case State.IN_FORCE:
            if in_force is None or not in_force.contains(now):
                return Standing.OVER
            return Standing.EXPIRING if in_force.end - now <= EXPIRING_WITHIN else Standing.LIVE
        case State.SUSPENDED:
            return Standing.PAUSED
        case State.EXPIRED | State.SUPERSEDED | State.REVOKED | State.REFUSED | State.WITHDRAWN:
            return Standing.OVER
        case _:
            assert_never(state)


# What may be endorsed, by whom, for how long

SIGNING_VERIFICATION: Final = "verified"


def check_attachments(attachments: Sequence[UUID]) -> None:
    """Refuse more attachments than an endorsement carries, or one that is named twice. Raises TooManyAttachments."""
    if len(attachments) > MOST_ATTACHMENTS or len(set(attachments)) < len(attachments):
        raise TooManyAttachments(limit=MOST_ATTACHMENTS, path=("attachmentIds",))


def check_version(state: SpecState, expected_digest: str, actual_digest: str) -> None:
    """Refuse a version that is not endorsable, then one whose digest is not the one the signatory saw."""
    if not endorsable(state):
        raise NotEndorsable(state=state.value.replace("_", " "), path=("specVersionId",))
    if expected_digest != actual_digest:
        raise StaleVersion(actual=actual_digest, path=("expectedDigest",))


def check_authority(verification: str) -> None:
    """Refuse an endorser that is not verified."""
    if verification != SIGNING_VERIFICATION:
        raise Unverified(verification=verification.replace("_", " "))


def check_statement(statement: str) -> None:
    """Refuse a statement without a visible character and one longer than 5,000 characters."""
    if not says_something(statement):
        raise Required(what="A statement", path=("statement",))
    if len(statement) > STATEMENT_LIMIT:
        raise TooLong(what="The statement", limit=STATEMENT_LIMIT, path=("statement",))


def check_reason(reason: str) -> None:
    """Refuse to revoke without a reason, or with one longer than 2,000 characters."""
    if not says_something(reason):
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))


def whole_second(instant: datetime) -> datetime:
    """The instant without its fraction, as the credential shows it; never later than the instant."""
    return instant.astimezone(UTC).replace(microsecond=0)


def months_after(instant: datetime, months: int) -> datetime:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + year, month + 1
    return instant.replace(year=year, month=month, day=min(instant.day, calendar.monthrange(year, month)[1]))


def valid_until(asked: datetime | None, now: datetime) -> datetime:
    """When the endorsement ends: 12 months from now unless asked otherwise. Refuses the past and > 24 months."""
    start = whole_second(now)
    if asked is None:
        return months_after(start, DEFAULT_MONTHS)
    end = whole_second(asked)
    if not now < end <= months_after(start, LONGEST_MONTHS):
        raise BadValidity(months=LONGEST_MONTHS, path=("validUntil",))
    return end


def check_kind(kind: str) -> None:
    """Refuse an endorser that is not an employer or an agency: a school never endorses."""
    if kind not in {"employer", "agency"}:
        raise NotAllowed(why="Only employers and agencies endorse")
