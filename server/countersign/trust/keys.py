"""Envelope encryption of signing keys.

Each private key is encrypted by a random data key of its own (AES-256-GCM, bound to the organization and the key id);
the data key is wrapped by a key-encryption key that lives outside the database. Changing the key-encryption key wraps
data keys again and touches no signing key.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_KEY_BYTES = 32


class KeyNotReadable(Exception):
    """A signing key cannot be decrypted: the key-encryption key is another one, or the row was altered."""


class KeyEncryption(Protocol):
    """What wraps data keys: a key from the environment, or a key management service."""

    @property
    def name(self) -> str:
        """The name kept beside each wrapped key, so that it is known which key opens it."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a data key, bound to its context."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt it again; KeyNotReadable for another context, another key or altered bytes."""


class SecretKeyEncryption:
    """A key-encryption key made from the installation's secret (HKDF-SHA-256)."""

    def __init__(self, secret: bytes, name: str = "local-1") -> None:
        if len(secret) < _KEY_BYTES:
            raise ValueError("the secret behind signing keys has at least 32 bytes")
        self.name = name
        key = HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=b"countersign key-encryption key").derive(secret)
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return f"SecretKeyEncryption({self.name!r})"

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a data key, bound to its context."""
        return _seal(self._cipher, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt it again; KeyNotReadable for another context, another key or altered bytes."""
        return _open(self._cipher, wrapped, context)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A signing key as it is stored. Nothing of it but the public half is ever printed."""

    public: bytes
    wrapped_private: bytes = field(repr=False)
    wrapped_data_key: bytes = field(repr=False)
    wrapped_by: str


def generate(encryption: KeyEncryption, organization_id: UUID, key_id: UUID) -> WrappedKey:
    """Make an Ed25519 key and encrypt it for storage."""
    private = Ed25519PrivateKey.generate()
    data_key = secrets.token_bytes(_KEY_BYTES)
    context = _context(organization_id, key_id)
    return WrappedKey(
        public=private.public_key().public_bytes_raw(),
        wrapped_private=_seal(AESGCM(data_key), private.private_bytes_raw(), context),
        wrapped_data_key=encryption.wrap(data_key, context),
        wrapped_by=encryption.name,
    )


def unlock(encryption: KeyEncryption, organization_id: UUID, key_id: UUID, stored: WrappedKey) -> Ed25519PrivateKey:
    """Decrypt a signing key for one use; KeyNotReadable when it is not that organization's, or was altered."""
    if stored.wrapped_by != encryption.name:
        raise KeyNotReadable("the signing key was wrapped by another key-encryption key")
    context = _context(organization_id, key_id)
    data_key = encryption.unwrap(stored.wrapped_data_key, context)
    private = Ed25519PrivateKey.from_private_bytes(_open(AESGCM(data_key), stored.wrapped_private, context))
    if private.public_key().public_bytes_raw() != stored.public:
        raise KeyNotReadable("the signing key does not fit its public half")
    return private


def rewrap(
    old: KeyEncryption, new: KeyEncryption, organization_id: UUID, key_id: UUID, stored: WrappedKey
) -> WrappedKey:
    """Wrap the data key by another key-encryption key; the signing key itself stays encrypted as it is."""
    context = _context(organization_id, key_id)
    data_key = old.unwrap(stored.wrapped_data_key, context)
    return WrappedKey(stored.public, stored.wrapped_private, new.wrap(data_key, context), new.name)


def _context(organization_id: UUID, key_id: UUID) -> bytes:
    return organization_id.bytes + key_id.bytes


def _seal(cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, context)


def _open(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        # no chaining: the cause says nothing, and what is not raised is not logged
        raise KeyNotReadable("the signing key cannot be decrypted with this key-encryption key") from None
