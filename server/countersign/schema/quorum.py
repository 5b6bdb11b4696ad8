"""Quorum policies and what comes of them, at the front desk: why a version is co-validated or not, then and now."""

import enum
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Optional, TypeVar

import strawberry

from countersign.endorsements import policies
from countersign.endorsements.co_validation_views import (
    APPLIES,
    CAUSE,
    CHANGE,
    COUNTED,
    DEMANDS,
    EXPLANATION,
    MISSING,
    NOT_COUNTED,
    OUTCOME,
    POLICY,
    TALLIED,
)
from countersign.endorsements.rules_quorum import DEFAULT_POLICY, QuorumPolicy
from countersign.endorsements.views import SEEN_WITH_ITS_VERSION
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.conflicts_check import ConflictOutcome, ConflictTie
from countersign.schema.evidence import EvidenceKind
from countersign.schema.foreign import ForeignEndorsement
from countersign.schema.organizations import Organization, OrganizationKind

if TYPE_CHECKING:
    from countersign.schema.endorsements import Endorsement
    from countersign.schema.specs import CredentialSpec

T = TypeVar("T")
_FIRST = f"; {DEFAULT_POLICY.groups} when nothing else was ever published"


@strawberry.enum(description="What a quorum may lack.")
class QuorumDemand(enum.Enum):
    """What a quorum may lack."""

    GROUPS = strawberry.enum_value("groups", description="Independent control groups.")
    EMPLOYERS = strawberry.enum_value("employers", description="Control groups that endorse through an employer.")
    AGENCIES = strawberry.enum_value("agencies", description="Control groups that endorse through an agency.")
    EVIDENCE = strawberry.enum_value("evidence", description="A kind of evidence that somebody must put behind it.")


@strawberry.enum(description="Why an endorsement does not count.")
class NotCountedReason(enum.Enum):
    """Why an endorsement does not count."""

    EXPIRED = strawberry.enum_value("expired", description="Its time is over.")
    REVOKED = strawberry.enum_value("revoked", description="Its endorser took it back.")
    SUPERSEDED = strawberry.enum_value("superseded", description="Its endorser renewed it.")
    SUSPENDED = strawberry.enum_value("suspended", description="Its endorser has paused it.")
    ENDORSER_SUSPENDED = strawberry.enum_value("endorser_suspended", description="Its endorser may not act now.")
    CONFLICT_OF_INTEREST = strawberry.enum_value(
        "conflict_of_interest", description="A tie to the school was found when it was signed, and is disclosed in it."
    )
    GROUP_OF_THE_SCHOOL = strawberry.enum_value(
        "group_of_the_school", description="Its endorser and the school are in one control group."
    )
    ONLY_A_PART = strawberry.enum_value("only_a_part", description="It is about some outcomes; the policy wants all.")
    TOO_OLD = strawberry.enum_value("too_old", description="It is older than the policy lets count.")
    NOT_REVIEWED = strawberry.enum_value("not_reviewed", description="The policy wants scores, and there are none.")
    BELOW_RUBRIC_FLOOR = strawberry.enum_value("below_rubric_floor", description="The mean of its scores is too low.")
    BELOW_CRITERION_FLOOR = strawberry.enum_value("below_criterion_floor", description="One of its scores is too low.")


