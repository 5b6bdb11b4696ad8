"""Outside experts: invited by a link to write one review for an organization, without an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Reader, Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.kit.installation import noted
from countersign.kit.staleness import next_change
from countersign.reviews import hands, places, rules, rules_experts
from countersign.reviews.rules import Request
from countersign.reviews.tables import ReviewExpert
from countersign.reviews.ties import check_tie
from countersign.reviews.views import CHANGED_AT, LAST_DAY

PAGE: Final = "/review"


@dataclass(frozen=True, slots=True)
class InviteExpert:
    """A link for an outside expert to a request, until a moment (14 days from now unless given)."""

    request_id: UUID
    expires_at: datetime | None = None


async def invite(tx: Tx, actor: Actor, command: InviteExpert) -> tuple[UUID, str]:
    """Hand a request to an outside expert; a reviewer of the organization asked only. The invitation's id and its link.

    The link is seen this once. It is for this request alone and ends at its moment, with the request's last day at the
    latest; until then the claim is the expert's.

    Raises NotAllowed, NotFound, InvalidState, Leased, ExpertInvited, ConflictOfInterest, Invalid (the end).
    """
    access.require(actor, Permission.REVIEW)
    now = await tx.now()
    await places.hold(tx, actor.organization_id, command.request_id, now)
    row, state = await hands.asked_of(tx, actor, command.request_id)
    await check_tie(tx, row, path=("reviewRequestId",))
    if await _open_of(tx, command.request_id, now):
        raise rules_experts.ExpertInvited(path=("reviewRequestId",))
    claimed = rules.claim(state, actor.person_id, now)
    last = datetime.combine(row["last_day"] + timedelta(days=1), time.min, UTC)
    expires = rules_experts.ends(command.expires_at, now, last)
    # One whose time is over makes room for the next.
    await tx.execute(
        "update review_experts set withdrawn_at = $2 where request_id = $1 and withdrawn_at is null",
        *(command.request_id, now),
    )
    if actor.person_id is None:
        raise NotFound(what="reviewer")
    secret = rules_experts.mint()
    expert = ReviewExpert(
        id=new_id(),
        request_id=command.request_id,
        organization_id=row["organization_id"],
        invited_by=actor.person_id,
        secret_sha256=secret.sha256,
        invited_at=now,
        expires_at=expires,
    )
    await tx.insert(expert)
    await tx.execute(
        "update review_requests set state = $2, claimed_by = $3, claimed_until = $4, updated_at = $5 where id = $1",
        *(row["id"], claimed.state.value, expert.id, expires, next_change(now, row["changed_at"])),
    )
    await tx.emit("expert.invited", f"xpt_{expert.id}")
    # In the fragment, which browsers send to nobody: the link stands in no log and no Referer.
    return expert.id, f"{await noted(tx, 'public_origin')}{PAGE}#{secret.text}"


async def withdraw(tx: Tx, actor: Actor, expert_id: UUID) -> UUID:
    """End an outside expert's link at once; a reviewer of the organization only. An unanswered request is open again.

    Raises NotAllowed, NotFound, InvalidState (it has ended).
    """
    access.require(actor, Permission.REVIEW)
    request_id = await tx.fetchval(
        "select request_id from review_experts where id = $1 and organization_id = $2",
        *(expert_id, actor.organization_id),
    )
    if request_id is None:
        raise NotFound(what="invitation", path=("expertId",))
    row, state = await hands.asked_of(tx, actor, request_id)
    now = await tx.now()
    held = await tx.fetchrow("select * from review_experts where id = $1 for update", expert_id)
    if held is None:
        raise NotFound(what="invitation", path=("expertId",))
    rules_experts.check_open(held["withdrawn_at"], held["expires_at"], now)
    await _end(tx, held["id"], row, state, now)
    return expert_id


async def leave_with(tx: Tx, person_id: UUID, organization_id: UUID, now: datetime) -> None:
    """End the links that a reviewer made who is one no more: nobody writes for an organization by a back door."""
    rows = await tx.fetch(
        "select q.id, q.state, q.claimed_by,"
        f" {CHANGED_AT.format(t='q')} as changed_at, {LAST_DAY.format(t='q')} as last_day"
        " from review_requests q where q.id in (select request_id from review_experts where invited_by = $1"
        " and organization_id = $2 and withdrawn_at is null and expires_at > $3) order by q.id for update",
        *(person_id, organization_id, now),
    )
    # Once more, now that the requests are held: whoever withdraws one holds its request first.
    ended = await tx.fetch(
        "update review_experts set withdrawn_at = $3 where invited_by = $1 and organization_id = $2"
        " and withdrawn_at is null and expires_at > $3 returning id",
        *(person_id, organization_id, now),
    )
    gone = {row["id"] for row in ended}
    await tx.emit_all(("expert.withdrawn", f"xpt_{expert}", {}) for expert in sorted(gone))
    today = hands.today_of(now)
    held = [row for row in rows if row["state"] == rules.RequestState.CLAIMED and row["claimed_by"] in gone]
    await hands.open_again(tx, [row for row in held if row["last_day"] >= today], now)


async def _end(tx: Tx, expert_id: UUID, row: asyncpg.Record, state: Request, now: datetime) -> None:
    await tx.execute("update review_experts set withdrawn_at = $2 where id = $1", expert_id, now)
    await tx.emit("expert.withdrawn", f"xpt_{expert_id}")
    if state.state is rules.RequestState.CLAIMED and state.claimed_by == expert_id:
        after = rules.move(state, rules.Act.RELEASE, rules.Party.DEPARTURE)
        await hands.let_go(tx, row, after, now, returned=False)
        await tx.emit("review.released", f"rrq_{row['id']}")


async def _open_of(tx: Tx, request_id: UUID, now: datetime) -> bool:
    return bool(
        await tx.fetchval(
            "select true from review_experts where request_id = $1 and withdrawn_at is null and expires_at > $2",
            *(request_id, now),
        )
    )


_ACTOR: Final = """
select x.id, x.request_id, x.organization_id
from review_experts x join organizations o on o.id = x.organization_id
where x.secret_sha256 = $1 and x.withdrawn_at is null and o.verification <> 'suspended'
  and x.expires_at > coalesce($2::timestamptz, statement_timestamp())
"""


async def authenticate(reader: Reader, text: str, now: datetime | None = None) -> Actor | None:
    """Who comes with an invitation's text, by one statement; None when it is not good (any more).

    The actor acts for no organization and may do nothing but write the review of the one request.
    """
    if not rules_experts.is_secret(text):
        return None
    row = await reader.fetchrow(_ACTOR, rules_experts.digest(text), now)
    if row is None:
        return None
    return Actor(person_id=row["id"], token_id=row["id"], request_id=row["request_id"], guest_of=row["organization_id"])
