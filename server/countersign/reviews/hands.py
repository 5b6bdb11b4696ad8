"""Review requests as they are held: locked, judged by who asks and by the day, answered and let go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from countersign.kit.access import Actor, Role
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.staleness import next_change
from countersign.organizations import members
from countersign.reviews import rules
from countersign.reviews.rules import Request, RequestState
from countersign.reviews.views import CHANGED_AT, LAST_DAY
from countersign.specs import service as specs

_LOAD = (
    f"select q.*, {CHANGED_AT.format(t='q')} as changed_at, {LAST_DAY.format(t='q')} as last_day"
    " from review_requests q where q.id = $1 for update"
)


def today_of(now: datetime) -> date:
    """The day by which due dates are counted (UTC)."""
    return now.astimezone(UTC).date()


async def load(tx: Tx, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    """A request, locked, and where it stands today; one whose last day has passed is expired. Raises NotFound."""
    row = await tx.fetchrow(_LOAD, request_id)
    if row is None:
        raise NotFound(what="review request", path=("reviewRequestId",))
    state = RequestState(row["state"])
    if (state, rules.Act.EXPIRE) in rules.MOVES and row["last_day"] < today_of(await tx.now()):
        state = rules.move(Request(state), rules.Act.EXPIRE, rules.Party.CLOCK)
    return row, Request(state, row["claimed_by"], row["claimed_until"])


async def asked_of(tx: Tx, actor: Actor, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    """A request that was made to the actor's organization, of which the actor is a reviewer now.

    Raises NotAllowed (no reviewer any more), NotFound: a foreign one is as one that is missing.
    """
    await members.hold(tx, actor, Role.REVIEWER)
    row, state = await load(tx, request_id)
    if row["organization_id"] != actor.organization_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    return row, state


async def taken_up(tx: Tx, actor: Actor, request_id: UUID) -> tuple[asyncpg.Record, Request]:
    """As `asked_of`, and also for the outside expert of this one request, whose invitation cannot end until the commit.

    `organization_id` of the row is the organization for which the review is written, whoever writes it.
    """
    if actor.request_id is None:
        return await asked_of(tx, actor, request_id)
    if actor.request_id != request_id:
        raise NotFound(what="review request", path=("reviewRequestId",))
    # The request before the invitation, as whoever withdraws it locks them.
    row, state = await load(tx, request_id)
    standing = await tx.fetchrow(
        "select x.expires_at, x.withdrawn_at, o.verification from review_experts x"
        " join organizations o on o.id = x.organization_id where x.id = $1 and x.request_id = $2 for share of x",
        *(actor.person_id, request_id),
    )
    now = await tx.fetchval("select coalesce($1::timestamptz, clock_timestamp())", tx.clock.now())
    if (
        standing is None
        or standing["withdrawn_at"] is not None
        or standing["expires_at"] <= now
        or standing["verification"] == "suspended"
    ):
        raise NotAllowed(why="Your invitation to this review has ended")
    await tx.execute(
        "update review_experts set first_used_at = $2 where id = $1 and first_used_at is null", actor.person_id, now
    )
    return row, state


async def close(tx: Tx, row: asyncpg.Record, after: RequestState, now: datetime, reason: str | None = None) -> None:
    """Write the state in which a request ends; `reason` is why it was declined."""
    await tx.execute(
        "update review_requests set state = $2, closed_at = $3, decline_reason = $4, updated_at = $5 where id = $1",
        *(row["id"], after.value, now, reason, next_change(now, row["changed_at"])),
    )


async def let_go(tx: Tx, row: asyncpg.Record, after: RequestState, now: datetime, *, returned: bool) -> None:
    """Open a request that somebody had claimed, for everybody who may claim it; `returned` counts the claim as one."""
    await tx.execute(
        "update review_requests set state = $2, claimed_by = null, claimed_until = null, returns = returns + $3,"
        " updated_at = $4 where id = $1",
        *(row["id"], after.value, int(returned), next_change(now, row["changed_at"])),
    )


async def open_again(tx: Tx, rows: Sequence[asyncpg.Record], now: datetime) -> None:
    """Open the requests of somebody who goes, and tell it; two statements, however many there are.

    They are locked, and `rows` hold their `id`, `state` and `changed_at`.
    """
    release = (rules.Act.RELEASE, rules.Party.DEPARTURE)
    await tx.execute(
        "update review_requests q set state = u.state, claimed_by = null, claimed_until = null, closed_at = null,"
        " updated_at = u.at from unnest($1::uuid[], $2::text[], $3::timestamptz[]) u(id, state, at) where q.id = u.id",
        [row["id"] for row in rows],
        [rules.move(Request(RequestState(row["state"])), *release).value for row in rows],
        [next_change(now, row["changed_at"]) for row in rows],
    )
    await tx.emit_all(("review.released", f"rrq_{row['id']}", {}) for row in rows)


async def answered(tx: Tx, row: asyncpg.Record, now: datetime) -> None:
    """End a claimed request by its review: from now on a blind one shows its school and its version.

    For whoever has the reviewer's claim checked (`rules.decide`).
    """
    await close(tx, row, RequestState.DECIDED, now)
    if row["blind"] and row["unveiled_at"] is None:
        await tx.execute("update review_requests set unveiled_at = $2 where id = $1", row["id"], now)
        await specs.let_read(tx, row["spec_version_id"], row["organization_id"])
