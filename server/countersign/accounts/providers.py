"""Identity providers as the settings name them."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""What an ID token may be signed with; nothing symmetric, and never `none`."""
DEFAULT_ALGORITHMS: Final = ("RS256",)
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
LABEL_LIMIT: Final = 60
_MEMBERS: Final = {"name", "label", "issuer", "client_id", "client_secret", "algorithms", "jwks_uri"}
_REQUIRED: Final = ("name", "issuer", "client_id", "client_secret")


class BadProviders(ValueError):
    """The providers cannot be used; the message says what is wrong, with nothing secret in it."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One OpenID provider: under `name` in addresses, shown as `label`.

    `algorithms` is the allowlist for its tokens. `jwks_uri` pins where its keys are; without it the provider's own
    discovery document says so. A token never does.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str = ""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    jwks_uri: str | None = None

    @property
    def shown(self) -> str:
        """What people read on the button."""
        return self.label or urlsplit(self.issuer).hostname or self.name

    @property
    def is_on_loopback(self) -> bool:
        """Whether it runs on this machine, where no TLS is needed (never in production)."""
        return is_loopback(urlsplit(self.issuer).hostname or "")

    def allows(self, url: str) -> bool:
        """Whether an address that the provider told may be asked: over https, or on loopback as the issuer is."""
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        return parts.scheme == "http" and self.is_on_loopback and is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine's."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read(text: str) -> tuple[Provider, ...]:
    """The providers of `COUNTERSIGN_OIDC_PROVIDERS`: a JSON list of objects; none for an empty text.

    Raises BadProviders.
    """
    if not text.strip():
        return ()
    try:
        given = json.loads(text)
    except ValueError:
        raise BadProviders("is not JSON") from None
    if not isinstance(given, list):
        raise BadProviders("is not a list of objects")
    found = tuple(_read(value, n) for n, value in enumerate(given, 1))
    for what in ("name", "issuer"):
        if len({getattr(provider, what) for provider in found}) < len(found):
            raise BadProviders(f"names one {what} twice")
    return found


def _read(value: Any, n: int) -> Provider:
    if not isinstance(value, dict) or not set(value) <= _MEMBERS:
        raise BadProviders(f"number {n} is not an object of {', '.join(sorted(_MEMBERS))}")
    for name in _REQUIRED:
        if not isinstance(value.get(name), str) or not value[name]:
            raise BadProviders(f"number {n} has no {name}")
    label, keys = value.get("label", ""), value.get("jwks_uri")
    if not isinstance(label, str) or len(label) > LABEL_LIMIT or not label.isprintable():
        raise BadProviders(f"number {n} has a label that is no text of at most {LABEL_LIMIT} characters")
    made = Provider(
        value["name"], value["issuer"], value["client_id"], value["client_secret"], label, _algorithms(value, n), keys
    )
    if not NAME.fullmatch(made.name):
        raise BadProviders(f"number {n}: a name has small Latin letters, digits and hyphens, at most 32")
    parts = urlsplit(made.issuer)
    if not made.allows(made.issuer) or parts.query or parts.fragment or parts.username is not None:
        raise BadProviders(f"{made.name}: the issuer is an https address without query or fragment")
    if keys is not None and (not isinstance(keys, str) or not made.allows(keys)):
        raise BadProviders(f"{made.name}: jwks_uri is an https address")
    return made


def _algorithms(value: Mapping[str, Any], n: int) -> tuple[str, ...]:
    given = value.get("algorithms", DEFAULT_ALGORITHMS)
    if not isinstance(given, list | tuple) or not given or not set(given) <= set(ALGORITHMS):
        raise BadProviders(f"number {n}: algorithms are some of {', '.join(ALGORITHMS)}")
    return tuple(given)
