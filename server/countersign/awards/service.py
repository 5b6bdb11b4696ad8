"""Issue and revoke awards one by one, and check the candidate index against them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from countersign.awards import credentials, rules
from countersign.awards.factors import keep_factor
from countersign.awards.rules import AwardState, Mode
from countersign.awards.rules_claims import Factor
from countersign.awards.tables import Award
from countersign.kit import access, records, vault
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotFound
from countersign.kit.ids import new_id
from countersign.learners import consents, identities
from countersign.learners import service as learners
from countersign.learners.service import Person
from countersign.log.sources import enter
from countersign.search import service as search
from countersign.specs import rules as spec_rules
from countersign.specs import service as specs
from countersign.trust import service as trust

HOLDER: Final = "awards.holder_name"
REASON: Final = "awards.revocation_reason"

POSTED = """
select coalesce(m.main_id, a.learner_id) as learner_id, a.id as award_id, a.spec_version_id, v.spec_id, a.awarded_on
from awards a
left join learner_merges m on m.learner_id = a.learner_id
join spec_versions v on v.id = a.spec_version_id
where a.state = 'issued' and not a.held_back
"""
"""What the candidate index should know of awards, for learners who may be found: under the person's main record."""


@dataclass(frozen=True, slots=True)
class IssueAward:
    """Award a version to a learner, known by e-mail address; `awarded_on` is the day it was earned."""

    spec_version_id: UUID
    person: Person
    awarded_on: date
    mode: Mode = Mode.STUDY
    factor: Factor | None = None
    """What the school's roster knows beside the address; who claims the award must know it too."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An award and its learner."""

    learner_id: int
    award_id: UUID


async def issue(tx: Tx, actor: Actor, command: IssueAward) -> Issued:
    """Award a version of the school's own to a learner, who is enrolled when unknown; posted when they may be found.

    Published versions and deprecated ones (teach-out) can be awarded. The unsigned credential is stored here; the
    signature follows (`credentials.sign`). Raises NotAllowed, NotFound, InvalidState, AlreadyHolds, and what
    `learners.enrol` and `rules.check_awarded_on` raise.
    """
    access.require(actor, Permission.ISSUE_AWARD)
    version = await specs.lock_version(tx, command.spec_version_id)
    if version is None:
        raise NotFound(what="spec version", path=("specVersionId",))
    hidden = None if spec_rules.public(version.state) else "spec version"
    access.require(actor, Permission.ISSUE_AWARD, owner=version.organization_id, hidden=hidden)
    if not spec_rules.awardable(version.state):
        raise InvalidState(
            what="spec version",
            state=version.state.value,
            verb="awarding it",
            needed="published or deprecated",
            path=("specVersionId",),
        )
    now = await tx.now()
    rules.check_awarded_on(command.awarded_on, now.date())
    # The status list is a reference table: written before the learner's rows.
    slot = await credentials.status_slot(tx, version.organization_id)
    learner_id = await learners.enrol(tx, command.person)
    key = await vault.key_of(tx, learner_id)
    if key is None:
        raise NotFound(what="learner", path=("email",))
    row = Award(
        learner_id=learner_id,
        id=new_id(),
        spec_version_id=version.id,
        organization_id=version.organization_id,
        holder_name_sealed=key.seal(HOLDER, command.person.full_name.strip()),
        state=AwardState.ISSUED.value,
        mode=command.mode.value,
        awarded_on=command.awarded_on,
        issued_at=now,
        held_back=bool(await identities.awaited(tx, [learner_id])),
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise rules.AlreadyHolds(path=("email",)) from None
    if command.factor is not None:
        await keep_factor(tx, learner_id, row.id, command.factor)
    await credentials.store_unsigned(tx, learner_id, row.id, slot)
    await search.post_awards(tx, f"{POSTED} and a.learner_id = $1 and a.id = $2", learner_id, row.id)
    await tx.emit("award.issued", f"award:{row.id}")
    return Issued(learner_id, row.id)


@dataclass(frozen=True, slots=True)
class RevokeAward:
    """Withdraw the validity of an award, with the reason."""

    learner_id: int
    award_id: UUID
    reason: str


async def revoke(tx: Tx, actor: Actor, command: RevokeAward) -> Issued:
    """Revoke an award of the school's own: its status bit and the candidate index change in this transaction.

    Raises NotAllowed, NotFound (foreign and missing look the same), InvalidState, Required, TooLong.
    """
    access.require(actor, Permission.REVOKE_AWARD)
    owner = await tx.fetchval(
        "select organization_id from awards where learner_id = $1 and id = $2", command.learner_id, command.award_id
    )
    if owner is None:
        raise NotFound(what="award", path=("awardId",))
    access.require(actor, Permission.REVOKE_AWARD, owner=owner, hidden="award")
    await learners.hold(tx, command.learner_id)
    row = await tx.fetchrow(
        "select state, status_list_id, status_index from awards where learner_id = $1 and id = $2 for update",
        command.learner_id,
        command.award_id,
    )
    if row is None:
        raise NotFound(what="award", path=("awardId",))
    rules.check_revocation(AwardState(row["state"]), command.reason)
    # The reason is for the learner; of one who was erased there is nobody to read it.
    key = await vault.key_of(tx, command.learner_id)
    await tx.execute(
        "update awards set state = 'revoked', revoked_at = $3, revocation_reason_sealed = $4"
        " where learner_id = $1 and id = $2",
        command.learner_id,
        command.award_id,
        await tx.now(),
        None if key is None else key.seal(REASON, command.reason.strip()),
    )
    if row["status_index"] is not None:
        await trust.revoke(tx, row["status_list_id"], row["status_index"])
    await enter(tx, credentials.LOGGED, command.learner_id, command.award_id, action="award.revoked")
    await search.unpost_award(tx, await records.main_of(tx, command.learner_id), command.award_id)
    await tx.emit("award.revoked", f"award:{command.award_id}")
    return Issued(command.learner_id, command.award_id)


async def check_index(tx: Tx) -> search.Drift:
    """Recompute the candidate index from consents and awards and compare (for `doctor`)."""
    return await search.compare(tx, consents.PROJECTED, POSTED)
