"""What stands behind an endorsement: evidence with its files, checked, told in signed sentences, and kept.

Used by whatever takes an endorsement. The order is `gather` (nothing is written but that the files are in use),
`credential_evidence` for the document, `keep` once the endorsement's row is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from countersign.attachments import service as attachments
from countersign.attachments.service import Kept
from countersign.endorsements import evidence as kinds
from countersign.endorsements import ranges, recounting, rules, support
from countersign.endorsements.evidence import Evidence, HiringPledge, ToolchainConfirmation
from countersign.endorsements.recalled import recalled
from countersign.endorsements.tables import EndorsementAttachment, EndorsementEvidence
from countersign.endorsements.tables_backing import EvidenceAttachment, Pledge
from countersign.kit.access import Actor
from countersign.kit.db import Tx
from countersign.kit.errors import Refusal
from countersign.kit.ids import new_id
from countersign.specs.service import FrozenVersion
from countersign.trust import documents

NO_FILES: Final[tuple[tuple[UUID, ...], ...]] = ()


class AnotherToolchain(Refusal):
    """This version teaches {tool} {taught}, and {confirmed} is none of that: ask for a change instead."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence with its files and, of each tool that it confirms, how it stands to what is taught."""

    evidence: Evidence
    files: tuple[Kept, ...] = ()
    agreements: tuple[ranges.Agreement, ...] = ()

    @property
    def narrative(self) -> str:
        """The sentence that is signed: what the piece says, then each file with its digest."""
        return " ".join(
            [
                self.evidence.sentence(),
                *(f"Attached: {f.name} ({f.media_type}, {f.size} bytes), SHA-256 {f.sha256}." for f in self.files),
            ]
        )

    @property
    def record(self) -> dict[str, Any]:
        """The structured record that is kept beside the sentence."""
        record = kinds.payload(self.evidence)
        for tool, found in zip(record.get("tools", ()), self.agreements, strict=True):
            tool["agreement"] = found.value
        return record


@dataclass(frozen=True, slots=True)
class Backing:
    """All that stands behind an endorsement."""

    pieces: tuple[Piece, ...] = ()
    files: tuple[Kept, ...] = ()


async def gather(
    tx: Tx,
    actor: Actor,
    evidence: Sequence[Evidence],
    files: Sequence[UUID],
    version: FrozenVersion,
    evidence_files: Sequence[Sequence[UUID]] = NO_FILES,
) -> Backing:
    """Check the evidence against the day and the version, and take its files; `evidence_files` go by place.

    Raises the faults of evidence (all at once), Miscounted, UnknownSnapshot, AnotherToolchain, TooManyAttachments,
    NotFound and NotReceived (files).
    """
    kinds.check(evidence, (await tx.now()).astimezone(UTC).date())
    evidence = await recounting.recounted(tx, evidence)
    rules.check_attachments(files)
    taught = json.loads(version.spec_json).get("toolchain") or []
    same = await _same_tools(tx, evidence, taught)
    await attachments.hold(tx, actor, [*files, *(file for some in evidence_files for file in some)])
    pieces = []
    for number, piece in enumerate(evidence):
        given = evidence_files[number] if number < len(evidence_files) else ()
        try:
            agreements = _compare(piece, taught, same)
            rules.check_attachments(given)
            kept = tuple(await attachments.use(tx, actor, given)) if given else ()
        except Refusal as refusal:
            refusal.path = ("evidence", number, *refusal.path)
            raise
        pieces.append(Piece(piece, kept, agreements))
    return Backing(tuple(pieces), tuple(await attachments.use(tx, actor, files)) if files else ())


