"""Webhooks at the front desk: addresses that are told of events, their deliveries, and those that found nobody."""

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.commands import Made
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.notices import webhooks
from countersign.notices.rules_topics import Kind
from countersign.notices.views import DELIVERY, WEBHOOK
from countersign.reads.bind import arg, bound, column, connection, entity, find, one, secret
from countersign.reads.orders import Order, Orders
from countersign.schema.base import (
    CommandInput,
    Connection,
    GuardedInput,
    Lock,
    Node,
    Tools,
    command,
    payload,
    reference,
)
from countersign.schema.notices_kinds import NoticeKind
from countersign.schema.problems import StaleVersionError, StepUpRequiredError


@strawberry.enum(description="Where a webhook stands.")
class WebhookState(enum.Enum):
    """Where a webhook stands."""

    ACTIVE = strawberry.enum_value("active", description="It is told of events.")
    DISABLED = strawberry.enum_value("disabled", description="It is off: by you, or because it failed for five days.")
    REMOVED = strawberry.enum_value("removed", description="It was removed for good.")


@strawberry.enum(description="Where a delivery stands.")
class DeliveryState(enum.Enum):
    """Where a delivery stands."""

    WAITING = strawberry.enum_value("waiting", description="It is tried, or will be tried again.")
    DELIVERED = strawberry.enum_value("delivered", description="The receiver took it.")
    DEAD = strawberry.enum_value("dead", description="It was given up; have it delivered again when you are ready.")


DELIVERY_ORDERS = Orders(
    "WebhookDeliveryOrder",
    CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."),
    descending=True,
)


@strawberry.input(description="Which deliveries; all conditions must hold.")
class WebhookDeliveryFilter:
    """Which deliveries."""

    state: DeliveryState | None = strawberry.field(
        default=strawberry.UNSET, description="Only in this state; DEAD for those that were given up."
    )


@bound(WEBHOOK, description="An https address that is told of what concerns your organization, as Standard Webhooks.")
class Webhook(Node):
    """An address that is told of events."""

    url: str = column(description="The address.")
    kinds: list[NoticeKind] = column(description="Of which kinds of events it is told.")
    state: WebhookState = column(description="Where it stands.")
    failing_since: datetime | None = column(
        description="Since when every delivery has failed; null while one succeeds."
    )
    old_secret_until: datetime | None = column(
        description="Until when deliveries are signed by the secret of before as well."
    )
    created_at: datetime = column(description="When it was made.")
    updated_at: datetime = column(description="When it last changed; give it back when you change it.")
    deliveries: Connection[Annotated["WebhookDelivery", strawberry.lazy("countersign.schema.webhooks")]] = connection(
        on="{child}.webhook_id = {parent}.id",
        orders=DELIVERY_ORDERS,
        where={"filter.state": "{child}.state = {value:text}"},
        args={"filter": arg(WebhookDeliveryFilter | None, "Which of them.")},
        description="Its deliveries, the newest first; settled ones are kept for 30 days.",
    )


@bound(DELIVERY, description="One event for one webhook. Its id is the `webhook-id` by which receivers know it again.")
class WebhookDelivery(Node):
    """One event for one webhook."""

    topic: str = column(description="What happened, such as `endorsement.revoked`.")
    body: str = column(description="What is posted: the JSON text, byte for byte as it is signed.")
    state: DeliveryState = column(description="Where it stands.")
    attempts: int = column(description="How often it was tried, since it was last asked for.")
    outcome: str | None = column(description="What came of the last try.")
    next_try_at: datetime | None = column(description="When it is tried next; null once it is settled.")
    created_at: datetime = column(description="When it was made.")
    settled_at: datetime | None = column(description="When it was taken or given up.")
    webhook: Webhook | None = one(on="{child}.id = {parent}.webhook_id", description="The webhook.")


WEBHOOK_ORDERS = Orders(
    "WebhookOrder", CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."), descending=True
)


