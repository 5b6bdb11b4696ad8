"""Credentials as JSON Web Tokens: who signed, bound to who says it, and whether the claims say the same twice (pure).

Open Badges 3.0, section 8.2, and RFC 7515; stricter than either, which bind the signer to nobody: the key must be one
of the issuer's own, and what the token repeats must say what the credential says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from countersign.trust.canonical_codes import base64url_decode
from countersign.trust.canonical_schema import parse_date_time
from countersign.trust.verify_findings import Finding, Verdict, failed, passed
from countersign.trust.verify_keys import KIND_OF, Key, Kind, asserting, from_jwk, key_of, read_method
from countersign.trust.verify_reading import Unreadable, read

REGISTERED: Final = ("iss", "sub", "jti", "nbf", "exp", "iat", "aud")
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADERS: Final = frozenset({"alg", "typ", "kid", "jwk", "cty"})
_CERTIFICATES: Final = frozenset({"x5c", "x5u", "x5t", "x5t#S256"})
_TYPES: Final = frozenset({"jwt", "vc+jwt", "vc-ld+jwt", "vc+ld+jwt"})
"""What a credential's token may call itself (Open Badges 3.0: JWT; VC-JOSE-COSE, now and before), in small letters."""


@dataclass(frozen=True, slots=True)
class Token:
    """A compact JWS over JSON: its header, its claims, what was signed, and the signature as bytes."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def credential(self) -> dict[str, Any]:
        """The credential that the claims are, without those that JWT registers.

        One under the claim `vc` is read as the data model 1.1 has it (section 6.3.1): `jti` and `iss` are its `id` and
        its `issuer`.
        """
        within = self.claims.get("vc")
        if not isinstance(within, dict):
            return {name: value for name, value in self.claims.items() if name not in REGISTERED}
        said = {"id": self.claims.get("jti"), "issuer": self.claims.get("iss")}
        return {name: value for name, value in said.items() if value is not None} | within


def is_compact(text: str) -> bool:
    """Whether a text has the form of a compact JWS."""
    return _COMPACT.fullmatch(text) is not None


def read_token(text: str) -> Token:
    """Take a compact JWS of JSON apart, within the bounds of `verify_reading.read`. Raises ValueError."""
    if not is_compact(text):
        raise ValueError("it is no compact JWS")
    signed, _, signature = text.rpartition(".")
    try:
        header, claims = (read(base64url_decode(part).decode()) for part in signed.split("."))
    except Unreadable as error:
        raise ValueError(str(error)) from None
    return Token(header, claims, signed.encode(), base64url_decode(signature))


def signature_finding(token: Token, issuer: str, controller: Mapping[str, Any] | None) -> Finding:
    """Whether the issuer signed the token; `controller` is the document in which it names its keys."""
    try:
        key = _key(token.header, issuer, controller or {})
    except ValueError as error:
        return failed("proof", Verdict.BAD_PROOF, str(error), "$")
    if not key.holds(token.signature, token.signed):
        return failed("proof", Verdict.BAD_PROOF, "The signature is not its issuer's.", "$")
    contradictions = ", ".join(_contradictions(token.claims, token.credential))
    if contradictions:
        detail = f"The token and its credential contradict each other: {contradictions}."
        return failed("proof", Verdict.BAD_PROOF, detail, "$")
    return passed("proof", f"It was signed with its issuer's key ({key.kind}).", "$")


def kind_of(header: Mapping[str, Any]) -> Kind:
    """The kind of key for which a header asks.

    ValueError for headers that Open Badges 3.0 (section 8.2) does not know, for certificates, for a token that says
    that it is something else, and for algorithms that are not read.
    """
    unknown = sorted(set(header) - _HEADERS)
    if _CERTIFICATES & set(unknown):
        raise ValueError("The header names a certificate (x5c, x5u, x5t), which Open Badges 3.0 does not allow.")
    if unknown:
        raise ValueError(f"The header says what is not read here: {', '.join(unknown)[:100]}.")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in _TYPES:
        raise ValueError("The token says that it is something other than a credential.")
    alg = header.get("alg")
    kind = KIND_OF.get(alg) if isinstance(alg, str) else None
    if kind is None:
        raise ValueError("Only RS256, ES256 and EdDSA are read as signatures of a JWT.")
    return kind


def agreed(header: Mapping[str, Any], key: Key) -> Key:
    """The key, when the header asks for its kind and brings no other one along; ValueError says what differs."""
    kind = kind_of(header)
    if key.kind is not kind:
        raise ValueError(f"A key for {key.kind} makes no {kind}.")
    if "jwk" in header and _jwk(header["jwk"]) != key:
        raise ValueError("The key in the header is not the issuer's.")
    return key


def _key(header: Mapping[str, Any], issuer: str, controller: Mapping[str, Any]) -> Key:
    kid, kind = header.get("kid"), kind_of(header)
    if kid is None:
        return agreed(header, _only_key(header, kind, issuer, controller))
    name = issuer + kid if isinstance(kid, str) and kid.startswith("#") else kid
    if isinstance(kid, str) and ":" not in name:
        name = _named(kid, issuer, controller)
    return agreed(header, key_of(controller, issuer, name))


def _named(kid: str, issuer: str, controller: Mapping[str, Any]) -> str:
    """The id of the method whose JWK has this `kid` (VC-JOSE-COSE, section 4.1); an id that nobody has for none."""
    found = [
        name
        for name, method in asserting(controller, issuer)
        if isinstance(method.get("publicKeyJwk"), dict) and method["publicKeyJwk"].get("kid") == kid
    ]
    return found[0] if len(found) == 1 else f"{issuer}#{kid}"


def _only_key(header: Mapping[str, Any], kind: Kind, issuer: str, controller: Mapping[str, Any]) -> Key:
    """Of a token that names no key: the one in its header, where its issuer publishes it; else the only one."""
    if controller.get("id") != issuer:
        raise ValueError("The DID document is not that of the issuer.")
    published: set[Key] = set()
    for _, method in asserting(controller, issuer):
        try:
            published.add(read_method(method, issuer))
        except ValueError:
            continue
    if "jwk" in header:
        published &= {_jwk(header["jwk"])}
    published = {key for key in published if key.kind is kind}
    if len(published) != 1:
        raise ValueError("The token names no key of its issuer.")
    return published.pop()


def _jwk(value: object) -> Key:
    try:
        return from_jwk(value)
    except ValueError as error:
        raise ValueError(f"The key in the header cannot be read: {error}.") from None


def _contradictions(claims: Mapping[str, Any], credential: Mapping[str, Any]) -> Iterator[str]:
    """The registered claims that say otherwise than the credential beside them.

    `exp` may be earlier; one that is no moment since 1970 would let the token live for ever.
    """
    issuer, subject = credential.get("issuer"), credential.get("credentialSubject")
    issuer_id = issuer.get("id") if isinstance(issuer, dict) else issuer
    subject_id = subject.get("id") if isinstance(subject, dict) else None
    for name, said in (("iss", issuer_id), ("sub", subject_id), ("jti", credential.get("id"))):
        if name in claims and claims[name] != said:
            yield name
    start = parse_date_time(credential.get("validFrom", credential.get("issuanceDate")))
    if "nbf" in claims and (start is None or claims["nbf"] != int(start.timestamp())):
        yield "nbf"
    end = claims.get("exp", 0)
    if isinstance(end, bool) or not isinstance(end, int | float) or end < 0:
        yield "exp"
