"""Keys of others as they write them, and their signatures."""

from __future__ import annotations

from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countersign.trust.canonical_codes import base64url_encode, ed25519_multibase, multibase_encode

Private: TypeAlias = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

RSA = rsa.generate_private_key(65537, 2048)
"""One for all tests: such keys take long to find."""


def alg(key: Private) -> str:
    """The name of its signatures in JOSE."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256"


def number(value: int) -> str:
    """A number as JSON Web Keys write it."""
    return base64url_encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: Private) -> dict[str, str]:
    """The public half as JSON Web Key."""
    if isinstance(key, Ed25519PrivateKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(key.public_key().public_bytes_raw())}
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
    numbers = key.public_key().public_numbers()
    x, y = (base64url_encode(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def pem(key: Private) -> str:
    """The public half in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def multibase(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """The public half as Multikey."""
    if isinstance(key, Ed25519PrivateKey):
        return ed25519_multibase(key.public_key().public_bytes_raw())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return multibase_encode(b"\x80\x24" + point)


def sign(key: Private, data: bytes) -> bytes:
    """64 bytes; of RSA 256."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), SHA256())
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    return b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(key.sign(data, ec.ECDSA(SHA256()))))
