"""Multibase, multihash and subresource digests, as VCDM 2.0 and Data Integrity write them (pure)."""

import base64
import binascii
import hashlib
import hmac

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE = {character: value for value, character in enumerate(_BASE58)}
_MULTIHASH_SHA256 = b"\x12\x20"
_MULTICODEC_ED25519 = b"\xed\x01"
_ED25519_BYTES = 32
LONGEST_BASE58 = 1_000
"""Characters: reading them takes the square of their number. The longest that is meant for us, a signature, has 88."""


def base58_encode(data: bytes) -> str:
    """Base58 (Bitcoin alphabet); each leading zero byte becomes one `1`."""
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, remainder = divmod(number, 58)
        digits.append(_BASE58[remainder])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))


def base58_decode(text: str) -> bytes:
    """Undo `base58_encode`; a character outside the alphabet, and more of them than are read, raise ValueError."""
    if len(text) > LONGEST_BASE58:
        raise ValueError(f"base58 of more than {LONGEST_BASE58} characters is not read")
    number = 0
    for character in text:
        if character not in _BASE58_VALUE:
            raise ValueError(f"{character!r} is not a base58 character")
        number = number * 58 + _BASE58_VALUE[character]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multibase_encode(data: bytes) -> str:
    """Multibase base58-btc: `z` and the digits."""
    return "z" + base58_encode(data)


def multibase_decode(text: str) -> bytes:
    """Read multibase `z` (base58-btc) or `u` (base64url without padding); anything else raises ValueError."""
    if text.startswith("z"):
        return base58_decode(text[1:])
    if text.startswith("u"):
        return base64url_decode(text[1:])
    raise ValueError("only the multibase forms z (base58-btc) and u (base64url) are read")


def base64url_encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Undo `base64url_encode`; padding or a foreign character raises ValueError."""
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("base64url without padding is expected")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("base64url without padding is expected") from error


def sha256_hex(data: bytes) -> str:
    """Lower-case hex SHA-256, 64 characters."""
    return hashlib.sha256(data).hexdigest()


def digest_multibase(data: bytes) -> str:
    """`digestMultibase` of VCDM 2.0: multibase of the SHA-256 multihash of the served bytes."""
    return multibase_encode(_MULTIHASH_SHA256 + hashlib.sha256(data).digest())


def digest_sri(data: bytes) -> str:
    """`digestSRI` of VCDM 2.0: `sha384-` and base64 of the SHA-384 of the served bytes."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode("ascii")


def matches_multibase(data: bytes, claimed: str) -> bool:
    """Whether a `digestMultibase` (`z` or `u` form) is that of these bytes; unreadable text is not."""
    try:
        read = multibase_decode(claimed)
    except ValueError:
        return False
    return hmac.compare_digest(read, _MULTIHASH_SHA256 + hashlib.sha256(data).digest())


def matches_sri(data: bytes, claimed: str) -> bool:
    """Whether a `digestSRI` (sha256, sha384 or sha512) is that of these bytes."""
    name, _, value = claimed.partition("-")
    if name not in {"sha256", "sha384", "sha512"}:
        return False
    expected = base64.b64encode(hashlib.new(name, data).digest()).decode("ascii")
    return hmac.compare_digest(expected.encode(), value.encode())


def identity_hash(identifier: str, salt: str) -> str:
    """`identityHash` of Open Badges 3.0: over exactly this spelling; the standard does not fold case."""
    return "sha256$" + hashlib.sha256((identifier + salt).encode()).hexdigest()


def ed25519_multibase(public_key: bytes) -> str:
    """`publicKeyMultibase` of a Multikey: the 32 raw bytes of an Ed25519 public key behind their codec."""
    if len(public_key) != _ED25519_BYTES:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return multibase_encode(_MULTICODEC_ED25519 + public_key)


def ed25519_from_multibase(text: str) -> bytes:
    """Read the 32 raw bytes of an Ed25519 key from a Multikey; another kind of key raises ValueError."""
    data = multibase_decode(text)
    if not data.startswith(_MULTICODEC_ED25519) or len(data) != len(_MULTICODEC_ED25519) + _ED25519_BYTES:
        raise ValueError("not an Ed25519 Multikey")
    return data[len(_MULTICODEC_ED25519) :]
