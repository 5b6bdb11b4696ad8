"""What falls with a reviewer who goes: claims, what they were writing, and decisions for which nobody has signed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC
from uuid import UUID

from countersign.conflicts import service as conflicts
from countersign.kit.access import Role
from countersign.kit.db import Tx
from countersign.log.sources import enter_many
from countersign.organizations.events import MembershipEnded
from countersign.reviews import change_requests, experts, hands, rules, rules_writing
from countersign.reviews.logged import REVIEWS
from countersign.reviews.rules import Party, Recommendation, RequestState
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
        "select r.id as review_id, q.id, q.spec_version_id, r.recommendation, q.state,"
        f" {_LAST_DAY} as last_day, {_CHANGED} as changed_at, {_OTHER_WAITING} as asked_anew"
        " from reviews r join review_requests q on q.id = r.request_id"
        " where r.organization_id = $1 and r.reviewer_id = $2 and r.voided_at is null"
        " and r.spec_version_id <> all($3) order by q.id for update of q",
        event.organization_id,
        event.person_id,
        list(signed),
    )
    today = event.at.astimezone(UTC).date()
    void = [row for row in rows if rules.voids(Recommendation(row["recommendation"]), row["last_day"], today)]
    reviews = [row["review_id"] for row in void]
    await tx.execute("update reviews set voided_at = $2 where id = any($1)", reviews, event.at)
    await conflicts.drop_interest(tx, reviews)
    await change_requests.fall(tx, reviews, event.at)
    await enter_many(tx, REVIEWS, [(review,) for review in reviews], action="review.voided")
    await tx.emit_all(("review.voided", f"rev_{review}", {}) for review in reviews)
    # Of several that were asked about one version the last is open again: one at a time waits.
    again = {
        row["spec_version_id"]: row
        for row in void
        if row["state"] == RequestState.DECIDED and row["last_day"] >= today and not row["asked_anew"]
    }
    await hands.open_again(tx, list(again.values()), event.at)


async def _open_claims(tx: Tx, event: MembershipEnded) -> None:
    rows = await tx.fetch(
        f"select q.id, q.state, {_CHANGED} as changed_at from review_requests q"
        " where q.organization_id = $1 and q.claimed_by = $2 and q.state = 'claimed' order by q.id for update",
        event.organization_id,
        event.person_id,
    )
    await hands.open_again(tx, rows, event.at)
