"""One person with several records: an address each, found by one account, moved nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from countersign.accounts import service as accounts
from countersign.kit import vault
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotAllowed, NotFound
from countersign.kit.records import all_of, merge, part
from countersign.learners import consents, rules
from countersign.learners.service import EMAIL, claimed, directory_key, self_of
from countersign.search import service as search


class AddressNotProven(NotAllowed):
    """Sign in with a provider that vouches for this address, then change it to that one."""


class AddressKnown(Conflict):
    """Awards were sent to this address; claim one of them, and the address comes with it."""


async def hold_all(tx: Tx, learner_ids: Iterable[int]) -> None:
    """Lock records until the end of the transaction, one at a time in order: no award, consent or merge meanwhile."""
    for number in sorted(set(learner_ids)):
        await tx.execute("select 1 from learners where learner_id = $1 for update", number)


async def take_over(tx: Tx, account: UUID, record: int, mine: int | None) -> None:
    """Let an account be the person of a record that nobody holds, or merge the record into the one that it holds.

    Every consent of either ends: nobody is found by a word that was given before it was known who they are. The caller
    holds the records and has judged the claim.
    """
    await end_all(tx, await all_of(tx, record))
    if mine is None:
        await accounts.bind_learner(tx, account, record)
        return
    await end_all(tx, [mine])
    await merge(tx, record, mine)


async def end_all(tx: Tx, learner_ids: list[int]) -> None:
    """End every consent that stands, for every purpose; out of the candidate index at once."""
    await tx.execute(
        "update consents set withdrawn_at = $2 where learner_id = any($1::bigint[]) and withdrawn_at is null"
        " and (expires_at is null or expires_at > $2)",
        learner_ids,
        await tx.now(),
    )
    await search.unproject(tx, learner_ids)


async def correct_residence(tx: Tx, actor: Actor, country: str, region: str | None) -> int:
    """The learner says where they live; who searches finds them there at once. The learner's number.

    `country` ISO 3166-1 alpha-2, `region` ISO 3166-2 or None. No file of a school changes it again. Raises NotAllowed,
    Invalid.
    """
    learner_id = self_of(actor, Permission.CORRECT_RESIDENCE)
    rules.check_residence(country, region)
    await tx.execute("update learners set country = $2, region = $3 where learner_id = $1", learner_id, country, region)
    await consents.project(tx, [learner_id])
    return learner_id


async def change_email(tx: Tx, actor: Actor, email: str) -> int:
    """Let the learner be found under another address, for which their provider vouched at this sign-in.

    The former address goes on leading to them: what schools send there is not lost. Raises NotAllowed, Invalid,
    AddressNotProven, AddressKnown.
    """
    learner_id = self_of(actor, Permission.CHANGE_EMAIL)
    rules.check_email(email)
    vouched = None if actor.login_id is None else await accounts.vouched_address_key(tx, actor.login_id)
    if vouched != rules.lookup_key(email):
        raise AddressNotProven(path=("email",))
    await hold_all(tx, [learner_id])
    await tx.execute(
        "insert into learner_directory (lookup_key, learner_id) values ($1, $2) on conflict (lookup_key) do nothing",
        directory_key(tx.vault, email),
        learner_id,
    )
    found = await tx.fetchval(
        "select learner_id from learner_directory where lookup_key = $1", directory_key(tx.vault, email)
    )
    if found not in await all_of(tx, learner_id):
        raise AddressKnown(path=("email",))
    key = await vault.key_of(tx, learner_id)
    if key is None:
        raise NotFound(what="learner")
    await tx.execute(
        "update learners set email_sealed = $2 where learner_id = $1", learner_id, key.seal(EMAIL, email.strip())
    )
    return learner_id


async def awaited(tx: Tx, learner_ids: Iterable[int]) -> set[int]:
    """Of which of these learners a new award waits for its own claim: of those who have an account.

    Locks them all against being claimed until the awards are there.
    """
    numbers = sorted(learner_ids)
    await tx.execute(
        "select 1 from learners where learner_id = any($1::bigint[]) order by learner_id for key share", numbers
    )
    return await claimed(tx, numbers)


async def forget(tx: Tx, learner_ids: Iterable[int]) -> None:
    """Let the accounts of these records be nobody's learner again (for an erasure); their sockets end."""
    numbers = list(learner_ids)
    for number in numbers:
        await accounts.unbind_learner(tx, number)
    await part(tx, numbers)
