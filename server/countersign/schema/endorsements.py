"""Endorsements at the front desk: an employer's signed word for exactly one version."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Optional
from uuid import UUID

import strawberry

from countersign.endorsements import jobs, service
from countersign.endorsements.proposal_views import AS_SUGGESTED
from countersign.endorsements.views import ENDORSEMENT
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.schema.abilities import EndorsementAbilities, viewer_can
from countersign.schema.attachments import Attachment
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.conflicts_check import Disclosure
from countersign.schema.endorsement_lists import (
    ENDORSEMENT_FILTERS,
    ENDORSEMENT_ORDERS,
    EndorsementFilter,
    EndorsementState,
    SignatoryStanding,
)
from countersign.schema.evidence import EVIDENCE_MEMBERS, Evidence, EvidenceInput, read_evidence, read_files
from countersign.schema.learners import MemberRole
from countersign.schema.organizations import Organization
from countersign.schema.pledges import Pledge
from countersign.schema.problems import (
    ConflictOfInterestError,
    LaterVersionError,
    StaleVersionError,
    StepUpRequiredError,
)
from countersign.schema.rendering import as_html
from countersign.schema.scalars import HTML, URL, Markdown
from countersign.schema.toolchain import DriftAlarm

if TYPE_CHECKING:
    from countersign.schema.specs import SpecVersion
    from countersign.schema.specs_diff import SpecVersionDiff


@bound(ENDORSEMENT, description="An organization's word for exactly one frozen version, signed.", keys=("id",))
class Endorsement(Node):
    """An organization's word for exactly one frozen version."""

    state: EndorsementState = column(description="Where it stands now.")
    live: bool = column(description="Whether it counts now: in force, not over, not taken back.")
    expiring: bool = column(description="Whether it counts now and ends within 60 days.")
    statement: Markdown = column(description="What the endorser says.")
    as_suggested: bool = column(
        sql=AS_SUGGESTED.format(e="{t}"),
        description="Whether these words are those that the school had suggested, but for blanks and capitals.",
    )
    statement_html: HTML = as_html(ENDORSEMENT, "statement", "What the endorser says")
    digest: str = column(description="The digest of the version that was signed: SHA-256 of its spec.json, in hex.")
    outcome_keys: list[str] | None = column(
        description="The learning outcomes that it is about, by their keys; null for the whole specification."
    )
    valid_from: datetime = column(description="From when the signed document is valid.")
    valid_until: datetime = column(description="Until when the signed document is valid.")
    in_force_from: datetime | None = column(description="From when it counted.")
    in_force_until: datetime | None = column(
        description="Until when it counts or counted: the end of its validity, a renewal or a revocation."
    )
    requested_at: datetime = column(description="When the signatory endorsed.")
    signed_at: datetime | None = column(description="When the signature was made.")
    signed_as: list[MemberRole] | None = column(
        description="The roles that the signatory had at that moment; they stand, whoever has left since."
    )
    revoked_at: datetime | None = column(description="When it was taken back.")
    revocation_reason: str | None = column(description="Why it was taken back.")
    signatory_standing: SignatoryStanding = column(
        description="Whether the person who signed has signing authority at the endorser today. Nobody is named, and"
        " the endorsement stands either way: it was signed with the authority of its day."
    )
    signatory_left_on: date | None = column(
        description="The day on which the person who signed lost that authority or left; null while they have it."
    )
    hidden: bool = column(
        description="Whether the school does not show it on its page; it counts and verifies as ever."
    )
    suspended_at: datetime | None = column(description="Since when it is paused; null unless it is.")
    suspension_reason: str | None = column(description="Why it is paused; null unless it is.")
    refusal: str | None = column(description="Why it could not be signed.")
    url: URL = column(
        description="Where the signed credential is served to anyone, once it is signed and the version is published."
    )
    credential: str | None = column(
        description="The signed credential (Open Badges 3.0 EndorsementCredential): the very bytes, as text."
    )
    endorser: Organization = one(
        on="{child}.id = {parent}.organization_id", description="The organization whose word it is."
    )
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that it is about."
    )
    supersedes: Optional["Endorsement"] = one(
        on="{child}.id = {parent}.supersedes_id",
        description="The one that it renewed, or, when that is about an earlier version, the one that it re-affirms.",
    )
    later_changes: list[Annotated["SpecVersionDiff", strawberry.lazy("countersign.schema.specs_diff")]] = many(
        on="{child}.from_id = {parent}.spec_version_id and not {child}.turned and {child}.from_id <> {child}.to_id",
        order="(select v.ordinal from spec_versions v where v.id = {child}.to_id) desc",
        limit=3,
        description="What changed since in the three newest later versions that you may see, the newest first. After an"
        " editorial change its endorser may re-affirm it; it says nothing of a later version by itself.",
    )
    evidence: list[Evidence] = many(
        on="{child}.endorsement_id = {parent}.id",
        order="{child}.no",
        members=EVIDENCE_MEMBERS,
        size=5,
        description="What the endorser puts behind its word.",
    )
    attachments: list[Attachment] = many(
        on="exists (select from endorsement_attachments x"
        " where x.endorsement_id = {parent}.id and x.attachment_id = {child}.id)",
        order="(select x.no from endorsement_attachments x"
        " where x.endorsement_id = {parent}.id and x.attachment_id = {child}.id)",
        size=2,
        visible="true",
        description="The files behind it; their names and digests are signed with it.",
    )
    disclosures: list[Disclosure] = many(
        order="{child}.no", size=1, description="The ties to the school that the endorser disclosed; they are signed."
    )
    counts_to_quorum: bool = column(
        sql="{t}.counts",
        description="Whether it may count to a quorum; false where a disclosed tie to the school excludes it.",
    )
    pledges: list[Pledge] = many(
        on="{child}.endorsement_id = {parent}.id", size=1, visible="true", description="The hiring pledges in it."
    )
    drift_alarms: list[DriftAlarm] = many(
        on="{child}.endorsement_id = {parent}.id and {child}.state in ('open', 'acknowledged')",
        order="{child}.raised_at, {key}",
        size=1,
        limit=100,
        description="What has moved away from what it confirms, and nothing was done about it yet.",
    )
    viewer_can: EndorsementAbilities = viewer_can()


