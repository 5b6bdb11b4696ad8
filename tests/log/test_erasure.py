"""A learner who is erased breaks no proof: the log covers what was sealed, as it lies."""

from __future__ import annotations

from countersign.privacy import service as privacy
from tests.awards.support import acting
from tests.log.support import Ledger


async def test_an_erasure_breaks_no_proof(kept: Ledger) -> None:
    note = await kept.note()
    learner_id, award_id = kept.awarded
    before = await kept.check([note])
    async with kept.db.writer() as tx:
        await privacy.erase(tx, acting(learner_id), "erase me for good")
        assert await tx.fetchval("select credential is not null from awards where id = $1", award_id)
        assert await tx.fetchval("select count(*) from learner_keys where learner_id = $1", learner_id) == 0
    await kept.keep()
    after = await kept.check([note])
    assert (before.found, after.found) == ([], [])
    assert after.size >= before.size
