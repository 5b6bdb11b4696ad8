"""Ties of every kind are found at assignment and at signing; what is disclosed is signed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from countersign.conflicts import interests, service
from countersign.conflicts.rules import ConflictOfInterest, LinkKind, Tie
from countersign.conflicts.rules_findings import DEFAULTS, Finding, Outcome
from countersign.endorsements import jobs as signing
from countersign.endorsements import policies
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import Tool, ToolchainConfirmation
from countersign.endorsements.rules import State
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id
from countersign.organizations.standing import CONTROL_GROUP_AT
from countersign.reviews import service as reviews
from countersign.reviews.rules import Interest, Recommendation
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reviews.support import Scene, favourable, scene, submitted

TODAY = date(2026, 11, 22)


def word(here: Scene, *tools: str) -> endorsements.EndorseSpec:
    shown = (ToolchainConfirmation(tuple(Tool(tool, "1.0") for tool in tools), TODAY),) if tools else ()
    return endorsements.EndorseSpec(here.version, here.digest, "We hire.", evidence=shown)


async def found(tx: Tx, here: Scene, *tools: str) -> Finding:
    return await service.judge(tx, here.employer_id, here.school_id, version_id=here.version, tools=tools)


async def pays(tx: Tx, here: Scene, since: date = TODAY, until: date | None = None, *, school: bool = False) -> UUID:
    two = (here.school_id, here.employer_id) if school else (here.employer_id, here.school_id)
    return await interests.record_sponsorship(tx, SYSTEM, *two, since, until)


async def signed(db: Database, signer: Signer, actor: Actor, command: endorsements.EndorseSpec) -> dict[str, Any]:
    """The endorsement's row, and its credential when it was signed."""
    async with db.writer() as tx:
        key = await endorsements.endorse(tx, actor, command)
    await signing.sign(db, signer, key)
    async with db.writer() as tx:
        row = await tx.fetchrow(
            "select e.state, e.refusal, e.disclosures, e.counts, s.credential from endorsements e"
            " left join endorsement_signatures s on s.endorsement_id = e.id where e.id = $1",
            key,
        )
    assert row is not None
    return {**row, "credential": json.loads(row["credential"]) if row["credential"] else None}


