"""Bitstring Status List v1.0: the bits, their encoding, and the order in which places are given away (pure).

Lists of its forerunner, StatusList2021, are read.
"""

import gzip
import hashlib
import hmac
import zlib
from collections.abc import Iterable

from countersign.trust.canonical_codes import base64url_decode, base64url_encode

CAPACITY = 131_072
"""Places of one list: 16 KiB of bits, the least that the specification allows (herd privacy)."""

_LARGEST_OUTPUT = 16 * 1024 * 1024
_HALF_BITS = 9  # two halves cover 2^18 values; those beyond the capacity walk on until they fall inside
_HALF = (1 << _HALF_BITS) - 1
_ROUNDS = 4


def encode(set_places: Iterable[int]) -> str:
    """`encodedList`: `u` and base64url of the gzipped bits; place 0 is the most significant bit of the first byte.

    The same places always give the same text. A place outside 0 ≤ place < CAPACITY raises ValueError.
    """
    bits = bytearray(CAPACITY // 8)
    for place in set_places:
        if not 0 <= place < CAPACITY:
            raise ValueError(f"the list has no place {place}")
        bits[place >> 3] |= 0x80 >> (place & 7)
    return "u" + base64url_encode(gzip.compress(bytes(bits), mtime=0))


def decode(encoded: str) -> bytes:
    """Read an `encodedList` into its bits; more than 16 MiB, several gzip members or other text raise ValueError."""
    if not encoded.startswith("u"):
        raise ValueError("an encoded list starts with u (base64url)")
    return _unpacked(base64url_decode(encoded[1:]))


def decode_2021(encoded: str) -> bytes:
    """Read an `encodedList` of StatusList2021: base64 in either alphabet, padded or not, within the same bounds."""
    text = encoded.rstrip("=").replace("+", "-").replace("/", "_")
    return _unpacked(base64url_decode(text))


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        bits = unpacker.decompress(packed, _LARGEST_OUTPUT + 1)
    except zlib.error as error:
        raise ValueError("the list is not gzip") from error
    if len(bits) > _LARGEST_OUTPUT:
        raise ValueError("the list unpacks to more than 16 MiB")
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the list is not one complete gzip member")
    if len(bits) * 8 < CAPACITY:
        raise ValueError(f"the list has fewer than {CAPACITY} places")
    return bits


def is_set(bits: bytes, place: int) -> bool:
    """Whether the bit of a place is set; a place outside the list raises ValueError."""
    if not 0 <= place < len(bits) * 8:
        raise ValueError(f"the list has no place {place}")
    return bool(bits[place >> 3] & (0x80 >> (place & 7)))


def place_of(slot: int, secret: bytes) -> int:
    """Give the public place of the n-th slot of a list: a permutation keyed by the list's secret.

    Slots are taken in order and can never meet; the places look random, so that a place tells nothing of when it was
    given away. A Feistel network over 18 bits, walked until it falls inside the capacity.
    """
    if not 0 <= slot < CAPACITY:
        raise ValueError(f"the list has no slot {slot}")
    place = _feistel(slot, secret)
    while place >= CAPACITY:
        place = _feistel(place, secret)
    return place


def _feistel(value: int, secret: bytes) -> int:
    left, right = value >> _HALF_BITS, value & _HALF
    for turn in range(_ROUNDS):
        mixed = hmac.digest(secret, bytes((turn,)) + right.to_bytes(2, "big"), hashlib.sha256)
        left, right = right, left ^ (int.from_bytes(mixed[:2], "big") & _HALF)
    return left << _HALF_BITS | right
