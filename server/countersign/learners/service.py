"""Enrol learners and find them again; what they allow is in `consents`."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.learners import rules


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