@pytest.mark.parametrize("school", [False, True])
async def test_who_pays_or_is_paid_may_sign_and_does_not_count(
    db: Database, signer: Signer, make: Factory, *, school: bool
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        await pays(tx, here, date(2026, 1, 1), school=school)
    row = await signed(db, signer, here.employer, word(here))
    assert (row["state"], row["counts"]) == ("in_force", False)
    (disclosure,) = row["disclosures"]
    assert (disclosure["tie"], disclosure["outcome"]) == ("sponsor", "exclude")
    assert disclosure["words"].endswith(", since 2026-01-01")
    (evidence,) = row["credential"]["evidence"]
    assert evidence["name"] == "Disclosure of an interest"
    assert evidence["genre"] == "Conflict of interest: sponsor"
    assert evidence["narrative"] == f"{disclosure['words']}. It counts to no quorum."


@pytest.mark.parametrize(
    ("since", "until", "outcome"),
    [
        (TODAY + timedelta(days=1), None, Outcome.CLEAR),
        (TODAY, None, Outcome.EXCLUDE),
        (date(2024, 1, 1), TODAY - timedelta(days=364), Outcome.EXCLUDE),
        (date(2024, 1, 1), TODAY - timedelta(days=365), Outcome.CLEAR),
    ],
)
async def test_a_payment_counts_from_its_first_day_until_a_year_after_its_last(
    tx: Tx, make: Factory, since: date, until: date | None, outcome: Outcome
) -> None:
    here = await scene(tx, make)
    await pays(tx, here, since, until)
    assert (await found(tx, here)).outcome is outcome


async def test_who_makes_a_tool_of_the_version_or_of_its_own_confirmation_discloses_it_and_counts(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        admin = replace(here.employer, roles=frozenset({Role.ORG_ADMIN}))
        taught = await tx.fetchval(
            "select content->'toolchain'->0->>'name' from spec_versions where id = $1", here.version
        )
        await interests.declare_tool(tx, admin, f"  {taught.upper()} ")
        await interests.declare_tool(tx, admin, "Lumen Studio")
        assert [step.tool for step in (await found(tx, here)).steps] == [taught.upper()]
    row = await signed(db, signer, here.employer, word(here, "lumen  studio"))
    assert (row["state"], row["counts"]) == ("in_force", True)
    assert [each["tie"] for each in row["disclosures"]] == ["supplier", "supplier"]
    told = [e["narrative"] for e in row["credential"]["evidence"] if e["genre"] == "Conflict of interest: supplier"]
    assert any("makes Lumen Studio, which the version uses." in sentence for sentence in told)
    assert len(told) == 2


async def test_a_tool_of_the_parent_company_is_disclosed_too(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    parent = await make.organization(tx)
    taught = await tx.fetchval("select content->'toolchain'->0->>'name' from spec_versions where id = $1", here.version)
    await interests.declare_tool(tx, SYSTEM, taught, maker_id=parent)
    assert (await found(tx, here)).outcome is Outcome.CLEAR
    await service.record(tx, SYSTEM, parent, here.employer_id, LinkKind.CONTROLS)
    assert (await found(tx, here)).outcome is Outcome.DISCLOSE


async def test_what_a_reviewer_discloses_is_signed_without_its_words(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
        await reviews.claim(tx, here.employer, request)
        decision = replace(
            favourable(Recommendation.COMMENT), interest=Interest.DISCLOSED, declaration="My sister teaches there."
        )
        await reviews.decide(tx, here.employer, reviews.Decide(request, decision))
    row = await signed(db, signer, here.employer, word(here))
    assert (row["state"], row["counts"]) == ("in_force", True)
    assert [each["tie"] for each in row["disclosures"]] == ["interest"]
    assert "sister" not in json.dumps(row["credential"])
    assert "has disclosed an interest." in row["credential"]["evidence"][0]["narrative"]


async def test_nothing_to_disclose_leaves_the_credential_as_it_was(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    row = await signed(db, signer, here.employer, word(here))
    assert (row["disclosures"], row["counts"]) == ([], True)
    assert "evidence" not in row["credential"]


async def test_a_tie_that_comes_to_light_before_the_signature_refuses_it(
    db: Database, signer: Signer, make: Factory
) -> None:
    """What is signed discloses what is known when it is signed: the signatory must say it again."""
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        taken = await endorsements.endorse(tx, here.employer, word(here))
    async with db.writer() as tx:
        await pays(tx, here)
    assert await signing.sign(db, signer, taken) is State.REFUSED
    async with db.writer() as tx:
        row = await tx.fetchrow("select state, refusal, in_force from endorsements where id = $1", taken)
        assert row is not None
        assert row["in_force"] is None
        assert "pays" in row["refusal"]
        assert await tx.fetchval("select count(*) from endorsement_signatures") == 0
        assert await tx.fetchval("select count(*) from endorsement_edges") == 0
    assert (await signed(db, signer, here.employer, word(here)))["state"] == "in_force"


async def test_a_tie_that_ended_before_the_signature_stays_disclosed(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        review = new_id()
        await service.note_interest(tx, review, here.employer_id, here.version)
        taken = await endorsements.endorse(tx, here.employer, word(here))
    async with db.writer() as tx:
        await service.drop_interest(tx, (review,))
        assert (await found(tx, here)).outcome is Outcome.CLEAR
    assert await signing.sign(db, signer, taken) is State.IN_FORCE
    async with db.writer() as tx:
        assert await tx.fetchval("select disclosures->0->>'tie' from endorsements where id = $1", taken) == "interest"


@dataclass(frozen=True)
class Houses:
    """Groups of an employer and its academy each; everybody endorses for the employer of the house."""

    academies: list[Scene]
    employers: list[Actor]


async def houses(tx: Tx, make: Factory, count: int) -> Houses:
    """`count` groups: an employer that controls a school with a published version."""
    academies, employers = [], []
    for _ in range(count):
        here = await scene(tx, make, published=True)
        owner = await make.employer(tx)
        assert owner.organization_id is not None
        await service.record(tx, SYSTEM, owner.organization_id, here.school_id, LinkKind.CONTROLS)
        academies.append(here)
        employers.append(owner)
    return Houses(academies, employers)


@pytest.mark.parametrize("size", [2, 3])
async def test_whoever_closes_a_ring_of_two_or_three_groups_does_not_count(
    db: Database, signer: Signer, make: Factory, size: int
) -> None:
    """Invariant 6: A endorsed what B's academy teaches, so B's word for A's academy is disclosed and counts not."""
    async with db.writer() as tx:
        town = await houses(tx, make, size)
    rows = [await signed(db, signer, town.employers[at], word(town.academies[(at + 1) % size])) for at in range(size)]
    assert [row["counts"] for row in rows] == [True] * (size - 1) + [False]
    assert [row["state"] for row in rows] == ["in_force"] * size
    (disclosure,) = rows[-1]["disclosures"]
    assert (disclosure["tie"], disclosure["outcome"]) == ("reciprocal", "exclude")
    assert disclosure["words"].count("endorsed a version of") == size - 1


async def test_a_ring_of_four_is_none(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        town = await houses(tx, make, 4)
    rows = [await signed(db, signer, town.employers[at], word(town.academies[(at + 1) % 4])) for at in range(4)]
    assert [row["counts"] for row in rows] == [True] * 4


@pytest.mark.parametrize(("days", "outcome"), [(364, Outcome.EXCLUDE), (365, Outcome.CLEAR)])
async def test_a_ring_is_forgotten_after_a_year(
    db: Database, make: Factory, clock: FrozenClock, days: int, outcome: Outcome
) -> None:
    async with db.writer() as tx:
        town = await houses(tx, make, 2)
        first, second = town.academies
        one, other = (actor.organization_id for actor in town.employers)
        assert one is not None
        assert other is not None
        await service.note_endorsement(tx, new_id(), one, second.school_id, second.version)
    clock.move(timedelta(days=days))
    async with db.writer() as tx:
        judged = await service.judge(tx, other, first.school_id, version_id=first.version)
    assert judged.outcome is outcome


@pytest.mark.parametrize("tie", ["sponsor", "supplier"])
async def test_a_stricter_policy_blocks_what_is_disclosed_by_default(tx: Tx, make: Factory, tie: str) -> None:
    here = await scene(tx, make, published=True)
    await pays(tx, here)
    taught = await tx.fetchval("select content->'toolchain'->0->>'name' from spec_versions where id = $1", here.version)
    await interests.declare_tool(tx, SYSTEM, taught, maker_id=here.employer_id)
    await policies.publish(tx, SYSTEM, policies.Publish(QuorumPolicy(outcomes={tie: "block"}), note="Stricter"))
    with pytest.raises(ConflictOfInterest):
        await endorsements.endorse(tx, here.employer, word(here))
    assert await tx.fetchval("select count(*) from endorsements") == 0


async def test_a_policy_of_the_platform_has_a_tie_disclosed_that_blocks_by_itself(
    db: Database, signer: Signer, make: Factory
) -> None:
    """Invariant 6: the policy may say disclose; then it stands in the signed credential and counts to no quorum."""
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        owner = await make.organization(tx)
        for held in (here.school_id, here.employer_id):
            await service.record(tx, SYSTEM, owner, held, LinkKind.CONTROLS)
        with pytest.raises(ConflictOfInterest):
            await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
        mild = QuorumPolicy(outcomes={"controls": "exclude"})
        await policies.publish(tx, SYSTEM, policies.Publish(mild, note="A corporate academy may be endorsed at home."))
        request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
        await reviews.claim(tx, here.employer, request)
    row = await signed(db, signer, here.employer, word(here))
    assert (row["state"], row["counts"]) == ("in_force", False)
    (disclosure,) = row["disclosures"]
    assert (disclosure["tie"], disclosure["outcome"]) == ("controls", "exclude")
    told = [each["narrative"] for each in row["credential"]["evidence"]]
    assert any("one of them controls the other" in each and "counts to no quorum" in each for each in told)


@pytest.mark.parametrize("whose", ["platform", "school", "spec"])
async def test_a_policy_decides_at_assignment_as_it_does_at_signing(tx: Tx, make: Factory, whose: str) -> None:
    here = await scene(tx, make, published=True)
    await pays(tx, here)
    request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    admin = await make.member(tx, here.school_id, OrganizationKind.SCHOOL, Role.ORG_ADMIN)
    strict = policies.Publish(QuorumPolicy(outcomes={"sponsor": "block"}), "No payers.")
    strict = replace(strict, spec_id=here.spec if whose == "spec" else None)
    await policies.publish(tx, SYSTEM if whose == "platform" else admin, strict)
    for refused in (
        reviews.claim(tx, here.employer, request),
        reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id)),
        endorsements.endorse(tx, here.employer, word(here)),
    ):
        with pytest.raises(ConflictOfInterest):
            await refused
    assert [row["state"] for row in await tx.fetch("select state from review_requests")] == ["open"]
    # A policy for one specification is nothing to another of the same school.
    spec, other = await submitted(tx, here.school)
    judged = await service.judge(tx, here.employer_id, here.school_id, version_id=other)
    assert spec != here.spec
    assert judged.outcome is (Outcome.EXCLUDE if whose == "spec" else Outcome.BLOCK)


async def test_further_than_three_ties_is_one_group_and_does_not_count(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        chain = [here.school_id, *[await make.organization(tx) for _ in range(3)], here.employer_id]
        for one, other in pairwise(chain):
            await service.record(tx, SYSTEM, one, other, LinkKind.CONTROLS)
    row = await signed(db, signer, here.employer, word(here))
    assert (row["state"], row["counts"], [d["tie"] for d in row["disclosures"]]) == ("in_force", False, ["group"])


async def test_the_groups_of_then_answer_questions_about_then(db: Database, make: Factory, clock: FrozenClock) -> None:
    async with db.writer() as tx:
        one, other = await make.organization(tx), await make.organization(tx)
    apart = clock.now()
    clock.move(timedelta(days=1))
    async with db.writer() as tx:
        link = await service.record(tx, SYSTEM, one, other, LinkKind.CONTROLS)
    together = clock.now() + timedelta(hours=1)
    clock.move(timedelta(days=1))
    async with db.writer() as tx:
        await service.end(tx, SYSTEM, link)
    again = clock.now() + timedelta(hours=1)
    asked = f"select {CONTROL_GROUP_AT.format(o='o', at='$2::timestamptz')} from organizations o where o.id = $1"
    both = min(one, other)
    async with db.writer() as tx:
        assert [await tx.fetchval(asked, one, at) for at in (apart, together, again)] == [one, both, one]
        assert [await tx.fetchval(asked, other, at) for at in (apart, together, again)] == [other, both, other]


async def test_a_review_is_refused_for_what_blocks_alone(tx: Tx, make: Factory) -> None:
    """Who is disclosed may review: the school sees the tie before it asks, and it is signed in the end."""
    here = await scene(tx, make)
    await pays(tx, here)
    request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    await reviews.claim(tx, here.employer, request)


def test_every_tie_has_a_default() -> None:
    assert set(DEFAULTS) == set(Tie)
