"""Deliveries on their way: taken with a lease, posted by the guarded fetcher beside any transaction, then settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from countersign.kit.db import Database, Tx
from countersign.kit.fetcher import Fetcher, Unfetchable
from countersign.kit.ids import public_id
from countersign.notices import rules_sending, webhooks
from countersign.notices import rules_webhooks as rules
from countersign.notices.rules_sending import LEASE, After, Outcome
from countersign.notices.rules_webhooks import Act

AT_ONCE: Final = 20
OF_ONE: Final = 4
"""Deliveries to one webhook in one look: a slow receiver must not keep the others waiting."""
TAG: Final = "msg"
GOOD: Final = range(200, 300)
GONE: Final = 410

_TAKE: Final = """
update webhook_deliveries d set attempts = d.attempts + 1, due_at = $1::timestamptz + $2::interval
from webhooks w
where w.id = d.webhook_id and d.state = 'waiting' and d.due_at <= $1 and d.id in (
  select r.id from (select x.id, x.due_at, row_number() over (partition by x.webhook_id order by x.due_at, x.id) as no
                    from webhook_deliveries x where x.state = 'waiting' and x.due_at <= $1) r
  where r.no <= $3 order by r.due_at, r.id limit $4)
returning d.id, d.webhook_id, d.body, d.attempts, w.url, w.wrapped, w.secret_sealed,
          case when w.previous_until > $1 then w.previous_sealed end as previous_sealed
"""
_ACTS: Final = {After.SETTLED: Act.DELIVER, After.WAITING: Act.FAIL, After.GIVEN_UP: Act.GIVE_UP}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try, in words of ours; `gone` when the receiver wants nothing more.

    `retry_after` is how long it asks to be left alone, as it wrote that.
    """

    outcome: Outcome
    words: str
    gone: bool = False
    retry_after: str | None = None


async def look(db: Database, fetcher: Fetcher, limit: int = AT_ONCE) -> int:
    """Make the deliveries that are due, the longest waiting first, side by side; how many were tried.

    Each is taken with a lease, posted, then settled: who dies in between has it posted again under the same id.
    """
    async with db.writer() as tx:
        now = await tx.now()
        taken = await tx.fetch(_TAKE, now, LEASE, OF_ONE, limit)
        signed = [(row, _signed(tx, row)) for row in taken]
    await asyncio.gather(*(_deliver(db, fetcher, row, secrets) for row, secrets in signed))
    return len(taken)


def _signed(tx: Tx, row: asyncpg.Record) -> list[bytes]:
    """The secrets by which a delivery is signed, the newest first."""
    key = tx.vault.file_key(row["webhook_id"], row["wrapped"])
    sealed = [row["secret_sealed"], row["previous_sealed"]]
    return [key.open(webhooks.SECRET, each) for each in sealed if each]


async def _deliver(db: Database, fetcher: Fetcher, row: asyncpg.Record, secrets: list[bytes]) -> None:
    async with db.writer() as tx:
        at = await tx.now()
    body = row["body"].encode()
    tried = await _post(fetcher, row["url"], body, rules.headers(secrets, public_id(TAG, row["id"]), at, body))
    async with db.writer() as tx:
        await _settle(tx, row, tried)


async def _post(fetcher: Fetcher, url: str, body: bytes, headers: dict[str, str]) -> Tried:
    try:
        answer = await fetcher.post(url, body, headers)
    except Unfetchable as problem:
        return Tried(Outcome.LATER, str(problem))
    words, gone = f"answered {answer.status}", answer.status == GONE
    if answer.status in GOOD:
        return Tried(Outcome.DONE, words)
    return Tried(Outcome.NEVER if gone else Outcome.LATER, words, gone, answer.retry_after)


async def _settle(tx: Tx, row: asyncpg.Record, tried: Tried) -> None:
    """Keep what came of a try, and switch the webhook off when it has failed for too long."""
    now = await tx.now()
    hook = await tx.fetchrow("select state, failing_since from webhooks where id = $1 for update", row["webhook_id"])
    found = await tx.fetchval(
        "select state from webhook_deliveries where id = $1 and state = 'waiting' for update", row["id"]
    )
    if hook is None or found is None:
        return  # it was switched off meanwhile, and the delivery given up
    asked = rules.asked_pause(tried.retry_after, now)
    then = rules_sending.after(tried.outcome, row["attempts"], rules.PAUSES, now, asked)
    after = rules.move(rules.State(found), _ACTS[then.after])
    await tx.execute(
        "update webhook_deliveries set state = $2::text, due_at = $3, outcome = $4,"
        " settled_at = case when $2::text <> 'waiting' then $5::timestamptz end where id = $1",
        row["id"],
        after.value,
        then.due_at,
        tried.words,
        now,
    )
    since = None if tried.outcome is Outcome.DONE else hook["failing_since"] or now
    await tx.execute("update webhooks set failing_since = $2 where id = $1", row["webhook_id"], since)
    if hook["state"] == "active" and (tried.gone or rules.is_given_up(since, now)):
        await _switch_off(tx, row["webhook_id"])


async def _switch_off(tx: Tx, webhook_id: UUID) -> None:
    await tx.execute(
        "update webhooks set state = 'disabled', updated_at = $2 where id = $1", webhook_id, await tx.now()
    )
    await webhooks.give_up_waiting(tx, webhook_id)
    await tx.emit("webhook.disabled", public_id("whk", webhook_id))
    log.warning("a webhook was switched off", webhook=str(webhook_id))
