"""Say of a later version what was said of an earlier one, when all that changed in between is editorial.

Nothing carries over by itself: a re-affirmation is an endorsement of its own, signed for the later version's digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from countersign.endorsements import backing, rules, service
from countersign.endorsements import evidence as kinds
from countersign.endorsements.evidence import Evidence, HiringPledge
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Code, NotFound, Refusal, Refusals
from countersign.organizations import members
from countersign.specs import service as specs
from countersign.specs.change_classes import ChangeClass
from countersign.trust import documents

GENRE: Final = "Re-affirmation"


class MaterialChange(Refusal):
    """The change is material ({paths}): have what changed reviewed, and endorse the version anew."""

    code = Code.INVALID_STATE


class NotLater(Refusal):
    """A re-affirmation is of a later version of the same credential than the one that was endorsed."""


class AlreadyEndorsed(Refusal):
    """Your organization has endorsed this version already: renew that endorsement instead."""

    code = Code.CONFLICT


class NothingInForce(Refusal):
    """What this re-affirms was no longer in force when it was to be signed."""

    code = Code.INVALID_STATE


@dataclass(frozen=True, slots=True)
class Reaffirm:
    """The same word for a later version whose digest the signatory saw; it ends when the earlier one does."""

    endorsement_id: UUID
    spec_version_id: UUID
    expected_digest: str
    valid_until: datetime | None = None
    known_later: UUID | None = None


async def reaffirm(tx: Tx, actor: Actor, command: Reaffirm) -> UUID:
    """Take a new endorsement of a later version that says what one in force says of an earlier; a signatory only.

    It has the same statement, scope, end, and files, and the evidence that still holds; a hiring pledge stays with the
    endorsement that made it, since its seats are promised once. A signed sentence names the endorsement that it
    re-affirms and what changed. The earlier one stays in force for its own version: its holders were endorsed by it.

    Raises as `service.endorse`, and NotFound (endorsement, version), NotTheEndorser, InvalidState (not in force),
    NotLater, MaterialChange, AlreadyEndorsed.
    """
    access.require(actor, Permission.SIGN_ENDORSEMENT)
    await members.hold(tx, actor, Role.SIGNATORY)
    row = await tx.fetchrow(
        "select e.id, e.organization_id, e.spec_version_id, e.state, e.in_force, e.statement, e.outcome_keys,"
        " e.valid_until, v.semver, v.ordinal, v.spec_id from endorsements e"
        " join spec_versions v on v.id = e.spec_version_id where e.id = $1 for share of e",
        command.endorsement_id,
    )
    if row is None or (row["organization_id"] != actor.organization_id and row["in_force"] is None):
        raise NotFound(what="endorsement", path=("endorsementId",))
    party = rules.Party.SIGNATORY if row["organization_id"] == actor.organization_id else rules.Party.STRANGER
    now = await tx.now()
    rules.move(service.present_state(row, now), rules.Act.REAFFIRM, party)
    if not await specs.readable(tx, command.spec_version_id, actor.organization_id):
        raise NotFound(what="version", path=("specVersionId",))
    changed = await _changed(tx, row, command.spec_version_id)
    before = await backing.given(tx, row["id"])
    kept = [number for number, piece in enumerate(before.evidence) if holds(piece, now.astimezone(UTC).date())]
    return await service.endorse(
        tx,
        actor,
        service.EndorseSpec(
            spec_version_id=command.spec_version_id,
            expected_digest=command.expected_digest,
            statement=row["statement"],
            evidence=tuple(before.evidence[number] for number in kept),
            evidence_files=tuple(before.evidence_files[number] for number in kept),
            attachments=before.files,
            valid_until=command.valid_until or row["valid_until"],
            outcomes=None if row["outcome_keys"] is None else tuple(row["outcome_keys"]),
            renews=row["id"],
            known_later=command.known_later,
            notes=(await _sentence(tx, row, changed, len(kept), len(before.evidence)),),
        ),
    )


def holds(piece: Evidence, today: date) -> bool:
    """Whether a piece of evidence may be said again: it holds today, and is no pledge of seats."""
    if isinstance(piece, HiringPledge):
        return False
    try:
        kinds.check((piece,), today)
    except (Refusal, Refusals):
        return False
    return True


async def check_again(tx: Tx, row: asyncpg.Record) -> None:
    """In the signer's transaction: refuse unless what is re-affirmed is in force, and the change editorial, still.

    `row` is the endorsement that is signed. One that re-affirms nothing passes. Until the commit nobody ends the
    earlier one. Raises NothingInForce, MaterialChange.
    """
    if row["supersedes_id"] is None:
        return
    earlier = await tx.fetchrow(
        "select spec_version_id, state, in_force from endorsements where id = $1 for share", row["supersedes_id"]
    )
    if earlier is None or earlier["spec_version_id"] == row["spec_version_id"]:
        return
    if service.present_state(earlier, await tx.now()) is not rules.State.IN_FORCE:
        raise NothingInForce
    _require_editorial(await specs.difference(tx, earlier["spec_version_id"], row["spec_version_id"]))


async def _changed(tx: Tx, row: asyncpg.Record, version_id: UUID) -> Sequence[str]:
    """The paths that differ. Raises NotLater, AlreadyEndorsed, MaterialChange."""
    later = await tx.fetchval(
        "select true from spec_versions where id = $1 and spec_id = $2 and ordinal > $3",
        version_id,
        row["spec_id"],
        row["ordinal"],
    )
    if not later:
        raise NotLater(path=("specVersionId",))
    endorsed = await tx.fetchval(
        "select true from endorsements where spec_version_id = $1 and organization_id = $2"
        " and (state = 'suspended' or (state = 'in_force' and in_force @> $3::timestamptz))",
        version_id,
        row["organization_id"],
        await tx.now(),
    )
    if endorsed:
        raise AlreadyEndorsed(path=("specVersionId",))
    diff = await specs.difference(tx, row["spec_version_id"], version_id)
    _require_editorial(diff)
    return diff.paths


def _require_editorial(diff: specs.Diff) -> None:
    if diff.change_class is ChangeClass.MATERIAL:
        paths = [change.path for change in diff.changes if change.change_class is ChangeClass.MATERIAL]
        raise MaterialChange(paths=", ".join(paths[:10]), path=("specVersionId",))


async def _sentence(tx: Tx, row: asyncpg.Record, changed: Sequence[str], kept: int, of: int) -> documents.Evidence:
    address = f"{await service.public_origin(tx)}/endorsements/{row['id']}"
    what = f"editorial, in {', '.join(changed)}" if changed else "of the number alone"
    text = f"Re-affirms the endorsement of version {row['semver']}, {address}: the change since then is {what}."
    if kept < of:
        text += f" {kept} of its {of} pieces of evidence are said again."
    return documents.Evidence(GENRE, text, GENRE)
