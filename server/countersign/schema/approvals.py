"""Four eyes at the front desk: what one person proposes and another approves."""

import enum
from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.organizations import approvals
from countersign.organizations.views import APPROVAL
from countersign.reads.bind import arg, bound, column, connection, entity, find
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.problems import StepUpRequiredError


@strawberry.enum(description="What two persons must want.")
class ApprovalAction(enum.Enum):
    """What two persons must want."""

    ADD_SIGNING_KEY = strawberry.enum_value(
        "add_signing_key", description="A new signing key takes the place of the present one."
    )
    MARK_KEY_COMPROMISED = strawberry.enum_value(
        "mark_key_compromised", description="A signing key is not believed any more, nor anything that it signed."
    )
    BULK_EXPORT = strawberry.enum_value("bulk_export", description="What only members see is written into a file.")


@strawberry.enum(description="Where a proposal stands.")
class ApprovalState(enum.Enum):
    """Where a proposal stands."""

    PROPOSED = strawberry.enum_value("proposed", description="It waits for another person.")
    APPROVED = strawberry.enum_value("approved", description="Another person approved it, and it happened.")
    REJECTED = strawberry.enum_value("rejected", description="Somebody rejected it; nothing happened.")
    EXPIRED = strawberry.enum_value("expired", description="Nobody approved it within three days; nothing happened.")


@bound(APPROVAL, description="What one person of your organization proposed and another must approve.")
class Approval(Node):
    """What one person proposed and another must approve."""

    action: ApprovalAction = column(description="What is to happen.")
    state: ApprovalState = column(description="Where it stands.")
    object_id: strawberry.ID | None = column(description="The thing that it is about, where there is one already.")
    motive: str = column(description="Why it was proposed.")
    mine: bool = column(description="Whether you proposed it; then another person must approve it.")
    proposed_at: datetime = column(description="When it was proposed.")
    expires_at: datetime = column(description="Until when it can be approved.")
    decided_at: datetime | None = column(description="When it was approved or rejected.")
    reason: str | None = column(description="Why it was rejected.")


@strawberry.input(description="Which proposals; all conditions must hold.")
class ApprovalFilter:
    """Which proposals."""

    action: ApprovalAction | None = strawberry.field(default=strawberry.UNSET, description="Only these.")


@strawberry.type
class ApprovalQueries:
    """Root fields."""

    approval: Approval | None = find(description="One proposal of your own organization.")
    approvals: Connection[Approval] = connection(
        where={"filter.action": "{child}.action = {value:text}"},
        args={"filter": arg(ApprovalFilter | None, "Which of them.")},
        description="The proposals of your own organization.",
    )


@strawberry.input(description="Which proposal you approve.")
class ApproveInput(CommandInput):
    """An approval."""

    approval_id: strawberry.ID = strawberry.field(description="A proposal of another person of your organization.")


@strawberry.input(description="Which proposal you reject, and why.")
class RejectInput(CommandInput):
    """A rejection."""

    approval_id: strawberry.ID = strawberry.field(description="A proposal of your organization, your own too.")
    reason: str = strawberry.field(description="Why; the admins of your organization read it.")


@payload(description="The approved proposal.", errors=(StepUpRequiredError,))
class ApprovePayload:
    """The approved proposal."""

    approval: Approval | None = entity(description="The proposal, approved: it has happened.")


@payload(description="The rejected proposal.", errors=(StepUpRequiredError,))
class RejectPayload:
    """The rejected proposal."""

    approval: Approval | None = entity(description="The proposal, rejected: it will not happen.")


async def _approve(tx: Tx, actor: Actor, given: ApproveInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.approval_id, APPROVAL.tag, "proposal", "approvalId")
    return {"approval": public_id(APPROVAL.tag, await approvals.approve(tx, actor, key))}


async def _reject(tx: Tx, actor: Actor, given: RejectInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.approval_id, APPROVAL.tag, "proposal", "approvalId")
    return {"approval": public_id(APPROVAL.tag, await approvals.reject(tx, actor, key, given.reason))}


@strawberry.type
class ApprovalMutations:
    """Root fields."""

    approve: ApprovePayload | None = command(
        ApproveInput,
        _approve,
        permission=Permission.APPROVE,
        lock=Lock.STATE,
        because="a proposal is decided once, and what it says never changes",
        description="Approve what another person of your organization proposed; it happens at once.",
    )
    reject: RejectPayload | None = command(
        RejectInput,
        _reject,
        permission=Permission.APPROVE,
        lock=Lock.STATE,
        because="a proposal is decided once, and what it says never changes",
        description="Reject what was proposed in your organization; a proposal of your own is taken back so too.",
    )