@strawberry.type
class WebhookQueries:
    """Root fields."""

    webhooks: Connection[Webhook] = connection(
        orders=WEBHOOK_ORDERS,
        requires=Permission.MANAGE_WEBHOOKS,
        description="The webhooks of the organization for which you act, the newest first; removed ones too.",
    )
    webhook: Webhook | None = find(
        requires=Permission.MANAGE_WEBHOOKS, description="One webhook of the organization for which you act."
    )
    webhook_deliveries: Connection[WebhookDelivery] = connection(
        orders=DELIVERY_ORDERS,
        where={"filter.state": "{child}.state = {value:text}"},
        args={"filter": arg(WebhookDeliveryFilter | None, "Which of them; DEAD for the dead letters.")},
        requires=Permission.MANAGE_WEBHOOKS,
        description="The deliveries to all webhooks of your organization, the newest first.",
    )


@strawberry.input(description="An address that shall be told of events.")
class CreateWebhookInput(CommandInput):
    """An address that shall be told of events."""

    url: str = strawberry.field(description="An https address of a public host.")
    kinds: list[NoticeKind] = strawberry.field(description="Of which kinds of events it shall be told.")


@strawberry.input(description="Other settings of a webhook; what you leave out stays as it is.")
class ChangeWebhookInput(GuardedInput):
    """Other settings of a webhook."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Another address.")
    kinds: list[NoticeKind] | None = strawberry.field(
        default=strawberry.UNSET, description="All the kinds from now on."
    )
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="True to switch it on, false to switch it off; then what waits is given up.",
    )


@strawberry.input(description="A webhook that shall have another secret.")
class RollWebhookSecretInput(CommandInput):
    """A webhook that shall have another secret."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")
    grace_days: int = strawberry.field(
        default=1, description="How many days deliveries are signed by both secrets, 0 to 7."
    )


