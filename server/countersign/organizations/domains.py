"""Claim domains, have them asked, and follow what they say: the claim is a row, the question goes out beside it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import structlog

from countersign.kit import access, events
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Invalid, NotAllowed, NotFound
from countersign.kit.fetcher import Fetcher, Unfetchable
from countersign.kit.ids import new_id
from countersign.kit.waiting import now_and_then
from countersign.log.sources import enter
from countersign.organizations import logged, rules, rules_domains
from countersign.organizations.events import TiesChanged
from countersign.organizations.rules_domains import Answer, Claim, Finding, Method, State

PAUSE = 5.0
"""Seconds between two looks for domains that are due."""
AT_ONCE = 20

log = structlog.get_logger(__name__)


async def claim(tx: Tx, actor: Actor, domain: str) -> UUID:
    """Say that a domain is the own organization's; an admin of it only. The claim tells what the domain must say.

    Claiming it again answers the same claim, with the same challenge. Raises NotAllowed, Invalid, TooManyDomains.
    """
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    if actor.organization_id is None:
        raise NotAllowed(why="Only a member of an organization claims a domain")
    if not rules.DOMAIN.fullmatch(domain):
        raise Invalid(problem="A domain is a name such as acme.example, in small letters", path=("domain",))
    # One claim after the other, so that the limit holds.
    await tx.fetchval("select id from organizations where id = $1 for no key update", actor.organization_id)
    others = await tx.fetchval(
        "select count(*) from organization_domains where organization_id = $1 and domain <> $2 and state <> $3",
        *(actor.organization_id, domain, State.WITHDRAWN.value),
    )
    if others >= rules_domains.MOST_DOMAINS:
        raise rules_domains.TooManyDomains(limit=rules_domains.MOST_DOMAINS, path=("domain",))
    identity: UUID = await tx.fetchval(
        "insert into organization_domains (id, organization_id, domain, challenge, state, requested_at, absences)"
        " values ($1, $2, $3, $4, 'pending', $5, 0) on conflict (organization_id, domain) do update"
        " set state = case organization_domains.state when 'withdrawn' then 'pending' when 'lost' then 'pending'"
        " else organization_domains.state end, requested_at = $5 returning id",
        *(new_id(), actor.organization_id, domain, rules_domains.challenge(), await tx.now()),
    )
    return identity


async def ask(tx: Tx, actor: Actor, claim_id: UUID) -> UUID:
    """Have the domain asked now; an admin of the claiming organization only. Raises NotAllowed, NotFound, InvalidState.

    It is asked after the commit: `check`, by the caller or by the next look of `run`.
    """
    row = await _own(tx, actor, claim_id)
    rules_domains.ask(State(row["state"]))
    await tx.execute("update organization_domains set check_due_at = $2 where id = $1", claim_id, await tx.now())
    return claim_id


async def withdraw(tx: Tx, actor: Actor, claim_id: UUID) -> UUID:
    """Take a claim back; an admin of the claiming organization only. Raises NotAllowed, NotFound, InvalidState."""
    row = await _own(tx, actor, claim_id)
    rules_domains.ask(State(row["state"]))
    await tx.execute("update organization_domains set state = 'withdrawn', check_due_at = null where id = $1", claim_id)
    if row["state"] == State.VERIFIED:
        await enter(tx, logged.DOMAINS, claim_id, actor=actor, action="domain.withdrawn")
        await _follow(tx, row["organization_id"])
    return claim_id


async def check(db: Database, fetcher: Fetcher, claim_id: UUID) -> bool:
    """Ask one domain that is due and keep what it says; False when it is not due or somebody else asks it."""
    async with db.writer() as tx:
        row = await tx.fetchrow(
            "select domain, challenge from organization_domains where id = $1 and check_due_at <= $2"
            " for update skip locked",
            *(claim_id, await tx.now()),
        )
        if row is None:
            return False
        lease = await tx.now() + rules_domains.LEASE
        await tx.execute("update organization_domains set check_due_at = $2 where id = $1", claim_id, lease)
    answer = await _answer(fetcher, row["domain"], row["challenge"])
    async with db.writer() as tx:
        await _keep(tx, claim_id, answer)
    return True


_running: set[asyncio.Task[bool]] = set()


async def settle(db: Database, fetcher: Fetcher, claim_id: UUID, wait: float = 3.0) -> None:
    """Have one domain asked now; when that takes longer than `wait` seconds it goes on without the caller."""
    task = asyncio.create_task(check(db, fetcher, claim_id))
    _running.add(task)
    task.add_done_callback(_running.discard)
    done, _ = await asyncio.wait({task}, timeout=wait)
    for finished in done:
        if (error := finished.exception()) is not None:
            log.error("a domain was not asked", error=type(error).__name__)


async def check_due(db: Database, fetcher: Fetcher, limit: int = AT_ONCE) -> int:
    """Ask the domains that are due, the longest waiting first; how many were asked."""
    async with db.writer() as tx:
        rows = await tx.fetch(
            "select id from organization_domains where check_due_at <= $1 order by check_due_at limit $2",
            *(await tx.now(), limit),
        )
    return sum(await asyncio.gather(*(check(db, fetcher, row["id"]) for row in rows)))


async def run(db: Database, fetcher: Fetcher, stop: asyncio.Event) -> None:
    """Ask domains when they are due, until told to stop."""
    await now_and_then(lambda: check_due(db, fetcher), PAUSE, stop, "no look for domains that are due")


async def _own(tx: Tx, actor: Actor, claim_id: UUID) -> asyncpg.Record:
    access.require(actor, Permission.MANAGE_ORGANIZATION)
    row = await tx.fetchrow(
        "select organization_id, state from organization_domains where id = $1 and organization_id = $2 for update",
        *(claim_id, actor.organization_id),
    )
    if row is None:
        raise NotFound(what="claim", path=("domainClaimId",))
    return row


async def _answer(fetcher: Fetcher, domain: str, challenge: str) -> Answer:
    name, url = f"{rules_domains.LABEL}.{domain}", f"https://{domain}{rules_domains.FILE}"
    reasons: list[str] = []
    findings: set[Finding] = set()
    try:
        if challenge in await fetcher.texts(name):
            return Answer(Finding.PROVED, Method.DNS)
        findings.add(Finding.ABSENT)
        reasons.append(f"no TXT record of {name} is the challenge")
    except Unfetchable as error:
        findings.add(Finding.UNREADABLE)
        reasons.append(str(error))
    try:
        if rules_domains.file_says(await fetcher.get(url), challenge):
            return Answer(Finding.PROVED, Method.FILE)
        findings.add(Finding.ABSENT)
        reasons.append(f"no line of {url} is the challenge")
    except Unfetchable as error:
        reasons.append(str(error))
    # The name servers decide: a domain without a web server is read by them alone.
    return Answer(Finding.ABSENT if Finding.ABSENT in findings else Finding.UNREADABLE, words="; ".join(reasons))


async def _keep(tx: Tx, claim_id: UUID, answer: Answer) -> None:
    row = await tx.fetchrow(
        "select organization_id, domain, state, method, requested_at, proved_at, absences from organization_domains"
        " where id = $1 for update",
        claim_id,
    )
    if row is None:
        return
    now = await tx.now()
    before = Claim(State(row["state"]), row["requested_at"], row["proved_at"], row["absences"])
    after = rules_domains.after(before, answer, now)
    await tx.execute(
        "update organization_domains set state = $2, proved_at = $3, absences = $4, check_due_at = $5, checked_at = $6,"
        " method = coalesce($7, method), finding = $8 where id = $1",
        *(claim_id, after.state.value, after.proved_at, after.absences, after.due_at, now),
        *(answer.method.value if answer.method else None, answer.words),
    )
    if after.state is not before.state:
        if State.VERIFIED in {before.state, after.state}:
            await enter(tx, logged.DOMAINS, claim_id, action=f"domain.{after.state.value}")
        await tx.emit(f"domain.{after.state.value}", f"org_{row['organization_id']}", domain=row["domain"])
        await _follow(tx, row["organization_id"])


async def _follow(tx: Tx, organization_id: UUID) -> None:
    """The organization's standing follows its verified domains, and so do its ties."""
    row = await tx.fetchrow(
        "select verification, domains from organizations where id = $1 for no key update", organization_id
    )
    found = await tx.fetch(
        "select domain from organization_domains where organization_id = $1 and state = 'verified' order by domain",
        organization_id,
    )
    if row is None:
        return
    verified = [record["domain"] for record in found]
    await tx.execute(
        "update organizations set verification = $2, domains = $3 where id = $1",
        *(organization_id, rules_domains.verification(row["verification"], verified_domains=len(verified))),
        [*row["domains"], *(domain for domain in verified if domain not in row["domains"])],
    )
    await enter(tx, logged.ORGANIZATIONS, organization_id, action="organization.domains_followed")
    await events.publish(tx, TiesChanged((organization_id,)))
