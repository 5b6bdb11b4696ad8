"""A policy is published once, asks for more than the one above it, and holds from its day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.endorsements import policies
from countersign.endorsements.policies import BeforeItsPredecessor, Publish, policy_for, publish
from countersign.endorsements.rules_quorum import (
    DEFAULT_POLICY,
    OUTCOMES,
    LaxerPolicy,
    QuorumPolicy,
    check_not_laxer,
    check_policy,
    effective,
    stricter,
)
from countersign.kit.access import SYSTEM, Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, NotAllowed, NotFound, Required, TooLong
from countersign.kit.ids import new_id
from tests.factories import Factory
from tests.reviews.support import Scene, scene

POLICIES = st.builds(
    QuorumPolicy,
    groups=st.integers(1, 4),
    employers=st.integers(0, 2),
    agencies=st.integers(0, 2),
    evidence=st.frozensets(st.sampled_from(["hiring_pledge", "wage_premium"])),
    rubric_floor=st.none() | st.decimals(0, 4, places=1),
    criterion_floor=st.none() | st.integers(0, 4),
    freshness_days=st.none() | st.integers(30, 400),
    four_eyes=st.booleans(),
    outcomes=st.dictionaries(st.sampled_from(["domain", "person"]), st.sampled_from(OUTCOMES)),
    foreign_counts=st.booleans(),
)


@given(POLICIES, POLICIES, POLICIES)
def test_policies_together_ask_for_the_stricter_of_each_in_whatever_order(
    one: QuorumPolicy, other: QuorumPolicy, third: QuorumPolicy
) -> None:
    both = stricter(one, other)
    assert both == stricter(other, one) == effective([one, other, one])
    assert stricter(both, third) == stricter(one, stricter(other, third))
    check_not_laxer(both, one)
    check_not_laxer(both, other)


@pytest.mark.parametrize(
    ("laxer", "path"),
    [
        ({"groups": 2}, "groups"),
        ({"employers": 0}, "employers"),
        ({"agencies": 0}, "agencies"),
        ({"evidence": frozenset({"wage_premium"})}, "evidence"),
        ({"rubric_floor": Decimal(2)}, "rubricFloor"),
        ({"rubric_floor": None}, "rubricFloor"),
        ({"criterion_floor": 1}, "criterionFloor"),
        ({"freshness_days": 400}, "freshnessDays"),
        ({"freshness_days": None}, "freshnessDays"),
        ({"four_eyes": False}, "fourEyes"),
        ({"outcomes": {"domain": "disclose"}}, "outcomes"),
        ({"foreign_counts": True}, "foreignCounts"),
    ],
)
def test_a_policy_that_is_laxer_in_one_demand_is_refused_and_says_which(laxer: dict[str, object], path: str) -> None:
    demands: dict[str, object] = {
        "groups": 3,
        "employers": 1,
        "agencies": 1,
        "evidence": frozenset({"hiring_pledge"}),
        "rubric_floor": Decimal(3),
        "criterion_floor": 2,
        "freshness_days": 365,
        "four_eyes": True,
        "outcomes": {"domain": "exclude"},
        "foreign_counts": False,
    }
    above = QuorumPolicy(**demands)  # type: ignore[arg-type] # the demands are mixed
    check_not_laxer(above, above)
    with pytest.raises(LaxerPolicy) as refused:
        check_not_laxer(QuorumPolicy(**demands | laxer), above)  # type: ignore[arg-type] # the demands are mixed
    assert refused.value.path == (path,)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"groups": 0}, "groups"),
        ({"groups": 21}, "groups"),
        ({"employers": -1}, "employers"),
        ({"agencies": 21}, "agencies"),
        ({"rubric_floor": Decimal("4.01")}, "rubricFloor"),
        ({"criterion_floor": 5}, "criterionFloor"),
        ({"freshness_days": 29}, "freshnessDays"),
        ({"evidence": frozenset({"a promise"})}, "evidence"),
        ({"outcomes": {"friendship": "block"}}, "outcomes"),
        ({"outcomes": {"domain": "shrug"}}, "outcomes"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(wrong: dict[str, object], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_policy(QuorumPolicy(**wrong), ["domain"], ["hiring_pledge"])  # type: ignore[arg-type] # mixed
    assert refused.value.path == (path,)


def test_the_first_version_of_the_platform_never_changes() -> None:
    assert QuorumPolicy() == DEFAULT_POLICY
    assert (DEFAULT_POLICY.groups, DEFAULT_POLICY.four_eyes, DEFAULT_POLICY.foreign_counts) == (2, False, False)


async def admin_of(tx: Tx, make: Factory, here: Scene) -> Actor:
    kind = here.school.organization_kind
    assert kind is not None
    return await make.member(tx, here.school_id, kind, Role.ORG_ADMIN)


async def say(tx: Tx, actor: Actor, command: Publish) -> UUID:
    """Publish at the clock's time, in the same transaction (which remembers one time)."""
    return await publish(Tx(tx.connection, tx.clock, tx.vault), actor, command)


async def rows(tx: Tx) -> int:
    return int(await tx.fetchval("select count(*) from quorum_policies"))


