"""Find and make accounts, open and end logins, bind learners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from countersign.accounts import rules
from countersign.accounts.tables import Login
from countersign.kit.db import Reader, Tx
from countersign.kit.errors import Conflict
from countersign.kit.ids import new_id

LIVE: Final = (
    "l.ended_at is null and l.ends_at > n.now"
    f" and l.seen_at > n.now - interval '{rules.IDLE.total_seconds():.0f} seconds'"
)
"""The condition under which a login `l` lives at `n.now`, for the SQL of this room and of those above."""
UNSEEN: Final = f"l.seen_at <= n.now - interval '{rules.SEEN_EVERY.total_seconds():.0f} seconds'"
"""Whether it should be remembered (`seen`) that the login `l` is in use at `n.now`."""

END: Final = "update account_logins set ended_at = $2, email_key = null where ended_at is null and"
"""Ends sessions at `$2`, which a condition follows: their sockets go, and what was kept of an address."""


class LearnerBound(Conflict):
    """This account or this learner is bound already, and not to each other."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session at its making: the cookie's text is shown once and never kept."""

    cookie: str
    login_id: UUID
    account_id: UUID
    ends_at: datetime


async def account_of(tx: Tx, issuer: str, subject: str) -> UUID:
    """The account of a provider's subject, made at the first sign-in. The e-mail address never decides."""
    key = rules.account_key(issuer, subject)
    fresh = await tx.fetchval(
        "insert into accounts (id, key, issuer, created_at) values ($1, $2, $3, $4)"
        " on conflict (key) do nothing returning id",
        new_id(),
        key,
        issuer,
        await tx.now(),
    )
    found: UUID = fresh or await tx.fetchval("select id from accounts where key = $1", key)
    return found


async def open_login(
    tx: Tx,
    account_id: UUID,
    *,
    authenticated_at: datetime | None = None,
    provider_session: bytes | None = None,
    email_key: bytes | None = None,
) -> Opened:
    """Begin a session of an account. `authenticated_at` is when the provider saw them, never later than now."""
    cookie, now = rules.new_secret(), await tx.now()
    login = Login(
        id=new_id(),
        account_id=account_id,
        sha256=rules.secret_digest(cookie),
        provider_session=provider_session,
        email_key=email_key,
        authenticated_at=min(authenticated_at, now) if authenticated_at is not None else None,
        created_at=now,
        seen_at=now,
        ends_at=now + rules.WHOLE,
    )
    await tx.insert(login)
    return Opened(cookie, login.id, account_id, login.ends_at)


@dataclass(frozen=True, slots=True)
class Session:
    """A live session, as its own account may see it."""

    id: UUID
    account_id: UUID
    issuer: str
    authenticated_at: datetime | None
    ends_at: datetime


_SESSION: Final = (
    "select l.id, l.account_id, a.issuer, l.authenticated_at, l.ends_at"
    " from (select coalesce($2::timestamptz, statement_timestamp()) as now) n"
    " join account_logins l on {which} join accounts a on a.id = l.account_id"
)


async def login(reader: Reader, login_id: UUID) -> Session:
    """A session that is known to be there. Raises LookupError for any other."""
    row = await reader.fetchrow(_SESSION.format(which="l.id = $1"), login_id, None)
    if row is None:
        raise LookupError("there is no such session")
    return Session(**row)


async def login_of(reader: Reader, cookie: str, now: object = None) -> Session | None:
    """The live session of a cookie; None for any other text."""
    if not rules.is_secret(cookie):
        return None
    row = await reader.fetchrow(_SESSION.format(which=f"l.sha256 = $1 and {LIVE}"), rules.secret_digest(cookie), now)
    return None if row is None else Session(**row)


async def seen(tx: Tx, login_id: UUID) -> None:
    """Remember that a session is in use; it lives another 30 minutes, within its 12 hours."""
    await tx.execute(
        "update account_logins set seen_at = $2 where id = $1 and seen_at < $2 and ended_at is null",
        login_id,
        await tx.now(),
    )


async def end_login(tx: Tx, login_id: UUID) -> None:
    """End a session at once, with its open sockets; ending it twice changes nothing."""
    await tx.execute(f"{END} id = $1", login_id, await tx.now())


async def end_secret(tx: Tx, cookie: str) -> None:
    """End the session of a cookie, if it is one."""
    await tx.execute(f"{END} sha256 = $1", rules.secret_digest(cookie), await tx.now())


async def end_all_logins(tx: Tx, account_id: UUID) -> int:
    """End every session of an account at once; how many there were."""
    return await tx.execute(f"{END} account_id = $1", account_id, await tx.now())


async def vouched_address_key(reader: Reader, login_id: UUID) -> bytes | None:
    """The SHA-256 (`rules.address_key`) of the address which the provider vouched for at this sign-in, or None."""
    found: bytes | None = await reader.fetchval(
        "select email_key from account_logins where id = $1 and ended_at is null", login_id
    )
    return found


async def bind_learner(tx: Tx, account_id: UUID, learner_id: int) -> None:
    """Say that an account is a learner; saying it twice changes nothing. Raises LearnerBound."""
    await tx.execute(
        "insert into account_learners (account_id, learner_id, since) values ($1, $2, $3) on conflict do nothing",
        account_id,
        learner_id,
        await tx.now(),
    )
    if await learner_of(tx, account_id) != learner_id:
        raise LearnerBound


async def unbind_learner(tx: Tx, learner_id: int) -> None:
    """Let a learner have no account, as before it was claimed; the sockets that act for the learner end."""
    await tx.execute("delete from account_learners where learner_id = $1", learner_id)


async def rebind_learner(tx: Tx, account_id: UUID, learner_id: int) -> None:
    """Let an account be another learner: two that were one person have become one. Raises LearnerBound."""
    await tx.execute("delete from account_learners where account_id = $1", account_id)
    await bind_learner(tx, account_id, learner_id)


async def learner_of(reader: Reader, account_id: UUID) -> int | None:
    """The learner that an account is, if any."""
    found: int | None = await reader.fetchval(
        "select learner_id from account_learners where account_id = $1", account_id
    )
    return found


async def account_of_learner(reader: Reader, learner_id: int) -> UUID | None:
    """The account of a learner, if it was claimed."""
    found: UUID | None = await reader.fetchval(
        "select account_id from account_learners where learner_id = $1", learner_id
    )
    return found
