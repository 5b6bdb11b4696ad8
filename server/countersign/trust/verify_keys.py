"""Public keys as issuers publish them, and the signatures they make: Ed25519, P-256 and RSA (pure).

Controlled Identifiers 1.0 (Multikey, JsonWebKey), RFC 7517, RFC 7518 (EC, RSA), RFC 8037 (OKP), SEC 1 (compressed
points of P-256), RFC 7468 (PEM, as Open Badges 2.0 publishes keys). RSA signs tokens only, no Data Integrity proofs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from countersign.trust.canonical_codes import base64url_decode, ed25519_from_multibase, multibase_decode
from countersign.trust.verify_reading import as_list

DID_KEY: Final = "did:key:"
SIGNATURE_BYTES: Final = 64
"""Of Ed25519 as it is; of P-256 the two numbers, 32 bytes each (RFC 7518, section 3.4)."""
LEAST_RSA: Final = 2048
"""Bits of a modulus (RFC 7518, section 3.3)."""
_MOST_RSA: Final = 8192
_LARGEST_EXPONENT: Final = 2**32
_MULTICODEC_P256: Final = b"\x80\x24"
_COORDINATE_BYTES: Final = 32
_MULTIKEYS: Final = frozenset({"Multikey", "Ed25519VerificationKey2020"})
_JWKS: Final = frozenset({"JsonWebKey", "JsonWebKey2020"})


class Kind(StrEnum):
    """Which signatures a key makes, by its name in JOSE."""

    ED25519 = "EdDSA"
    P256 = "ES256"
    RSA = "RS256"


KIND_OF: Final = {kind.value: kind for kind in Kind} | {"Ed25519": Kind.ED25519}
"""The names of algorithms that are read: those of RFC 7518 and RFC 8037, and the fully specified one of RFC 9864."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: 32 raw bytes of Ed25519, a compressed point of P-256 (33 bytes), or of RSA its X.509 form (DER)."""

    kind: Kind
    raw: bytes

    def holds(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of the data; a signature of another length is not."""
        if self.kind is not Kind.RSA and len(signature) != SIGNATURE_BYTES:
            return False
        try:
            if self.kind is Kind.RSA:
                public = load_der_public_key(self.raw)
                if isinstance(public, rsa.RSAPublicKey):
                    public.verify(signature, data, padding.PKCS1v15(), SHA256())
            elif self.kind is Kind.ED25519:
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
    """Read a JSON Web Key.

    ValueError for another kind, for one that is not for signing or for another algorithm, and for one with its private
    half, which is no secret then.
    """
    match jwk:
        case {"d": _}:
            raise ValueError("it is published with its private half: anybody can sign with it")
        case {"kty": "OKP", "crv": "Ed25519"}:
            key = Key(Kind.ED25519, _coordinate(jwk, "x"))
        case {"kty": "EC", "crv": "P-256"}:
            key = _p256(b"\x04" + _coordinate(jwk, "x") + _coordinate(jwk, "y"))
        case {"kty": "RSA"}:
            key = _rsa(rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")))
        case _:
            raise ValueError("only keys of Ed25519, P-256 and RSA are read")
    if jwk.get("use", "sig") != "sig" or "verify" not in as_list(jwk.get("key_ops", "verify")):
        raise ValueError("it is not published for signatures")
    if "alg" in jwk and KIND_OF.get(str(jwk["alg"])) is not key.kind:
        raise ValueError(f"it is published for another algorithm than {key.kind}")
    return key


def from_pem(text: str) -> Key:
    """Read a public key in PEM (SubjectPublicKeyInfo). ValueError for any other kind of key, and for no key at all."""
    try:
        public = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no public key in PEM") from None
    match public:
        case rsa.RSAPublicKey():
            return _rsa(public.public_numbers())
        case Ed25519PublicKey():
            return Key(Kind.ED25519, public.public_bytes_raw())
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return _p256(public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    raise ValueError("only keys of Ed25519, P-256 and RSA are read")


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
    """The key that may assert for the issuer under this id; ValueError says in words why there is none.

    What binds a key is that the issuer's own document names it (Controlled Identifiers 1.0, section 3.3); a key at
    another address is the issuer's then, and else nobody's, on whichever host it lies.
    """
    if document.get("id") != issuer:
        raise ValueError("The DID document is not that of the issuer.")
    method = dict(asserting(document, issuer)).get(method_id) if isinstance(method_id, str) else None
    if method is not None:
        return read_method(method, issuer)
    if not isinstance(method_id, str) or method_id.partition("#")[0] != issuer:
        detail = "The proof was made with a key of somebody other than the issuer"
        raise ValueError(f"{detail}: the issuer's own document does not name {str(method_id)[:200]}.")
    raise ValueError("The key of the proof may not (or no longer) assert for the issuer.")


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


def _number(jwk: Mapping[str, Any], member: str) -> int:
    value = jwk.get(member)
    data = base64url_decode(value) if isinstance(value, str) else b""
    if not data or len(data) > _MOST_RSA // 8:
        raise ValueError(f"its {member} is no number of a key")
    return int.from_bytes(data, "big")


def _rsa(numbers: rsa.RSAPublicNumbers) -> Key:
    if not LEAST_RSA <= numbers.n.bit_length() <= _MOST_RSA or numbers.e >= _LARGEST_EXPONENT:
        raise ValueError(f"its modulus has not between {LEAST_RSA} and {_MOST_RSA} bits, or its exponent is too large")
    try:
        public = numbers.public_key()
    except ValueError:
        raise ValueError("it is no key of RSA") from None
    return Key(Kind.RSA, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
