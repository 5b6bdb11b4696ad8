"""What may be signed, and when a published list must be made again (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from countersign.kit.errors import Code, Refusal

RESIGN_AFTER = timedelta(days=1)
"""Age at which a status list is signed again, long before its seven days are over."""

_STANDING = frozenset({"domain_verified", "verified"})


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
    if verification not in _STANDING:
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
