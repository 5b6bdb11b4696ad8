"""What is taken, and what is refused with what it looks like."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from countersign.attachments import rasters, rules
from countersign.attachments.sniffing import RASTERS, Kind, Unfit, kind_of
from countersign.kit.errors import Refusal

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 6), mode: str = "RGB", **options: object) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 7 if mode in {"L", "P", "1"} else None).save(written, kind, **options)
    return written.getvalue()


def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("a.txt", "text")
    return written.getvalue()


def packed(objects: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    """A PDF whose objects are in a compressed stream."""
    head = b"2 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter " + filters + b" >>\nstream\n"
    return PDF.replace(b"trailer", head + zlib.compress(objects) + b"\nendstream\nendobj\ntrailer")


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has side × side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture("PNG"), Kind.PNG),
        (picture("JPEG"), Kind.JPEG),
        (picture("WEBP"), Kind.WEBP),
        (PDF, Kind.PDF),
        (packed(b"9 0 << /Type /Font >>"), Kind.PDF),
        ("Мы нанимаем выпускников.\n".encode(), Kind.TEXT),
        (b"a < b and c > d", Kind.TEXT),
    ],
)
def test_what_is_taken_is_known_by_its_bytes(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


REFUSED = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "svg behind a declaration": b"<?xml version='1.0'?><svg/>",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "html behind white space": b"\n\n   <HTML><body onload=x>",
    "html far inside": b"text " * 5000 + b"<script>alert(1)</script>",
    "html in utf-16": "<script>alert(1)</script>".encode("utf-16"),
    "zip": archive(),
    "zip behind a text": b"harmless text\n" + archive(),
    "zip behind a pdf": PDF + archive(),
    "gzip": gzip.compress(b"a" * 1000),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(20),
    "rar": b"Rar!\x1a\x07\x00" + bytes(20),
    "program of windows": b"MZ\x90\x00" + bytes(100),
    "program of linux": b"\x7fELF\x02" + bytes(100),
    "script": b"#!/bin/sh\nrm -rf /\n",
    "gif": picture("GIF", mode="P"),
    "tiff": picture("TIFF"),
    "bmp": picture("BMP"),
    "old office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "pdf that runs": PDF.replace(b"/Type", b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >> /Type"),
    "pdf that runs by a name in disguise": PDF.replace(b"/Type", b"/S /J#61vaScript /#4aS (x) /Type"),
    "pdf that runs from a packed object": packed(b"9 0 << /S /JavaScript /JS (x) >>"),
    "pdf that runs from a packed object in disguise": packed(b"9 0 << /S /J#61vaScript /#4aS (x) >>"),
    "pdf that is encrypted": PDF.replace(b"/Type", b"/Encrypt 3 0 R /Type"),
    "pdf that is packed twice": packed(b"9 0 << >>", b"[/ASCIIHexDecode /FlateDecode]"),
    "pdf that is a bomb": packed(b"9 0 " + bytes(33 << 20)),
    "pdf with a file in it": PDF.replace(b"/Type", b"/EmbeddedFiles 2 0 R /Type"),
    "pdf cut off": PDF[:30],
    "pdf and html": b"%PDF-1.7\n<html><script>alert(1)</script>\n%%EOF",
    "random bytes": bytes(range(256)),
    "control characters": b"text\x1b[31m",
    "nul": b"text\x00",
    "empty markup": b"<!-- -->",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_run_or_hide_something_is_refused_in_words(name: str) -> None:
    with pytest.raises(Unfit) as refused:
        kind_of(REFUSED[name])
    assert refused.value.why[0].isupper()


def test_a_picture_keeps_its_pixels_and_nothing_else() -> None:
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "CANARY in a text chunk")
    data = picture("PNG", pnginfo=comment) + b"<script>CANARY behind the end</script>" + archive()
    assert b"CANARY" in data
    made = rasters.rewritten(data, kind_of(data))
    assert (made.width, made.height) == (8, 6)
    assert b"CANARY" not in made.data
    assert b"PK" not in made.data


def test_where_a_picture_was_taken_does_not_travel_along() -> None:
    exif = Image.Exif()
    exif[0x010E] = "CANARY"
    exif[0x0112] = 6  # to be turned by 90 degrees
    made = rasters.rewritten(picture("JPEG", (8, 6), exif=exif), Kind.JPEG)
    assert (made.width, made.height) == (6, 8)
    assert b"CANARY" not in made.data
    assert not Image.open(io.BytesIO(made.data)).getexif()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_written_anew(mode: str) -> None:
    made = rasters.rewritten(picture("PNG", mode=mode), Kind.PNG)
    assert kind_of(made.data) is Kind.PNG


@pytest.mark.parametrize(
    "data",
    [
        bomb(5_001),
        bomb(60_000),
        picture("PNG", (12_001, 1), mode="1"),
        picture("PNG")[:40],
        picture("JPEG")[:200],
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        b"RIFF\x00\x00\x00\x00WEBP" + bytes(64),
    ],
)
def test_a_bomb_or_a_broken_picture_is_refused_before_it_is_unpacked(data: bytes) -> None:
    with pytest.raises(Unfit):
        rasters.rewritten(data, kind_of(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", "png", "jpeg", "webp", "pdf"]))
def test_no_bytes_break_the_judge(tail: bytes, head: str) -> None:
    heads = {
        "": b"",
        "png": picture("PNG")[:60],
        "jpeg": picture("JPEG")[:60],
        "webp": picture("WEBP")[:30],
        "pdf": PDF,
    }
    data = heads[head] + tail
    with contextlib.suppress(Unfit):
        kind = kind_of(data)
        if kind in RASTERS:
            assert rasters.rewritten(data, kind).data


@pytest.mark.parametrize(
    ("filename", "kind", "name"),
    [
        ("letter.pdf", Kind.PDF, "letter.pdf"),
        ("badge.png.exe", Kind.PNG, "badge.png.png"),
        ("Письмо", Kind.TEXT, "Письмо.txt"),
        (".png", Kind.PNG, "png.png"),
    ],
)
def test_a_name_gets_the_extension_of_what_it_is(filename: str, kind: Kind, name: str) -> None:
    assert rules.named(filename, kind.extension) == name


@pytest.mark.parametrize(
    ("filename", "size", "sha256"),
    [
        ("", 1, "0" * 64),
        (" . ", 1, "0" * 64),
        ("../../etc/passwd", 1, "0" * 64),
        ("a\\b.png", 1, "0" * 64),
        ("a\r\nSet-Cookie: x", 1, "0" * 64),
        ("gpj.\u202eexe", 1, "0" * 64),
        ("e\u0301.png", 1, "0" * 64),
        ("a" * 121, 1, "0" * 64),
        ("a.png", 0, "0" * 64),
        ("a.png", -1, "0" * 64),
        ("a.png", rules.LARGEST + 1, "0" * 64),
        ("a.png", 1, "0" * 63),
        ("a.png", 1, "G" * 64),
    ],
)
def test_a_name_size_or_digest_that_cannot_be_is_refused(filename: str, size: int, sha256: str) -> None:
    with pytest.raises(Refusal):
        rules.check(filename, size, sha256)