@strawberry.input(description="A webhook that shall be told nothing more.")
class RemoveWebhookInput(CommandInput):
    """A webhook that shall be told nothing more."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.input(description="A webhook to try.")
class TestWebhookInput(CommandInput):
    """A webhook to try."""

    webhook_id: strawberry.ID = strawberry.field(description="The webhook, switched on.")


@strawberry.input(description="A delivery to make once more.")
class RedeliverWebhookInput(CommandInput):
    """A delivery to make once more."""

    delivery_id: strawberry.ID = strawberry.field(description="A delivery that was given up, or taken.")


_ONCE = "The secret, beginning with whsec_, shown this once. Null when the mutation is repeated with its key."


@payload(description="The new webhook, and its secret, which is shown this once.", errors=(StepUpRequiredError,))
class CreateWebhookPayload:
    """The new webhook."""

    webhook: Webhook | None = entity(description="The new webhook.")
    secret: str | None = secret(description=_ONCE)


@payload(description="The webhook as it is now.", errors=(StaleVersionError, StepUpRequiredError))
class ChangeWebhookPayload:
    """The webhook as it is now."""

    webhook: Webhook | None = entity(description="The webhook as it is now.")


@payload(description="The webhook, and its new secret, which is shown this once.", errors=(StepUpRequiredError,))
class RollWebhookSecretPayload:
    """The webhook with its new secret."""

    webhook: Webhook | None = entity(description="The webhook.")
    secret: str | None = secret(description=_ONCE)


@payload(description="The webhook that was removed.", errors=(StepUpRequiredError,))
class RemoveWebhookPayload:
    """The webhook that was removed."""

    webhook: Webhook | None = entity(description="The webhook that was removed.")


@payload(description="The delivery of the trial.", errors=(StepUpRequiredError,))
class TestWebhookPayload:
    """The delivery of the trial."""

    delivery: WebhookDelivery | None = entity(description="A delivery that says nothing but that it is a trial.")


@payload(description="The delivery, which waits again.", errors=(StepUpRequiredError,))
class RedeliverWebhookPayload:
    """The delivery that waits again."""

    delivery: WebhookDelivery | None = entity(description="The delivery.")


def _kinds(given: list[NoticeKind]) -> frozenset[Kind]:
    return frozenset(Kind[kind.name] for kind in given)


def _key(text: str) -> UUID:
    return reference(text, WEBHOOK.tag, "webhook", "webhookId")


def _shown(webhook_id: UUID) -> dict[str, str]:
    return {"webhook": public_id(WEBHOOK.tag, webhook_id)}


async def _create(tx: Tx, actor: Actor, given: CreateWebhookInput, _tools: Tools) -> Made:
    made, text = await webhooks.create(tx, actor, given.url, _kinds(given.kinds))
    return Made(_shown(made), {"secret": text})


async def _change(tx: Tx, actor: Actor, given: ChangeWebhookInput, _tools: Tools) -> Mapping[str, str]:
    kinds = _kinds(given.kinds) if isinstance(given.kinds, list) else None
    enabled = given.enabled if isinstance(given.enabled, bool) else None
    wanted = webhooks.ChangeWebhook(
        _key(given.webhook_id), given.url or None, kinds, enabled, given.if_unmodified_since
    )
    return _shown(await webhooks.change(tx, actor, wanted))


async def _roll(tx: Tx, actor: Actor, given: RollWebhookSecretInput, _tools: Tools) -> Made:
    made, text = await webhooks.roll(tx, actor, _key(given.webhook_id), timedelta(days=given.grace_days))
    return Made(_shown(made), {"secret": text})


async def _remove(tx: Tx, actor: Actor, given: RemoveWebhookInput, _tools: Tools) -> Mapping[str, str]:
    return _shown(await webhooks.remove(tx, actor, _key(given.webhook_id)))


async def _test(tx: Tx, actor: Actor, given: TestWebhookInput, _tools: Tools) -> Mapping[str, str]:
    return {"delivery": public_id(DELIVERY.tag, await webhooks.send_test(tx, actor, _key(given.webhook_id)))}


async def _redeliver(tx: Tx, actor: Actor, given: RedeliverWebhookInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.delivery_id, DELIVERY.tag, "delivery", "deliveryId")
    return {"delivery": public_id(DELIVERY.tag, await webhooks.redeliver(tx, actor, key))}


@strawberry.type
class WebhookMutations:
    """Root fields."""

    create_webhook: CreateWebhookPayload | None = command(
        CreateWebhookInput,
        _create,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.CREATES,
        description="Have an https address told of what concerns your organization, signed as Standard Webhooks.",
    )
    change_webhook: ChangeWebhookPayload | None = command(
        ChangeWebhookInput,
        _change,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.UNMODIFIED_SINCE,
        description="Change a webhook's address or kinds, or switch it on or off.",
    )
    roll_webhook_secret: RollWebhookSecretPayload | None = command(
        RollWebhookSecretInput,
        _roll,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.STATE,
        because="a new secret overwrites nothing that anybody wrote, and the old one stays good for a while",
        description="Give a webhook a new secret; for a while its deliveries are signed by both.",
    )
    remove_webhook: RemoveWebhookPayload | None = command(
        RemoveWebhookInput,
        _remove,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.STATE,
        because="an end is final",
        description="Have a webhook told nothing more, for good.",
    )
    test_webhook: TestWebhookPayload | None = command(
        TestWebhookInput,
        _test,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.CREATES,
        description="Send a webhook a delivery that says nothing, to try its receiver.",
    )
    redeliver_webhook: RedeliverWebhookPayload | None = command(
        RedeliverWebhookInput,
        _redeliver,
        permission=Permission.MANAGE_WEBHOOKS,
        lock=Lock.STATE,
        because="what waits already is refused, and receivers know a delivery again by its id",
        description="Make a delivery once more, such as a dead letter, under the same id.",
    )