async def test_a_version_is_judged_by_the_policies_of_its_instant(tx: Tx, make: Factory, clock: FrozenClock) -> None:
    here = await scene(tx, make, published=True)
    admin = await admin_of(tx, make, here)
    spec: UUID = await tx.fetchval("select spec_id from spec_versions where id = $1", here.version)
    start = clock.now()

    async def groups(day: int) -> tuple[int, bool]:
        found = await policy_for(tx, here.version, start + timedelta(days=day))
        return found.groups, found.four_eyes

    assert await policy_for(tx, here.version) == DEFAULT_POLICY
    clock.move(timedelta(days=1))
    await say(tx, admin, Publish(QuorumPolicy(groups=3), "We want three."))
    clock.move(timedelta(days=1))
    await say(tx, admin, Publish(QuorumPolicy(groups=4), "Four for this one.", spec))
    clock.move(timedelta(days=1))
    later = start + timedelta(days=10)
    await say(tx, SYSTEM, Publish(QuorumPolicy(four_eyes=True), "Four eyes for all.", effective_from=later))
    days = {0: (2, False), 1: (3, False), 2: (4, False), 3: (4, False), 9: (4, False), 10: (4, True)}
    assert {day: await groups(day) for day in days} == days
    numbers = await tx.fetch("select organization_id is null as ours, number from quorum_policies order by id")
    assert [(r["ours"], r["number"]) for r in numbers] == [(False, 1), (False, 1), (True, 2)]
    # Another school's policy is nothing to this version.
    other = await scene(tx, make, published=True)
    assert (await policy_for(tx, other.version, start + timedelta(days=3))).groups == 2
    with pytest.raises(NotFound):
        await policy_for(tx, new_id())


async def test_a_school_is_never_laxer_than_the_platform_and_a_spec_never_than_its_school(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    here = await scene(tx, make, published=True)
    admin = await admin_of(tx, make, here)
    spec: UUID = await tx.fetchval("select spec_id from spec_versions where id = $1", here.version)
    await say(tx, SYSTEM, Publish(QuorumPolicy(groups=3), "Three for all."))
    with pytest.raises(LaxerPolicy) as refused:
        await say(tx, admin, Publish(QuorumPolicy(groups=2), "Two will do."))
    assert refused.value.message == (
        "groups would be laxer than what stands above it (3): a policy only ever asks for more."
    )
    await say(tx, admin, Publish(QuorumPolicy(groups=5), "Five."))
    with pytest.raises(LaxerPolicy):
        await say(tx, admin, Publish(QuorumPolicy(groups=4), "Four for this one.", spec))
    clock.move(timedelta(days=1))
    # Going back is a new version, as long as the platform allows it; and the platform may go back by itself.
    await say(tx, admin, Publish(QuorumPolicy(groups=3), "Three after all."))
    await say(tx, SYSTEM, Publish(QuorumPolicy(groups=1), "One will do."))
    assert (await policy_for(Tx(tx.connection, clock), here.version)).groups == 3


async def test_the_platform_alone_makes_a_tie_milder_and_never_milder_than_its_floor(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    here = await scene(tx, make, published=True)
    admin = await admin_of(tx, make, here)

    async def made() -> Mapping[str, str]:
        return (await policy_for(Tx(tx.connection, clock), here.version)).outcomes

    for actor, outcomes in (
        (SYSTEM, {"domain": "disclose"}),
        (SYSTEM, {"same_organization": "exclude"}),
        (SYSTEM, {"supplier": "clear"}),
        (admin, {"domain": "exclude"}),
        (admin, {"sponsor": "disclose"}),
    ):
        with pytest.raises(LaxerPolicy) as refused:
            await say(tx, actor, Publish(QuorumPolicy(outcomes=outcomes), "Milder."))
        assert refused.value.path == ("outcomes",)
    assert await rows(tx) == 0
    await say(tx, SYSTEM, Publish(QuorumPolicy(outcomes={"domain": "exclude"}), "Houses may share a domain."))
    assert await made() == {"domain": "exclude"}
    # A school that is silent about a tie leaves it as it is; what it names may be as mild, or stricter.
    clock.move(timedelta(days=1))
    await say(tx, admin, Publish(QuorumPolicy(groups=3), "Three."))
    await say(tx, admin, Publish(QuorumPolicy(groups=3, outcomes={"domain": "exclude"}), "As the platform has it."))
    assert await made() == {"domain": "exclude"}
    # When the platform takes it back, what a school had said under it makes nothing mild.
    await say(tx, SYSTEM, Publish(QuorumPolicy(), "As at first."))
    assert await made() == {"domain": "block"}


async def test_what_is_wrong_with_a_policy_is_refused_and_nothing_is_kept(
    tx: Tx, make: Factory, clock: FrozenClock
) -> None:
    here = await scene(tx, make, published=True)
    admin = await admin_of(tx, make, here)
    author = make.without(here.school, Role.ORG_ADMIN)
    now, good = clock.now(), QuorumPolicy(groups=3)
    for actor in (author, here.employer):
        with pytest.raises(NotAllowed):
            await say(tx, actor, Publish(good, "Why not."))
    for command, refusal in (
        (Publish(good, " "), Required),
        (Publish(good, "x" * (policies.NOTE_LIMIT + 1)), TooLong),
        (Publish(QuorumPolicy(groups=0), "None."), Invalid),
        (Publish(good, "Yesterday.", effective_from=now - timedelta(days=1)), Invalid),
        (Publish(good, "Some day.", effective_from=now + timedelta(days=367)), Invalid),
        (Publish(good, "Not ours.", new_id()), NotFound),
    ):
        with pytest.raises(refusal):
            await say(tx, admin, command)
    assert await rows(tx) == 0
    await say(tx, admin, Publish(good, "In a week.", effective_from=now + timedelta(days=7)))
    with pytest.raises(BeforeItsPredecessor):
        await say(tx, admin, Publish(good, "At once."))
    assert await rows(tx) == 1
