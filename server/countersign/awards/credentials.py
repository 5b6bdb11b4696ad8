"""The credential of an award: first the unsigned document is stored, then exactly those bytes are signed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from countersign.awards.rules import AwardState, read_route
from countersign.awards.views import AWARD
from countersign.endorsements import service as endorsements
from countersign.kit import audit, vault
from countersign.kit.access import ANONYMOUS
from countersign.kit.db import Database, Reader, Tx
from countersign.kit.ids import Sealer
from countersign.kit.vault import Key
from countersign.learners import service as learners
from countersign.log import sources
from countersign.log.sources import Source, enter
from countersign.trust import documents
from countersign.trust import service as trust
from countersign.trust.addresses import Addresses
from countersign.trust.signer import Signer

TAG: Final = AWARD.tag
DOCUMENT: Final = "awards.document"
CREDENTIAL: Final = "awards.credential"

FACTS: Final = """
select a.state, a.awarded_on, a.issued_at, a.organization_id, a.spec_version_id, a.document is not null as stored,
       a.credential is not null as signed, l.email_sealed, o.handle, o.display_name, v.achievement
from awards a
join learners l on l.learner_id = a.learner_id
join organizations o on o.id = a.organization_id
join spec_versions v on v.id = a.spec_version_id
where a.learner_id = $1 and a.id = $2
for update of a
"""


LOGGED: Final = Source(
    kind="award",
    subject="award:{1}",
    sql="""
        select 'award:' || a.id as subject, a.organization_id, null::bytea as content, row(
            a.learner_id, a.id, a.spec_version_id, a.organization_id, a.state, a.mode, a.awarded_on, a.issued_at,
            a.import_id, a.document, a.credential, a.status_list_id, a.status_index, a.signed_at, a.revoked_at,
            a.revocation_reason_sealed
        )::text as facts
        from awards a where (a.signed_at is not null or a.revoked_at is not null)""",
    key="a.learner_id = $1 and a.id = $2",
    types=("bigint", "uuid"),
)
"""What the log covers of an award that was signed or revoked: as it is sealed, so that erasure breaks no proof."""


async def erase(tx: Tx, learner_ids: Sequence[int]) -> None:
    """Let the log say of the signed awards of these learners that they were erased, and match nothing any more."""
    rows = await tx.fetch(
        "select learner_id, id from awards where learner_id = any($1::bigint[])"
        " and (signed_at is not null or revoked_at is not null) order by learner_id, id",
        list(learner_ids),
    )
    for row in rows:
        await sources.erase(tx, LOGGED, row["learner_id"], row["id"])


class Erased(Exception):
    """The learner was erased: nobody can read what was kept of this award any more."""


async def status_slot(tx: Tx, organization_id: UUID) -> trust.Slot:
    """A place in the organization's list of revoked awards."""
    (slot,) = await trust.allocate(tx, Addresses(await endorsements.public_origin(tx)), organization_id)
    return slot


async def store_unsigned(tx: Tx, learner_id: int, award_id: UUID, slot: trust.Slot | None = None) -> bool:
    """Store the unsigned credential of a valid award that has none, with its place in the status list.

    It embeds the signed endorsements of the version that are live now, verbatim, and the frozen achievement. True when
    the award may be signed afterwards; False when it is missing or not valid.
    Raises Erased.
    """
    row = await tx.fetchrow(FACTS, learner_id, award_id)
    if row is None or row["state"] != AwardState.ISSUED.value:
        return False
    if row["stored"]:
        return True
    key = await _key(tx, learner_id)
    place = slot or await status_slot(tx, row["organization_id"])
    document = documents.award_credential(
        Addresses(await endorsements.public_origin(tx)),
        documents.Award(
            id=award_id,
            school=documents.Party(row["handle"], row["display_name"]),
            achievement=row["achievement"],
            endorsements=tuple(await endorsements.live_credentials(tx, row["spec_version_id"])),
            recipient=documents.Recipient(
                key.open(learners.EMAIL, row["email_sealed"]).decode(), secrets.token_urlsafe(16)
            ),
            awarded_at=datetime.combine(row["awarded_on"], time(), UTC),
            valid_from=row["issued_at"],
            status=place.status,
        ),
    )
    await tx.execute(
        "update awards set document = $3, status_list_id = $4, status_index = $5"
        " where learner_id = $1 and id = $2 and document is null",
        learner_id,
        award_id,
        key.seal(DOCUMENT, document),
        place.list_id,
        place.index,
    )
    return True


