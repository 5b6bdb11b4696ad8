"""Pictures written anew: only what is seen is kept. Pure.

Sources: OWASP, File Upload (image rewriting); Pillow, `Image.MAX_IMAGE_PIXELS` (decompression bombs).
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps

from countersign.attachments.sniffing import Kind, Unfit

MOST_PIXELS: Final = 25_000_000
LONGEST_SIDE: Final = 12_000
LARGEST_RESULT: Final = 10 * 1024 * 1024
QUALITY: Final = 90


# Decoders raise what they like at bytes that are not what they say.
_DAMAGED: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept: its bytes, and its size in pixels."""

    data: bytes
    width: int
    height: int


def rewritten(data: bytes, kind: Kind) -> Picture:
    """The first frame of a picture, turned as its camera said, in the same format without anything else of its file.

    At most 25 megapixels and 12,000 to a side, known from the header before anything is decoded; the result is at most
    10 MiB. Raises Unfit.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[kind.name]) as opened:
                width, height = opened.size
                fits = width * height <= MOST_PIXELS and max(width, height) <= LONGEST_SIDE
                picture = _plain(ImageOps.exif_transpose(opened), kind) if fits else None
    except _DAMAGED as error:
        raise Unfit("The picture cannot be read: it is damaged, or not what it seems to be") from error
    if picture is None:
        raise Unfit(f"The picture has {width} × {height} pixels; at most 25 megapixels and 12,000 to a side are taken")
    written = io.BytesIO()
    options = {"quality": QUALITY} if kind is not Kind.PNG else {"optimize": False}
    picture.save(written, kind.name, **options)
    if written.tell() > LARGEST_RESULT:
        raise Unfit("The picture is too large when it is written anew; attach a smaller one")
    return Picture(written.getvalue(), picture.width, picture.height)


def _plain(picture: Image.Image, kind: Kind) -> Image.Image:
    """Nothing but pixels: a new picture in a plain mode, so that no metadata travels along."""
    modes = {"L", "RGB"} if kind is Kind.JPEG else {"L", "LA", "RGB", "RGBA"}
    mode = picture.mode if picture.mode in modes else ("RGB" if kind is Kind.JPEG else "RGBA")
    bare = Image.new(mode, picture.size)
    bare.paste(picture.convert(mode))
    return bare
