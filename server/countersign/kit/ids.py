"""Ids: UUIDv7 made in the application, typed public ids, sealed ids for what belongs to a learner."""

from __future__ import annotations

import base64
import hmac
import uuid
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from uuid_utils.compat import uuid7

UUID_TEXT_LENGTH: Final = 36


def new_id() -> uuid.UUID:
    """A fresh UUIDv7 (RFC 9562): sorts by time of making, so B-tree pages stay warm."""
    return uuid7()


def public_id(tag: str, key: uuid.UUID) -> str:
    """The public id of a catalogue object: `<tag>_<uuid>`; the same text the views build in SQL."""
    return f"{tag}_{key}"


def parse_public_id(text: str) -> tuple[str, uuid.UUID] | None:
    """Read a catalogue object's public id; None when it is malformed.

    Only the canonical lower-case spelling is taken, so that one thing has one id.
    """
    tag, underscore, tail = text.partition("_")
    if not underscore or not tag.isascii() or not tag.islower() or len(tail) != UUID_TEXT_LENGTH:
        return None
    try:
        key = uuid.UUID(tail)
    except ValueError:
        return None
    return (tag, key) if str(key) == tail else None


class Sealer:
    """Makes and opens encrypted ids (AES-SIV, RFC 5297: deterministic and authenticated).

    A sealed id hides the learner's number. Within one scope (an organization for candidate ids, nothing for the
    learner's own ids) the same payload gives the same text; two organizations cannot join what they saw.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = lru_cache(maxsize=1024)(self._derive)

    def _derive(self, tag: str, scope: bytes) -> AESSIV:
        info = b"countersign sealed id " + tag.encode() + b"\x00" + scope
        return AESSIV(HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self._secret))

    def fingerprint(self, tag: str, text: str) -> bytes:
        """What is kept of a text that could be guessed (an address): its HMAC under a key of this tag, 32 bytes."""
        key = HKDF(hashes.SHA256(), 32, salt=None, info=b"countersign fingerprint " + tag.encode()).derive(self._secret)
        return hmac.digest(key, text.encode(), "sha256")

    def seal(self, tag: str, scope: bytes, payload: bytes) -> str:
        """`<tag>_<base64url>` of the encrypted payload."""
        sealed = self._cipher(tag, scope).encrypt(payload, None)
        return f"{tag}_{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, tag: str, scope: bytes, text: str) -> bytes | None:
        """The payload again, or None for anything that this scope did not seal under this tag."""
        head, underscore, tail = text.partition("_")
        if head != tag or not underscore or not tail.isascii():
            return None
        try:
            sealed = base64.b64decode(tail + "=" * (-len(tail) % 4), altchars=b"-_", validate=True)
            payload = self._cipher(tag, scope).decrypt(sealed, None)
        except (ValueError, InvalidTag):
            return None
        return payload if self.seal(tag, scope, payload) == text else None
