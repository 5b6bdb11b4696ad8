"""Letters on their way: taken with a lease, sent beside any transaction, and settled by what the mail server says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from countersign.kit.db import Database, Tx
from countersign.kit.vault import NotReadable
from countersign.notices import mailboxes, rules_sending, texts
from countersign.notices.composing import Letter, Line, compose
from countersign.notices.rules_mailbox import State
from countersign.notices.rules_sending import LEASE, MAIL_PAUSES, After, Outcome
from countersign.notices.smtp import Mailer, NotSent

AT_ONCE: Final = 20
CONFIRM_PATH: Final = "/notices/confirm"
UNSUBSCRIBE_PATH: Final = "/notices/unsubscribe"

_TAKE: Final = """
update mails set state = 'sending', attempts = attempts + 1, due_at = $1::timestamptz + $2::interval
where id = any(array(select id from mails where state in ('waiting', 'sending') and due_at <= $1
                     order by due_at limit $3 for update skip locked))
returning id, mailbox_id, purpose, rhythm, attempts
"""
# A letter waits for those of its batch that are before it; when its lease ended meanwhile somebody else has it.
_HOLD: Final = (
    "update mails set due_at = $3::timestamptz + $4::interval where id = $1 and attempts = $2 and state = 'sending'"
    " returning id"
)
_LOST: Final = frozenset({"dropped", "failed"})
_STATES: Final = {After.SETTLED: "sent", After.WAITING: "waiting", After.GIVEN_UP: "failed"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter and where it goes."""

    letter: Letter
    recipient: str
    nonce: bytes
    """Which of the mailbox's addresses it is."""


async def look(db: Database, mailer: Mailer, origin: str, limit: int = AT_ONCE) -> int:
    """Send the letters that are due, the longest waiting first; how many were tried.

    A letter is taken with a lease, then sent, then settled: who dies in between has it sent again after the lease, with
    the same `Message-ID`. What fails for now is tried after growing pauses; an address that the server does not know
    bounces.
    """
    async with db.writer() as tx:
        taken = await tx.fetch(_TAKE, await tx.now(), LEASE, limit)
    for row in taken:
        await _send(db, mailer, origin, row)
    return len(taken)


async def _send(db: Database, mailer: Mailer, origin: str, row: asyncpg.Record) -> None:
    async with db.writer() as tx:
        at = await tx.now()
        if await tx.fetchval(_HOLD, row["id"], row["attempts"], at, LEASE) is None:
            return
        ready = await _ready(tx, row, origin)
        if ready is None:
            await _settle(tx, row["id"], "dropped", at, None)
            return
    problem: NotSent | None = None
    try:
        await mailer.send(compose(ready.letter, mailer.sender, ready.recipient, at), ready.recipient)
    except NotSent as not_sent:
        problem = not_sent
    except (ValueError, UnicodeError):
        problem = NotSent(rules_sending.UNWRITABLE)
    async with db.writer() as tx:
        await _follow(tx, row, problem, ready.nonce)


async def _follow(tx: Tx, row: asyncpg.Record, problem: NotSent | None, nonce: bytes) -> None:
    """Settle a letter that was tried, or have it tried again."""
    outcome = Outcome.DONE if problem is None else Outcome.NEVER if problem.permanent else Outcome.LATER
    then = rules_sending.after(outcome, row["attempts"], MAIL_PAUSES, await tx.now())
    said = None if problem is None else str(problem)
    await _settle(tx, row["id"], _STATES[then.after], then.due_at, said)
    if problem is not None:
        log.warning("a letter was not sent", mail=str(row["id"]), problem=said, attempts=row["attempts"])
        if problem.permanent and problem.recipient:
            await mailboxes.bounce(tx, row["mailbox_id"], nonce)


async def _settle(tx: Tx, mail_id: UUID, state: str, due_at: datetime, problem: str | None) -> None:
    await tx.execute(
        "update mails set state = $2::text, due_at = $3, problem = $4, settled_at = case when $2::text <> 'waiting'"
        " then $5::timestamptz end where id = $1",
        mail_id,
        state,
        due_at,
        problem,
        await tx.now(),
    )
    if state in _LOST:
        await mailboxes.bring_in(tx, [mail_id])


async def _ready(tx: Tx, row: asyncpg.Record, origin: str) -> Ready | None:
    """The letter as it is now; None when nothing may be sent there, or nothing is left to tell."""
    box = await tx.fetchrow(
        "select b.id, b.language, b.state, b.address_sealed, b.wrapped, b.nonce, o.display_name as house"
        " from mailboxes b join organizations o on o.id = b.organization_id where b.id = $1"
        " and exists (select from memberships m where m.organization_id = b.organization_id"
        " and m.person_id = b.person_id and m.valid_from <= $2 and (m.valid_until is null or m.valid_until > $2))",
        row["mailbox_id"],
        await tx.now(),
    )
    confirming = row["purpose"] == mailboxes.CONFIRM
    if box is None or State(box["state"]) is not (State.PENDING if confirming else State.CONFIRMED):
        return None
    told = await tx.fetch(
        "select voice, topic, subject, facts from notices where mail_id = $1 order by at, id", row["id"]
    )
    if not confirming and not told:
        return None
    try:
        address = tx.vault.file_key(box["id"], box["wrapped"]).open(mailboxes.ADDRESS, box["address_sealed"]).decode()
    except NotReadable:
        log.exception("an address cannot be opened", mailbox=str(box["id"]))
        return None
    lines = [
        Line(
            texts.sentence(one["voice"], one["facts"], box["language"]),
            texts.link(one["topic"], one["subject"], one["facts"], origin),
        )
        for one in told
    ]

    def link(path: str, purpose: str) -> str:
        code = mailboxes.code_of(tx.vault, purpose, box["id"], box["nonce"])
        return f"{origin}{path}?box={box['id']}&code={code}&lang={box['language']}"

    letter = Letter(
        id=row["id"],
        language=box["language"],
        house=box["house"],
        rhythm=row["rhythm"],
        lines=lines,
        origin=origin,
        unsubscribe=link(UNSUBSCRIBE_PATH, mailboxes.UNSUBSCRIBE),
        confirm=link(CONFIRM_PATH, mailboxes.CONFIRM) if confirming else None,
    )
    return Ready(letter, address, box["nonce"])
