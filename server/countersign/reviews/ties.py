"""Whether the organization that is asked is free to judge, told without naming a school that is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import ConflictOfInterest
from countersign.kit.db import Tx
from countersign.kit.errors import Path
from countersign.reviews.rules_blind import BlindTie


@dataclass(frozen=True, slots=True)
class Judging:
    """Who is to judge which version of whom; `told` is who reads a refusal (the judge, when left out).

    `hidden`: the judge must not know the school.
    """

    judge_id: UUID
    school_id: UUID
    version_id: UUID
    told: UUID | None = None
    hidden: bool = False


async def check_tie(tx: Tx, row: asyncpg.Record, *, path: Path) -> None:
    """Refuse when a tie leads from the organization asked to the school, the true one; a tie may come at any time.

    `row` is a review request. Raises as `check_judge`.
    """
    hidden = row["blind"] and row["unveiled_at"] is None
    judging = Judging(row["organization_id"], row["school_id"], row["spec_version_id"], hidden=hidden)
    await check_judge(tx, judging, path=path)


async def check_judge(tx: Tx, judging: Judging, *, path: Path) -> None:
    """Refuse an organization that is too near to the school.

    Raises ConflictOfInterest with every step in words; BlindTie, which names nobody, where the school is hidden.
    """
    name = await tx.fetchval("select display_name from organizations where id = $1", judging.judge_id)
    try:
        await conflicts.check(
            *(tx, judging.judge_id, judging.school_id),
            who=name,
            path=path,
            version_id=judging.version_id,
            told=judging.told,
        )
    except ConflictOfInterest:
        if judging.hidden:
            raise BlindTie(path=path) from None
        raise
