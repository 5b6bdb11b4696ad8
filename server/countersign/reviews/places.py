"""Places of open calls: how many are taken, held while one more is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from countersign.kit.db import Tx
from countersign.reviews import hands, rules_calls
from countersign.reviews.rules_calls import CallState

TAKEN = "(select count(*) from review_requests q where q.call_id = {t}.id and q.state in ('claimed', 'decided'))"
"""How many places of the call `{t}` are taken: by a claim or by a review. What was given back is free again."""


async def load(tx: Tx, call_id: UUID, now: datetime) -> tuple[asyncpg.Record, CallState] | None:
    """A call, locked, so that its places stand still, and where it stands today; None when there is none."""
    # Two statements: the count must be taken after the lock, by a snapshot that sees what was committed meanwhile.
    await tx.execute("select from review_calls where id = $1 for update", call_id)
    row = await tx.fetchrow(f"select c.*, {TAKEN.format(t='c')} as taken from review_calls c where c.id = $1", call_id)
    if row is None:
        return None
    state = CallState(row["state"])
    if state is CallState.OPEN and row["due_on"] < hands.today_of(now):
        state = rules_calls.move(state, rules_calls.CallAct.LAPSE, rules_calls.Caller.CLOCK)
    return row, state


async def hold(tx: Tx, organization_id: UUID | None, request_id: UUID, now: datetime) -> None:
    """Hold the call of which a request is a place, before the request itself; refuse when none is left for it.

    Of a request that was made to another organization nothing is told. A request that nobody has in hand holds no
    place. Raises CallFull, InvalidState (the call is not open any more).
    """
    call_id = await tx.fetchval(
        "select call_id from review_requests where id = $1 and organization_id = $2", request_id, organization_id
    )
    found = await load(tx, call_id, now) if call_id is not None else None
    if found is None:
        return
    # Only now: with the call held, a place that comes back meanwhile goes to nobody else.
    held = await tx.fetchrow(
        "select state, claimed_until <= $2 as late from review_requests where id = $1", request_id, now
    )
    if held is None or held["state"] not in {"open", "claimed"} or (held["state"] == "claimed" and not held["late"]):
        return
    row, state = found
    rules_calls.move(state, rules_calls.CallAct.TAKE, rules_calls.Caller.REVIEWER)
    rules_calls.check_places(row["taken"] - (held["state"] == "claimed"), row["places"])
