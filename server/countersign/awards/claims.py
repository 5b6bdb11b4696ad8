"""Who may call an award theirs: a link made for that award, and what the school's roster knows beside the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from countersign.accounts import service as accounts
from countersign.awards import rules_claims as rules
from countersign.awards.factors import keep_factor, mark
from countersign.awards.rules import REVOCABLE, AwardState
from countersign.awards.rules_claims import Factor
from countersign.awards.service import POSTED
from countersign.awards.tables import ClaimLink
from countersign.endorsements import service as endorsements
from countersign.kit import access, records
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound
from countersign.learners import identities
from countersign.organizations import tokens
from countersign.search import service as search


@dataclass(frozen=True, slots=True)
class MakeClaimLink:
    """For which award; the roster's second factor where the award has none yet, or another one."""

    learner_id: int
    award_id: UUID
    factor: Factor | None = None


@dataclass(frozen=True, slots=True)
class MadeLink:
    """The address to hand to the learner, the only time it is seen, and until when it works."""

    url: str
    expires_at: datetime


async def make_link(tx: Tx, actor: Actor, command: MakeClaimLink) -> MadeLink:
    """A one-time link to an award of the school's own, for 14 days; one that was made before ends.

    Raises NotAllowed, NotFound (foreign and missing look the same), InvalidState (revoked, claimed),
    Invalid, NoFactor.
    """
    access.require(actor, Permission.ISSUE_AWARD)
    row = await tx.fetchrow(
        "select organization_id, state, claimed_at from awards where learner_id = $1 and id = $2 for update",
        command.learner_id,
        command.award_id,
    )
    if row is None:
        raise NotFound(what="award", path=("awardId",))
    access.require(actor, Permission.ISSUE_AWARD, owner=row["organization_id"], hidden="award")
    _check_claimable(AwardState(row["state"]), claimed=row["claimed_at"] is not None)
    if command.factor is not None:
        await keep_factor(tx, command.learner_id, command.award_id, command.factor)
    elif not await tx.fetchval(
        "select true from claim_factors where learner_id = $1 and award_id = $2", command.learner_id, command.award_id
    ):
        raise rules.NoFactor(path=("factor",))
    now, link = await tx.now(), rules.new_link()
    await tx.execute(
        "update claim_links set withdrawn_at = $3 where learner_id = $1 and award_id = $2"
        " and used_at is null and withdrawn_at is null",
        command.learner_id,
        command.award_id,
        now,
    )
    expires_at = now + rules.LIFE
    await tx.insert(
        ClaimLink(
            sha256=rules.link_digest(link),
            learner_id=command.learner_id,
            award_id=command.award_id,
            attempts=0,
            created_at=now,
            expires_at=expires_at,
        )
    )
    # In the fragment, which browsers send to nobody: the link stands in no log and no Referer.
    return MadeLink(f"{await endorsements.public_origin(tx)}/claim#{link}", expires_at)


def _check_claimable(state: AwardState, *, claimed: bool) -> None:
    if state not in REVOCABLE:
        raise InvalidState(what="award", state=state.value, verb="claiming", needed="issued or suspended")
    if claimed:
        raise InvalidState(what="award", state="claimed", verb="a claim link", needed="unclaimed")


@dataclass(frozen=True, slots=True)
class ClaimAward:
    """The link's text (what follows `#`), and the answer to what the school's roster knows."""

    link: str
    answer: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """The learner whom the account is from now on, and the award (under the number that its id carries)."""

    learner_id: int
    award_learner_id: int
    award_id: UUID


