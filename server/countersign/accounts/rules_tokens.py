"""What a token of an identity provider must be: OpenID Connect Core 3.1.3.7, Back-Channel Logout 1.0, section 2.6."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwk, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key

from countersign.accounts import rules
from countersign.accounts.providers import Provider

LEEWAY: Final = timedelta(seconds=60)
"""By how much the provider's clock may be another."""
FRESH: Final = timedelta(minutes=5)
"""How long ago a step-up may have asked for the password."""
LONGEST: Final = 16 * 1024
LONGEST_SUBJECT: Final = 255
LEAST_RSA_BITS: Final = 2048
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_BRINGS_KEYS: Final = ("jku", "jwk", "x5u", "x5c", "crit")
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})


class NotGood(Exception):
    """A token, or what came with it, is not good; the message says why, for the log and never for a browser."""


class UnknownKey(NotGood):
    """The token names a key that is not among the provider's."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a provider vouches for: its subject and, where it says so, when they proved it, its session, an address."""

    subject: str
    authenticated_at: datetime | None = None
    session: str | None = None
    email_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Whose sessions a provider ends: one of its own sessions, or all of a subject."""

    subject: str | None
    session: str | None
    id: str


def challenge(verifier: str) -> str:
    """The PKCE challenge of a verifier, method S256 (RFC 7636, section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def derived(browser: str, state: str, what: str) -> str:
    """A secret of one sign-in (`verifier`, `nonce`): known to who holds the browser's cookie, kept nowhere."""
    return _base64url(hmac.digest(browser.encode(), f"{what}\x00{state}".encode(), "sha256"))


def verified(text: str, keys: Sequence[Mapping[str, Any]], provider: Provider, types: frozenset[str]) -> dict[str, Any]:
    """The claims of a token whose signature is the provider's. `keys` are those of its pinned address.

    Raises UnknownKey when none of them is the one that it names, NotGood for everything else.
    """
    header = _header(text)
    algorithm = header.get("alg")
    if algorithm not in provider.algorithms:
        raise NotGood("the algorithm is not one of this provider's")
    if any(name in header for name in _BRINGS_KEYS):
        raise NotGood("the token brings keys, or demands, of its own")
    if str(header.get("typ", "JWT")).lower() not in types:
        raise NotGood("the token is of another type")
    key = _key(header.get("kid"), keys)
    try:
        return dict(jwt.decode(text, key, algorithms=[str(algorithm)]).claims)
    except (JoseError, SecurityWarning, ValueError, TypeError) as error:
        raise NotGood(f"the signature is not the provider's ({type(error).__name__})") from None


def id_claims(
    claims: Mapping[str, Any], provider: Provider, nonce: str, now: datetime, *, fresh: bool = False
) -> Claims:
    """Whom an ID token is about, when it was made for us, now, and for this sign-in. Raises NotGood.

    `fresh`: they must have proved who they are within five minutes.
    """
    _check_common(claims, provider, now)
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise NotGood("the nonce is another")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise NotGood("there is no subject")
    proved = _time(claims, "auth_time") if "auth_time" in claims else None
    if proved is not None and proved > now + LEEWAY:
        raise NotGood("it was proved in the future")
    if fresh and (proved is None or proved < now - FRESH):
        raise NotGood("it was not proved anew")
    session = claims.get("sid")
    return Claims(subject, proved, session if isinstance(session, str) and session else None, vouched_address(claims))


def vouched_address(claims: Mapping[str, Any]) -> bytes | None:
    """What is kept of the e-mail address in these claims, when the provider says that it is theirs; else None."""
    email = claims.get("email")
    return rules.address_key(email) if isinstance(email, str) and claims.get("email_verified") is True else None


def logout_claims(claims: Mapping[str, Any], provider: Provider, now: datetime) -> Ended:
    """Whose sessions a logout token ends. Raises NotGood."""
    _check_common(claims, provider, now)
    events, identity = claims.get("events"), claims.get("jti")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
        raise NotGood("it is not about signing out")
    if not isinstance(identity, str) or not identity or _time(claims, "iat") < now - FRESH:
        raise NotGood("it is old, or has no id")
    subject, session = claims.get("sub"), claims.get("sid")
    if not isinstance(subject, str) and not isinstance(session, str):
        raise NotGood("it names nobody")
    return Ended(subject if isinstance(subject, str) else None, session if isinstance(session, str) else None, identity)


def _check_common(claims: Mapping[str, Any], provider: Provider, now: datetime) -> None:
    if claims.get("iss") != provider.issuer:
        raise NotGood("the issuer is another")
    audience = claims.get("aud")
    if audience not in (provider.client_id, [provider.client_id]):
        raise NotGood("it was made for somebody else")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise NotGood("it was made for somebody else to use")
    if _time(claims, "exp") <= now - LEEWAY:
        raise NotGood("it has expired")
    if _time(claims, "iat") > now + LEEWAY or ("nbf" in claims and _time(claims, "nbf") > now + LEEWAY):
        raise NotGood("it is of the future")


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotGood(f"{name} is no time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotGood(f"{name} is no time") from None


def _header(text: str) -> dict[str, Any]:
    if len(text) > LONGEST or text.count(".") != 2:  # noqa: PLR2004 - the three parts of a signed token
        raise NotGood("it is no signed token")
    try:
        head = text.partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise NotGood("it is no signed token") from None
    if not isinstance(header, dict):
        raise NotGood("it is no signed token")
    return header


def _key(kid: object, keys: Sequence[Mapping[str, Any]]) -> Key:
    usable = [key for key in keys if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"]
    named = [key for key in usable if key.get("kid") == kid] if kid is not None else usable
    if not named:
        raise UnknownKey("there is no such key")
    if len(named) > 1:
        raise NotGood("it does not say which key")
    modulus = named[0].get("n", "")
    if named[0]["kty"] == "RSA" and (not isinstance(modulus, str) or len(modulus) * 6 < LEAST_RSA_BITS - 6):
        raise NotGood("the key is too short")
    try:
        key = jwk.import_key({name: value for name, value in named[0].items() if name != "d"})
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
        raise NotGood("the key cannot be read") from None
    return key


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
