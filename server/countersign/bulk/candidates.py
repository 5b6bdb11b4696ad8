"""Candidates in a file that an organization took: it lies there while all of them agree to be found, a day at most."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.bulk import queue
from countersign.bulk.queue import Failed, Job
from countersign.bulk.rules import CANDIDATES_LIFE, Failure, State
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.search import service as search
from countersign.search.events import CandidatesGone


async def remember(tx: Tx, job: Job, shown: Sequence[int]) -> None:
    """Note whom a finished file shows: it goes after a day, or when the first of their consents ends.

    Nobody of them withdraws before this transaction has ended. Raises Failed when somebody has.
    """
    try:
        ends = await search.hold(tx, shown)
    except NotFound:
        why = "Somebody in it withdrew while the file was made: start it again"
        raise Failed(Failure.QUERY_FAILED, why) from None
    await tx.execute(
        "update bulk_operations set shown_learners = $2, expires_at = $3 where id = $1",
        job.id,
        list(shown),
        min([await tx.now() + CANDIDATES_LIFE, *ends]),
    )


async def after_leaving(tx: Tx, event: CandidatesGone) -> None:
    """Destroy every file that shows somebody who is not to be found any more: it happens with their withdrawal.

    Where their consent has an end from now on, no such file outlives it.
    """
    if event.at is not None:
        await tx.execute(
            "update bulk_operations set expires_at = least(expires_at, $2) where shown_learners && $1::bigint[]",
            list(event.learner_ids),
            event.at,
        )
        return
    gone = await tx.fetch(
        "update bulk_operations set state = $2, wrapped_key = null, shown_learners = null"
        " where shown_learners && $1::bigint[] returning id",
        list(event.learner_ids),
        State.EXPIRED.value,
    )
    await tx.execute("delete from bulk_chunks where operation_id = any($1::uuid[])", [row["id"] for row in gone])
    for row in gone:
        await tx.emit(queue.TOPIC, f"bulk_{row['id']}", state=State.EXPIRED.value)
