"""What may be attached, and under which name. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import Final

from countersign.kit.errors import Code, Invalid, Refusal, Required, TooLong

MIB: Final = 1024 * 1024
LARGEST: Final = 5 * MIB
MOST_UNUSED: Final = 50
"""Attachments of one organization with which nothing is signed yet."""
LIFE: Final = timedelta(days=7)
NAME_LIMIT: Final = 120
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# Controls, what turns text around or is not seen (UAX 9), and what means something in a path or a header.
_FORBIDDEN: Final = re.compile(
    '[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff/\\\\:*?"<>|;%]'
)


class TooManyUnused(Refusal):
    """Your organization has {limit} attachments with which nothing is signed: use them, or wait until they go."""

    code = Code.QUOTA_EXCEEDED


class NotReceived(Refusal):
    """The attachment's bytes have not come yet, or were refused: send them to its uploadUrl first."""

    code = Code.INVALID_STATE


def check(filename: str, size: int, sha256: str) -> None:
    """Refuse an attachment whose name, size (bytes) or digest (SHA-256, lower-case hex) cannot be.

    Raises Required, TooLong, Invalid.
    """
    if not filename.strip(" ."):
        raise Required(what="The file's name", path=("filename",))
    if len(filename) > NAME_LIMIT:
        raise TooLong(what="The file's name", limit=NAME_LIMIT, path=("filename",))
    if _FORBIDDEN.search(filename) or not unicodedata.is_normalized("NFC", filename):
        raise Invalid(
            problem="A file's name has no path and no characters that turn, hide or separate text", path=("filename",)
        )
    if not 0 < size <= LARGEST:
        raise Invalid(problem=f"An attachment has 1 byte to {LARGEST // MIB} MiB", path=("size",))
    if not DIGEST.fullmatch(sha256):
        raise Invalid(problem="The digest is a SHA-256 in lower-case hex", path=("sha256",))


def named(filename: str, extension: str) -> str:
    """The name under which a file is handed out: as it was given, with the extension of what it really is."""
    stem, dot, _ = filename.rpartition(".")
    return f"{(stem if dot and stem.strip(' .') else filename).strip(' .')}.{extension}"
