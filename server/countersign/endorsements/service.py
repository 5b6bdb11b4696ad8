"""Take an endorsement to be signed, revoke one, and read the signed bytes for outsiders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from countersign.endorsements import backing, co_validation, disclosing, four_eyes, rules, scope, successors
from countersign.endorsements.evidence import Evidence
from countersign.endorsements.views import LIVE
from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Reader, Tx
from countersign.kit.errors import NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter
from countersign.organizations import members
from countersign.specs import service as specs
from countersign.specs.views import PUBLIC
from countersign.trust import documents
from countersign.trust import service as trust
from countersign.trust.addresses import Addresses


@dataclass(frozen=True, slots=True)
class EndorseSpec:
    """An endorser's word for exactly the version whose digest the signatory saw (lower-case hex SHA-256)."""

    spec_version_id: UUID
    expected_digest: str
    statement: str
    evidence: tuple[Evidence, ...] = ()
    attachments: tuple[UUID, ...] = ()
    evidence_files: tuple[tuple[UUID, ...], ...] = ()
    """The files behind each piece of evidence, by its place."""
    valid_until: datetime | None = None
    outcomes: tuple[str, ...] | None = None
    """The keys of the learning outcomes that it is about; None for the whole specification."""
    renews: UUID | None = None
    """The endorsement of the same endorser that it takes the place of; whoever revokes that one ends this too."""
    notes: tuple[documents.Evidence, ...] = ()
    """What is signed beside it, such as what it re-affirms; never the endorser's words."""
    proposed_by: UUID | None = None
    """Who of the endorser proposed it, where it was proposed."""
    known_later: UUID | None = None
    """The newest version that was published after it, which the signatory knows of and does not mean."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """The end of an endorsement before its time, with the reason that everyone may read."""

    endorsement_id: UUID
    reason: str


CLOSE = "in_force = tstzrange(lower(in_force), greatest(lower(in_force), least(upper(in_force), $3)))"
"""Ends the range of the updated endorsement at `$3`: never before it began, never later than it would have ended."""


async def endorse(tx: Tx, actor: Actor, command: EndorseSpec) -> UUID:
    """Store an endorsement to be signed; a person of the endorser with signing authority only.

    The unsigned document is stored in state `signing`, and `jobs` signs it in its own transaction after this one has
    committed. A second endorsement of the same version is a renewal: the signature closes the one before.

    Raises NotAllowed, Unverified, NotFound, NotEndorsable, StaleVersion, LaterVersion, ConflictOfInterest, BadValidity,
    Required, TooLong, the faults of evidence and of the scope (all at once), SameEyes, SecondPersonNeeded,
    AlreadySigning.
    """
    access.require(actor, Permission.SIGN_ENDORSEMENT)
    if actor.person_id is None or actor.organization_id is None:
        raise NotAllowed(why="Only a person of the endorser endorses")
    await members.hold(tx, actor, Role.SIGNATORY)
    now = await tx.now()
    rules.check_statement(command.statement)
    valid_until = rules.valid_until(command.valid_until, now)
    version = await specs.lock_version(tx, command.spec_version_id)
    if version is None or not await specs.readable(tx, version.id, actor.organization_id):
        raise NotFound(what="version", path=("specVersionId",))
    rules.check_version(version.state, command.expected_digest, version.digest)
    outcomes = scope.read(command.outcomes, version.spec_json)
    endorser, found = await disclosing.check_endorser(
        tx, actor.organization_id, version, disclosing.confirmed_tools(command.evidence)
    )
    await four_eyes.check(
        tx,
        organization_id=actor.organization_id,
        version_id=version.id,
        signatory=actor.person_id,
        proposer=command.proposed_by,
        renews=command.renews,
    )
    await successors.check_known(tx, version.id, actor.organization_id, command.known_later)
    behind = await backing.gather(tx, actor, command.evidence, command.attachments, version, command.evidence_files)
    addresses = Addresses(await public_origin(tx))
    (slot,) = await trust.allocate(tx, addresses, actor.organization_id)
    identity = new_id()
    valid_from = rules.whole_second(now)
    document = documents.endorsement_credential(
        addresses,
        documents.Endorsement(
            id=identity,
            endorser=documents.Party(endorser["handle"], endorser["display_name"]),
            title=version.title,
            slug=version.slug,
            semver=version.semver,
            achievement=version.achievement,
            spec_json=version.spec_json,
            statement=command.statement,
            valid_from=valid_from,
            valid_until=valid_until,
            status=slot.status,
            partial=outcomes is not None,
            evidence=backing.credential_evidence(behind)
            + tuple(documents.Evidence(each.name, each.statement, scope.GENRE) for each in outcomes or ())
            + tuple(disclosing.disclosure(each) for each in found.disclosures)
            + command.notes,
        ),
    )
    taken = await tx.fetchval(
        "insert into endorsements (id, spec_version_id, organization_id, signatory_id, digest, state, statement,"
        " valid_from, valid_until, document, status_list_id, status_index, requested_at, outcome_keys, disclosures,"
        " counts, supersedes_id)"
        " values ($1, $2, $3, $4, $5, 'signing', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict (organization_id, spec_version_id) where state = 'signing' do nothing returning id",
        identity,
        version.id,
        actor.organization_id,
        actor.person_id,
        version.digest,
        command.statement,
        valid_from,
        valid_until,
        document,
        slot.list_id,
        slot.index,
        now,
        None if outcomes is None else [each.key for each in outcomes],
        list(found.disclosures),
        found.counts,
        command.renews,
    )
    if taken is None:
        raise rules.AlreadySigning(path=("specVersionId",))
    await backing.keep(tx, identity, actor.organization_id, behind)
    await tx.emit("endorsement.taken", f"end_{identity}", digest=version.digest)
    return identity


async def revoke(tx: Tx, actor: Actor, command: Revoke) -> UUID:
    """End an endorsement now; the endorser only. The status bit is set in this transaction.

    What was true before stays true: the in-force range is closed at this instant. Raises NotAllowed, NotFound,
    Required and TooLong (reason), NotTheEndorser, InvalidState (not in force).
    """
    access.require(actor, Permission.REVOKE_ENDORSEMENT)
    rules.check_reason(command.reason)
    await members.hold(tx, actor, Role.SIGNATORY)
    row = await tx.fetchrow(
        "select organization_id, spec_version_id, state, in_force, status_list_id, status_index from endorsements"
        " where id = $1 for update",
        command.endorsement_id,
    )
    now = await tx.now()
    if row is None or (row["organization_id"] != actor.organization_id and row["in_force"] is None):
        raise NotFound(what="endorsement", path=("endorsementId",))
    party = rules.Party.SIGNATORY if row["organization_id"] == actor.organization_id else rules.Party.STRANGER
    after = rules.move(present_state(row, now), rules.Act.REVOKE, party)
    await tx.execute(
        f"update endorsements set state = $2, revoked_at = $3, revocation_reason = $4, {CLOSE} where id = $1",
        command.endorsement_id,
        after.value,
        now,
        command.reason,
    )
    await trust.revoke(tx, row["status_list_id"], row["status_index"])
    await enter(tx, LOGGED, command.endorsement_id, actor=actor, action="endorsement.revoked")
    await tx.emit("endorsement.revoked", f"end_{command.endorsement_id}")
    await co_validation.settle(tx, [row["spec_version_id"]])
    return command.endorsement_id


LOGGED: Final = Source(
    kind="endorsement",
    subject="end_{0}",
    sql="""
        select 'end_' || t.id as subject, e.organization_id, s.credential as content, row(
            e.id, e.spec_version_id, e.organization_id, e.signatory_id, e.digest, e.statement, e.valid_from,
            e.valid_until, e.in_force, e.supersedes_id, e.document, e.status_list_id, e.status_index, e.requested_at,
            e.revoked_at, e.revocation_reason, s.signed_at, s.signatory_roles,
            case when e.state = 'expired' and e.valid_until <= statement_timestamp() then 'in_force' else e.state end,
            (select string_agg(row(v.id, v.endorsement_id, v.no, v.kind, v.narrative, v.payload)::text,
                '' order by v.no) from endorsement_evidence v where v.endorsement_id = t.id)
        )::text || coalesce(' scope ' || e.outcome_keys::text, '')
            || case when e.disclosures <> '[]' or not e.counts
                then ' disclosed ' || e.disclosures::text || e.counts else '' end
            || case when num_nonnulls(s.rubric_mean, s.rubric_least) = 0 then ''
                else ' scores ' || row(s.rubric_mean, s.rubric_least)::text end as facts
        from (
            select id from endorsements where state not in ('signing', 'refused')
            union select endorsement_id from endorsement_signatures
            union select v.endorsement_id from endorsement_evidence v
            where not exists (select from endorsements o where o.id = v.endorsement_id)) t(id)
        left join endorsements e on e.id = t.id left join endorsement_signatures s on s.endorsement_id = t.id
        where true""",
    key="t.id = $1",
)
"""What the log covers of a signed endorsement, of its evidence, and of parts that belong to none.

