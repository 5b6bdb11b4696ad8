"""The receipt of a consent: everything that was agreed to, for the learner to keep; no name and no address in it."""

from __future__ import annotations

import json
from typing import Any

from countersign.learners.rules import Purpose
from countersign.learners.texts import TEXTS


def receipt(facts: bytes) -> str:
    """The receipt as JSON (UTF-8, sorted keys, two spaces): the facts of `views.RECEIPT` and the words that were read.

    `text` is null for a consent that names no text: it came as a file, or before there were texts.
    """
    stated: dict[str, Any] = json.loads(facts)
    version, language = stated.pop("textVersion"), stated.pop("language")
    read = None if version is None else TEXTS[Purpose(stated["purpose"]), version, language]
    stated["type"] = "ConsentReceipt"
    stated["text"] = read and {
        "version": version,
        "language": language,
        "title": read.title,
        "body": read.body,
        "sha256": read.sha256,
    }
    return json.dumps(stated, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
