"""What is refused by its headers alone: a host that is not ours, a page of another site, a method, a type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from countersign.edge.negotiation import is_json
from countersign.edge.responses import BadRequest, Refused

ALLOW: Final = (b"allow", b"GET, HEAD, OPTIONS, POST")
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
LARGEST_BODY: Final = 256 * 1024
_LOOPBACK: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
_PORTS: Final = {"http": ":80", "https": ":443"}
_OURS: Final = frozenset({b"same-origin", b"none"})
_REMEMBERED: Final = 64

Headers = Mapping[bytes, bytes]


@dataclass(slots=True)
class Gates:
    """Who may ask: by the names that this portal has, and by the origins whose pages may call it."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    own: str = ""
    """The portal's own origin."""
    loopback: bool = True
    """Whether every name of this machine is ours, on any port: in a demo and while developing."""
    _known: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, public_origin: str, hosts: str, origins: str, *, loopback: bool) -> Gates:
        """The gates of an installation; `hosts` and `origins` are further ones, between commas."""
        parts = urlsplit(public_origin)
        named = {parts.netloc.lower(), *_listed(hosts)} - {""}
        port = _PORTS.get(parts.scheme, "")
        named |= {f"{name}{port}" for name in named if not re.search(r":[0-9]+$", name)}
        own = public_origin.lower()
        return cls(frozenset(named), frozenset({own, *_listed(origins)} - {""}), own, loopback)

    @property
    def secure(self) -> bool:
        """Whether the portal is on https."""
        return self.own.startswith("https://")

    @property
    def session_cookie(self) -> str:
        """The name of the cookie of a session; its prefix, which needs https, keeps other hosts from setting it."""
        return "__Host-cs" if self.secure else "cs"

    def host_is_ours(self, host: bytes) -> bool:
        """Whether a request's `Host` names this portal."""
        if host in self._known:
            return True
        name = host.decode("latin-1").lower()
        ours = name in self.hosts or (self.loopback and _LOOPBACK.fullmatch(name) is not None)
        if ours and len(self._known) < _REMEMBERED:
            self._known.add(host)
        return ours

    def origin_is_ours(self, headers: Headers) -> bool:
        """Whether a request comes from no page at all, or from a page that may call us. `null` never may."""
        origin = headers.get(b"origin")
        if origin is None:
            return headers.get(b"sec-fetch-site", b"none") in _OURS
        name = origin.decode("latin-1").lower()
        if name in self.origins:
            return True
        return self._is_here(name, headers)

    def is_own_page(self, headers: Headers) -> bool:
        """Whether a page of this portal made a request, and the browser says so: what a cookie alone is good for."""
        origin = headers.get(b"origin")
        if origin is None:
            return headers.get(b"sec-fetch-site") == b"same-origin"
        name = origin.decode("latin-1").lower()
        return (name != "" and name == self.own) or self._is_here(name, headers)

    def _is_here(self, name: str, headers: Headers) -> bool:
        # Only names of this machine get here with such a Host, whatever port it listens on.
        return self.loopback and name == f"http://{headers.get(b'host', b'').decode('latin-1').lower()}"


def check_method(method: str) -> None:
    """Refuse a method that `/graphql` does not know (405)."""
    if method not in METHODS:
        raise BadRequest("Use POST", 405, ALLOW)


def check_body(headers: Headers) -> None:
    """Refuse a body that is not plain JSON in UTF-8 (415), or is larger than 256 KiB (413), before it is read."""
    if not is_json(headers.get(b"content-type", b"").decode("latin-1")):
        raise BadRequest("Send application/json", 415, (b"accept-post", b"application/json"))
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadRequest("Send the body without compression", 415, (b"accept-encoding", b"identity"))
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and (len(declared) > 12 or int(declared) > LARGEST_BODY):  # noqa: PLR2004 # digits
        raise too_large()


def too_large() -> Refused:
    """The refusal of a body beyond 256 KiB."""
    return BadRequest("The body is larger than 256 KiB", 413)


def _listed(text: str) -> Iterable[str]:
    return (part.strip().lower() for part in text.split(",") if part.strip())
