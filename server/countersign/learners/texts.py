"""The texts to which learners consent: package data, one file for each purpose, version and language.

A text that was ever in force stays as it is, byte for byte, for as long as a consent may name it; other words are a new
version (`tests/learners/test_texts.py` knows every digest). The first line is the title, a blank line follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from countersign.kit.errors import Conflict, Invalid
from countersign.learners.rules import Purpose

LANGUAGES: Final = ("en", "ru")
_FOLDER: Final = files("countersign") / "data" / "consents"


class TextNotInForce(Conflict):
    """This text is no longer the one in force; read the present one and decide anew."""


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a learner reads before consenting: `version` is the day from which it is in force (YYYY-MM-DD)."""

    purpose: Purpose
    version: str
    language: str
    title: str
    body: str
    sha256: str
    """Of the file's bytes, in hexadecimal: title, blank line, body (UTF-8)."""


def _read() -> Mapping[tuple[Purpose, str, str], ConsentText]:
    found = {}
    for file in _FOLDER.iterdir():
        purpose, version, language, _ = file.name.split(".")
        data = file.read_bytes()
        title, _, body = data.decode().partition("\n\n")
        text = ConsentText(
            Purpose(purpose),
            date.fromisoformat(version).isoformat(),
            language,
            title,
            body.rstrip("\n"),
            hashlib.sha256(data).hexdigest(),
        )
        found[text.purpose, text.version, text.language] = text
    return MappingProxyType(found)


TEXTS: Final = _read()
IN_FORCE: Final[Mapping[Purpose, str]] = MappingProxyType(
    {purpose: max(version for p, version, _ in TEXTS if p is purpose) for purpose in Purpose}
)
"""The version in force of each purpose: the latest."""


def agreed_to(purpose: Purpose, version: str | None, language: str) -> ConsentText:
    """The text that a consent names; the one in force when no version is given.

    Raises Invalid for a language that it was not written in, TextNotInForce for any but the version in force.
    """
    if language not in LANGUAGES:
        raise Invalid(problem=f"Consent texts are written in {' and '.join(LANGUAGES)}", path=("language",))
    if version is not None and version != IN_FORCE[purpose]:
        raise TextNotInForce(path=("textVersion",))
    return TEXTS[purpose, IN_FORCE[purpose], language]
