"""The audit log at the front desk: what was done, refused and looked at in the name of an organization."""

import enum
from datetime import datetime

import strawberry

from countersign.kit.access import Permission
from countersign.log.views import AUDIT_EVENT
from countersign.reads.bind import arg, bound, column, connection
from countersign.reads.orders import Order, Orders
from countersign.schema.base import Connection


@strawberry.enum(description="What became of what was asked.")
class AuditDecision(enum.Enum):
    """What became of what was asked."""

    DONE = strawberry.enum_value("done", description="It happened.")
    READ = strawberry.enum_value("read", description="Personal data were shown.")
    REFUSED = strawberry.enum_value("refused", description="A rule stood against it; nothing happened.")
    DENIED = strawberry.enum_value("denied", description="Authority was lacking; nothing happened.")


AUDIT_ORDERS = Orders(
    "AuditEventOrder",
    descending=True,
    AT=Order("{child}.at", "timestamptz", "By the time at which it happened."),
)


@strawberry.input(description="Which audit events; all conditions must hold.")
class AuditEventFilter:
    """Which audit events."""

    action: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this action, such as `endorseSpec` or `endorsement.revoked`."
    )
    decision: AuditDecision | None = strawberry.field(default=strawberry.UNSET, description="Only with this outcome.")
    actor: str | None = strawberry.field(default=strawberry.UNSET, description="Only by this actor.")
    object_id: str | None = strawberry.field(default=strawberry.UNSET, description="Only about the thing with this id.")
    since: datetime | None = strawberry.field(default=strawberry.UNSET, description="Only from this moment on.")
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Only before this moment.")


@bound(AUDIT_EVENT, description="One thing that was done, refused or looked at; never changed, never removed.")
class AuditEvent:
    """One thing that was done, refused or looked at."""

    at: datetime = column(description="When it happened, by the clock of the database.")
    actor: str = column(description="Who did it: `person:` with their id, or `system`.")
    actor_type: str | None = column(description="What kind of actor it was: `person`, `learner`, `system` or `nobody`.")
    on_behalf_of: str | None = column(description="For whom the actor did it, when it was not for themselves.")
    action: str = column(description="What was done or asked for.")
    object_id: str | None = column(description="The id of the thing that it was about.")
    version_digest: str | None = column(
        description="The SHA-256 of the version that it was about, where there was one."
    )
    decision: AuditDecision = column(description="What became of it.")
    rule: str | None = column(description="The permission or rule by which that was decided.")
    reason: str | None = column(description="Why, in words; what was refused says so here.")
    before: str | None = column(description="The SHA-256 of the thing before, where it was changed.")
    after: str | None = column(description="The SHA-256 of the thing after, where it was changed.")
    request_id: str | None = column(description="The request that it belongs to, as answers and logs name it.")
    network: str | None = column(description="The network that the request came from; never a whole address.")
    seq: int | None = column(description="Its number among the organization's events; null for the first few seconds.")
    leaf_index: int | None = column(description="Its leaf in the transparency log; null for the first few seconds.")
    previous: str | None = column(description="The SHA-256 of the leaf before it in the organization's chain.")


@strawberry.type
class AuditQueries:
    """Root fields."""

    audit_events: Connection[AuditEvent] = connection(
        orders=AUDIT_ORDERS,
        where={
            "filter.action": "{child}.action = {value:text}",
            "filter.decision": "{child}.decision = {value:text}",
            "filter.actor": "{child}.actor = {value:text}",
            "filter.objectId": "{child}.object = {value:text}",
            "filter.since": "{child}.at >= {value:timestamptz}",
            "filter.until": "{child}.at < {value:timestamptz}",
        },
        args={"filter": arg(AuditEventFilter | None, "Which of them.")},
        requires=Permission.READ_AUDIT,
        description="What was done, refused and looked at in the name of your organization, newest first.",
    )
