"""An organization's webhooks: made, changed, rolled, removed; and what is queued for them with the notices."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, InvalidState, NotAllowed, NotFound, Required
from countersign.kit.ids import new_id, parse_public_id
from countersign.kit.outbox import Told
from countersign.kit.staleness import next_change, require_unmodified
from countersign.notices import rules_webhooks as rules
from countersign.notices.rules_topics import Kind
from countersign.notices.rules_webhooks import Act, State
from countersign.notices.tables import Webhook

SECRET: Final = "webhooks.secret"  # noqa: S105 - the column as the vault knows it
TEST: Final = "webhook.test"
WEBHOOK: Final = "webhook"
OFF: Final = "the webhook is switched off"

# A webhook that is switched off or removed meanwhile is waited for and looked at again: what came for it behind its
# back would be posted all the same, without a signature where its secrets are gone.
_QUEUE: Final = """
insert into webhook_deliveries
  (id, webhook_id, organization_id, event_id, topic, body, state, attempts, due_at, created_at)
select d.id, w.id, w.organization_id, d.event_id, d.topic, d.body, 'waiting', 0, $7, $7
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[])
     d(id, organization_id, kind, event_id, topic, body)
join webhooks w on w.organization_id = d.organization_id and w.state = 'active' and d.kind = any(w.kinds)
for share of w
on conflict (webhook_id, event_id) do nothing
"""


@dataclass(frozen=True, slots=True)
class ChangeWebhook:
    """Other settings of a webhook; None leaves one as it is. `seen` is its `updatedAt` as it was read."""

    webhook_id: UUID
    url: str | None
    kinds: Collection[Kind] | None
    enabled: bool | None
    seen: datetime | None


async def create(tx: Tx, actor: Actor, url: str, kinds: Collection[Kind]) -> tuple[UUID, str]:
    """Name an address that is told of events of some kinds; its id, and the secret, which is shown this once.

    Raises NotAllowed, Invalid, Required, TooManyWebhooks.
    """
    organization = _admin(actor)
    address = rules.check_url(url)
    _check_kinds(kinds)
    await tx.fetchval("select id from organizations where id = $1 for no key update", organization)
    held = await tx.fetchval(
        "select count(*) from webhooks where organization_id = $1 and state <> 'removed'", organization
    )
    if held >= rules.MOST:
        raise rules.TooManyWebhooks(limit=rules.MOST)
    identity, secret, now = new_id(), secrets.token_bytes(rules.SECRET_BYTES), await tx.now()
    key, wrapped = tx.vault.new_file_key(identity)
    row = Webhook(
        id=identity,
        organization_id=organization,
        url=address,
        kinds=sorted(kind.value for kind in kinds),
        state="active",
        wrapped=wrapped,
        secret_sealed=key.seal(SECRET, secret),
        created_at=now,
        updated_at=now,
    )
    await tx.insert(row)
    return identity, rules.written(secret)


async def change(tx: Tx, actor: Actor, command: ChangeWebhook) -> UUID:
    """Change the address or the kinds, or switch a webhook on or off. Off, what waits for it is given up.

    Raises NotAllowed, NotFound, Changed, Invalid, Required, InvalidState.
    """
    row = await _own(tx, actor, command.webhook_id)
    require_unmodified(row["updated_at"], command.seen, what=WEBHOOK)
    address = None if command.url is None else rules.check_url(command.url)
    if command.kinds is not None:
        _check_kinds(command.kinds)
    state = row["state"] if command.enabled is None else "active" if command.enabled else "disabled"
    await tx.execute(
        "update webhooks set url = coalesce($2, url), kinds = coalesce($3::text[], kinds), state = $4::text,"
        " updated_at = $5, failing_since = case when $4::text = state then failing_since end where id = $1",
        row["id"],
        address,
        None if command.kinds is None else sorted(kind.value for kind in command.kinds),
        state,
        next_change(await tx.now(), row["updated_at"]),
    )
    if state != "active":
        await give_up_waiting(tx, row["id"])
    return command.webhook_id


async def roll(tx: Tx, actor: Actor, webhook_id: UUID, grace: timedelta) -> tuple[UUID, str]:
    """Give a webhook a new secret, shown this once; for a while deliveries are signed by both.

    Raises NotAllowed, NotFound, Invalid, InvalidState.
    """
    row = await _own(tx, actor, webhook_id)
    if not timedelta(0) <= grace <= rules.MOST_GRACE:
        raise Invalid(problem=f"The old secret is good for 0 to {rules.MOST_GRACE.days} days more", path=("graceDays",))
    secret, now = secrets.token_bytes(rules.SECRET_BYTES), await tx.now()
    key = tx.vault.file_key(webhook_id, row["wrapped"])
    await tx.execute(
        "update webhooks set previous_sealed = case when $3 then secret_sealed end, secret_sealed = $2,"
        " previous_until = case when $3 then $4::timestamptz end, updated_at = $5 where id = $1",
        webhook_id,
        key.seal(SECRET, secret),
        grace > timedelta(0),
        now + grace,
        next_change(now, row["updated_at"]),
    )
    return webhook_id, rules.written(secret)


async def remove(tx: Tx, actor: Actor, webhook_id: UUID) -> UUID:
    """Have a webhook told nothing more, for good; its secrets go. Raises NotAllowed, NotFound, InvalidState."""
    row = await _own(tx, actor, webhook_id)
    await tx.execute(
        "update webhooks set state = 'removed', secret_sealed = '', previous_sealed = null, previous_until = null,"
        " updated_at = $2 where id = $1",
        webhook_id,
        next_change(await tx.now(), row["updated_at"]),
    )
    await give_up_waiting(tx, webhook_id)
    return webhook_id


async def send_test(tx: Tx, actor: Actor, webhook_id: UUID) -> UUID:
    """Have a delivery made that says nothing, to try a receiver; its id. Raises NotAllowed, NotFound, InvalidState."""
    row = await _own(tx, actor, webhook_id)
    if row["state"] != "active":
        raise InvalidState(what=WEBHOOK, state=row["state"], verb="testing it", needed="active")
    identity, now = new_id(), await tx.now()
    await tx.execute(
        "insert into webhook_deliveries (id, webhook_id, organization_id, event_id, topic, body, state, attempts,"
        " due_at, created_at) values ($1, $2, $3, $1, $4, $5, 'waiting', 0, $6, $6)",
        identity,
        webhook_id,
        row["organization_id"],
        TEST,
        rules.body_of(TEST, "organization", None, now),
        now,
    )
    return identity


async def redeliver(tx: Tx, actor: Actor, delivery_id: UUID) -> UUID:
    """Have a delivery made once more, under the same id, so that a receiver knows it again.

    Raises NotAllowed, NotFound, InvalidState.
    """
    organization = _admin(actor)
    row = await tx.fetchrow(
        "select d.state, w.state as webhook from webhook_deliveries d join webhooks w on w.id = d.webhook_id"
        " where d.id = $1 and d.organization_id = $2 for update of d",
        delivery_id,
        organization,
    )
    if row is None:
        raise NotFound(what="delivery", path=("deliveryId",))
    after = rules.move(State(row["state"]), Act.REDELIVER)
    if row["webhook"] != "active":
        raise InvalidState(what=WEBHOOK, state=row["webhook"], verb="delivering", needed="active")
    await tx.execute(
        "update webhook_deliveries set state = $2, attempts = 0, due_at = $3, settled_at = null where id = $1",
        delivery_id,
        after.value,
        await tx.now(),
    )
    return delivery_id


async def queue(tx: Tx, told: Sequence[tuple[UUID | None, Kind, Told]]) -> None:
    """Queue events for the webhooks of the organizations that are told of them; each event once for each webhook."""
    wanted = {(organization, event.id): (kind, event) for organization, kind, event in told if organization is not None}
    if not wanted:
        return
    await tx.execute(
        _QUEUE,
        [new_id() for _ in wanted],
        [organization for organization, _ in wanted],
        [kind.value for kind, _ in wanted.values()],
        [event.id for _, event in wanted.values()],
        [event.topic for _, event in wanted.values()],
        [
            rules.body_of(event.topic, kind.value, event.subject if parse_public_id(event.subject) else None, event.at)
            for kind, event in wanted.values()
        ],
        await tx.now(),
    )


async def give_up_waiting(tx: Tx, webhook_id: UUID) -> None:
    """What waits for a webhook that is off becomes a dead letter, to be repeated once it is on again."""
    await tx.execute(
        "update webhook_deliveries set state = 'dead', outcome = $2, settled_at = $3"
        " where webhook_id = $1 and state = 'waiting'",
        webhook_id,
        OFF,
        await tx.now(),
    )


def _check_kinds(kinds: Collection[Kind]) -> None:
    if not kinds:
        raise Required(what="A kind of events", path=("kinds",))


def _admin(actor: Actor) -> UUID:
    access.require(actor, Permission.MANAGE_WEBHOOKS)
    if actor.organization_id is None:
        raise NotAllowed(why="Only a member of an organization has webhooks")
    return actor.organization_id


async def _own(tx: Tx, actor: Actor, webhook_id: UUID) -> asyncpg.Record:
    """A webhook of the actor's organization that is not removed, locked. Raises NotAllowed, NotFound, InvalidState."""
    organization = _admin(actor)
    row = await tx.fetchrow(
        "select id, organization_id, state, wrapped, updated_at from webhooks where id = $1 and organization_id = $2"
        " for update",
        webhook_id,
        organization,
    )
    if row is None:
        raise NotFound(what=WEBHOOK, path=("webhookId",))
    if row["state"] == "removed":
        raise InvalidState(what=WEBHOOK, state="removed", verb="changing it", needed="active or disabled")
    return row
