"""How an award is claimed: the link, the second factor from the school's roster, how often one may try."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from countersign.awards.rules import REVOCABLE, AwardState
from countersign.kit.errors import Code, Conflict, Invalid, Refusal, Required

LIFE: Final = timedelta(days=14)
BYTES: Final = 32
SALT: Final = 16
ATTEMPTS: Final = 5
"""For one link."""
ATTEMPTS_A_DAY: Final = 20
"""For one account on one day (UTC), over all links."""
LONGEST: Final = 64
_YEAR: Final = re.compile(r"(19|20)\d\d")
_LINK: Final = re.compile(r"[A-Za-z0-9_-]{43}")
NOWHERE: Final = bytes(32)
"""A digest that no link has."""


class FactorKind(enum.Enum):
    """What the school's roster knows of a learner beside the address."""

    BIRTH_YEAR = "birth_year"
    STUDENT_NUMBER = "student_number"


class ClaimFailed(Refusal):
    """This link with this answer opens no award: the link is wrong, used or over, or the answer is not the roster's."""

    code = Code.NOT_FOUND
    lasting = True


class HeldByAnother(Conflict):
    """Another account holds this learner's awards; sign in with that one, or ask the school."""


class NoFactor(Required):
    """The roster's second factor (a birth year or a student number) is required before a link can be made."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A fact of the roster, as the school or the learner wrote it."""

    kind: FactorKind
    value: str


def normalized(value: str) -> str:
    """The spelling by which two answers are compared: without spaces, in capital letters."""
    return "".join(value.split()).upper()


def factor_problem(factor: Factor) -> str | None:
    """What is wrong with a fact of the roster, in words, or None."""
    value = normalized(factor.value)
    if not value:
        return "is empty"
    if len(value) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if factor.kind is FactorKind.BIRTH_YEAR and _YEAR.fullmatch(value) is None:
        return "is not a year such as 1998"
    return None


def check_factor(factor: Factor) -> None:
    """Refuse a fact of the roster that nobody could answer. Raises Invalid."""
    problem = factor_problem(factor)
    if problem:
        raise Invalid(problem=f"The second factor {problem}", path=("factor", "value"))


def new_link() -> str:
    """32 random bytes as base64url, 43 characters."""
    return base64.urlsafe_b64encode(secrets.token_bytes(BYTES)).decode().rstrip("=")


def link_digest(link: str) -> bytes:
    """SHA-256 of a link's text, 32 bytes; `NOWHERE` for what cannot be a link."""
    return hashlib.sha256(link.encode()).digest() if _LINK.fullmatch(link) else NOWHERE


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt at a link: how the link stands, how often it was tried before, the marks of both answers."""

    expires_at: datetime
    used: bool
    withdrawn: bool
    attempts: int
    award: AwardState
    expected: bytes
    given: bytes


def opens(now: datetime, attempt: Try) -> bool:
    """Whether the attempt opens the award: link alive, tried less than five times, award valid, answer right."""
    right = hmac.compare_digest(attempt.expected, attempt.given)
    alive = not attempt.used and not attempt.withdrawn and now < attempt.expires_at and attempt.attempts < ATTEMPTS
    return right and alive and attempt.award in REVOCABLE


def mark_parts(salt: bytes, value: str) -> tuple[bytes, bytes]:
    """What the vault's mark of a factor is made from: the award's own salt, and the normalized answer in UTF-8."""
    return salt, normalized(value).encode()