@strawberry.enum(description="What may change whether a version is co-validated.")
class CoValidationCauseKind(enum.Enum):
    """What may change whether a version is co-validated."""

    ENDORSED = strawberry.enum_value("endorsed", description="An endorsement came into force.")
    EXPIRED = strawberry.enum_value("expired", description="An endorsement ended by time.")
    REVOKED = strawberry.enum_value("revoked", description="An endorser took its endorsement back.")
    SUPERSEDED = strawberry.enum_value("superseded", description="A newer endorsement took the place of one.")
    SUSPENDED = strawberry.enum_value("suspended", description="An endorser paused its endorsement.")
    RESUMED = strawberry.enum_value("resumed", description="An endorser ended the pause.")
    ENDORSER_SUSPENDED = strawberry.enum_value("endorser_suspended", description="An endorser was suspended.")
    ENDORSER_RESUMED = strawberry.enum_value("endorser_resumed", description="An endorser may act again.")
    POLICY = strawberry.enum_value("policy", description="A policy took effect.")
    TOO_OLD = strawberry.enum_value("too_old", description="An endorsement became too old for the policy.")
    FOREIGN_IMPORTED = strawberry.enum_value("foreign_imported", description="One from elsewhere was imported.")
    FOREIGN_CHECKED = strawberry.enum_value(
        "foreign_checked", description="What its issuer says of one from elsewhere has changed."
    )
    FOREIGN_ENDED = strawberry.enum_value("foreign_ended", description="One from elsewhere ended or was withdrawn.")
    REGROUPED = strawberry.enum_value("regrouped", description="Who belongs together with whom has changed.")


@bound(OUTCOME, description="What a policy makes of a tie between an endorser and the school.")
class TieOutcome:
    """What a policy makes of a tie."""

    tie: ConflictTie = column(description="The tie.")
    outcome: ConflictOutcome = column(
        description="What comes of it; milder than it is by itself by the platform's policy alone."
    )


@bound(POLICY, description="A published version of a quorum policy. It never changes; the next one follows it.")
class QuorumPolicyVersion(Node):
    """A published version of a quorum policy."""

    number: int = column(description="The number of the version; the platform's first came with the software.")
    groups: int = column(description="How many independent control groups must endorse.")
    employers: int = column(description="How many of them at least through an employer.")
    agencies: int = column(description="How many of them at least through an agency.")
    evidence: list[EvidenceKind] = column(description="The kinds of evidence that must stand behind it.")
    rubric_floor: Decimal | None = column(description="The least mean, 0 to 4, of an endorser's own scores.")
    criterion_floor: int | None = column(description="The least single score, 0 to 4, that an endorser gave.")
    freshness_days: int | None = column(description="After how many days an endorsement counts no more.")
    four_eyes: bool = column(description="Whether who reviewed or proposed may not sign.")
    whole_scope: bool = column(description="Whether only endorsements of the whole specification count.")
    foreign_counts: bool = column(description="Whether verified endorsements from elsewhere count.")
    note: str = column(description="Why, in the words of who published it.")
    published_at: datetime = column(description="When it was published.")
    effective_from: datetime = column(description="From when on it judges.")
    outcomes: list[TieOutcome] = many(
        order="{child}.tie",
        size=2,
        description="The ties of which it makes something else than they are by themselves.",
    )
    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id",
        description="The school whose policy it is; null for the platform's.",
    )
    spec: Optional[Annotated["CredentialSpec", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_id", description="The one specification that it is for; null for all."
    )


@bound(DEMANDS, description="What all policies in effect ask together: of each demand the strictest.")
class QuorumDemands:
    """What all policies in effect ask together."""

    groups: int = column(description=f"How many independent control groups must endorse{_FIRST}.")
    employers: int = column(description="How many of them at least through an employer.")
    agencies: int = column(description="How many of them at least through an agency.")
    evidence: list[EvidenceKind] = column(description="The kinds of evidence that must stand behind it.")
    rubric_floor: Decimal | None = column(description="The least mean, 0 to 4, of an endorser's own scores.")
    criterion_floor: int | None = column(description="The least single score, 0 to 4, that an endorser gave.")
    freshness_days: int | None = column(description="After how many days an endorsement counts no more.")
    four_eyes: bool = column(description="Whether who reviewed or proposed may not sign.")
    whole_scope: bool = column(description="Whether only endorsements of the whole specification count.")
    foreign_counts: bool = column(description="Whether verified endorsements from elsewhere count.")


@bound(TALLIED, description="What counted.")
class QuorumTally:
    """What counted."""

    groups: int = column(description="How many independent control groups endorsed.")
    employers: int = column(description="How many of them through an employer.")
    agencies: int = column(description="How many of them through an agency.")
    evidence: list[EvidenceKind] = column(description="The kinds of evidence that stood behind it.")


@bound(MISSING, description="One thing that a quorum lacks.")
class QuorumGap:
    """One thing that a quorum lacks."""

    demand: QuorumDemand = column(description="What it is about.")
    need: int = column(description="How many there must be.")
    have: int = column(description="How many there are.")
    evidence_kind: EvidenceKind | None = column(description="Which kind of evidence nobody has put behind it.")
    sentence: str = column(description="The same in words.")


@bound(COUNTED, description="An endorsement that counted.")
class CountedEndorsement:
    """An endorsement that counted."""

    kind: OrganizationKind | None = column(
        description="Through what kind of organization its control group endorsed; null for one from elsewhere."
    )
    endorsement: Optional[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.id", visible=SEEN_WITH_ITS_VERSION, description="The endorsement, when it is ours."
    )
    foreign_endorsement: ForeignEndorsement | None = one(
        on="{child}.id = {parent}.id", description="The endorsement, when it is from elsewhere."
    )


@bound(NOT_COUNTED, description="An endorsement that had been signed and did not count.")
class UncountedEndorsement:
    """An endorsement that did not count."""

    why: NotCountedReason = column(description="Why.")
    sentence: str = column(description="The same in words.")
    endorsement: Optional[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.id", visible=SEEN_WITH_ITS_VERSION, description="The endorsement."
    )


@bound(EXPLANATION, description="Whether a version was co-validated at an instant, and why or why not.")
class CoValidation:
    """Whether a version was co-validated at an instant, and why or why not."""

    at: datetime = column(description="The instant.")
    co_validated: bool = column(description="Whether it was.")
    need: QuorumDemands = one(description="What had to stand behind it then.")
    have: QuorumTally = one(description="What did.")
    missing: list[QuorumGap] = many(order="{child}.no, {child}.evidence_kind", size=1, description="What was lacking.")
    counted: list[CountedEndorsement] = many(size=3, description="The endorsements that counted.")
    not_counted: list[UncountedEndorsement] = many(size=2, description="Those that did not, each with the reason.")
    policies: list[QuorumPolicyVersion] = many(
        on=APPLIES, size=1, description="The published policies then in effect; none before the first."
    )


@bound(CAUSE, description="Something that happened at the instant of a change.")
class CoValidationCause:
    """Something that happened at the instant of a change."""

    kind: CoValidationCauseKind = column(description="What happened.")
    sentence: str = column(description="The same in words.")
    endorsement: Optional[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.endorsement_id",
        visible=SEEN_WITH_ITS_VERSION,
        description="The endorsement that it happened to.",
    )
    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id", description="The organization that it happened to."
    )
    policy: QuorumPolicyVersion | None = one(
        on="{child}.id = {parent}.policy_id", description="The policy that took effect."
    )


