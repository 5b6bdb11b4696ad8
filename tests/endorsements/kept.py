"""What a refusal must leave as it was, over HTTP."""

from __future__ import annotations

from countersign.kit.db import Database
from tests.reviews.support import everything

ASKING = frozenset({"api_tokens", "budgets", "token_uses"})
"""What asking over HTTP itself writes."""


async def kept(db: Database) -> dict[str, list[str]]:
    """All rows of all tables but those that asking writes."""
    return {name: rows for name, rows in (await everything(db)).items() if name not in ASKING}
