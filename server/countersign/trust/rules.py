"""What may be signed, and when a published list must be made again (pure)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from countersign.kit.errors import Code, Invalid, InvalidState, Refusal

RESIGN_AFTER = timedelta(days=1)
"""Age at which a status list is signed again, long before its seven days are over."""

STANDING: Final = frozenset({"domain_verified", "verified"})
"""What an organization is whose signatures are made."""


class CannotSign(Refusal):
    """The document cannot be signed: {problem}."""

    code = Code.INVALID


class ForeignIssuer(Refusal):
    """The document names the issuer {named}; only {did} signs with this key."""

    code = Code.NOT_ALLOWED


class MayNotSign(Refusal):
    """The organization is {verification}; only a verified organization signs."""

    code = Code.NOT_ALLOWED


class NoSuchPlace(Refusal):
    """The status list has no such place given away."""

    code = Code.NOT_FOUND


def check_standing(verification: str) -> None:
    """Refuse a signature to an organization that nobody verified or that is suspended."""
    if verification not in STANDING:
        raise MayNotSign(verification=verification)


def check_issuer(document: Mapping[str, Any], did: str) -> None:
    """Refuse a document of another issuer, and one that carries a proof already."""
    named = issuer_id(document)
    if named != did:
        raise ForeignIssuer(named=named, did=did)
    if "proof" in document:
        raise CannotSign(problem="it carries a proof already")


def issuer_id(document: Mapping[str, Any]) -> str | None:
    """Give the `issuer` of a credential, or its `id`; None when there is none to read."""
    issuer = document.get("issuer")
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    return named if isinstance(named, str) else None


def key_name(now: datetime, taken: frozenset[str]) -> str:
    """Name a new key after its year: `key-2026`, then `key-2026-2`; it becomes the fragment of the DID URL."""
    name = f"key-{now.year}"
    number = 1
    while name in taken:
        number += 1
        name = f"key-{now.year}-{number}"
    return name


def is_fresh(revision: int, published_revision: int | None, published_at: datetime | None, now: datetime) -> bool:
    """Whether the published list shows every revocation and is young enough to be served."""
    return (
        published_at is not None
        and published_revision == revision
        and timedelta(0) <= now - published_at < RESIGN_AFTER
    )


class KeyState(enum.StrEnum):
    """What a signing key is good for."""

    IN_USE = "in_use"
    RETIRED = "retired"
    COMPROMISED = "compromised"


class NoKeyInUse(Refusal):
    """The organization has no signing key in use: two of its admins must add one."""

    code = Code.NOT_ALLOWED


def key_state(*, retired_at: datetime | None, compromised_at: datetime | None) -> KeyState:
    """The state of a key by its dates."""
    if compromised_at is not None:
        return KeyState.COMPROMISED
    return KeyState.IN_USE if retired_at is None else KeyState.RETIRED


def retire(state: KeyState) -> None:
    """Refuse to retire a key that is not in use."""
    if state is not KeyState.IN_USE:
        raise InvalidState(what="signing key", state=state.value, verb="Retiring", needed="in_use")


def mark_compromised(state: KeyState) -> None:
    """Refuse to mark a key twice."""
    if state is KeyState.COMPROMISED:
        raise InvalidState(what="signing key", state=state.value, verb="Marking", needed="in_use or retired")


def compromised_since(asked: datetime | None, *, created_at: datetime, now: datetime) -> datetime:
    """Since when a key may have been in other hands: now unless told. Refuses the future and a time before the key."""
    if asked is None:
        return now
    if not created_at <= asked <= now:
        raise Invalid(problem="A key was lost between its making and now", path=("since",))
    return asked