@bound(CHANGE, description="An instant at which a version became co-validated, or was so no more.")
class CoValidationChange:
    """An instant at which a version became co-validated, or was so no more."""

    at: datetime = column(description="When.")
    co_validated: bool = column(description="Whether it was from then on.")
    because: list[CoValidationCause] = many(size=1, description="What happened at that instant.")


POLICY_ORDERS = Orders(
    "QuorumPolicyOrder",
    EFFECTIVE_FROM=Order("{child}.effective_from", "timestamptz", "By the day from which on they judge."),
    descending=True,
)


@strawberry.input(description="Which policies; all conditions must hold.")
class QuorumPolicyFilter:
    """Which policies."""

    of_the_platform: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those of the platform, or only those of schools."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those of this school."
    )


@strawberry.type
class QuorumQueries:
    """Root fields."""

    quorum_policy: QuorumPolicyVersion | None = find(description="One published policy.")
    quorum_policies: Connection[QuorumPolicyVersion] = connection(
        orders=POLICY_ORDERS,
        where={
            "filter.ofThePlatform": "({child}.organization_id is null) = {value:boolean}",
            "filter.organizationId": "{child}.organization_id = {value:id(org)}",
        },
        args={"filter": arg(QuorumPolicyFilter | None, "Which of them.")},
        description="Every version of every quorum policy that was ever published.",
    )


