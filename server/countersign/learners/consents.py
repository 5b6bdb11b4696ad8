"""What learners allow and take back: a row for each purpose, on the text that was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.kit import access
from countersign.kit.access import Actor, OrganizationKind, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.learners import rules, texts
from countersign.learners.rules import Method, Purpose
from countersign.learners.service import claimed, directory_key, self_of
from countersign.learners.tables import Consent
from countersign.search import service as search

CONTACTING = (OrganizationKind.EMPLOYER.value, OrganizationKind.AGENCY.value)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a learner allows: for which purpose, whom (`contact_by` alone), until when, on which text.

    `text_version` None means the text in force.
    """

    purpose: Purpose
    expires_at: datetime | None = None
    organization_id: UUID | None = None
    text_version: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class StandingConsent:
    """A consent that stands now."""

    id: UUID
    granted_at: datetime
    expires_at: datetime | None
    text_version: str | None
    language: str | None


_OPEN = """learner_id = $1 and purpose = $2 and organization_id is not distinct from $3
    and withdrawn_at is null and (expires_at is null or expires_at > $4)"""


async def standing(
    tx: Tx, learner_id: int, purpose: Purpose, organization_id: UUID | None = None
) -> StandingConsent | None:
    """The learner's consent for a purpose that is neither withdrawn nor expired, or None."""
    row = await tx.fetchrow(
        f"select id, granted_at, expires_at, text_version, language from consents where {_OPEN}"
        " order by granted_at desc limit 1",
        learner_id,
        purpose.value,
        organization_id,
        await tx.now(),
    )
    return None if row is None else StandingConsent(**row)


async def grant(tx: Tx, actor: Actor, wanted: Grant) -> UUID:
    """The learner allows a purpose, until it is withdrawn or expires: a new row, and the candidate index knows.

    A consent that stands with the same expiry and text is left as it is; with another one it is ended and granted
    anew. The learner's awards are posted by the room above (`awards.consent`). Raises NotAllowed, Required, Invalid,
    NotFound (organization), TextNotInForce.
    """
    learner_id = self_of(actor, Permission.SET_CONSENT)
    now = await tx.now()
    rules.check_expiry(now, wanted.expires_at)
    rules.check_addressee(wanted.purpose, wanted.organization_id)
    text = texts.agreed_to(wanted.purpose, wanted.text_version, wanted.language)
    if wanted.organization_id is not None:
        await _check_contacting(tx, wanted.organization_id)
    # FOR UPDATE excludes an award that is being issued to this learner (its foreign key holds KEY SHARE): whichever
    # commits first, the other one sees it and the award is posted.
    await tx.execute("select 1 from learners where learner_id = $1 for update", learner_id)
    before = await standing(tx, learner_id, wanted.purpose, wanted.organization_id)
    asked = (wanted.expires_at, text.version, text.language)
    if before is not None and (before.expires_at, before.text_version, before.language) == asked:
        return before.id
    await _end(tx, learner_id, wanted.purpose, wanted.organization_id)
    row = Consent(
        learner_id=learner_id,
        id=new_id(),
        purpose=wanted.purpose.value,
        organization_id=wanted.organization_id,
        text_version=text.version,
        language=text.language,
        method=Method.PORTAL.value,
        granted_at=now,
        expires_at=wanted.expires_at,
    )
    await tx.insert(row)
    if wanted.purpose is Purpose.TALENT_SEARCH:
        await project(tx, [learner_id])
        if before is not None and wanted.expires_at is not None:
            await search.leave_at(tx, [learner_id], wanted.expires_at)
    return row.id


async def withdraw(tx: Tx, actor: Actor, purpose: Purpose, organization_id: UUID | None = None) -> None:
    """The learner takes back what was allowed for a purpose; gone from the candidate index in this transaction.

    Withdrawing what does not stand changes nothing, and nothing withdrawn stands again. Raises NotAllowed, Required,
    Invalid.
    """
    learner_id = self_of(actor, Permission.SET_CONSENT)
    rules.check_addressee(purpose, organization_id)
    await tx.execute("select 1 from learners where learner_id = $1 for update", learner_id)
    await _end(tx, learner_id, purpose, organization_id)
    if purpose is Purpose.TALENT_SEARCH:
        await search.unproject(tx, [learner_id])


async def _check_contacting(tx: Tx, organization_id: UUID) -> None:
    kind = await tx.fetchval("select kind from organizations where id = $1", organization_id)
    if kind not in CONTACTING:
        raise NotFound(what="employer or agency", path=("organizationId",))


async def _end(tx: Tx, learner_id: int, purpose: Purpose, organization_id: UUID | None) -> None:
    await tx.execute(
        f"update consents set withdrawn_at = $4 where {_OPEN}",
        learner_id,
        purpose.value,
        organization_id,
        await tx.now(),
    )


@dataclass(frozen=True, slots=True)
class RecordedConsent:
    """A learner's own act, recorded elsewhere: the address under which they acted, and when."""

    email: str
    granted_at: datetime


async def record_consents(tx: Tx, actor: Actor, purpose: Purpose, records: list[RecordedConsent]) -> list[int]:
    """Take consents that learners gave elsewhere and that the operator brings as a file; the learners affected.

    Only the operator may, and the rows say `file`, so that nobody takes them for an act in the portal. A learner who
    ever answered for this purpose (granted or withdrew) is left alone, and so is everyone with an account, who speaks
    for themselves under all of their addresses: a file never overrules the learner.
    Raises NotAllowed; NotFound when an address belongs to no learner (nothing is recorded then).
    """
    access.require(actor, Permission.IMPORT)
    keys = [directory_key(tx.vault, r.email) for r in records]
    known = {
        r["lookup_key"]: r["learner_id"]
        for r in await tx.fetch(
            "select lookup_key, learner_id from learner_directory where lookup_key = any($1::bytea[])", keys
        )
    }
    if any(key not in known for key in keys):
        raise NotFound(what="learner of every line")
    granted = {known[key]: record.granted_at for key, record in zip(keys, records, strict=True)}
    ids = sorted(granted)
    await tx.execute("select 1 from learners where learner_id = any($1::bigint[]) order by learner_id for update", ids)
    answered = {
        r["learner_id"]
        for r in await tx.fetch(
            "select distinct learner_id from consents where learner_id = any($1::bigint[]) and purpose = $2",
            ids,
            purpose.value,
        )
    }
    fresh = [i for i in ids if i not in answered | await claimed(tx, ids)]
    await tx.insert(
        *(
            Consent(learner_id=i, id=new_id(), purpose=purpose.value, method=Method.FILE.value, granted_at=granted[i])
            for i in fresh
        )
    )
    await project(tx, fresh)
    return fresh


PROJECTED = """
select l.learner_id, l.region, l.country, c.expires_at as consent_expires_at
from learners l
join consents c on c.learner_id = l.learner_id
where c.purpose = 'talent_search' and c.withdrawn_at is null and (c.expires_at is null or c.expires_at > $1)
"""
"""What the candidate index should know of learners at the time $1."""


async def project(tx: Tx, learner_ids: list[int]) -> None:
    """Bring the candidate index up to date for learners whose consent to be found stands; others are passed over."""
    if learner_ids:
        await search.project(tx, f"{PROJECTED} and l.learner_id = any($2::bigint[])", learner_ids)
