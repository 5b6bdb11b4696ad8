"""Which addresses a file names that somebody sent, however it writes them. Pure."""

from __future__ import annotations

import re
from typing import Final

_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(/))")
"""How JSON may write a character of an address otherwise (RFC 8259, section 7)."""
_WORD: Final = re.compile(r"[^\s<>\"(),:;\\\[\]{}]+")
"""What no address has in it ends it; each character is looked at once."""


def addressed(data: bytes) -> set[str] | None:
    """Everything in a file (UTF-8, CSV or JSON) that might be an e-mail address; None for one that cannot be read."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: found[2] or chr(int(found[1], 16)), text)
    return {word for word in _WORD.findall(text) if "@" in word}
