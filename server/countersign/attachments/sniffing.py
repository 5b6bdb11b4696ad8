"""What bytes are, by what they begin with and what is hidden in them, whatever their sender says. Pure.

Sources: WHATWG, MIME Sniffing; OWASP, File Upload; PDF 2.0 (ISO 32000-2), section 7.5.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final


class Kind(enum.Enum):
    """What may be attached, with its media type and extension."""

    PNG = ("image/png", "png")
    JPEG = ("image/jpeg", "jpg")
    WEBP = ("image/webp", "webp")
    PDF = ("application/pdf", "pdf")
    TEXT = ("text/plain; charset=utf-8", "txt")

    @property
    def media_type(self) -> str:
        """The media type (RFC 6838)."""
        return self.value[0]

    @property
    def extension(self) -> str:
        """The extension of its file names."""
        return self.value[1]


RASTERS: Final = frozenset({Kind.PNG, Kind.JPEG, Kind.WEBP})


@dataclass(frozen=True, slots=True)
class Unfit(Exception):
    """A file that is not taken, and why, in a sentence."""

    why: str


_REFUSED: Final = (
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "an archive (ZIP, or a document or program in one)"),
    (re.compile(rb"\x1f\x8b|BZh[1-9]|\xfd7zXZ\x00|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x28\xb5\x2f\xfd"), "an archive"),
    (re.compile(rb"MZ|\x7fELF|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|#!"), "a program"),
    (
        re.compile(rb"GIF8|BM|II\*\x00|MM\x00\*|....ftyp(avif|heic|mif1)", re.DOTALL),
        "a picture that is not PNG, JPEG or WebP",
    ),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an old office document, which may hold macros"),
)
_MARKUP: Final = re.compile(
    rb"<\s*(?:!doctype|html|head|body|script|svg|iframe|\?xml|style|object|embed|link|meta|img|a\s|!--)", re.IGNORECASE
)
_ACTIVE_PDF: Final = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)\b")
_ARCHIVE_END: Final = b"PK\x05\x06"
_TAIL: Final = 66_000  # an archive's last record lies within 64 KiB of its end


def kind_of(data: bytes) -> Kind:
    """What the bytes are. Raises Unfit for what is not taken, and for what is two things at once."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind.WEBP
    # Pictures are written anew, and whatever else is in their file goes; the rest is kept and must be one thing.
    for pattern, name in _REFUSED:
        if pattern.match(data):
            raise Unfit(f"This looks like {name}; attach a PNG, JPEG or WebP picture, a PDF or plain text")
    if _ARCHIVE_END in data[-_TAIL:]:
        raise Unfit("There is an archive at the end of this file")
    if data.startswith(b"%PDF-"):
        return _pdf(data)
    return _text(data)


def _pdf(data: bytes) -> Kind:
    if b"%%EOF" not in data[-2048:]:
        raise Unfit("This PDF is cut off, or something stands after its end")
    if _ACTIVE_PDF.search(data):
        raise Unfit("This PDF runs something or holds other files; print it to a plain PDF")
    if _MARKUP.search(data[:1024]):
        raise Unfit("This is a PDF and a web page at once")
    return Kind.PDF


def _text(data: bytes) -> Kind:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit("This is neither a PNG, JPEG or WebP picture, nor a PDF, nor plain text in UTF-8") from None
    if _MARKUP.search(data):
        raise Unfit("This looks like HTML, SVG or XML, which may run in a reader's browser")
    if any(ord(character) < ord(" ") and character not in "\t\r\n\f" for character in text):
        raise Unfit("There are control characters in this text")
    return Kind.TEXT
