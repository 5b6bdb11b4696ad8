"""What makes a version co-validated: the policy, and the rule as a pure function of an instant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from types import MappingProxyType
from typing import Final, TypeVar

from countersign.conflicts.rules_findings import Outcome
from countersign.kit.errors import Code, Invalid, Path, Refusal

N = TypeVar("N", Decimal, int)

MOST_GROUPS: Final = 20
HIGHEST_SCORE: Final = 4
SHORTEST_FRESHNESS: Final = 30
LONGEST_FRESHNESS: Final = 3_650
OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)
"""What may come of a conflict of interest, from the mildest to the strictest."""
_NO_OUTCOMES: Final[Mapping[str, str]] = MappingProxyType({})


class LaxerPolicy(Refusal):
    """{what} would be laxer than what stands above it ({above}): a policy only ever asks for more."""

    code = Code.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumPolicy:
    """What must stand behind a version so that it is co-validated.

    `groups`: distinct control groups in all, of which `employers` and `agencies` at least through an organization of
    that kind. `evidence`: kinds of industry validation, each of which some endorsement that counts must carry.
    `rubric_floor` (mean, 0 to 4) and `criterion_floor` (each single score, 0 to 4): an endorsement counts only when its
    endorser's own review at signing reached them. `freshness_days`: an older signature counts no more. `four_eyes`: who
    wrote the review or proposed the endorsement does not sign it. `outcomes`: tie to outcome (`OUTCOMES`), where it is
    stricter than the default. `foreign_counts`: whether verified endorsements from elsewhere count, each issuer as a
    group. `whole_scope`: an endorsement of some outcomes only does not count.
    """

    groups: int = 2
    employers: int = 0
    agencies: int = 0
    evidence: frozenset[str] = frozenset()
    rubric_floor: Decimal | None = None
    criterion_floor: int | None = None
    freshness_days: int | None = None
    four_eyes: bool = False
    outcomes: Mapping[str, str] = field(default_factory=lambda: _NO_OUTCOMES)
    foreign_counts: bool = False
    whole_scope: bool = False


DEFAULT_POLICY: Final = QuorumPolicy()
"""Version 1 of the platform's policy: two independent control groups, and nothing else. It came with the software."""


def stricter(one: QuorumPolicy, other: QuorumPolicy) -> QuorumPolicy:
    """What meets both: of every demand the stricter."""
    # A foreign endorsement that counts makes a quorum easier, so that both must allow it.
    return QuorumPolicy(
        groups=max(one.groups, other.groups),
        employers=max(one.employers, other.employers),
        agencies=max(one.agencies, other.agencies),
        evidence=one.evidence | other.evidence,
        rubric_floor=_most(one.rubric_floor, other.rubric_floor),
        criterion_floor=_most(one.criterion_floor, other.criterion_floor),
        freshness_days=_least(one.freshness_days, other.freshness_days),
        four_eyes=one.four_eyes or other.four_eyes,
        outcomes=_strictest(one.outcomes, other.outcomes),
        foreign_counts=one.foreign_counts and other.foreign_counts,
        whole_scope=one.whole_scope or other.whole_scope,
    )


def effective(policies: Iterable[QuorumPolicy]) -> QuorumPolicy:
    """What policies ask for together; the platform's first version when there are none."""
    found = list(policies)
    return reduce(stricter, found) if found else DEFAULT_POLICY


def check_policy(policy: QuorumPolicy, ties: Iterable[str], kinds: Iterable[str]) -> None:
    """Refuse a policy that means nothing: numbers out of range, kinds of evidence and ties that do not exist."""
    numbers: tuple[tuple[str, Decimal | int | None, int, int], ...] = (
        ("groups", policy.groups, 1, MOST_GROUPS),
        ("employers", policy.employers, 0, MOST_GROUPS),
        ("agencies", policy.agencies, 0, MOST_GROUPS),
        ("rubricFloor", policy.rubric_floor, 0, HIGHEST_SCORE),
        ("criterionFloor", policy.criterion_floor, 0, HIGHEST_SCORE),
        ("freshnessDays", policy.freshness_days, SHORTEST_FRESHNESS, LONGEST_FRESHNESS),
    )
    for name, value, least, most in numbers:
        if value is not None and not least <= value <= most:
            raise Invalid(problem=f"This must be from {least} to {most}", path=(name,))
    if policy.evidence - set(kinds):
        raise Invalid(problem="There is no such kind of evidence", path=("evidence",))
    if set(policy.outcomes) - set(ties) or set(policy.outcomes.values()) - set(OUTCOMES):
        raise Invalid(problem="There is no such tie or outcome", path=("outcomes",))


_ASKED: Final[tuple[tuple[str, Path], ...]] = (
    ("groups", ("groups",)),
    ("employers", ("employers",)),
    ("agencies", ("agencies",)),
    ("evidence", ("evidence",)),
    ("rubric_floor", ("rubricFloor",)),
    ("criterion_floor", ("criterionFloor",)),
    ("freshness_days", ("freshnessDays",)),
    ("four_eyes", ("fourEyes",)),
    ("outcomes", ("outcomes",)),
    ("foreign_counts", ("foreignCounts",)),
    ("whole_scope", ("wholeScope",)),
)


def check_not_laxer(policy: QuorumPolicy, above: QuorumPolicy) -> None:
    """Refuse a policy of which any demand is laxer than the one above it asks; the refusal says which and what of.

    Raises LaxerPolicy at the first such demand.
    """
    both = stricter(policy, above)
    for name, path in _ASKED:
        if getattr(both, name) != getattr(policy, name):
            raise LaxerPolicy(what=path[0], above=said(getattr(above, name)), path=path)


def said(value: object) -> str:
    """A demand of a policy in words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case frozenset():
            return ", ".join(sorted(value)).replace("_", " ") or "none"
        case Mapping():
            return ", ".join(f"{tie}: {outcome}" for tie, outcome in sorted(value.items())).replace("_", " ")
        case _:
            return str(value)


def _most(one: N | None, other: N | None) -> N | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _strictest(one: Mapping[str, str], other: Mapping[str, str]) -> Mapping[str, str]:
    return {
        tie: max((each[tie] for each in (one, other) if tie in each), key=OUTCOMES.index)
        for tie in sorted({*one, *other})
    }