@strawberry.input(description="What your policy makes of a tie between an endorser and your school.")
class TieOutcomeInput:
    """What a policy makes of a tie."""

    tie: ConflictTie = strawberry.field(description="The tie; each at most once.")
    outcome: ConflictOutcome = strawberry.field(
        description="What comes of it; not milder than what stands above your policy."
    )


@strawberry.input(
    description="The next version of your school's policy. What is left out is as the platform's first version has it."
)
class PublishQuorumPolicyInput(CommandInput):
    """A policy."""

    note: str = strawberry.field(description="Why, for everyone to read.")
    spec_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The one specification that it is for; all of yours if left out."
    )
    effective_from: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="From when on it judges, within a year; at once if left out."
    )
    groups: int = strawberry.field(default=DEFAULT_POLICY.groups, description="How many control groups, 1 to 20.")
    employers: int = strawberry.field(default=0, description="How many of them at least through an employer.")
    agencies: int = strawberry.field(default=0, description="How many of them at least through an agency.")
    evidence: list[EvidenceKind] = strawberry.field(
        default_factory=list, description="The kinds of evidence that must stand behind it."
    )
    rubric_floor: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="The least mean, 0 to 4, of an endorser's own scores."
    )
    criterion_floor: int | None = strawberry.field(
        default=strawberry.UNSET, description="The least single score, 0 to 4, that an endorser gave."
    )
    freshness_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="After how many days, 30 to 3650, an endorsement counts no more."
    )
    four_eyes: bool = strawberry.field(default=False, description="Whether who reviewed or proposed may not sign.")
    whole_scope: bool = strawberry.field(
        default=False, description="Whether only endorsements of the whole specification count."
    )
    foreign_counts: bool = strawberry.field(
        default=False, description="Whether verified endorsements from elsewhere count; the platform must allow it."
    )
    outcomes: list[TieOutcomeInput] = strawberry.field(
        default_factory=list,
        description="The ties of which it makes more than what stands above it; that holds for all others.",
    )


@payload(description="The published policy.")
class PublishQuorumPolicyPayload:
    """The published policy."""

    quorum_policy: QuorumPolicyVersion | None = entity(description="The published policy.")


def _or_none(value: T | None) -> T | None:
    return None if value is strawberry.UNSET else value


def _policy(given: PublishQuorumPolicyInput) -> QuorumPolicy:
    outcomes = {each.tie.name.lower(): each.outcome.name.lower() for each in given.outcomes}
    if len(outcomes) < len(given.outcomes):
        raise Invalid(problem="Each tie is named at most once", path=("outcomes",))
    return QuorumPolicy(
        groups=given.groups,
        employers=given.employers,
        agencies=given.agencies,
        evidence=frozenset(kind.name.lower() for kind in given.evidence),
        rubric_floor=_or_none(given.rubric_floor),
        criterion_floor=_or_none(given.criterion_floor),
        freshness_days=_or_none(given.freshness_days),
        four_eyes=given.four_eyes,
        outcomes=outcomes,
        foreign_counts=given.foreign_counts,
        whole_scope=given.whole_scope,
    )


async def _publish(tx: Tx, actor: Actor, given: PublishQuorumPolicyInput, _tools: Tools) -> Mapping[str, str]:
    spec = reference(given.spec_id, "spec", "spec", "specId") if given.spec_id else None
    made = policies.Publish(_policy(given), given.note, spec, given.effective_from or None)
    return {"quorum_policy": public_id(POLICY.tag, await policies.publish(tx, actor, made))}


@strawberry.type
class QuorumMutations:
    """Root fields."""

    publish_quorum_policy: PublishQuorumPolicyPayload | None = command(
        PublishQuorumPolicyInput,
        _publish,
        permission=Permission.PUBLISH_POLICY,
        lock=Lock.CREATES,
        description="Publish the next version of your school's quorum policy: it asks for more than the platform's.",
    )
