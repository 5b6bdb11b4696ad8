"""Awards with links, and people with accounts who try them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from countersign.accounts import service as accounts
from countersign.awards import claims, service
from countersign.awards.claims import ClaimAward, Claimed, MakeClaimLink
from countersign.awards.rules_claims import Factor, FactorKind
from countersign.awards.service import IssueAward, Issued
from countersign.kit.access import Actor, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import Refusal
from countersign.learners.service import Person
from tests.accounts.support import person
from tests.awards.support import ANNA, DAY, Campus

NUMBER = Factor(FactorKind.STUDENT_NUMBER, "S 1001 x")
ANSWER = "s1001X"


async def issued(tx: Tx, here: Campus, who: Person = ANNA, factor: Factor | None = NUMBER) -> Issued:
    """An award with a second factor of the roster."""
    return await service.issue(tx, here.registrar, IssueAward(here.version, who, DAY, factor=factor))


async def link_to(tx: Tx, here: Campus, award: Issued) -> str:
    """The text of a fresh link to an award."""
    made = await claims.make_link(tx, here.registrar, MakeClaimLink(award.learner_id, award.award_id))
    return made.url.partition("#")[2]


@dataclass(frozen=True)
class Claimant:
    """Somebody signed in, acting for nobody."""

    actor: Actor

    @property
    def account(self) -> UUID:
        """The account."""
        assert self.actor.account_id is not None
        return self.actor.account_id


async def claimant(tx: Tx) -> Claimant:
    """Somebody who has just signed in for the first time."""
    who = await person(tx)
    return Claimant(
        Actor(
            person_id=who.account_id,
            account_id=who.account_id,
            login_id=who.opened.login_id,
            authenticated_at=await tx.now(),
            scopes=frozenset(Scope),
        )
    )


def later(tx: Tx, clock: FrozenClock, by: timedelta) -> Tx:
    """The same transaction, some time later: its moment is fixed when it is first asked for."""
    clock.move(by)
    return Tx(tx.connection, clock, tx.vault)


async def attempt(tx: Tx, who: Claimant, link: str, answer: str = ANSWER) -> Claimed | type[Refusal]:
    """What came of one attempt, as `kit/commands` runs it: a lasting refusal keeps what was written."""
    try:
        async with tx.savepoint():
            try:
                return await claims.claim(tx, who.actor, ClaimAward(link, answer))
            except Refusal as refusal:
                if not refusal.lasting:
                    raise
                return type(refusal)
    except Refusal as refusal:
        return type(refusal)


async def posted(tx: Tx) -> set[tuple[int, UUID]]:
    """Which awards are found, under which learner."""
    return {
        (r["learner_id"], r["award_id"]) for r in await tx.fetch("select learner_id, award_id from candidate_award")
    }


async def learner_of(tx: Tx, who: Claimant) -> int | None:
    """The learner that somebody's account is."""
    return await accounts.learner_of(tx, who.account)
