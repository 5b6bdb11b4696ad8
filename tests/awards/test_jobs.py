"""What waits to be signed is signed, whatever waits beside it."""

from __future__ import annotations

from typing import Any

import asyncpg

from countersign.awards import jobs
from countersign.kit.access import SYSTEM
from countersign.kit.db import Database
from countersign.organizations import standing
from countersign.trust.signer import Signer
from tests.awards.support import award, campus
from tests.factories import Factory


async def test_an_award_of_a_suspended_school_stops_nobody_and_waits(
    db: Database, make: Factory, signer: Signer
) -> None:
    async with db.writer() as tx:
        suspended, good = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
        await award(tx, suspended)
        await award(tx, good)
        await standing.suspend(tx, SYSTEM, suspended.school, "It sold awards.")
    assert await jobs.sign_pending(db, signer, limit=1) == 1
    assert await jobs.sign_pending(db, signer) == 0
    async with db.writer() as tx:
        await standing.resume(tx, SYSTEM, suspended.school)
    assert await jobs.sign_pending(db, signer) == 1


async def test_an_award_that_cannot_be_signed_is_passed_over(
    db: Database, make: Factory, signer: Signer, owner: asyncpg.Connection[Any]
) -> None:
    async with db.writer() as tx:
        strange, good = await campus(tx, make), await campus(tx, make, "sql-for-analysts")
        await award(tx, strange)
        await award(tx, good)
    # Its document names another issuer than the organization is by now.
    await owner.execute("update organizations set handle = 'another' where id = $1", strange.school)
    assert await jobs.sign_pending(db, signer) == 1
