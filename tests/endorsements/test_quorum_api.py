"""The portal says whether a version is co-validated, at any instant, and why; and takes a school's stricter policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio

from countersign.endorsements import jobs, policies
from countersign.endorsements import service as endorsements
from countersign.endorsements.policies import Publish
from countersign.endorsements.rules import State
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.organizations import standing
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.samples import EVERY_KIND
from tests.factories import Factory
from tests.reviews.support import Scene, everything, scene

WHOLE = """query ($id: ID!, $at: DateTime) { specVersion(by: {id: $id}) { coValidated(asOf: $at)
  coValidation(asOf: $at) {
    at coValidated need { groups employers agencies evidence rubricFloor criterionFloor freshnessDays fourEyes
    wholeScope foreignCounts } have { groups employers agencies evidence }
    missing { demand need have evidenceKind sentence } counted { kind endorsement { id } }
    notCounted { why sentence endorsement { id } }
    policies { number note organization { id } spec { id } outcomes { tie outcome } } } } }"""
HISTORY = """query ($id: ID!) { specVersion(by: {id: $id}) { coValidationHistory { at coValidated
  because { kind sentence endorsement { id } organization { id } policy { number } } } } }"""
PUBLISHED = "quorumPolicy { id number groups employers rubricFloor evidence effectiveFrom outcomes { tie outcome } }"


@dataclass
class Court:
    """The API over a published version, its school's admin, employers and an agency."""

    api: Api
    here: Scene
    admin: Actor
    endorsers: list[Actor]

    async def endorse(self, actor: Actor, **more: Any) -> str:
        """Endorse and sign; the public id."""
        async with self.api.db.writer() as tx:
            word = endorsements.EndorseSpec(self.here.version, self.here.digest, "We hire.", **more)
            key = await endorsements.endorse(tx, actor, word)
        assert await jobs.sign(self.api.db, self.api.tools.signer, key) is State.IN_FORCE
        return f"end_{key}"

    async def explained(self, at: datetime | None = None, actor: Actor | None = None) -> dict[str, Any]:
        """The whole explanation, for anybody; it agrees with the plain answer."""
        given = at.isoformat() if at else None
        data = await self.api.ask(WHOLE, actor, id=f"version_{self.here.version}", at=given)
        found: dict[str, Any] = data["specVersion"]["coValidation"]
        assert data["specVersion"]["coValidated"] is found["coValidated"]
        return found

    async def history(self) -> list[dict[str, Any]]:
        """The changes, latest first."""
        data = await self.api.ask(HISTORY, None, id=f"version_{self.here.version}")
        found: list[dict[str, Any]] = data["specVersion"]["coValidationHistory"]
        return found

    async def publish(self, actor: Actor | None, **given: Any) -> dict[str, Any]:
        """Publish a policy as somebody."""
        return await self.api.do("publishQuorumPolicy", PUBLISHED, actor, **{"note": "We ask for more.", **given})


@pytest_asyncio.fixture
async def court(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Court]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        admin = await make.member(tx, here.school_id, OrganizationKind.SCHOOL, Role.ORG_ADMIN)
        agency = await make.organization(tx, OrganizationKind.AGENCY)
        agent = await make.member(tx, agency, OrganizationKind.AGENCY, Role.SIGNATORY)
        endorsers = [here.employer, await make.employer(tx), agent]
    async with served(db, signer, make) as api:
        yield Court(api, here, admin, endorsers)


async def test_what_is_missing_is_told_in_words_and_as_data(court: Court) -> None:
    empty = await court.explained()
    assert empty["coValidated"] is False
    assert empty["missing"] == [
        {
            "demand": "GROUPS",
            "need": 2,
            "have": 0,
            "evidenceKind": None,
            "sentence": "2 more independent control groups must stand behind it: it has 0 of 2.",
        }
    ]
    assert empty["need"]["groups"] == 2
    assert empty["policies"] == empty["counted"] == empty["notCounted"] == []
    first = await court.endorse(court.endorsers[0], evidence=(EVERY_KIND[0],))
    one = await court.explained()
    assert one["missing"][0]["sentence"] == ("1 more independent control group must stand behind it: it has 1 of 2.")
    assert one["counted"] == [{"kind": "EMPLOYER", "endorsement": {"id": first}}]
    assert one["have"]["evidence"] == [EVERY_KIND[0].kind.name]
    await court.endorse(court.endorsers[2])
    two = await court.explained()
    assert (two["coValidated"], two["missing"]) == (True, [])
    assert two["have"] == {"groups": 2, "employers": 1, "agencies": 1, "evidence": [EVERY_KIND[0].kind.name]}


async def test_each_that_does_not_count_is_told_with_its_reason(court: Court, clock: FrozenClock) -> None:
    one, two, three = [await court.endorse(actor) for actor in court.endorsers]
    clock.move(timedelta(hours=1))
    await court.api.do("revokeEndorsement", "clientMutationId", court.endorsers[0], endorsementId=one, reason="Gone.")
    await court.api.do(
        "suspendEndorsement", "clientMutationId", court.endorsers[1], endorsementId=two, reason="A look."
    )
    agency = court.endorsers[2].organization_id
    assert agency is not None
    async with court.api.db.writer() as tx:
        await standing.suspend(tx, SYSTEM, agency, "Court order")
    found = await court.explained()
    reasons = {each["endorsement"]["id"]: each["why"] for each in found["notCounted"]}
    assert reasons == {one: "REVOKED", two: "SUSPENDED", three: "ENDORSER_SUSPENDED"}
    assert all(each["sentence"].endswith(".") for each in found["notCounted"])
    # Endorsed then and endorsed now are two answers.
    before = await court.explained(clock.now() - timedelta(minutes=1))
    assert (before["coValidated"], before["notCounted"], len(before["counted"])) == (True, [], 3)
    long_ago = await court.explained(clock.now() - timedelta(days=9))
    assert (long_ago["coValidated"], long_ago["notCounted"], long_ago["counted"]) == (False, [], [])


