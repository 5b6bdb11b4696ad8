"""Whether a version is co-validated at an instant, why not, and since when: pure functions of facts and policy.

`views.CO_VALIDATED_AT` says the same in SQL; tests keep the two equal over random histories.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from countersign.endorsements.rules_quorum import DEFAULT_POLICY, QuorumPolicy, effective

NOBODY: Final = UUID(int=0)
FOREIGN: Final = "foreign"
"""The kind of a countersignature that comes from elsewhere; each issuer is a control group."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` (in) to `end` (out); the instants at which an endorsement was in force."""

    start: datetime
    end: datetime

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies inside."""
        return self.start <= instant < self.end


class WhyNot(enum.StrEnum):
    """Why an endorsement does not count, the first reason that holds in this order."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    ENDORSER_SUSPENDED = "endorser_suspended"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    GROUP_OF_THE_SCHOOL = "group_of_the_school"
    ONLY_A_PART = "only_a_part"
    TOO_OLD = "too_old"
    NOT_REVIEWED = "not_reviewed"
    BELOW_RUBRIC_FLOOR = "below_rubric_floor"
    BELOW_CRITERION_FLOOR = "below_criterion_floor"
    FOREIGN = "foreign"
    NOT_VERIFIED = "not_verified"


SENTENCES: Final[dict[WhyNot, str]] = {
    WhyNot.EXPIRED: "Its time is over.",
    WhyNot.REVOKED: "Its endorser took it back.",
    WhyNot.SUPERSEDED: "Its endorser renewed it; the newer one speaks.",
    WhyNot.SUSPENDED: "Its endorser has paused it.",
    WhyNot.ENDORSER_SUSPENDED: "Its endorser may not act for the time being.",
    WhyNot.CONFLICT_OF_INTEREST: "Its endorser is not independent of the school; this was found when it was signed.",
    WhyNot.GROUP_OF_THE_SCHOOL: "Its endorser is in the control group of the school.",
    WhyNot.NOT_REVIEWED: "The policy asks for scores, and its endorser had not reviewed the version when it signed.",
    WhyNot.BELOW_RUBRIC_FLOOR: "The mean of its endorser's scores is below the policy's floor.",
    WhyNot.BELOW_CRITERION_FLOOR: "One of its endorser's scores is below the policy's floor.",
    WhyNot.ONLY_A_PART: "It is about some outcomes, and the policy counts only what is about all of them.",
    WhyNot.TOO_OLD: "It was signed longer ago than the policy lets count.",
    WhyNot.FOREIGN: "It comes from elsewhere, and the policy counts none of those.",
    WhyNot.NOT_VERIFIED: "It comes from elsewhere, and not everything about it could be verified.",
}


@dataclass(frozen=True, slots=True)
class Countersignature:
    """What the quorum needs to know of an endorsement: whose it is, when it was in force, what stands behind it."""

    control_group: UUID
    in_force: Range | None
    paused: tuple[Range, ...] = ()
    """When it was suspended, or its endorser was."""
    kind: str = "employer"
    """`employer` or `agency`; `foreign` for one from elsewhere."""
    evidence: frozenset[str] = frozenset()
    rubric_mean: Decimal | None = None
    rubric_least: int | None = None
    counts: bool = True
    """False when it was signed with a conflict of interest that keeps it from counting, or is not verified."""
    whole: bool = True
    """Whether it is about the whole specification, and not some outcomes only."""
    regrouped: tuple[tuple[datetime, UUID], ...] = ()
    """From when its endorser was in which other control group than before, in the order of time."""

    def group_at(self, at: datetime) -> UUID:
        """The endorser's control group at an instant."""
        return next((group for since, group in reversed(self.regrouped) if since <= at), self.control_group)


def why_not(one: Countersignature, school_group: UUID, policy: QuorumPolicy, at: datetime) -> WhyNot | None:
    """Why a countersignature does not count at an instant; None when it does.

    The ways in which an endorsement ends are told apart by its state, which this rule does not know: EXPIRED stands
    for all of them, and for one that is not yet in force.
    """
    if one.in_force is None or not one.in_force.contains(at):
        return WhyNot.EXPIRED
    if any(pause.contains(at) for pause in one.paused):
        return WhyNot.SUSPENDED
    if one.kind == FOREIGN:
        verified = None if one.counts else WhyNot.NOT_VERIFIED
        return verified if policy.foreign_counts else WhyNot.FOREIGN
    if not one.counts or one.group_at(at) == school_group:
        return WhyNot.GROUP_OF_THE_SCHOOL if one.counts else WhyNot.CONFLICT_OF_INTEREST
    return _why_too_little(one, one.in_force.start, policy, at)


