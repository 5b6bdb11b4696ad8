"""Enrol learners and find them again; what they allow is in `consents`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.kit.vault import Vault, keep_keys
from countersign.learners import rules

NAME: Final = "learners.full_name"
EMAIL: Final = "learners.email"
AT_ONCE: Final = 1_000
NOWHERE: Final = "ZZ"  # ISO 3166-1 leaves it to its users
ENROL: Final = """
insert into learners (learner_id, id, full_name_sealed, email_sealed, country, region, created_at)
select n.learner_id, n.id, n.name, n.email, n.country, n.region, $1::timestamptz
from unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[], $6::text[], $7::text[])
    n(learner_id, id, name, email, country, region)
"""


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
    key = directory_key(tx.vault, person.email)
    find = "select learner_id from learner_directory where lookup_key = $1"
    known = await tx.fetchval(find, key)
    if known is None:
        await enrol_all(tx, {key: person})
        known = await tx.fetchval(find, key)
    return int(known)


def directory_key(vault: Vault, email: str) -> bytes:
    """The mark by which an address is found again, however it is spelled: nobody guesses addresses from a dump of it.

    Keyed over the SHA-256 of the normalized address, so that marks of older versions could be keyed afterwards.
    """
    return vault.mac("email", rules.lookup_key(email))


async def enrol_all(tx: Tx, people: Mapping[bytes, Person]) -> int:
    """Enrol everybody who is not known yet, by directory key; the number of new learners.

    The caller has checked them. A statement for a thousand (COPY knows no row-level security); names and addresses are
    sealed on the way. Whoever somebody else enrols at the same moment is left to them.
    """
    keys = sorted(people)
    numbers = [r[0] for r in await tx.fetch("select nextval('learner_ids') from generate_series(1, $1)", len(keys))]
    entered = await tx.fetch(
        "insert into learner_directory (lookup_key, learner_id)"
        " select n.lookup_key, n.learner_id from unnest($1::bytea[], $2::bigint[]) n(lookup_key, learner_id)"
        " on conflict (lookup_key) do nothing returning lookup_key, learner_id",
        keys,
        numbers,
    )
    now = await tx.now()
    for start in range(0, len(entered), AT_ONCE):
        some = entered[start : start + AT_ONCE]
        persons = [people[row["lookup_key"]] for row in some]
        keys_made = [tx.vault.new_learner_key(row["learner_id"]) for row in some]
        await tx.execute(
            ENROL,
            now,
            [row["learner_id"] for row in some],
            [new_id() for _ in some],
            [key.seal(NAME, person.full_name.strip()) for (key, _), person in zip(keys_made, persons, strict=True)],
            [key.seal(EMAIL, person.email.strip()) for (key, _), person in zip(keys_made, persons, strict=True)],
            [person.country for person in persons],
            [person.region or None for person in persons],
        )
        wrapped = [wrapped for _, wrapped in keys_made]
        await keep_keys(tx, dict(zip([row["learner_id"] for row in some], wrapped, strict=True)), now)
    return len(entered)


async def marks_of(tx: Tx, learner_ids: Sequence[int]) -> frozenset[bytes]:
    """The marks of every address that leads to these learners, former ones too."""
    rows = await tx.fetch(
        "select lookup_key from learner_directory where learner_id = any($1::bigint[])", list(learner_ids)
    )
    return frozenset(row["lookup_key"] for row in rows)


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


async def claimed(tx: Tx, learner_ids: Iterable[int]) -> set[int]:
    """Which of these records are of somebody with an account, under whatever address they claimed first."""
    rows = await tx.fetch(
        "select l.learner_id from unnest($1::bigint[]) l(learner_id)"
        " left join learner_merges m on m.learner_id = l.learner_id"
        " join account_learners b on b.learner_id = coalesce(m.main_id, l.learner_id)",
        list(learner_ids),
    )
    return {row["learner_id"] for row in rows}


async def erase(tx: Tx, learner_ids: Sequence[int]) -> None:
    """Forget who learners are: names, addresses, where they live, and by which addresses they are found.

    What remains is a number on which awards hang. The caller has authorized and destroys their keys.
    """
    await tx.execute(
        "update learners set full_name_sealed = null, email_sealed = null, region = null, country = $2, erased_at = $3"
        " where learner_id = any($1::bigint[])",
        list(learner_ids),
        NOWHERE,
        await tx.now(),
    )
    await tx.execute("delete from learner_directory where learner_id = any($1::bigint[])", list(learner_ids))
