"""The words that confirm an erasure, and how long a copy is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from countersign.kit.errors import Invalid

CONFIRMATIONS: Final = ("erase me for good", "удалите мои данные навсегда")
COPY_LIFE: Final = timedelta(days=1)
MOST_COPIES: Final = 5
"""Copies of one learner that are kept at a time."""


def check_confirmation(text: str) -> None:
    """Refuse to erase unless the words were written out. Raises Invalid."""
    if " ".join(text.casefold().split()) not in CONFIRMATIONS:
        words = " or ".join(f"“{words}”" for words in CONFIRMATIONS)
        raise Invalid(problem=f"To confirm, write {words}", path=("confirmation",))