def _why_too_little(one: Countersignature, signed: datetime, policy: QuorumPolicy, at: datetime) -> WhyNot | None:
    if policy.whole_scope and not one.whole:
        return WhyNot.ONLY_A_PART
    if policy.freshness_days is not None and signed + timedelta(days=policy.freshness_days) <= at:
        return WhyNot.TOO_OLD
    return _why_scores_do_not_do(one, policy)


def _why_scores_do_not_do(one: Countersignature, policy: QuorumPolicy) -> WhyNot | None:
    if policy.rubric_floor is None and policy.criterion_floor is None:
        return None
    if one.rubric_mean is None or one.rubric_least is None:
        return WhyNot.NOT_REVIEWED
    if policy.rubric_floor is not None and one.rubric_mean < policy.rubric_floor:
        return WhyNot.BELOW_RUBRIC_FLOOR
    if policy.criterion_floor is not None and one.rubric_least < policy.criterion_floor:
        return WhyNot.BELOW_CRITERION_FLOOR
    return None


@dataclass(frozen=True, slots=True)
class Tally:
    """What counted at an instant, in the terms of a policy's demands."""

    groups: int
    employers: int
    agencies: int
    evidence: frozenset[str]

    def meets(self, policy: QuorumPolicy) -> bool:
        """Whether nothing is missing."""
        return (
            self.groups >= policy.groups
            and self.employers >= policy.employers
            and self.agencies >= policy.agencies
            and policy.evidence <= self.evidence
        )


def tally(counted: Iterable[tuple[UUID, Countersignature]]) -> Tally:
    """What counts, by control group: one that endorses twice counts once, as whatever kinds its members are."""
    found = list(counted)
    return Tally(
        groups=len({group for group, _ in found}),
        employers=len({group for group, one in found if one.kind == "employer"}),
        agencies=len({group for group, one in found if one.kind == "agency"}),
        evidence=frozenset(kind for _, one in found for kind in one.evidence),
    )


def co_validated(
    countersignatures: Iterable[Countersignature], school_group: UUID, policy: QuorumPolicy, as_of: datetime
) -> bool:
    """Whether enough independent control groups had an endorsement that counts at the instant.

    Control groups are counted, not organizations; the school's own never counts. "Was it co-validated when she earned
    it?" and "is it now?" are two calls: a revocation ends the range at its own instant and rewrites nothing before it.
    """
    counted = ((c.group_at(as_of), c) for c in countersignatures if why_not(c, school_group, policy, as_of) is None)
    return tally(counted).meets(policy)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that decides on one version: its countersignatures, the school's groups, the policies by time.

    `platform` are the versions of the platform's policy after the first, each with the instant from which it holds, in
    order; `policies` the same for each policy of the school that applies.
    """

    countersignatures: Sequence[Countersignature]
    school_group: UUID = NOBODY
    school_regrouped: tuple[tuple[datetime, UUID], ...] = ()
    platform: Sequence[tuple[datetime, QuorumPolicy]] = ()
    policies: Sequence[Sequence[tuple[datetime, QuorumPolicy]]] = ()

    def policy_at(self, at: datetime) -> QuorumPolicy:
        """What must stand behind the version at an instant."""
        holding = [[policy for since, policy in versions if since <= at] for versions in self.policies]
        platform = [DEFAULT_POLICY, *(policy for since, policy in self.platform if since <= at)]
        return effective([platform[-1], *(versions[-1] for versions in holding if versions)])

    def school_group_at(self, at: datetime) -> UUID:
        """The school's control group at an instant."""
        return next((group for since, group in reversed(self.school_regrouped) if since <= at), self.school_group)

    def co_validated(self, at: datetime) -> bool:
        """Whether the version is co-validated at an instant."""
        return co_validated(self.countersignatures, self.school_group_at(at), self.policy_at(at), at)

    def instants(self) -> list[datetime]:
        """Every instant at which the answer may change, in order; between two of them it does not."""
        published = [*self.platform, *(version for versions in self.policies for version in versions)]
        found = {since for since, _ in published}
        found |= {since for since, _ in self.school_regrouped}
        days = {policy.freshness_days for _, policy in published if policy.freshness_days is not None}
        for one in self.countersignatures:
            ranges = [*one.paused, *([one.in_force] if one.in_force else [])]
            found |= {instant for each in ranges for instant in (each.start, each.end)}
            found |= {since for since, _ in one.regrouped}
            if one.in_force is not None:
                found |= {one.in_force.start + timedelta(days=number) for number in days}
        return sorted(found)

    def history(self, until: datetime) -> list[tuple[datetime, bool]]:
        """Every instant up to `until` at which the answer changed, with the answer from then on."""
        changes: list[tuple[datetime, bool]] = []
        for instant in self.instants():
            if instant <= until and self.co_validated(instant) is not (changes[-1][1] if changes else False):
                changes.append((instant, not (changes[-1][1] if changes else False)))
        return changes
