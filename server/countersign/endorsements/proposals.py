"""Propose an endorsement inside the own organization; approve, sign, refuse or withdraw what was proposed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.endorsements import backing, disclosing, rules, scope, service
from countersign.endorsements import evidence as evidence_rules
from countersign.endorsements.recalled import recalled
from countersign.endorsements.service import EndorseSpec
from countersign.endorsements.tables import EndorsementProposal
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import members
from countersign.organizations.events import MembershipEnded
from countersign.specs import service as specs

PROPOSER_GONE = "Who proposed it is no reviewer or signatory of the organization any more"


class AlreadyProposed(Conflict):
    """Your organization has a proposal for this version that waits: sign, refuse or withdraw it first."""


@dataclass(frozen=True, slots=True)
class Sign:
    """The signature of what was proposed, for exactly the version whose digest the signatory saw."""

    proposal_id: UUID
    expected_digest: str
    known_later: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The end of a proposal, with the reason, which is kept."""

    proposal_id: UUID
    reason: str


async def propose(tx: Tx, actor: Actor, command: EndorseSpec) -> UUID:
    """Keep what the organization might say of a version, for somebody with signing authority; who reviews or signs.

    It is checked as if it were signed now, conflicts of interest included. Its words never change. Raises as
    `service.endorse` does, but for four eyes, and AlreadyProposed.
    """
    access.require(actor, Permission.PROPOSE_ENDORSEMENT)
    if actor.person_id is None or actor.organization_id is None:
        raise NotAllowed(why="Only a person of the endorser proposes")
    await members.hold(tx, actor, Role.REVIEWER, Role.SIGNATORY)
    now = await tx.now()
    rules.check_statement(command.statement)
    rules.valid_until(command.valid_until, now)
    version = await specs.lock_version(tx, command.spec_version_id)
    if version is None or not await specs.readable(tx, version.id, actor.organization_id):
        raise NotFound(what="version", path=("specVersionId",))
    rules.check_version(version.state, command.expected_digest, version.digest)
    outcomes = scope.read(command.outcomes, version.spec_json)
    await disclosing.check_endorser(tx, actor.organization_id, version, disclosing.confirmed_tools(command.evidence))
    behind = await backing.gather(tx, actor, command.evidence, command.attachments, version, command.evidence_files)
    row = EndorsementProposal(
        id=new_id(),
        spec_version_id=version.id,
        organization_id=actor.organization_id,
        digest=version.digest,
        state=rules.State.PROPOSED.value,
        statement=command.statement,
        evidence=[
            {
                "kind": piece.evidence.kind.value,
                "narrative": piece.narrative,
                "payload": evidence_rules.payload(piece.evidence),
                "files": [str(file.id) for file in piece.files],
            }
            for piece in behind.pieces
        ],
        attachment_ids=list(command.attachments),
        outcome_keys=None if outcomes is None else [each.key for each in outcomes],
        valid_until=command.valid_until,
        proposed_by=actor.person_id,
        proposed_at=now,
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise AlreadyProposed(path=("specVersionId",)) from None
    await tx.emit("proposal.proposed", f"prp_{row.id}")
    return row.id


async def approve(tx: Tx, actor: Actor, proposal_id: UUID) -> UUID:
    """Say yes to a proposal, which somebody with signing authority then signs; a signatory only.

    Raises NotAllowed, NotFound, InvalidState.
    """
    row = await _locked(tx, actor, proposal_id)
    after = rules.move(rules.State(row["state"]), rules.Act.APPROVE, rules.Party.SIGNATORY)
    await tx.execute(
        "update endorsement_proposals set state = $2, approved_by = $3, approved_at = $4 where id = $1",
        *(proposal_id, after.value, actor.person_id, await tx.now()),
    )
    await tx.emit("proposal.approved", f"prp_{proposal_id}")
    return proposal_id


async def sign(tx: Tx, actor: Actor, command: Sign) -> UUID:
    """Take what was proposed to be signed by the actor, who has signing authority; the new endorsement's id.

    One that nobody approved yet is approved by it. Everything is checked anew. Raises as `service.endorse`, and
    NotFound, InvalidState.
    """
    row = await _locked(tx, actor, command.proposal_id)
    now = await tx.now()
    state = rules.State(row["state"])
    if state is rules.State.PROPOSED:
        state = rules.move(state, rules.Act.APPROVE, rules.Party.SIGNATORY)
    after = rules.move(state, rules.Act.TAKE, rules.Party.SIGNATORY)
    taken = await service.endorse(
        tx,
        actor,
        EndorseSpec(
            spec_version_id=row["spec_version_id"],
            expected_digest=command.expected_digest,
            statement=row["statement"],
            evidence=tuple(recalled(piece["kind"], piece["payload"]) for piece in row["evidence"]),
            evidence_files=tuple(tuple(UUID(file) for file in piece["files"]) for piece in row["evidence"]),
            attachments=tuple(row["attachment_ids"]),
            valid_until=row["valid_until"],
            outcomes=None if row["outcome_keys"] is None else tuple(row["outcome_keys"]),
            proposed_by=row["proposed_by"],
            known_later=command.known_later,
        ),
    )
    await tx.execute(
        "update endorsement_proposals set state = $2, approved_by = coalesce(approved_by, $3),"
        " approved_at = coalesce(approved_at, $4), closed_at = $4, endorsement_id = $5 where id = $1",
        *(command.proposal_id, after.value, actor.person_id, now, taken),
    )
    await tx.emit("proposal.signed", f"prp_{command.proposal_id}")
    return taken


async def refuse(tx: Tx, actor: Actor, command: Refuse) -> UUID:
    """End a proposal with a reason, which is kept; a signatory only.

    Raises NotAllowed, NotFound, Required, TooLong, InvalidState.
    """
    rules.check_reason(command.reason)
    row = await _locked(tx, actor, command.proposal_id)
    after = rules.move(rules.State(row["state"]), rules.Act.REFUSE, rules.Party.SIGNATORY)
    await _close(tx, command.proposal_id, after, command.reason)
    await tx.emit("proposal.refused", f"prp_{command.proposal_id}")
    return command.proposal_id


async def withdraw(tx: Tx, actor: Actor, proposal_id: UUID) -> UUID:
    """Take back one's own proposal before it is signed. Raises NotAllowed, NotFound, NotTheEndorser, InvalidState."""
    access.require(actor, Permission.PROPOSE_ENDORSEMENT)
    await members.hold(tx, actor, Role.REVIEWER, Role.SIGNATORY)
    row = await _of(tx, actor, proposal_id)
    own = row["proposed_by"] == actor.person_id
    party = rules.Party.PROPOSER if own else rules.Party.REVIEWER
    after = rules.move(rules.State(row["state"]), rules.Act.WITHDRAW, party)
    await _close(tx, proposal_id, after, None)
    await tx.emit("proposal.withdrawn", f"prp_{proposal_id}")
    return proposal_id


async def after_membership(tx: Tx, event: MembershipEnded) -> None:
    """Refuse what waits of who neither reviews nor signs for the organization any more: it was said in that role."""
    if event.lost.isdisjoint({Role.REVIEWER, Role.SIGNATORY}):
        return
    held = await members.roles_held(tx, event.organization_id, event.person_id)
    if not held.isdisjoint({Role.REVIEWER, Role.SIGNATORY}):
        return
    rows = await tx.fetch(
        "select id, state from endorsement_proposals where organization_id = $1 and proposed_by = $2"
        " and state in ('proposed', 'approved') order by id for update",
        *(event.organization_id, event.person_id),
    )
    await tx.execute(
        "update endorsement_proposals p set state = u.state, closed_at = $3, refusal = $4"
        " from unnest($1::uuid[], $2::text[]) u(id, state) where p.id = u.id",
        [row["id"] for row in rows],
        [rules.move(rules.State(row["state"]), rules.Act.REFUSE, rules.Party.SIGNER).value for row in rows],
        *(await tx.now(), PROPOSER_GONE),
    )
    await tx.emit_all(("proposal.refused", f"prp_{row['id']}", {}) for row in rows)


async def _locked(tx: Tx, actor: Actor, proposal_id: UUID) -> asyncpg.Record:
    """The proposal, for a signatory of the organization that made it."""
    access.require(actor, Permission.SIGN_ENDORSEMENT)
    await members.hold(tx, actor, Role.SIGNATORY)
    return await _of(tx, actor, proposal_id)


async def _of(tx: Tx, actor: Actor, proposal_id: UUID) -> asyncpg.Record:
    row = await tx.fetchrow(
        "select * from endorsement_proposals where id = $1 and organization_id = $2 for update",
        *(proposal_id, actor.organization_id),
    )
    if row is None:
        raise NotFound(what="proposal", path=("proposalId",))
    return row


async def _close(tx: Tx, proposal_id: UUID, after: rules.State, reason: str | None) -> None:
    await tx.execute(
        "update endorsement_proposals set state = $2, closed_at = $3, refusal = $4 where id = $1",
        *(proposal_id, after.value, await tx.now(), reason),
    )