async def test_the_history_tells_every_turn_and_why(court: Court, clock: FrozenClock) -> None:
    start = clock.now()
    first = await court.endorse(court.endorsers[0], valid_until=start + timedelta(days=30))
    clock.move(timedelta(days=1))
    second = await court.endorse(court.endorsers[1])
    clock.move(timedelta(days=35))
    third = await court.endorse(court.endorsers[2])
    turns = [(turn["at"], turn["coValidated"], turn["because"]) for turn in await court.history()]
    assert [(at, so, [(c["kind"], c["endorsement"]["id"]) for c in causes]) for at, so, causes in turns] == [
        ("2026-12-28T12:00:00Z", True, [("ENDORSED", third)]),
        ("2026-12-22T12:00:00Z", False, [("EXPIRED", first)]),
        ("2026-11-23T12:00:00Z", True, [("ENDORSED", second)]),
    ]
    clock.move(timedelta(days=1))
    async with court.api.db.writer() as tx:
        await policies.publish(tx, SYSTEM, Publish(QuorumPolicy(groups=3), "Three."))
    last = (await court.history())[0]
    assert last["coValidated"] is False
    assert [(cause["kind"], cause["policy"]["number"]) for cause in last["because"]] == [("POLICY", 2)]


async def test_a_school_publishes_a_stricter_policy_and_is_judged_by_it_from_then_on(
    court: Court, clock: FrozenClock
) -> None:
    await court.endorse(court.endorsers[0])
    await court.endorse(court.endorsers[1])
    noon = clock.now()
    clock.move(timedelta(hours=1))
    made = await court.publish(
        court.admin,
        groups=2,
        agencies=1,
        rubricFloor="2.5",
        evidence=["HIRING_PLEDGE"],
        outcomes=[{"tie": "SUPPLIER", "outcome": "BLOCK"}],
    )
    assert made["errors"] == []
    assert made["quorumPolicy"]["rubricFloor"] == "2.5"
    assert made["quorumPolicy"]["outcomes"] == [{"tie": "SUPPLIER", "outcome": "BLOCK"}]
    now = await court.explained()
    assert {gap["demand"] for gap in now["missing"]} == {"GROUPS", "AGENCIES", "EVIDENCE"}
    assert {each["why"] for each in now["notCounted"]} == {"NOT_REVIEWED"}
    assert [policy["number"] for policy in now["policies"]] == [1]
    assert now["policies"][0]["organization"] == {"id": f"org_{court.here.school_id}"}
    assert (await court.explained(noon))["coValidated"] is True
    listed = await court.api.ask(
        "query ($org: ID!) { quorumPolicies(first: 5, filter: {organizationId: $org, ofThePlatform: false})"
        " { nodes { number agencies } } }",
        None,
        org=f"org_{court.here.school_id}",
    )
    assert listed["quorumPolicies"]["nodes"] == [{"number": 1, "agencies": 1}]


REFUSED: list[tuple[dict[str, Any], list[str], str]] = [
    ({"groups": 1}, ["groups"], "groups would be laxer than what stands above it (2): a policy only ever asks for"),
    ({"foreignCounts": True}, ["foreignCounts"], "foreignCounts would be laxer than what stands above it (no):"),
    ({"groups": 99}, ["groups"], "This must be from 1 to 20."),
    ({"outcomes": [{"tie": "PARENT", "outcome": "DISCLOSE"}]}, ["outcomes"], "outcomes would be laxer than what"),
    ({"outcomes": [{"tie": "GROUP", "outcome": "BLOCK"}] * 2}, ["outcomes"], "Each tie is named at most once."),
    ({"note": " "}, ["note"], "A note is required."),
    ({"specId": "spec_0"}, ["specId"], "There is no such spec, or you may not see it."),
    ({"effectiveFrom": "2020-01-01T00:00:00Z"}, ["effectiveFrom"], "A policy takes effect now or within a year."),
]


async def kept(api: Api) -> list[Any]:
    """What a refused publication must not have changed."""
    rows = await everything(api.db)
    return [rows["quorum_policies"], rows["outbox"], rows["co_validation_standings"]]


async def test_a_policy_that_is_laxer_or_senseless_is_refused_with_its_place(court: Court) -> None:
    before = await kept(court.api)
    for given, path, message in REFUSED:
        refused = await court.publish(court.admin, **given)
        assert refused["quorumPolicy"] is None
        (error,) = refused["errors"]
        assert error["path"] == path
        assert error["message"].startswith(message)
    assert await kept(court.api) == before


async def test_only_an_admin_of_a_school_publishes_a_policy(court: Court, make: Factory) -> None:
    author = make.without(court.here.school, Role.ORG_ADMIN)
    async with court.api.db.writer() as tx:
        boss = await make.employer(tx, Role.ORG_ADMIN)
    before = await kept(court.api)
    for actor in (author, court.here.employer, boss, ANONYMOUS):
        answer = await court.publish(actor)
        assert answer.get("refused") or answer["errors"][0]["code"] == "NOT_ALLOWED", actor
    assert await kept(court.api) == before
    assert (await court.publish(court.admin))["errors"] == []
