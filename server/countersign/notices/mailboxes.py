"""What members choose: how each kind reaches them, in which language, at which address; and what its links do."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from countersign.accounts import limits
from countersign.kit import access, outbox
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Code, Invalid, NotAllowed, NotFound, Refusal
from countersign.kit.ids import Sealer, new_id, public_id
from countersign.kit.vault import Vault
from countersign.learners.rules import email_problem
from countersign.notices import rules_mailbox as rules
from countersign.notices.making import ARRIVED, TAG
from countersign.notices.rules_delivery import Choice
from countersign.notices.rules_mailbox import Act, State
from countersign.notices.rules_topics import Kind
from countersign.notices.tables import Mail
from countersign.notices.texts import LANGUAGES

ADDRESS: Final = "mailboxes.address"
CONFIRM: Final = "confirm"
UNSUBSCRIBE: Final = "unsubscribe"
DAY: Final = timedelta(days=1)


class NoMailServer(Refusal):
    """This portal sends no e-mail: its operator has set no mail server."""

    code = Code.INVALID_STATE


class TooManyLetters(Refusal):
    """Enough letters of confirmation were sent for today; try again tomorrow."""

    code = Code.QUOTA_EXCEEDED


class BadLink(Refusal):
    """This link is not good, or not any more."""

    code = Code.NOT_FOUND


def code_of(vault: Vault, purpose: str, mailbox_id: UUID, nonce: bytes) -> str:
    """The secret text of a link: made from what is kept, and itself never kept."""
    made = vault.mac(f"mailboxes.{purpose}", mailbox_id.bytes, nonce)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


async def choose(tx: Tx, actor: Actor, language: str | None, choices: Mapping[Kind, Choice]) -> UUID:
    """Choose the language and how kinds reach oneself; what is not named stays as it is. The mailbox's id.

    Raises NotAllowed, Invalid.
    """
    organization, person = _member(actor)
    if language is not None and language not in LANGUAGES:
        raise Invalid(problem=f"Notices are written in {' or '.join(LANGUAGES)}", path=("language",))
    row = await _own(tx, organization, person)
    await tx.execute(
        "update mailboxes set language = coalesce($2, language), updated_at = $3 where id = $1",
        row["id"],
        language,
        await tx.now(),
    )
    await tx.execute(
        "insert into notice_choices (mailbox_id, kind, channel, rhythm)"
        " select $1, c.kind, c.channel, c.rhythm from unnest($2::text[], $3::text[], $4::text[])"
        " c(kind, channel, rhythm)"
        " on conflict (mailbox_id, kind) do update set channel = excluded.channel, rhythm = excluded.rhythm",
        row["id"],
        [kind.value for kind in choices],
        [choice.channel.value for choice in choices.values()],
        [choice.rhythm.value for choice in choices.values()],
    )
    identity: UUID = row["id"]
    return identity


async def set_address(tx: Tx, actor: Actor, sealer: Sealer, address: str, *, mails: bool) -> UUID:
    """Name the address for one's notices; a letter with a link goes there, and nothing else before it is opened.

    `mails` says whether there is a mail server. Raises NotAllowed, Invalid, NoMailServer, TooManyLetters.
    """
    access.require(actor, Permission.SET_NOTICE_ADDRESS)
    organization, person = _member(actor)
    if not mails:
        raise NoMailServer(path=("address",))
    wanted = address.strip()
    problem = email_problem(wanted)
    if problem is None and not (wanted.isascii() and wanted.isprintable()):
        problem = "has letters that are not of the Latin alphabet; write its domain as xn--…"
    if problem is not None:
        raise Invalid(problem=f"The e-mail address {problem}", path=("address",))
    for who in (f"{organization}/{person}", wanted.lower()):
        if not await limits.take(tx, sealer, "notice address", who, most=rules.MOST_CONFIRMATIONS, within=DAY):
            raise TooManyLetters(path=("address",))
    row = await _own(tx, organization, person)
    identity: UUID = row["id"]
    after = rules.move(State(row["state"]), Act.SET)
    key, wrapped = tx.vault.new_file_key(identity)
    now = await tx.now()
    await tx.execute(
        "update mailboxes set state = $2, address_sealed = $3, wrapped = $4, nonce = $5, confirm_until = $6,"
        " updated_at = $7 where id = $1",
        identity,
        after.value,
        key.seal(ADDRESS, wanted),
        wrapped,
        secrets.token_bytes(16),
        now + rules.CONFIRMATION,
        now,
    )
    await _drop_waiting(tx, identity)  # what waits for the address of before goes nowhere
    letter = Mail(
        id=new_id(),
        mailbox_id=identity,
        purpose=CONFIRM,
        rhythm="now",
        state="waiting",
        attempts=0,
        due_at=now,
        created_at=now,
    )
    await tx.insert(letter)
    return identity


async def remove_address(tx: Tx, actor: Actor, mailbox_id: UUID) -> UUID:
    """Forget the address of one's own mailbox; nothing is sent there any more. Raises NotAllowed, NotFound."""
    organization, person = _member(actor)
    row = await tx.fetchrow(
        "select id, state from mailboxes where id = $1 and organization_id = $2 and person_id = $3 for update",
        mailbox_id,
        organization,
        person,
    )
    if row is None:
        raise NotFound(what="mailbox", path=("mailboxId",))
    await _move(tx, row, Act.REMOVE)
    return mailbox_id


