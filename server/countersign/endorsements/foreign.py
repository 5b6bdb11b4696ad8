"""Keep endorsements that were made elsewhere beside our own: judged when they come, shown apart, seldom counted.

What was checked is kept finding by finding, with where it came from, who brought it and the digest of its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Final
from uuid import UUID

from countersign.endorsements import co_validation, rules_foreign
from countersign.endorsements.rules_foreign import Claimed, Format, ImportedAlready, NotForeign
from countersign.endorsements.tables import RecognizedIssuer
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, InvalidState, NotFound, Required
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter
from countersign.specs import service as specs
from countersign.trust.addresses import Addresses
from countersign.trust.verify import Material
from countersign.trust.verify_findings import Finding
from countersign.trust.workers import Workers

LONGEST_SOURCE: Final = 2_000
DID_VERIFIED: Final = "verified"


@dataclass(frozen=True, slots=True)
class ImportForeign:
    """An endorsement from elsewhere for a version of the school, as text, and where the school has it from."""

    spec_version_id: UUID
    document: str
    source: str


async def import_endorsement(tx: Tx, actor: Actor, command: ImportForeign, workers: Workers) -> UUID:
    """Judge and keep an endorsement from elsewhere; an author of the version's school only.

    It is kept whatever the judgement says. Raises NotAllowed, NotFound, Required and Invalid (`source`, `document`),
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
    origin = str(await tx.fetchval("select value from installation where key = 'public_origin'"))
    addresses = Addresses(origin)
    if addresses.handle(found.issuer_id) is not None:
        raise NotForeign(issuer=found.issuer_id, path=("document",))
    url = f"{origin}/specs/{version.slug}/versions/{version.semver}"
    findings = await _judged(tx, found, command.document, url, workers)
    data = command.document.encode()
    digest = hashlib.sha256(data).hexdigest()
    key = await tx.fetchval(
        "insert into foreign_endorsements (id, spec_version_id, organization_id, imported_by, format, issuer_id,"
        " issuer_name, statement, source, sha256, document, findings, verified, valid_from, valid_until, imported_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict (spec_version_id, sha256) do nothing returning id",
        *(new_id(), version.id, version.organization_id, actor.person_id, found.format.value, found.issuer_id),
        *(found.issuer_name, found.statement, command.source.strip(), digest, data),
        *([asdict(finding) for finding in findings], rules_foreign.verified(findings)),
        *(found.valid_from, found.valid_until, await tx.now()),
    )
    if key is None:
        raise ImportedAlready(problem="These bytes were imported for this version already", path=("document",))
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

    What it signed is verified when it is imported from then on, as far as everything else passes. Without that a key
    that anyone can make would prove nothing. Raises NotAllowed, Required.
    """
    access.require(actor, Permission.IMPORT)
    if not issuer_id.strip() or not name.strip():
        raise Required(what="An issuer's id and its name")
    await tx.execute("delete from recognized_issuers where id = $1", issuer_id.strip())
    await tx.insert(RecognizedIssuer(id=issuer_id.strip(), name=name.strip(), recognized_at=await tx.now()))
    await enter(tx, ISSUERS, issuer_id.strip(), actor=actor, action="recognized_issuer.recognized")


async def _judged(tx: Tx, found: Claimed, text: str, url: str, workers: Workers) -> list[Finding]:
    now = await tx.now()
    if found.format is Format.OPEN_BADGES_2:
        return rules_foreign.findings_of_open_badges_2(found, url, now)
    known = await tx.fetchval("select true from recognized_issuers where id = $1", found.issuer_id)
    keys = rules_foreign.did_document_of_key(found.issuer_id)
    material = Material(
        did_documents={found.issuer_id: keys} if keys else {},
        standing={found.issuer_id: DID_VERIFIED} if known else {},
    )
    if found.format is Format.OPEN_BADGES_3_JWT:
        text = rules_foreign.as_json(found)
    report = await workers.verify(text, material, now)
    own = [finding for finding in report.credentials[0].findings if finding.check != "subject"]
    if found.signature is not None:
        own = [finding for finding in own if finding.check != "proof"] + [found.signature]
    issuer = [replace(finding, detail=_known(known=bool(known))) for finding in own if finding.check == "issuer"]
    return [*(finding for finding in own if finding.check != "issuer"), rules_foreign.subject(found, url), *issuer]


def _known(*, known: bool) -> str:
    return "The operator knows who this is." if known else "Nobody here knows who this is."


LOGGED: Final = Source(
    kind="foreign_endorsement",
    subject="fen_{0}",
    sql="""
        select 'fen_' || f.id as subject, f.organization_id, f::text as facts, f.document as content
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
