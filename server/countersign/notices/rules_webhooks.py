"""Webhooks: how they are signed (Standard Webhooks 1.0.0), tried again, and when one is switched off."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from countersign.kit.errors import Conflict, Invalid, InvalidState

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
LONGEST: Final = 500
MOST: Final = 10
"""Webhooks of one organization."""
MOST_GRACE: Final = timedelta(days=7)
"""How long at most two secrets are good beside each other."""
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between tries: five seconds at first, a day at last, three days and a quarter in all."""
MOST_ASKED: Final = timedelta(days=1)
"""How long at most a receiver is left alone because it asks for it: as long as the longest of our own pauses."""
PATIENCE: Final = timedelta(days=5)
"""After so long without a single success a webhook is switched off."""
_SECONDS: Final = re.compile(r"[0-9]{1,18}")
_DATE: Final = re.compile(r"[A-Za-z]{3,9},? [A-Za-z0-9: -]{10,40}")
_DAY: Final = 86_400
_HOST: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


class TooManyWebhooks(Conflict):
    """An organization has at most {limit} webhooks; remove one first."""


class State(enum.Enum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Act(enum.Enum):
    """What is done to it: by the sender after a try, by the organization."""

    DELIVER = "deliver"
    FAIL = "fail"
    GIVE_UP = "give_up"
    REDELIVER = "redeliver"


MOVES: Final[Mapping[tuple[State, Act], State]] = MappingProxyType(
    {
        (State.WAITING, Act.DELIVER): State.DELIVERED,
        (State.WAITING, Act.FAIL): State.WAITING,
        (State.WAITING, Act.GIVE_UP): State.DEAD,
        (State.DEAD, Act.REDELIVER): State.WAITING,
        (State.DELIVERED, Act.REDELIVER): State.WAITING,
    }
)
"""Every step; a pair that is not here is refused."""


def move(state: State, act: Act) -> State:
    """The state after an act. Raises InvalidState."""
    after = MOVES.get((state, act))
    if after is None:
        needed = " or ".join(sorted(before.value for before, possible in MOVES if possible is act))
        raise InvalidState(what="delivery", state=state.value, verb=act.value, needed=needed)
    return after


def check_url(url: str) -> str:
    """An https address of a host with a name, without port and user name; as it is kept. Raises Invalid."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        plain = parts.scheme == "https" and parts.port in {None, 443} and parts.username is None and not parts.fragment
    except ValueError:
        plain = False
    if not plain or len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid(
            problem=f"A webhook is an https address without port, of at most {LONGEST} letters", path=("url",)
        )
    if not _HOST.fullmatch((parts.hostname or "").lower()):
        raise Invalid(problem="The host of a webhook has a name in the DNS", path=("url",))
    return text


def written(secret: bytes) -> str:
    """A secret as it is shown once."""
    return PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, delivery_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and the HMAC-SHA-256 of id, time (Unix seconds) and body, joined by dots."""
    signed = f"{delivery_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def headers(secrets: Sequence[bytes], delivery_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a delivery; while two secrets are good it has a signature by each."""
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signature(secret, delivery_id, at, body) for secret in secrets),
    }


def body_of(topic: str, kind: str, subject: str | None, at: datetime) -> str:
    """What is delivered: what happened to what, and when; whoever is told asks the API for the rest."""
    said = {"type": topic, "timestamp": at.isoformat(), "data": {"kind": kind.upper(), "id": subject}}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def asked_pause(retry_after: str | None, now: datetime) -> timedelta:
    """How long a receiver asks to be left alone by `Retry-After` (RFC 9110, 10.2.3): seconds or a date.

    Nothing for a time that has passed and for what is no such header; never more than `MOST_ASKED`.
    """
    text = (retry_after or "").strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=min(int(text), _DAY)), MOST_ASKED)
    if not _DATE.fullmatch(text):
        return timedelta(0)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return min(max(until.replace(tzinfo=until.tzinfo or UTC) - now, timedelta(0)), MOST_ASKED)


def is_given_up(failing_since: datetime | None, now: datetime) -> bool:
    """Whether a webhook that has failed since a moment is switched off."""
    return failing_since is not None and now - failing_since >= PATIENCE
