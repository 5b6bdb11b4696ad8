"""A small corpus of invented vacancies."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final
from uuid import UUID

from countersign.corpora import rules_files, service
from countersign.kit.access import SYSTEM
from countersign.kit.db import Tx

MADE: Final[list[dict[str, Any]]] = [
    {"vacancy_id": "1", "knowledge": ["Python", "SQL", "A/B testing"], "published_on": "2026-01-10", "region": "DE-BE"},
    {"vacancy_id": "2", "knowledge": ["python", "C++"], "published_on": "2026-02-10", "region": "DE-BE"},
    {"vacancy_id": "3", "knowledge": ["R", "ＳＱＬ"], "published_on": "2026-03-10", "region": "DE-BY"},
    {"vacancy_id": "4", "knowledge": [], "published_on": "2026-03-11", "region": "DE-BY", "sentences": 3},
    {"vacancy_id": "5", "knowledge": ["data  analysis", "سي شارب"]},
]
"""Five vacancies; the last one tells neither day nor region."""
PERIOD: Final = (date(2026, 1, 1), date(2026, 3, 31))


def lines(items: list[dict[str, Any]] = MADE) -> bytes:
    """The file."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()


async def made_corpus(tx: Tx, name: str = "Invented vacancies", items: list[dict[str, Any]] = MADE) -> UUID:
    """The corpus, imported."""
    corpus = service.Corpus(name, *PERIOD, region="DE", source="Invented", licence="CC0")
    return await service.store(tx, SYSTEM, corpus, rules_files.read(lines(items)), PERIOD)
