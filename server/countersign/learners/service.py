"""Enrol learners, and take their consent or its withdrawal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.learners import rules
from countersign.learners.rules import Method, Purpose
from countersign.learners.tables import Consent
from countersign.search import service as search


@dataclass(frozen=True, slots=True)
class Person:
    """Who a learner is, as the school that awards knows it. `country` ISO 3166-1 alpha-2, `region` ISO 3166-2."""

    email: str
    full_name: str
    country: str
    region: str | None = None


async def enrol(tx: Tx, person: Person) -> int:
    """The learner with this e-mail address, made when there is none; what is known of an existing one stays.

    The caller has authority over the award for which the learner is enrolled. Raises Required, Invalid, TooLong.
    """
    rules.check_person(person.email, person.full_name, person.country, person.region)
    key = rules.lookup_key(person.email)
    await enrol_from(
        tx,
        "select $2::bytea as lookup_key, $3::uuid as id, $4::text as email, $5::text as full_name,"
        " $6::text as country, $7::text as region",
        key,
        new_id(),
        person.email.strip(),
        person.full_name.strip(),
        person.country,
        person.region,
    )
    return int(await tx.fetchval("select learner_id from learner_directory where lookup_key = $1", key))


async def enrol_from(tx: Tx, source: str, *args: object) -> int:
    """Enrol every person of a SELECT who is not known yet; the number of new learners.

    `source` answers (lookup_key, id, email, full_name, country, region), checked by the caller; its own parameters
    begin at $2. One statement, however many; the first mention of an address wins.
    """
    made = await tx.fetchval(
        f"""
        with wanted as materialized (
            select distinct on (s.lookup_key) s.lookup_key, s.id, s.email, s.full_name, s.country, s.region
            from ({source}) s
            where not exists (select 1 from learner_directory d where d.lookup_key = s.lookup_key)
            order by s.lookup_key, s.id),
        entered as (
            insert into learner_directory (lookup_key, learner_id)
            select w.lookup_key, nextval('learner_ids') from wanted w
            on conflict (lookup_key) do nothing
            returning lookup_key, learner_id),
        made as (
            insert into learners (learner_id, id, full_name, email, country, region, created_at)
            select e.learner_id, w.id, w.full_name, w.email, w.country, w.region, $1::timestamptz
            from entered e join wanted w using (lookup_key)
            returning learner_id)
        select count(*) from made
        """,
        await tx.now(),
        *args,
    )
    return int(made)


def self_of(actor: Actor, permission: Permission) -> int:
    """The learner who acts for themselves; nobody else may, not even the operator. Raises NotAllowed."""
    access.require(actor, permission)
    if actor.learner_id is None:
        raise NotAllowed(why="Only the learner may do this")
    return actor.learner_id


async def hold(tx: Tx, learner_id: int) -> None:
    """Lock one learner until the end of the transaction, so that consent and awards change one after the other.

    Raises NotFound.
    """
    if await tx.fetchval("select 1 from learners where learner_id = $1 for no key update", learner_id) is None:
        raise NotFound(what="learner")


@dataclass(frozen=True, slots=True)
class StandingConsent:
    """A consent that stands now."""

    id: UUID
    granted_at: datetime
    expires_at: datetime | None


async def standing(tx: Tx, learner_id: int, purpose: Purpose) -> StandingConsent | None:
    """The learner's consent for a purpose that is neither withdrawn nor expired, or None."""
    row = await tx.fetchrow(
        "select id, granted_at, expires_at from consents where learner_id = $1 and purpose = $2"
        " and withdrawn_at is null and (expires_at is null or expires_at > $3) order by granted_at desc limit 1",
        learner_id,
        purpose.value,
        await tx.now(),
    )
    return None if row is None else StandingConsent(row["id"], row["granted_at"], row["expires_at"])


async def grant(tx: Tx, actor: Actor, purpose: Purpose, expires_at: datetime | None = None) -> UUID:
    """The learner allows a purpose, until it is withdrawn or expires: a new row, and the candidate index knows.

    A consent that stands with the same expiry is left as it is; with another expiry it is ended and granted anew.
    The learner's awards are posted by the room above (`awards.consent`). Raises NotAllowed, Invalid.
    """
    learner_id = self_of(actor, Permission.SET_CONSENT)
    now = await tx.now()
    rules.check_expiry(now, expires_at)
    # FOR UPDATE excludes an award that is being issued to this learner (its foreign key holds KEY SHARE): whichever
    # commits first, the other one sees it and the award is posted.
    await tx.execute("select 1 from learners where learner_id = $1 for update", learner_id)
    before = await standing(tx, learner_id, purpose)
    if before is not None and before.expires_at == expires_at:
        return before.id
    await _end(tx, learner_id, purpose, now)
    row = Consent(
        learner_id=learner_id,
        id=new_id(),
        purpose=purpose.value,
        method=Method.PORTAL.value,
        granted_at=now,
        expires_at=expires_at,
    )
    await tx.insert(row)
    await _project(tx, [learner_id])
    return row.id


async def withdraw(tx: Tx, actor: Actor, purpose: Purpose) -> None:
    """The learner takes back what was allowed for a purpose; gone from the candidate index in this transaction.

    Withdrawing what does not stand changes nothing. Raises NotAllowed.
    """
    learner_id = self_of(actor, Permission.SET_CONSENT)
    await tx.execute("select 1 from learners where learner_id = $1 for update", learner_id)
    await _end(tx, learner_id, purpose, await tx.now())
    await search.unproject(tx, [learner_id])


async def _end(tx: Tx, learner_id: int, purpose: Purpose, now: datetime) -> None:
    await tx.execute(
        "update consents set withdrawn_at = $3 where learner_id = $1 and purpose = $2 and withdrawn_at is null"
        " and (expires_at is null or expires_at > $3)",
        learner_id,
        purpose.value,
        now,
    )


@dataclass(frozen=True, slots=True)
class RecordedConsent:
    """A learner's own act, recorded elsewhere: the address under which they acted, and when."""

    email: str
    granted_at: datetime


async def record_consents(tx: Tx, actor: Actor, purpose: Purpose, records: list[RecordedConsent]) -> list[int]:
    """Take consents that learners gave elsewhere and that the operator brings as a file; the learners affected.

    Only the operator may, and the rows say `file`, so that nobody takes them for an act in the portal. A learner who
    ever answered for this purpose (granted or withdrew) is left alone: a file never overrules the learner.
    Raises NotAllowed; NotFound when an address belongs to no learner (nothing is recorded then).
    """
    access.require(actor, Permission.IMPORT)
    keys = [rules.lookup_key(r.email) for r in records]
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
    fresh = [i for i in ids if i not in answered]
    await tx.insert(
        *(
            Consent(learner_id=i, id=new_id(), purpose=purpose.value, method=Method.FILE.value, granted_at=granted[i])
            for i in fresh
        )
    )
    await _project(tx, fresh)
    return fresh


PROJECTED = """
select l.learner_id, l.region, l.country, c.expires_at as consent_expires_at
from learners l
join consents c on c.learner_id = l.learner_id
where c.purpose = 'talent_search' and c.withdrawn_at is null and (c.expires_at is null or c.expires_at > $1)
"""
"""What the candidate index should know of learners at the time $1."""


async def _project(tx: Tx, learner_ids: list[int]) -> None:
    if learner_ids:
        await search.project(tx, f"{PROJECTED} and l.learner_id = any($2::bigint[])", learner_ids)
