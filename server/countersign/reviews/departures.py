"""What falls with a reviewer who goes: claims, what they were writing, and decisions for which nobody has signed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC
from uuid import UUID

from countersign.conflicts import service as conflicts
from countersign.kit.access import Role
from countersign.kit.db import Tx
from countersign.kit.staleness import next_change
from countersign.organizations.events import MembershipEnded
from countersign.reviews import change_requests, experts, hands, rules, rules_writing
from countersign.reviews.rules import Act, Party, Recommendation, Request, RequestState
from countersign.reviews.rules_writing import DraftAct, DraftState
from countersign.reviews.views import CHANGED_AT, LAST_DAY

_CHANGED = CHANGED_AT.format(t="q")
_LAST_DAY = LAST_DAY.format(t="q")
_OTHER_WAITING = (
    "exists (select from review_requests o where o.spec_version_id = q.spec_version_id"
    " and o.organization_id = q.organization_id and o.state in ('open', 'claimed'))"
)


async def release(tx: Tx, event: MembershipEnded, signed: Collection[UUID]) -> None:
    """Open what the person had claimed for colleagues, and void the decisions that `rules.voids` names.

    `signed` are the versions for which the organization has signed: reviews of these stay. A voided review is kept and
    says when it was voided. Its request is open again, unless its day has passed or the school has asked anew.
    """
    if Role.REVIEWER not in event.lost:
        return
    await _open_claims(tx, event)
    await experts.leave_with(tx, event.person_id, event.organization_id, event.at)
    await tx.execute(
        "update review_drafts set state = $3, closed_at = $4, updated_at = $4 where organization_id = $1"
        " and reviewer_id = $2 and state = 'draft'",
        event.organization_id,
        event.person_id,
        rules_writing.move(DraftState.DRAFT, DraftAct.FALL, Party.DEPARTURE).value,
        event.at,
    )
    rows = await tx.fetch(
        f"select r.id, r.request_id, r.recommendation, q.state, {_LAST_DAY} as last_day, {_CHANGED} as changed_at,"
        f" {_OTHER_WAITING} as asked_anew from reviews r join review_requests q on q.id = r.request_id"
        " where r.organization_id = $1 and r.reviewer_id = $2 and r.voided_at is null"
        " and r.spec_version_id <> all($3) order by q.id for update of q",
        event.organization_id,
        event.person_id,
        list(signed),
    )
    today = event.at.astimezone(UTC).date()
    for row in rows:
        if not rules.voids(Recommendation(row["recommendation"]), row["last_day"], today):
            continue
        await tx.execute("update reviews set voided_at = $2 where id = $1", row["id"], event.at)
        await conflicts.drop_interest(tx, (row["id"],))
        await change_requests.fall(tx, (row["id"],), event.at)
        await tx.emit("review.voided", f"rev_{row['id']}")
        state = RequestState(row["state"])
        if state is RequestState.DECIDED and row["last_day"] >= today and not row["asked_anew"]:
            await tx.execute(
                "update review_requests set state = $2, claimed_by = null, claimed_until = null, closed_at = null,"
                " updated_at = $3 where id = $1",
                row["request_id"],
                rules.move(Request(state), Act.RELEASE, Party.DEPARTURE).value,
                next_change(event.at, row["changed_at"]),
            )
            await tx.emit("review.released", f"rrq_{row['request_id']}")


async def _open_claims(tx: Tx, event: MembershipEnded) -> None:
    rows = await tx.fetch(
        f"select q.id, q.state, {_CHANGED} as changed_at from review_requests q"
        " where q.organization_id = $1 and q.claimed_by = $2 and q.state = 'claimed' order by q.id for update",
        event.organization_id,
        event.person_id,
    )
    for row in rows:
        after = rules.move(Request(RequestState(row["state"])), Act.RELEASE, Party.DEPARTURE)
        await hands.let_go(tx, row, after, event.at, returned=False)
        await tx.emit("review.released", f"rrq_{row['id']}")
