"""A learner takes a copy of everything that is kept of them, or has themselves erased."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final
from uuid import UUID

from countersign.accounts import service as accounts
from countersign.awards import claims, credentials
from countersign.bulk import service as bulk
from countersign.kit import events, records
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotFound
from countersign.kit.ids import new_id
from countersign.kit.vault import destroy_keys, key_of
from countersign.learners import identities
from countersign.learners import service as learners
from countersign.organizations import tokens
from countersign.privacy import gathering, rules
from countersign.privacy.events import LearnersErased
from countersign.privacy.tables import DataCopy

ARCHIVE: Final = "data_copies.archive"


class TooManyCopies(Conflict):
    """There are several copies of today already; fetch one of them, or come tomorrow."""


class AlreadyErased(Conflict):
    """You are erased already."""


async def make_copy(tx: Tx, actor: Actor, *, credentials: bool = True) -> tuple[int, UUID]:
    """Make a copy of everything that is kept of the learner who asks; their number and the copy's id.

    All records of the person are in it; `credentials` says whether signed ones are files of their own besides. It is
    sealed, and goes after a day. Raises NotAllowed, TooManyCopies.
    """
    learner_id = learners.self_of(actor, Permission.EXPORT_MY_DATA)
    await learners.hold(tx, learner_id)
    now = await tx.now()
    kept = await tx.fetchval(
        "select count(*) from data_copies where learner_id = $1 and expires_at > $2", learner_id, now
    )
    if kept >= rules.MOST_COPIES:
        raise TooManyCopies
    key = await key_of(tx, learner_id)
    if key is None:
        raise NotFound(what="learner")
    found = await gathering.gather(tx, await records.all_of(tx, learner_id))
    facts: dict[str, Any] = {
        "madeAt": now.isoformat(),
        "tables": found,
        "organizations": await gathering.organizations(tx, found),
    }
    signed = {row["id"]: row["credential"] for row in found["awards"] if credentials and row["credential"] is not None}
    data = await asyncio.to_thread(gathering.archive, facts, signed)
    row = DataCopy(
        learner_id=learner_id,
        id=new_id(),
        made_at=now,
        expires_at=now + rules.COPY_LIFE,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        archive_sealed=key.seal(ARCHIVE, data),
    )
    await tx.insert(row)
    return learner_id, row.id


async def erase(tx: Tx, actor: Actor, confirmation: str) -> int:
    """Erase the learner who asks, with every record of theirs; their number. Nobody can undo it.

    Their keys are destroyed, with them whatever was sealed; the directory forgets them, the candidate index drops them,
    consents end, tokens and sign-ins end, files that schools of theirs sent or made go, and what any other organization
    sent that names an address of theirs. Awards keep their status and their place in the log, whose salts go: a
    credential that somebody kept is matched with no leaf.

    Raises NotAllowed, Invalid.
    """
    learner_id = learners.self_of(actor, Permission.ERASE_ME)
    rules.check_confirmation(confirmation)
    everyone = sorted(await records.all_of(tx, learner_id))
    await identities.hold_all(tx, everyone)
    if await key_of(tx, learner_id) is None:
        raise AlreadyErased
    schools = [
        row["organization_id"]
        for row in await tx.fetch(
            "select distinct organization_id from awards where learner_id = any($1::bigint[])", everyone
        )
    ]
    marks = await learners.marks_of(tx, everyone)
    for number in everyone:
        account = await accounts.account_of_learner(tx, number)
        if account is not None:
            await accounts.end_all_logins(tx, account)
    await tokens.end_of_learners(tx, everyone)
    await identities.end_all(tx, everyone)
    await claims.forget(tx, everyone)
    await credentials.erase(tx, everyone)
    await identities.forget(tx, everyone)
    await learners.erase(tx, everyone)
    await bulk.forget(tx, schools, marks)
    await tx.execute("delete from data_copies where learner_id = any($1::bigint[])", everyone)
    await events.publish(tx, LearnersErased(tuple(everyone)))
    await destroy_keys(tx, everyone)
    return learner_id
