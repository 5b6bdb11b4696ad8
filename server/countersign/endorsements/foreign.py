"""Keep endorsements that were made elsewhere beside our own: judged when they come, shown apart, seldom counted.

What was checked is kept finding by finding, with where it came from, who brought it and the digest of its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from countersign.endorsements import co_validation, foreign_checks, foreign_judging, rules_foreign
from countersign.endorsements.rules_foreign import ImportedAlready, NotForeign
from countersign.endorsements.tables import RecognizedIssuer
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, InvalidState, NotFound, Required
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter
from countersign.specs import service as specs
from countersign.trust.addresses import Addresses
from countersign.trust.workers import Workers

LONGEST_SOURCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class ImportForeign:
    """An endorsement from elsewhere for a version of the school, as text, and where the school has it from."""

    spec_version_id: UUID
    document: str
    source: str


async def import_endorsement(tx: Tx, actor: Actor, command: ImportForeign, workers: Workers) -> UUID:
    """Judge and keep an endorsement from elsewhere; an author of the version's school only.

    It is kept whatever the judgement says. What somebody elsewhere must be asked for is not checked yet: that comes
    after the commit (`foreign_checks.check`). Raises NotAllowed, NotFound, Required and Invalid (`source`, `document`),
    NotAnEndorsement, NotForeign, ImportedAlready; Crowded when too much is being judged.
    """
    access.require(actor, Permission.IMPORT_ENDORSEMENT)
    if not command.source.strip():
        raise Required(what="Where it comes from", path=("source",))
    if len(command.source) > LONGEST_SOURCE or "\x00" in command.source:
        raise Invalid(problem="This must be at most 2000 characters, all of them visible", path=("source",))
    version = await specs.lock_version(tx, command.spec_version_id)
    if version is None or version.organization_id != actor.organization_id:
        raise NotFound(what="version", path=("specVersionId",))
    found = rules_foreign.claimed(command.document)
    addresses = Addresses(str(await tx.fetchval("select value from installation where key = 'public_origin'")))
    if addresses.handle(found.issuer_id) is not None:
        raise NotForeign(issuer=found.issuer_id, path=("document",))
    compared = await foreign_checks.about(tx, version.id, found.issuer_id)
    if compared is None:
        raise NotFound(what="version", path=("specVersionId",))
    findings = await foreign_judging.judge(found, command.document, compared, (), await tx.now(), workers)
    verified = rules_foreign.verified(found.format, findings)
    data = command.document.encode()
    digest = hashlib.sha256(data).hexdigest()
    key = await tx.fetchval(
        "insert into foreign_endorsements (id, spec_version_id, organization_id, imported_by, format, issuer_id,"
        " issuer_name, statement, source, sha256, document, findings, verified, valid_from, valid_until, imported_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict (spec_version_id, sha256) do nothing returning id",
        *(new_id(), version.id, version.organization_id, actor.person_id, found.format.value, found.issuer_id),
        *(found.issuer_name, found.statement, command.source.strip(), digest, data),
        *([rules_foreign.storable(asdict(finding)) for finding in findings], verified),
        *(found.valid_from, found.valid_until, await tx.now()),
    )
    if key is None:
        raise ImportedAlready(problem="These bytes were imported for this version already", path=("document",))
    await foreign_checks.watch(tx, key, verified=verified, asks=bool(foreign_judging.needs(found)))
    await enter(tx, LOGGED, key, actor=actor, action="foreign_endorsement.imported")
    await tx.emit("endorsement.foreign_imported", f"fen_{key}")
    await co_validation.settle(tx, [version.id])
    return UUID(str(key))


async def withdraw(tx: Tx, actor: Actor, endorsement_id: UUID) -> UUID:
    """Show an imported endorsement no more, and count it no more from now on; its school only. It is kept.

    Raises NotAllowed, NotFound, InvalidState (withdrawn already).
    """
    access.require(actor, Permission.IMPORT_ENDORSEMENT)
    row = await tx.fetchrow(
        "select spec_version_id, organization_id, withdrawn_at from foreign_endorsements where id = $1 for update",
        endorsement_id,
    )
    if row is None or row["organization_id"] != actor.organization_id:
        raise NotFound(what="endorsement", path=("foreignEndorsementId",))
    if row["withdrawn_at"] is not None:
        raise InvalidState(what="endorsement", state="withdrawn", verb="Withdrawing", needed="shown")
    await tx.execute("update foreign_endorsements set withdrawn_at = $2 where id = $1", endorsement_id, await tx.now())
    await enter(tx, LOGGED, endorsement_id, actor=actor, action="foreign_endorsement.withdrawn")
    await co_validation.settle(tx, [row["spec_version_id"]])
    return endorsement_id


async def recognize(tx: Tx, actor: Actor, issuer_id: str, name: str) -> None:
    """Write down that the operator knows who an issuer elsewhere is; the operator only.

    What it signed is verified from then on, as far as everything else passes: what was imported before is looked at
    again. Without that a key that anyone can make would prove nothing. Raises NotAllowed, Required.
    """
    access.require(actor, Permission.IMPORT)
    if not issuer_id.strip() or not name.strip():
        raise Required(what="An issuer's id and its name")
    await tx.execute("delete from recognized_issuers where id = $1", issuer_id.strip())
    await tx.insert(RecognizedIssuer(id=issuer_id.strip(), name=name.strip(), recognized_at=await tx.now()))
    await enter(tx, ISSUERS, issuer_id.strip(), actor=actor, action="recognized_issuer.recognized")
    await foreign_checks.ask_again(tx, issuer_id.strip())


LOGGED: Final = Source(
    kind="foreign_endorsement",
    subject="fen_{0}",
    sql="""
        select 'fen_' || f.id as subject, f.organization_id, f.document as content, row(
            f.id, f.spec_version_id, f.organization_id, f.imported_by, f.format, f.issuer_id, f.issuer_name,
            f.statement, f.source, f.sha256, f.document, f.findings, f.verified, f.valid_from, f.valid_until,
            f.imported_at, f.withdrawn_at)::text as facts
        from foreign_endorsements f where true""",
    key="f.id = $1",
)
"""What the log covers of an endorsement from elsewhere: its bytes, and everything that was found."""

ISSUERS: Final = Source(
    kind="recognized_issuer",
    subject="issuer:{0}",
    sql="""
        select 'issuer:' || i.id as subject, null::uuid as organization_id, null::bytea as content,
               row(i.id, i.name, i.recognized_at)::text as facts
        from recognized_issuers i where true""",
    key="i.id = $1",
    types=("text",),
    late=True,
)
"""What the log covers of an issuer elsewhere that the operator knows."""