async def sign(db: Database, signer: Signer, learner_id: int, award_id: UUID) -> bytes | None:
    """The signed credential of a valid award; signed now when it was not, in a transaction after the one that stored.

    None for an award that is missing or not valid and was never signed. A signed one is served whatever became of it:
    verifiers read its status; but one whose key was lost is signed anew while the award is valid. Raises Erased: then
    the holder's own copy is the only one, as valid as ever.
    """
    kept = await _kept(db, learner_id, award_id)
    if kept is not None:
        async with db.reader() as reader:
            if not await _key_is_lost(reader, learner_id, award_id, kept):
                return kept
    async with db.writer() as tx:
        if not await store_unsigned(tx, learner_id, award_id):
            return None
    async with db.writer() as tx:
        row = await tx.fetchrow(
            "select state, organization_id, document, credential from awards"
            " where learner_id = $1 and id = $2 for update",
            learner_id,
            award_id,
        )
        if row is None or (row["credential"] is None and row["state"] != AwardState.ISSUED.value):
            return None
        key = await _key(tx, learner_id)
        if row["credential"] is not None:
            signed = key.open(CREDENTIAL, row["credential"])
            if row["state"] != AwardState.ISSUED.value or not await _key_is_lost(tx, learner_id, award_id, signed):
                return signed
        credential = await signer.sign(tx, row["organization_id"], key.open(DOCUMENT, row["document"]))
        await tx.execute(
            "update awards set credential = $3, signed_at = $4 where learner_id = $1 and id = $2",
            learner_id,
            award_id,
            key.seal(CREDENTIAL, credential),
            await tx.now(),
        )
        await enter(tx, LOGGED, learner_id, award_id, action="award.signed", content=credential)
        return credential


async def _key_is_lost(reader: Reader, learner_id: int, award_id: UUID, credential: bytes) -> bool:
    """Whether the key that signed it was compromised since: then no verifier believes it, and it is signed anew."""
    name = json.loads(credential)["proof"]["verificationMethod"].rpartition("#")[2]
    return bool(
        await reader.fetchval(
            "select true from awards a join signing_keys k on k.organization_id = a.organization_id"
            " where a.learner_id = $1 and a.id = $2 and k.name = $3 and k.compromised_at is not null limit 1",
            *(learner_id, award_id, name),
        )
    )


async def _kept(db: Database, learner_id: int, award_id: UUID) -> bytes | None:
    async with db.reader() as reader:
        row = await reader.fetchrow(
            "select a.credential, k.wrapped from awards a left join learner_keys k on k.learner_id = a.learner_id"
            " where a.learner_id = $1 and a.id = $2 and a.credential is not null",
            learner_id,
            award_id,
        )
    if row is None:
        return None
    if row["wrapped"] is None:
        raise Erased
    return db.vault.learner_key(learner_id, row["wrapped"]).open(CREDENTIAL, row["credential"])


async def _key(tx: Tx, learner_id: int) -> Key:
    key = await vault.key_of(tx, learner_id)
    if key is None:
        raise Erased
    return key


async def shared_credential(db: Database, signer: Signer, sealer: Sealer, public_id: str) -> bytes | None:
    """The signed credential behind an award's sealed id, which its holder shares; None for anything else.

    Raises Erased.
    """
    payload = sealer.open(TAG, b"", public_id)
    if payload is None:
        return None
    learner_id, award_id = read_route(payload)
    credential = await sign(db, signer, learner_id, award_id)
    if credential is not None:
        await _record_look(db, award_id)
    return credential


async def _record_look(db: Database, award_id: UUID) -> None:
    async with db.writer() as tx:
        now, read = await tx.now(), audit.Decision.READ
        event = audit.record(ANONYMOUS, "sharedAward", now, subject=f"award:{award_id}", decision=read, reason=None)
        await tx.insert(event)
