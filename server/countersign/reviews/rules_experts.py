"""Links of outside experts: how they look and how long they are good. Pure: no rows, no clock."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from countersign.kit.errors import Code, Conflict, Invalid, Refusal

USUAL_LIFE: Final = timedelta(days=14)
LONGEST_LIFE: Final = timedelta(days=30)
SECRET_PREFIX: Final = "csxr_"  # noqa: S105 - what every expert's text begins with
SECRET: Final = re.compile(SECRET_PREFIX + r"[0-9A-Za-z_-]{43}")


class ExpertInvited(Conflict):
    """An outside expert has this request already; end that link before you invite another."""


class ExpertGone(Refusal):
    """This invitation has ended already; invite anew."""

    code = Code.INVALID_STATE


@dataclass(frozen=True, slots=True)
class Secret:
    """A new link's text, seen once, and what is kept of it."""

    text: str = field(repr=False)
    sha256: bytes = field(repr=False)


def mint() -> Secret:
    """A text of 256 random bits for one invitation."""
    text = SECRET_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return Secret(text, digest(text))


def digest(text: str) -> bytes:
    """What is kept of a link's text: its SHA-256 (256 random bits need no slow hash)."""
    return hashlib.sha256(text.encode()).digest()


def is_secret(text: str) -> bool:
    """Whether a text can be an expert's link at all, before any look-up."""
    return SECRET.fullmatch(text) is not None


def ends(asked: datetime | None, now: datetime, last: datetime) -> datetime:
    """When a link ends: as asked, in 14 days when not, never after the request's last day (`last`, exclusive).

    Refuses the past and more than 30 days.
    """
    if asked is not None and not now < asked <= now + LONGEST_LIFE:
        raise Invalid(problem="An expert's link ends in the future, and within 30 days", path=("expiresAt",))
    return min(asked or now + USUAL_LIFE, last)


def check_open(withdrawn_at: datetime | None, expires_at: datetime, now: datetime) -> None:
    """Refuse an invitation that has ended."""
    if withdrawn_at is not None or expires_at <= now:
        raise ExpertGone(path=("expertId",))