async def _same_tools(tx: Tx, evidence: Sequence[Evidence], taught: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    named = [tool.name for piece in evidence if isinstance(piece, ToolchainConfirmation) for tool in piece.tools]
    return await support.same_tools(tx, [*named, *(str(tool["name"]) for tool in taught)]) if named else {}


def _compare(
    piece: Evidence, taught: Sequence[Mapping[str, Any]], same: Mapping[str, str]
) -> tuple[ranges.Agreement, ...]:
    if not isinstance(piece, ToolchainConfirmation):
        return ()
    found = []
    for number, tool in enumerate(piece.tools):
        theirs = ranges.find(tool.name, taught, same)
        if theirs is None:
            found.append(ranges.Agreement.NOT_TAUGHT)
            continue
        version = theirs.get("version")
        agrees = ranges.agreement(tool.versions, None if version is None else str(version))
        if agrees is ranges.Agreement.DIFFERENT:
            raise AnotherToolchain(
                tool=theirs["name"],
                taught=version,
                confirmed=tool.versions,
                path=("tools", number, "versions"),
            )
        found.append(agrees)
    return tuple(found)


def credential_evidence(backing: Backing) -> tuple[documents.Evidence, ...]:
    """What the signed document says of it: each piece with the digests of its files, then the other files."""
    return tuple(
        documents.Evidence(p.evidence.title, p.narrative, kinds.genre(p.evidence), kinds.AUDIENCE)
        for p in backing.pieces
    ) + tuple(documents.Evidence(*kinds.attached(f.name, f.media_type, f.size, f.sha256)) for f in backing.files)


async def keep(tx: Tx, endorsement_id: UUID, endorser_id: UUID, backing: Backing) -> None:
    """Write down the evidence of an endorsement whose row is there; each hiring pledge opens a ledger of its own."""
    made = [(new_id(), number, piece) for number, piece in enumerate(backing.pieces, start=1)]
    if made:
        await tx.insert(
            *(
                EndorsementEvidence(
                    id=identity,
                    endorsement_id=endorsement_id,
                    no=number,
                    kind=piece.evidence.kind.value,
                    narrative=piece.narrative,
                    payload=piece.record,
                )
                for identity, number, piece in made
            )
        )
    rows = [
        EvidenceAttachment(evidence_id=identity, no=no, attachment_id=file.id)
        for identity, _, piece in made
        for no, file in enumerate(piece.files, start=1)
    ]
    pledges = [
        _pledge(endorsement_id, endorser_id, identity, piece.evidence)
        for identity, _, piece in made
        if isinstance(piece.evidence, HiringPledge)
    ]
    general = [
        EndorsementAttachment(endorsement_id=endorsement_id, no=no, attachment_id=file.id)
        for no, file in enumerate(backing.files, start=1)
    ]
    await tx.insert(*rows, *pledges, *general)


def _pledge(endorsement_id: UUID, endorser_id: UUID, evidence_id: UUID, pledged: HiringPledge) -> Pledge:
    return Pledge(
        id=new_id(),
        endorsement_id=endorsement_id,
        evidence_id=evidence_id,
        organization_id=endorser_id,
        seats=pledged.seats,
        role=pledged.role,
        region=pledged.region,
        opens_on=pledged.opens_on,
        closes_on=pledged.closes_on,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """What an endorsement carried, as it can be given again: pieces, the files of each, and the other files."""

    evidence: tuple[Evidence, ...]
    evidence_files: tuple[tuple[UUID, ...], ...]
    files: tuple[UUID, ...]


async def given(tx: Tx, endorsement_id: UUID) -> Given:
    """What stands behind an endorsement, to be given again for a renewal; whether it still holds is for `gather`."""
    rows = await tx.fetch(
        "select v.kind, v.payload, array(select x.attachment_id from evidence_attachments x"
        " where x.evidence_id = v.id order by x.no) as files"
        " from endorsement_evidence v where v.endorsement_id = $1 order by v.no",
        endorsement_id,
    )
    files = await tx.fetch(
        "select attachment_id from endorsement_attachments where endorsement_id = $1 order by no", endorsement_id
    )
    return Given(
        tuple(recalled(row["kind"], row["payload"]) for row in rows),
        tuple(tuple(row["files"]) for row in rows),
        tuple(row["attachment_id"] for row in files),
    )
