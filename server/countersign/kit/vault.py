"""The vault: what is personal lies encrypted under a key of its owner alone, and is gone when that key is.

Each learner (and each file that somebody uploads or fetches) has a random data key. It is kept wrapped by a key that is
derived from the key-encryption key, which lives outside the database. AES-256-GCM throughout; what a value is (its
owner and its column) is authenticated with it, so nothing can be moved to another person or place.

A wrapped key is 61 bytes, a sealed value 29 more than its plain text: one byte for the form, 12 of nonce, 16 of tag.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final, Protocol
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import BigInteger, DateTime
from sqlmodel import Field

from countersign.kit.placement import Placement, Table

FORM: Final = b"\x01"
"""How what follows is written; text in UTF-8 never begins so."""
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
WRAPPED_BYTES: Final = 61
LEAST_SECRET: Final = 32


class NotReadable(Exception):
    """Something sealed cannot be opened: another key-encryption key, another owner or column, or altered bytes."""


class LearnerKey(Table, table=True):
    """The data key of one learner, wrapped. Deleting this row erases the learner, for good."""

    __tablename__ = "learner_keys"
    __placement__: ClassVar[Placement] = Placement.BY_LEARNER
    __deletable__: ClassVar[bool] = True
    __secret__: ClassVar[frozenset[str]] = frozenset({"wrapped"})

    learner_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    wrapped: bytes
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class Key:
    """The data key of one owner, unwrapped for the work at hand; never kept, never printed."""

    def __init__(self, owner: bytes, key: bytes) -> None:
        self._owner = owner
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "Key(…)"

    def seal(self, column: str, plain: str | bytes) -> bytes:
        """Encrypt a value of a column, named `<table>.<column>`."""
        data = plain.encode() if isinstance(plain, str) else plain
        return _seal(self._cipher, data, self._owner + column.encode())

    def open(self, column: str, sealed: bytes) -> bytes:
        """Decrypt it again. Raises NotReadable for another owner, another column or altered bytes."""
        return _open(self._cipher, sealed, self._owner + column.encode())


class Vault:
    """Makes, wraps and unwraps data keys; makes marks by which personal values are found without being kept."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the key-encryption key, at least 32 bytes. Raises ValueError."""
        if len(secret) < LEAST_SECRET:
            raise ValueError("the secret behind the vault has at least 32 bytes")
        self._wrapping = AESGCM(_derive(secret, b"countersign vault data keys"))
        self._marking = _derive(secret, b"countersign vault marks")

    def __repr__(self) -> str:
        return "Vault(…)"

    def new_learner_key(self, learner_id: int) -> tuple[Key, bytes]:
        """A fresh key of a learner, and the same key wrapped for `learner_keys`."""
        return self._new(_learner(learner_id))

    def learner_key(self, learner_id: int, wrapped: bytes) -> Key:
        """A learner's key from `learner_keys`. Raises NotReadable."""
        return self._unwrap(_learner(learner_id), wrapped)

    def new_file_key(self, file_id: UUID) -> tuple[Key, bytes]:
        """A fresh key of a file that is about many people, and the same key wrapped."""
        return self._new(_file(file_id))

    def file_key(self, file_id: UUID, wrapped: bytes) -> Key:
        """A file's key again. Raises NotReadable."""
        return self._unwrap(_file(file_id), wrapped)

    def mac(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA-256 (32 bytes) of the parts, for one purpose: found again, yet guessed by nobody without the key."""
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose.encode(), *parts))
        return hmac.digest(self._marking, text, "sha256")

    def _new(self, owner: bytes) -> tuple[Key, bytes]:
        key = secrets.token_bytes(KEY_BYTES)
        return Key(owner, key), _seal(self._wrapping, key, owner)

    def _unwrap(self, owner: bytes, wrapped: bytes) -> Key:
        return Key(owner, _open(self._wrapping, wrapped, owner))


class _Absent(Vault):
    """The vault of who has none: asking it for anything raises LookupError."""

    def __init__(self) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        raise LookupError(f"the database was opened without a vault: {name}")


NO_VAULT: Final[Vault] = _Absent()


class Transaction(Protocol):
    """What this module needs of a transaction (`kit.db.Tx`)."""

    @property
    def vault(self) -> Vault:
        """The vault of the installation."""

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows."""


async def key_of(tx: Transaction, learner_id: int) -> Key | None:
    """The key of a learner; None when they were erased. Raises NotReadable."""
    return (await keys_of(tx, [learner_id])).get(learner_id)


async def keys_of(tx: Transaction, learner_ids: Iterable[int]) -> dict[int, Key]:
    """The keys of learners by number, without those who were erased. Raises NotReadable."""
    rows = await tx.fetch(
        "select learner_id, wrapped from learner_keys where learner_id = any($1::bigint[])", list(learner_ids)
    )
    return {row["learner_id"]: tx.vault.learner_key(row["learner_id"], row["wrapped"]) for row in rows}


async def keep_keys(tx: Transaction, wrapped: Mapping[int, bytes], now: datetime) -> None:
    """Keep the wrapped keys of new learners, by number."""
    await tx.execute(
        "insert into learner_keys (learner_id, wrapped, made_at)"
        " select n.learner_id, n.wrapped, $3 from unnest($1::bigint[], $2::bytea[]) n(learner_id, wrapped)",
        list(wrapped),
        list(wrapped.values()),
        now,
    )


async def destroy_keys(tx: Transaction, learner_ids: Sequence[int]) -> int:
    """Delete the keys of learners: whatever is sealed with them is gone for good when this commits. How many."""
    return await tx.execute("delete from learner_keys where learner_id = any($1::bigint[])", list(learner_ids))


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(secret)


def _learner(learner_id: int) -> bytes:
    return b"learner" + learner_id.to_bytes(8, "big")


def _file(file_id: UUID) -> bytes:
    return b"file" + file_id.bytes


def _seal(cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return FORM + nonce + cipher.encrypt(nonce, plain, context)


def _open(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    start = len(FORM)
    if sealed[:start] != FORM:
        raise NotReadable("this was not sealed here")
    try:
        return cipher.decrypt(sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :], context)
    except (InvalidTag, ValueError):
        # no chaining: the cause says nothing, and what is not raised is not logged
        raise NotReadable("what was sealed cannot be opened with this key") from None