That its time is over changes nothing; everything else does.
"""


def present_state(row: asyncpg.Record, now: datetime) -> rules.State:
    """The state at this moment of a row with `state` and `in_force`: what time has ended is expired without a job."""
    state = rules.State(row["state"])
    if (state, rules.Act.EXPIRE) in rules.MOVES and row["in_force"].upper <= now:
        return rules.move(state, rules.Act.EXPIRE, rules.Party.CLOCK)
    return state


async def public_origin(tx: Tx) -> str:
    """The origin that stands in every signed document of this installation."""
    return str(await tx.fetchval("select value from installation where key = 'public_origin'"))


async def signed_endorsement(tx: Tx, endorsement_id: UUID) -> bytes | None:
    """The signed credential for everybody, whatever came of it since (its status says).

    None when it was never signed, and while its version is not public: until then the text is between the school and
    those who were asked, and what the credential refers to is served to nobody.
    """
    found: bytes | None = await tx.fetchval(
        "select s.credential from endorsement_signatures s join endorsements e on e.id = s.endorsement_id"
        f" join spec_versions v on v.id = e.spec_version_id where s.endorsement_id = $1 and {PUBLIC.format(t='v')}",
        endorsement_id,
    )
    return found


_LIVE_NOW = LIVE.format(e="e", now="$2::timestamptz")


async def live_credentials(tx: Tx, spec_version_id: UUID) -> list[bytes]:
    """The signed credentials in force now for a version, oldest first."""
    rows = await tx.fetch(
        "select s.credential from endorsements e join endorsement_signatures s on s.endorsement_id = e.id"
        f" where e.spec_version_id = $1 and {_LIVE_NOW} order by e.id",
        spec_version_id,
        await tx.now(),
    )
    return [row["credential"] for row in rows]


async def signed_for_version(tx: Tx, slug: str, semver: str) -> list[bytes]:
    """The signed credentials in force now for a public version by its address; none for anything else."""
    version = await specs.frozen_version(tx, slug, semver)
    return await live_credentials(tx, version.id) if version else []


async def public_attachment(reader: Reader, attachment: UUID) -> bool:
    """Whether anybody may fetch a file: something was signed with it about a version that is public."""
    return bool(
        await reader.fetchval(
            "select exists (select from (select endorsement_id from endorsement_attachments where attachment_id = $1"
            " union all select d.endorsement_id from evidence_attachments y"
            " join endorsement_evidence d on d.id = y.evidence_id where y.attachment_id = $1) x"
            " join endorsements e on e.id = x.endorsement_id join spec_versions v on v.id = e.spec_version_id"
            f" where e.in_force is not null and {PUBLIC.format(t='v')})",
            attachment,
        )
    )
