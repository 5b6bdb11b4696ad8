"""The sentences of notices, English and Russian: package data, one file for each language, a line for each voice.

A voice is a topic and, where the parties hear it differently, the party (`endorsement.expiring/partner`), or, where one
topic has several causes, the case (`drift.raised/support_ended`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from countersign.notices import rules_pages
from countersign.notices.rules_plurals import Wording

LANGUAGES: Final = ("en", "ru")
_FOLDER: Final = files("countersign") / "data" / "notices"


def _read(language: str) -> Mapping[str, str]:
    return MappingProxyType(tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8")))


SENTENCES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({name: _read(name) for name in LANGUAGES})
LETTERS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    tomllib.loads((_FOLDER / "letters.toml").read_text("utf-8"))
)
"""The words of letters around the sentences, by language."""
HIDDEN: Final[Mapping[str, str]] = MappingProxyType(
    {"en": "a block whose name is hidden", "ru": "блок, название которого скрыто"}
)


def voice_of(topic: str, party: str, case: str | None = None) -> str:
    """The sentence with which a party is told: that of the case or its own where there is one, else that of all."""
    own = (f"{topic}/{case}", f"{topic}/{party}")
    return next((voice for voice in own if voice in SENTENCES[LANGUAGES[0]]), topic)


def sentence(voice: str, facts: Mapping[str, Any], language: str | None) -> str:
    """A notice in words; English for a language that is not ours, the topic's own name for a voice that is gone."""
    chosen = language if language is not None and language in SENTENCES else LANGUAGES[0]
    template = SENTENCES[chosen].get(voice)
    if template is None:
        return voice
    known = {name: value for name, value in facts.items() if value is not None}
    title = known.get("title")
    what = HIDDEN[chosen] if title is None else " ".join(filter(None, (f"“{title}”", known.get("semver"))))
    return Wording(chosen).vformat(template, (), known | {"what": what})


def words(language: str, name: str, **known: Any) -> str:
    """The words of letters around the sentences, with what stands in them."""
    return Wording(language).vformat(LETTERS[language][name], (), known)


def link(topic: str, subject: str, facts: Mapping[str, Any], origin: str) -> str | None:
    """The address of the page to which a notice leads; None when there is none (`rules_pages`)."""
    path = rules_pages.path(topic, subject, facts)
    return None if path is None else origin + path