@strawberry.type
class EndorsementQueries:
    """Root fields."""

    endorsement: Endorsement | None = find(description="One endorsement.")
    endorsements: Connection[Endorsement] = connection(
        orders=ENDORSEMENT_ORDERS,
        where=ENDORSEMENT_FILTERS,
        args={"filter": arg(EndorsementFilter | None, "Which of them.")},
        description="Endorsements of all organizations.",
    )


KNOWN_LATER = (
    "The newest version that was published after this one, when you know of it and mean this one all the same. Left"
    " out, you are refused with its id, unless your organization was told of it before."
)
ENDORSING = (StaleVersionError, LaterVersionError, ConflictOfInterestError, StepUpRequiredError)


def known_later(given: strawberry.ID | None) -> UUID | None:
    """The key of `knownLaterVersionId`. Raises NotFound."""
    return reference(given, "version", "version", "knownLaterVersionId") if given else None


@strawberry.input
class WordInput(CommandInput):
    """Base of the inputs that say what an organization says, or might say, of a version."""

    spec_version_id: strawberry.ID = strawberry.field(description="The version.")
    expected_digest: str = strawberry.field(
        description="The version's `digest` as you saw it; another one is refused, and nothing is signed."
    )
    statement: str = strawberry.field(description="What you say, in your own words; it is signed and public.")
    evidence: list[EvidenceInput] = strawberry.field(
        default_factory=list, description="What you put behind it; at most 20 pieces."
    )
    attachment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Your files behind it, which have been received; at most 5."
    )
    valid_until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when; 12 months if left out, at most 24."
    )
    outcome_keys: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The learning outcomes that you speak for, by their keys; the whole specification if left out.",
    )


@strawberry.input(description="Your organization's word for exactly the version that you saw.")
class EndorseSpecInput(WordInput):
    """An endorsement."""

    known_later_version_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=KNOWN_LATER)


@strawberry.input(description="Which endorsement you take back, and why.")
class RevokeEndorsementInput(CommandInput):
    """A revocation."""

    endorsement_id: strawberry.ID = strawberry.field(description="Your endorsement.")
    reason: str = strawberry.field(description="Why; everyone may read it.")


@payload(description="The endorsement.", errors=ENDORSING)
class EndorseSpecPayload:
    """The endorsement."""

    endorsement: Endorsement | None = entity(
        description="The endorsement: IN_FORCE, or SIGNING when its signature takes longer than two seconds, or when"
        " many are being made."
    )


@payload(description="The revoked endorsement.", errors=(StepUpRequiredError,))
class RevokeEndorsementPayload:
    """The revoked endorsement."""

    endorsement: Endorsement | None = entity(description="The revoked endorsement.")


def read_word(given: WordInput) -> service.EndorseSpec:
    """The command of an endorsement, or of what is proposed as one. Raises the refusals of malformed ids."""
    return service.EndorseSpec(
        spec_version_id=reference(given.spec_version_id, "version", "version", "specVersionId"),
        expected_digest=given.expected_digest,
        statement=given.statement,
        evidence=tuple(read_evidence(piece) for piece in given.evidence),
        evidence_files=tuple(read_files(piece, number) for number, piece in enumerate(given.evidence)),
        attachments=tuple(
            reference(text, "attachment", "attachment", "attachmentIds", number)
            for number, text in enumerate(given.attachment_ids)
        ),
        valid_until=given.valid_until or None,
        outcomes=None if given.outcome_keys in (None, strawberry.UNSET) else tuple(given.outcome_keys),
    )


async def _endorse(tx: Tx, actor: Actor, given: EndorseSpecInput, _tools: Tools) -> Mapping[str, str]:
    word = replace(read_word(given), known_later=known_later(given.known_later_version_id))
    return {"endorsement": public_id("end", await service.endorse(tx, actor, word))}


async def settle(tools: Tools, made: Mapping[str, str]) -> None:
    """Have it signed before the answer is read, when that takes less than two seconds and not many are at it."""
    key = reference(made["endorsement"], "end", "endorsement")
    await jobs.settle_or_leave(tools.db, tools.signer, key)


async def _revoke(tx: Tx, actor: Actor, given: RevokeEndorsementInput, _tools: Tools) -> Mapping[str, str]:
    key = reference(given.endorsement_id, "end", "endorsement", "endorsementId")
    return {"endorsement": public_id("end", await service.revoke(tx, actor, service.Revoke(key, given.reason)))}


@strawberry.type
class EndorsementMutations:
    """Root fields."""

    endorse_spec: EndorseSpecPayload | None = command(
        EndorseSpecInput,
        _endorse,
        permission=Permission.SIGN_ENDORSEMENT,
        lock=Lock.DIGEST,
        description="Endorse a version for your organization; a second time renews what you said before.",
        after=settle,
    )
    revoke_endorsement: RevokeEndorsementPayload | None = command(
        RevokeEndorsementInput,
        _revoke,
        permission=Permission.REVOKE_ENDORSEMENT,
        lock=Lock.STATE,
        because="what was signed never changes; one revocation is kept, a second finds nothing in force",
        description="Take back an endorsement of your organization, at once and for everyone.",
    )