async def claim(tx: Tx, actor: Actor, command: ClaimAward) -> Claimed:
    """Let the signed-in account be the learner of an award, once link and answer agree.

    An attempt is counted before it is judged: five for a link, twenty in vain a day for an account, however many come
    at once. The first claim of a learner ends consents that came otherwise and tokens, and holds back the learner's
    other awards until each is claimed by its own link. An account that is a learner already has the other record merged
    into its own; consents of both end. Raises NotAllowed; ClaimFailed, the same for every reason; HeldByAnother.
    """
    access.require(actor, Permission.CLAIM_AWARD)
    account = actor.account_id
    if account is None:
        raise NotAllowed(why=access.explain(Permission.CLAIM_AWARD))
    now = await tx.now()
    # The account's row first: its attempts come one after the other, whatever links they try.
    tries = await tx.fetchval(
        "insert into claim_failures (account_id, day, tries) values ($1, $2, 1)"
        " on conflict (account_id, day) do update set tries = claim_failures.tries + 1 returning tries",
        account,
        now.date(),
    )
    link = await _tried(tx, rules.link_digest(command.link))
    answered = mark(tx, link["salt"] if link else bytes(rules.SALT), command.answer)
    if link is None or tries > rules.ATTEMPTS_A_DAY or not rules.opens(now, _attempt(link, answered)):
        raise rules.ClaimFailed
    await tx.execute(
        "update claim_failures set tries = tries - 1 where account_id = $1 and day = $2", account, now.date()
    )
    await tx.execute("update claim_links set used_at = $2 where sha256 = $1", link["sha256"], now)
    learner_id = await _belong(tx, account, link["learner_id"], link["award_id"])
    return Claimed(learner_id, link["learner_id"], link["award_id"])


async def _tried(tx: Tx, digest: bytes) -> asyncpg.Record | None:
    """The link with everything that decides, locked and its attempt counted; None when there is none."""
    if not await tx.execute("update claim_links set attempts = attempts + 1 where sha256 = $1", digest):
        return None
    return await tx.fetchrow(
        """
        select k.sha256, k.learner_id, k.award_id, k.attempts - 1 as attempts, k.expires_at, k.used_at, k.withdrawn_at,
               f.salt, f.mark, a.state
        from claim_links k
        join claim_factors f on f.learner_id = k.learner_id and f.award_id = k.award_id
        join awards a on a.learner_id = k.learner_id and a.id = k.award_id
        where k.sha256 = $1
        """,
        digest,
    )


def _attempt(link: asyncpg.Record, answered: bytes) -> rules.Try:
    return rules.Try(
        expires_at=link["expires_at"],
        used=link["used_at"] is not None,
        withdrawn=link["withdrawn_at"] is not None,
        attempts=link["attempts"],
        award=AwardState(link["state"]),
        expected=link["mark"],
        given=answered,
    )


async def _belong(tx: Tx, account: UUID, learner_id: int, award_id: UUID) -> int:
    """Bind or merge, and let the award show; the learner whom the account is."""
    record = await records.main_of(tx, learner_id)
    mine = await accounts.learner_of(tx, account)
    held = await accounts.account_of_learner(tx, record)
    if held not in {None, account}:
        raise rules.HeldByAnother
    await identities.hold_all(tx, [record] if mine is None else [record, mine])
    if held is None:
        everyone = await records.all_of(tx, record)
        await _hold_back(tx, everyone)
        # What the operator gave out for the record before it was known whose it is.
        await tokens.end_of_learners(tx, everyone)
        await identities.take_over(tx, account, record, mine)
    main = mine or record
    await tx.execute(
        "update awards set held_back = false, claimed_at = $3 where learner_id = $1 and id = $2",
        learner_id,
        award_id,
        await tx.now(),
    )
    await search.post_awards(tx, f"{POSTED} and a.learner_id = $1 and a.id = $2", learner_id, award_id)
    await tx.emit("award.claimed", f"award:{award_id}")
    return main


async def _hold_back(tx: Tx, learner_ids: list[int]) -> None:
    await tx.execute(
        "update awards set held_back = true where learner_id = any($1::bigint[]) and claimed_at is null", learner_ids
    )


async def forget(tx: Tx, learner_ids: list[int]) -> None:
    """Delete what was kept so that these learners could claim: links, and the roster's facts (for an erasure)."""
    for table in ("claim_links", "claim_factors"):
        await tx.execute(f"delete from {table} where learner_id = any($1::bigint[])", learner_ids)
