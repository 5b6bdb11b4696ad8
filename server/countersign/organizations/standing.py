"""Suspend an organization and let it act again: the operator alone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit import access, events
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotFound, Required, TooLong
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import logged, rules_domains
from countersign.organizations.events import StandingChanged, TiesChanged
from countersign.organizations.tables import OrganizationSuspension

REASON_LIMIT: Final = 2_000
SUSPENDED: Final = "suspended"

UNSUSPENDED_AT: Final = (
    "not exists (select from organization_suspensions y where y.organization_id = {o}.id"
    " and y.suspended_at <= {at} and coalesce(y.resumed_at > {at}, true))"
)
"""Whether the organization `{o}` was not suspended at `{at}`."""

CONTROL_GROUP_AT: Final = (
    "coalesce((select z.control_group from former_control_groups z where z.organization_id = {o}.id"
    " and z.until > {at} order by z.until limit 1), {o}.control_group)"
)
"""The control group of the organization `{o}` at `{at}`, past or present, as it was known then."""


async def suspend(tx: Tx, actor: Actor, organization_id: UUID, reason: str) -> None:
    """Take all authority from an organization, at once: its tokens and members act no more, it signs nothing.

    Its endorsements count to no quorum in that time; its status lists stay signed, so that revocations stay known.
    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    access.require(actor, Permission.IMPORT)
    if not reason.strip():
        raise Required(what="A reason", path=("reason",))
    if len(reason) > REASON_LIMIT:
        raise TooLong(what="The reason", limit=REASON_LIMIT, path=("reason",))
    before = await _lock(tx, organization_id)
    if before == SUSPENDED:
        raise InvalidState(what="organization", state=before, verb="Suspending", needed="able to act")
    await tx.execute("update organizations set verification = $2 where id = $1", organization_id, SUSPENDED)
    await tx.insert(
        OrganizationSuspension(
            id=new_id(),
            organization_id=organization_id,
            reason=reason,
            before=before,
            suspended_at=await tx.now(),
            resumed_at=None,
        )
    )
    await enter(tx, logged.ORGANIZATIONS, organization_id, actor=actor, action="organization.suspended")
    await events.publish(tx, StandingChanged((organization_id,)))
    await tx.emit("organization.suspended", f"org_{organization_id}")


async def resume(tx: Tx, actor: Actor, organization_id: UUID) -> None:
    """Let an organization act again, as what it was: domains that were lost or proved meanwhile count.

    Raises NotAllowed, NotFound, InvalidState.
    """
    access.require(actor, Permission.IMPORT)
    present = await _lock(tx, organization_id)
    before = await tx.fetchval(
        "update organization_suspensions set resumed_at = $2 where organization_id = $1 and resumed_at is null"
        " returning before",
        *(organization_id, await tx.now()),
    )
    if present != SUSPENDED or before is None:
        raise InvalidState(what="organization", state=present, verb="Resuming", needed=SUSPENDED)
    verified = await tx.fetchval(
        "select count(*) from organization_domains where organization_id = $1 and state = 'verified'", organization_id
    )
    after = rules_domains.verification(before, verified_domains=verified)
    await tx.execute("update organizations set verification = $2 where id = $1", organization_id, after)
    await enter(tx, logged.ORGANIZATIONS, organization_id, actor=actor, action="organization.resumed")
    await events.publish(tx, TiesChanged((organization_id,)))
    await events.publish(tx, StandingChanged((organization_id,)))
    await tx.emit("organization.resumed", f"org_{organization_id}")


async def _lock(tx: Tx, organization_id: UUID) -> str:
    present: str | None = await tx.fetchval(
        "select verification from organizations where id = $1 for update", organization_id
    )
    if present is None:
        raise NotFound(what="organization")
    return present
