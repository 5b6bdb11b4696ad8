"""Checkpoints: C2SP tlog-checkpoint, signed as C2SP signed-note with Ed25519."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = b"\x01"
DASH: Final = "— "
HASH_BYTES: Final = 32
SIGNED_BYTES: Final = 4 + 64
_TEXT: Final = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]{44})\n(?:[^\n]+\n)*")


class NoteRefused(ValueError):
    """A note that cannot be read, or that the log's key did not sign; the message says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: whose log, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text, which is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class LogKey:
    """The Ed25519 key of a log, made from its secret; `name` is the log's origin."""

    def __init__(self, secret: bytes, origin: str) -> None:
        seed = hashlib.sha256(b"countersign log checkpoints\x00" + secret).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = LogVerifier(origin, self._private.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        signature = self._private.sign(checkpoint.text.encode())
        line = base64.b64encode(self.verifier.key_id + signature).decode()
        return f"{checkpoint.text}\n{DASH}{self.verifier.name} {line}\n"


@dataclass(frozen=True, slots=True)
class LogVerifier:
    """The public half: reads notes, and takes those alone that the log's key signed."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> LogVerifier:
        """Read the published form, `name+hash+key`. Raises NoteRefused."""
        name, hash_, key = [*text.strip().split("+", 2), "", ""][:3]
        try:
            raw = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise NoteRefused("the key is not base64") from None
        found = cls(name, raw[1:])
        if raw[:1] != ED25519 or len(raw) != 1 + HASH_BYTES or found.key_id.hex() != hash_:
            raise NoteRefused("this is not the key of a log")
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The form in which the key is published (`name+hash+key`)."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    def open(self, note: str) -> Checkpoint:
        """What a note says, when this key signed it; other signatures beside it are let be. Raises NoteRefused."""
        text, blank, lines = note.partition("\n\n")
        read = _TEXT.fullmatch(f"{text}\n")
        if not blank or read is None:
            raise NoteRefused("this is not a checkpoint")
        if read[1] != self.name:
            raise NoteRefused(f"this is a checkpoint of {read[1]}, not of {self.name}")
        for line in lines.splitlines():
            if line.startswith(f"{DASH}{self.name} ") and self._signed(f"{text}\n", line.rpartition(" ")[2]):
                root = base64.b64decode(read[3])
                if len(root) == HASH_BYTES:
                    return Checkpoint(read[1], int(read[2]), root)
        raise NoteRefused("the log's key did not sign this checkpoint")

    def _signed(self, text: str, encoded: str) -> bool:
        try:
            raw = base64.b64decode(encoded, validate=True)
            # Spare bits at the end of base64 could differ unnoticed.
            if raw[:4] != self.key_id or len(raw) != SIGNED_BYTES or base64.b64encode(raw).decode() != encoded:
                return False
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw[4:], text.encode())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


def is_plain(note: str) -> bool:
    """Whether a note is its text and one signature line, as our logs write it, and nothing beside."""
    _, _, lines = note.partition("\n\n")
    return lines.count("\n") == 1 and lines.endswith("\n")


def origin_of(public_origin: str) -> str:
    """The name of an installation's log: its address without the scheme (C2SP tlog-checkpoint)."""
    return f"{public_origin.partition('://')[2]}/log"


def notes_in(text: str) -> list[str]:
    """The notes of a witness's file, in which they follow one another with empty lines between."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        if not line.strip() and any(kept.startswith(DASH) for kept in lines):
            found.append("\n".join(lines) + "\n")
            lines = []
        elif line.strip() or lines:
            lines.append(line)
    if lines:
        found.append("\n".join(lines) + "\n")
    return found
