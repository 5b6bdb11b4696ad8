"""Sign-ins on their way to a provider and back, and secrets that are good once: tickets of sockets, links of a demo."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from countersign.accounts import rules, service
from countersign.accounts.rules_tokens import Claims, Ended
from countersign.accounts.service import Opened
from countersign.accounts.tables import OneTime, SignIn
from countersign.kit import audit
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed


class SomebodyElse(NotAllowed):
    """Another account came back than the one that was to prove itself."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that came back: where it goes on, and the session that proves itself anew, for a step-up."""

    return_to: str
    login_id: UUID | None


async def begin(tx: Tx, browser: str, provider: str, return_to: str, *, login_id: UUID | None = None) -> str:
    """Remember a sign-in of the browser with this cookie; its state, which is good once and for ten minutes."""
    state = rules.new_secret()
    row = SignIn(
        state_sha256=rules.secret_digest(state),
        browser_sha256=rules.secret_digest(browser),
        provider=provider,
        return_to=return_to,
        login_id=login_id,
        expires_at=await tx.now() + rules.SIGN_IN,
    )
    await tx.insert(row)
    return state


async def take(tx: Tx, browser: str, provider: str, state: str) -> Begun | None:
    """The sign-in that this browser began with this provider under this state, once; None for any other."""
    row = await tx.fetchrow(
        "delete from sign_ins where state_sha256 = $1 and browser_sha256 = $2 and provider = $3 and expires_at > $4"
        " returning return_to, login_id",
        rules.secret_digest(state),
        rules.secret_digest(browser),
        provider,
        await tx.now(),
    )
    return None if row is None else Begun(row["return_to"], row["login_id"])


async def finish(tx: Tx, issuer: str, claims: Claims, begun: Begun, before: str | None) -> Opened:
    """Open a session under a new id for whom the provider vouches; the browser's session of `before` ends.

    Raises SomebodyElse when another account comes back from a step-up.
    """
    account = await service.account_of(tx, issuer, claims.subject)
    if begun.login_id is not None:
        proving = await tx.fetchval(
            "select account_id from account_logins where id = $1 and ended_at is null", begun.login_id
        )
        if proving != account:
            raise SomebodyElse
        await service.end_login(tx, begun.login_id)
    if before is not None:
        await service.end_secret(tx, before)
    action = "signIn" if begun.login_id is None else "stepUp"
    session = None if claims.session is None else rules.account_key(issuer, claims.session)
    opened = await service.open_login(
        tx,
        account,
        authenticated_at=claims.authenticated_at,
        provider_session=session,
        email_key=claims.email_key,
    )
    await _record(tx, _actor(opened), action)
    return opened


async def record_refusal(tx: Tx, provider: str) -> None:
    """Keep that somebody came back from a provider with what is not good; who, nobody knows."""
    await tx.insert(
        audit.record(
            ANONYMOUS,
            "signIn",
            await tx.now(),
            subject=f"provider:{provider}",
            decision=audit.Decision.DENIED,
            reason="The sign-in was not good",
            rule="sign_in",
        )
    )


async def sign_out(tx: Tx, actor: Actor, *, everywhere: bool) -> int:
    """End the actor's session, or all of the account's; how many there were."""
    if actor.login_id is None or actor.account_id is None:
        return 0
    await _record(tx, actor, "signOutEverywhere" if everywhere else "signOut")
    if everywhere:
        return await service.end_all_logins(tx, actor.account_id)
    await service.end_login(tx, actor.login_id)
    return 1


def _actor(opened: Opened) -> Actor:
    return Actor(person_id=opened.account_id, account_id=opened.account_id, login_id=opened.login_id)


async def _record(tx: Tx, actor: Actor, action: str) -> None:
    now = await tx.now()
    await tx.insert(audit.record(actor, action, now, subject=None, decision=audit.Decision.DONE, reason=None))


async def end_by_provider(tx: Tx, issuer: str, ended: Ended) -> int:
    """End the sessions that a provider ends; how many."""
    now = await tx.now()
    if ended.session is not None:
        return await tx.execute(f"{service.END} provider_session = $1", rules.account_key(issuer, ended.session), now)
    return await tx.execute(
        f"{service.END} account_id = (select id from accounts where key = $1)",
        rules.account_key(issuer, ended.subject or ""),
        now,
    )


async def ticket(tx: Tx, login_id: UUID) -> str:
    """A secret with which one socket may be opened for a session, once and within 30 seconds."""
    secret = rules.new_secret()
    until = await tx.now() + rules.TICKET
    await tx.insert(OneTime(sha256=rules.secret_digest(secret), login_id=login_id, expires_at=until))
    return secret


async def redeem_ticket(tx: Tx, text: str) -> UUID | None:
    """The session that a ticket stands for, once; None for any that is not good."""
    found: UUID | None = await tx.fetchval(
        "delete from one_time_secrets where sha256 = $1 and login_id is not null and expires_at > $2"
        " returning login_id",
        rules.secret_digest(text),
        await tx.now(),
    )
    return found


async def link(tx: Tx, account_id: UUID) -> str:
    """A secret that signs in once, within a day, as an account of a demo."""
    secret = rules.new_secret()
    until = await tx.now() + rules.LINK
    await tx.insert(OneTime(sha256=rules.secret_digest(secret), account_id=account_id, expires_at=until))
    return secret


async def redeem_link(tx: Tx, text: str, before: str | None = None) -> Opened | None:
    """A session of the account that a link signs in, once, as if it had just proved itself; None for no good one."""
    account: UUID | None = await tx.fetchval(
        "delete from one_time_secrets where sha256 = $1 and account_id is not null and expires_at > $2"
        " returning account_id",
        rules.secret_digest(text),
        await tx.now(),
    )
    if account is None:
        return None
    if before is not None:
        await service.end_secret(tx, before)
    opened = await service.open_login(tx, account, authenticated_at=await tx.now())
    await _record(tx, _actor(opened), "signInByLink")
    return opened
