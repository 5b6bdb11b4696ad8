"""Which addresses a file names that somebody sent, however it writes them. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(/))")
"""How JSON may write a character of an address otherwise (RFC 8259, section 7)."""
_WORD: Final = re.compile(r"[^\s<>\"(),:;\\\[\]]*")
"""What no address has in it ends it."""
_LONGEST: Final = 320
"""Characters on either side of an at sign that are looked at: more than an address may have (RFC 5321: 254 in all)."""


def effort(data: bytes) -> int:
    """How long it takes to look through a file, in microseconds or so: its at signs count, and what may be escaped."""
    return 5 * (data.count(b"@") + data.count(b"\\u0040")) + data.count(b"\\")


def addressed(data: bytes) -> set[str] | None:
    """Everything in a file (UTF-8, CSV or JSON) that might be an e-mail address; None for one that cannot be read."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: found[2] or chr(int(found[1], 16)), text)
    return {
        f"{_word(before[-_LONGEST:][::-1])[::-1]}@{_word(after[:_LONGEST])}"
        for before, after in pairwise(text.split("@"))
    }


def _word(text: str) -> str:
    found = _WORD.match(text)
    return found[0] if found else ""
