"""The second factor of the school's roster, kept as a mark."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from countersign.awards import rules_claims as rules
from countersign.awards.rules_claims import Factor
from countersign.kit.db import Tx

PURPOSE: Final = "claim factor"


async def keep_factor(tx: Tx, learner_id: int, award_id: UUID, factor: Factor) -> None:
    """Keep what the roster knows of an award's learner, as a mark that nobody can try values against without our key.

    Raises Invalid.
    """
    rules.check_factor(factor)
    salt = secrets.token_bytes(rules.SALT)
    await tx.execute(
        "insert into claim_factors (learner_id, award_id, kind, salt, mark) values ($1, $2, $3, $4, $5)"
        " on conflict (learner_id, award_id) do update"
        " set kind = excluded.kind, salt = excluded.salt, mark = excluded.mark",
        learner_id,
        award_id,
        factor.kind.value,
        salt,
        mark(tx, salt, factor.value),
    )


async def keep_factors(tx: Tx, factors: Sequence[tuple[int, UUID, Factor]]) -> None:
    """The same for new awards (learner, award, factor), by COPY; the caller has checked the factors."""
    kept = []
    for learner_id, award_id, factor in factors:
        salt = secrets.token_bytes(rules.SALT)
        kept.append((learner_id, award_id, factor.kind.value, salt, mark(tx, salt, factor.value)))
    if kept:
        await tx.copy("claim_factors", ("learner_id", "award_id", "kind", "salt", "mark"), kept)


def mark(tx: Tx, salt: bytes, value: str) -> bytes:
    """The mark of an answer: keyed, so that a year of birth cannot be found by trying a hundred."""
    return tx.vault.mac(PURPOSE, *rules.mark_parts(salt, value))
