"""What bytes are, by what they begin with and what is hidden in them, whatever their sender says. Pure.

Sources: WHATWG, MIME Sniffing; OWASP, File Upload; PDF 2.0 (ISO 32000-2), section 7.5.
"""

from __future__ import annotations

import enum
import re
import zlib
from collections.abc import Iterator
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
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")  # in a name (7.3.5): /J#61vaScript is /JavaScript
_STREAM: Final = re.compile(rb"stream\r?\n")
_OBJECTS: Final = re.compile(rb"\s*\d+\s+\d+\s")  # an object stream (7.5.7) begins with numbers and offsets
_OTHER_FILTERS: Final = re.compile(rb"/(?:ASCIIHexDecode|ASCII85Decode|LZWDecode|RunLengthDecode|AHx|A85|LZW|RL)\b")
_PEEK: Final = 1_024
_MOST_UNPACKED: Final = 32 << 20
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
    plain = _ESCAPED.sub(_unescaped, data)
    if re.search(rb"/Encrypt\b", plain):
        raise Unfit("This PDF is encrypted, so that nobody can look into it; print it to a plain PDF")
    if b"/ObjStm" in plain and _OTHER_FILTERS.search(plain):
        raise Unfit("This PDF is packed in an unusual way; print it to a plain PDF")
    if any(_ACTIVE_PDF.search(part) for part in (plain, *_packed_objects(data))):
        raise Unfit("This PDF runs something or holds other files; print it to a plain PDF")
    if _MARKUP.search(data[:1024]):
        raise Unfit("This is a PDF and a web page at once")
    return Kind.PDF


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode("ascii"))


def _packed_objects(data: bytes) -> Iterator[bytes]:
    """The objects that a PDF keeps in compressed streams, where a plain search sees nothing of them.

    Raises Unfit for more than 32 MiB of them. Pictures and fonts are not unpacked, only their first bytes.
    """
    left = _MOST_UNPACKED
    for match in _STREAM.finditer(data):
        start = match.end()
        if not _OBJECTS.match(_inflated(data[start : start + _PEEK], _PEEK)):
            continue
        found = _inflated(data[start:], left)
        left -= len(found)
        if left <= 0:
            raise Unfit("This PDF unpacks to too much; print it to a plain PDF")
        yield _ESCAPED.sub(_unescaped, found)


def _inflated(data: bytes, most: int) -> bytes:
    """What zlib makes of the beginning of some bytes; nothing for what is no such stream."""
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""


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