async def follow_link(tx: Tx, purpose: str, mailbox_id: UUID, code: str) -> State:
    """Confirm an address, or have nothing more sent to it, by the link of a letter; where it stands then.

    Doing it twice changes nothing. Raises BadLink, the same for every fault.
    """
    row = await tx.fetchrow(
        "select id, state, nonce, confirm_until from mailboxes where id = $1 for update", mailbox_id
    )
    if row is None or not secrets.compare_digest(code_of(tx.vault, purpose, mailbox_id, row["nonce"]), code):
        raise BadLink
    act = Act.CONFIRM if purpose == CONFIRM else Act.UNSUBSCRIBE
    state = State(row["state"])
    if (state, act) not in rules.MOVES:
        raise BadLink
    if act is Act.CONFIRM and state is State.PENDING and not rules.confirmable(row["confirm_until"], await tx.now()):
        raise BadLink
    return await _move(tx, row, act)


async def bounce(tx: Tx, mailbox_id: UUID, nonce: bytes) -> None:
    """The mail server says that there is no such address: nothing more is sent there, and its owner is told here.

    `nonce` is that of the address to which the letter went: one that was named since then is not blamed.
    """
    row = await tx.fetchrow("select id, state, nonce from mailboxes where id = $1 for update", mailbox_id)
    if row is not None and row["nonce"] == nonce and (State(row["state"]), Act.BOUNCE) in rules.MOVES:
        await _move(tx, row, Act.BOUNCE)
        await tx.emit("mailbox.bounced", f"mailbox_{mailbox_id}")


async def follow_report(tx: Tx, mailbox_id: UUID, nonce: bytes, act: Act) -> None:
    """What is reported of a letter afterwards: that its address is not there, or that its reader wants no more."""
    if act is Act.BOUNCE:
        await bounce(tx, mailbox_id, nonce)
        return
    row = await tx.fetchrow("select id, state from mailboxes where id = $1 for update", mailbox_id)
    if row is not None:
        await _move(tx, row, act)


async def _move(tx: Tx, row: asyncpg.Record, act: Act) -> State:
    """Take a step; an address that is forgotten takes its letters with it."""
    after = rules.move(State(row["state"]), act)
    forgotten = after is State.NONE
    await tx.execute(
        "update mailboxes set state = $2, updated_at = $3, address_sealed = case when $4 then null else address_sealed"
        " end, wrapped = case when $4 then null else wrapped end where id = $1",
        row["id"],
        after.value,
        await tx.now(),
        forgotten,
    )
    if after is not State.CONFIRMED:
        await _drop_waiting(tx, row["id"])
    return after


async def _drop_waiting(tx: Tx, mailbox_id: UUID) -> None:
    dropped = await tx.fetch(
        "update mails set state = 'dropped', settled_at = $2 where mailbox_id = $1 and state = 'waiting' returning id",
        mailbox_id,
        await tx.now(),
    )
    await bring_in(tx, [row["id"] for row in dropped])


async def bring_in(tx: Tx, letters: Sequence[UUID]) -> None:
    """What was wanted by mail alone stands in the inbox once its letter goes nowhere, and arrives there now."""
    rows = await tx.fetch(
        "update notices set shown = true where mail_id = any($1) and not shown returning id, kind", list(letters)
    )
    now = await tx.now()
    await tx.insert(*(outbox.event(ARRIVED, public_id(TAG, row["id"]), {"kind": row["kind"]}, now) for row in rows))
    tx.has_emitted = tx.has_emitted or bool(rows)


def _member(actor: Actor) -> tuple[UUID, UUID]:
    """Whose mailbox it is: a person's in the organization for which they act. Raises NotAllowed."""
    access.require(actor, Permission.MANAGE_NOTICES)
    if actor.organization_id is None or actor.person_id is None:
        raise NotAllowed(why="Only as a member of an organization; learners are told in their inbox alone")
    return actor.organization_id, actor.person_id


async def _own(tx: Tx, organization_id: UUID, person_id: UUID) -> asyncpg.Record:
    """The mailbox of a member, made at first use, locked until the commit."""
    await tx.execute(
        "insert into mailboxes (id, organization_id, person_id, language, state, nonce, updated_at)"
        " values ($1, $2, $3, 'en', 'none', $4, $5) on conflict on constraint mailboxes_one do nothing",
        new_id(),
        organization_id,
        person_id,
        secrets.token_bytes(16),
        await tx.now(),
    )
    row = await tx.fetchrow(
        "select id, state from mailboxes where organization_id = $1 and person_id = $2 for update",
        organization_id,
        person_id,
    )
    if row is None:
        raise LookupError("the mailbox was made a moment ago")
    return row
