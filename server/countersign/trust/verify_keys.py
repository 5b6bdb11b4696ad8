"""Public keys as DID documents write them, and the signatures they make: Ed25519 and P-256 (pure).

Controlled Identifiers 1.0 (Multikey, JsonWebKey), RFC 7517, RFC 8037 (OKP), SEC 1 (compressed points of P-256).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countersign.trust.canonical_codes import base64url_decode, ed25519_from_multibase, multibase_decode
from countersign.trust.verify_reading import as_list

DID_KEY: Final = "did:key:"
SIGNATURE_BYTES: Final = 64
"""Both kinds: Ed25519 as it is; of P-256 the two numbers, 32 bytes each (RFC 7518, section 3.4)."""
_MULTICODEC_P256: Final = b"\x80\x24"
_COORDINATE_BYTES: Final = 32
_MULTIKEYS: Final = frozenset({"Multikey", "Ed25519VerificationKey2020"})
_JWKS: Final = frozenset({"JsonWebKey", "JsonWebKey2020"})


class Kind(StrEnum):
    """Which signatures a key makes, by its name in JOSE."""

    ED25519 = "EdDSA"
    P256 = "ES256"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: 32 raw bytes of Ed25519, or a compressed point of P-256 (33 bytes)."""

    kind: Kind
    raw: bytes

    def holds(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of the data; a signature of another length is not."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            if self.kind is Kind.ED25519:
                Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
            else:
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)
                point.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


def from_multibase(text: str) -> Key:
    """Read a `publicKeyMultibase`. ValueError for any other kind of key, and for a point that is not on the curve."""
    data = multibase_decode(text)
    if data.startswith(_MULTICODEC_P256):
        return _p256(data[len(_MULTICODEC_P256) :])
    return Key(Kind.ED25519, ed25519_from_multibase(text))


def from_jwk(jwk: Any) -> Key:
    """Read a JSON Web Key. ValueError for another kind, and for one with its private half, which is no secret then."""
    match jwk:
        case {"d": _}:
            raise ValueError("it is published with its private half: anybody can sign with it")
        case {"kty": "OKP", "crv": "Ed25519"}:
            return Key(Kind.ED25519, _coordinate(jwk, "x"))
        case {"kty": "EC", "crv": "P-256"}:
            return _p256(b"\x04" + _coordinate(jwk, "x") + _coordinate(jwk, "y"))
    raise ValueError("only keys of Ed25519 and P-256 are read")


def of_did(did: str) -> Key | None:
    """The key that a did:key is by itself (did:key method, section 3.1); None for any other DID and kind of key."""
    if not did.startswith(DID_KEY):
        return None
    try:
        return from_multibase(did.removeprefix(DID_KEY))
    except ValueError:
        return None


def asserting(document: Mapping[str, Any], issuer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The methods of an issuer's DID document that may assert, each with its full id; embedded ones too.

    Ids may be relative to the document (`#key-1`). The issuer must control the method, or nobody is named.
    """
    methods = [method for method in as_list(document.get("verificationMethod")) if isinstance(method, dict)]
    known = {_full(method.get("id"), issuer): method for method in methods}
    for entry in as_list(document.get("assertionMethod")):
        name = _full(entry.get("id") if isinstance(entry, dict) else entry, issuer)
        method = entry if isinstance(entry, dict) else known.get(name)
        if name is not None and method is not None:
            yield name, method


def key_of(document: Mapping[str, Any], issuer: str, method_id: object) -> Key:
    """The key that may assert for the issuer under this id; ValueError says in words why there is none."""
    if document.get("id") != issuer:
        raise ValueError("The DID document is not that of the issuer.")
    if not isinstance(method_id, str) or method_id.partition("#")[0] != issuer:
        raise ValueError("The proof was made with a key of somebody other than the issuer.")
    method = dict(asserting(document, issuer)).get(method_id)
    if method is None:
        raise ValueError("The key of the proof may not (or no longer) assert for the issuer.")
    return read_method(method, issuer)


def read_method(method: Mapping[str, Any], issuer: str) -> Key:
    """The key of a verification method that the issuer controls; ValueError says in words why there is none."""
    kind = method.get("type")
    if not isinstance(kind, str) or kind not in _MULTIKEYS | _JWKS or method.get("controller") != issuer:
        raise ValueError("The key of the proof is no Multikey or JsonWebKey controlled by the issuer.")
    if method.get("revoked") is not None:
        raise ValueError("The issuer has revoked the key of the proof.")
    try:
        if kind in _MULTIKEYS:
            return from_multibase(str(method.get("publicKeyMultibase")))
        return from_jwk(method.get("publicKeyJwk"))
    except ValueError as error:
        raise ValueError(f"The key of the proof cannot be read: {error}.") from None


def _full(name: object, issuer: str) -> str | None:
    if not isinstance(name, str):
        return None
    return issuer + name if name.startswith("#") else name


def _coordinate(jwk: Mapping[str, Any], member: str) -> bytes:
    value = jwk.get(member)
    data = base64url_decode(value) if isinstance(value, str) else b""
    if len(data) != _COORDINATE_BYTES:
        raise ValueError(f"its {member} has not {_COORDINATE_BYTES} bytes")
    return data


def _p256(point: bytes) -> Key:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise ValueError("it is no point of P-256") from None
    return Key(Kind.P256, key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
