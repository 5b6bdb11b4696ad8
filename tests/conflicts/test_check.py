"""`conflictCheck` explains what the rule finds, in words and steps, and tells nobody what is not theirs to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from countersign.conflicts import interests, service
from countersign.conflicts.rules import LinkKind
from countersign.conflicts.rules_findings import HIDDEN
from countersign.endorsements import policies
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Refusal
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reviews.support import Scene, scene

ASKED = """query ($who: ID!, $what: ID!) { conflictCheck(organizationId: $who, specVersionId: $what) {
  outcome counts sentence organization { id } specVersion { id }
  reasons { outcome words steps { tie tool since until organization { id } other { id } } } } }"""


async def check(api: Api, here: Scene, actor: Actor | None = None) -> Any:
    answer = await api.ask(ASKED, actor, who=f"org_{here.employer_id}", what=f"version_{here.version}")
    return answer["conflictCheck"]


async def _person(tx: Tx, one: Any, other: Any) -> None:
    person = await organizations.enrol(tx, SYSTEM, one, [Role.AUDITOR])
    await organizations.enrol(tx, SYSTEM, other, [Role.AUDITOR], person_id=person)


async def test_no_tie_is_said_in_one_sentence(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        found = await check(api, here)
    assert (found["outcome"], found["counts"], found["reasons"]) == ("CLEAR", True, [])
    assert found["sentence"].startswith("Nothing is known that ties")
    assert found["organization"] == {"id": f"org_{here.employer_id}"}
    assert found["specVersion"] == {"id": f"version_{here.version}"}


async def test_every_step_is_told_and_what_is_not_public_to_its_ends_alone(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        middle = await make.organization(tx)
        name = await tx.fetchval("select display_name from organizations where id = $1", middle)
        await _person(tx, here.employer_id, middle)
        await service.record(tx, SYSTEM, middle, here.school_id, LinkKind.CONTROLS)
    async with served(db, signer, make) as api:
        for actor in (None, here.school):
            (reason,) = (found := await check(api, here, actor))["reasons"]
            assert (found["outcome"], found["counts"], reason["outcome"]) == ("BLOCK", False, "BLOCK")
            assert reason["words"].startswith(f"{HIDDEN}; {name} and ")
            first, second = reason["steps"]
            assert (first["tie"], first["organization"], first["other"]) == (None, None, None)
            assert (second["tie"], second["organization"]) == ("CONTROLS", {"id": f"org_{middle}"})
        (reason,) = (await check(api, here, here.employer))["reasons"]
        assert f" and {name}: a person has a role in both; {name} and " in reason["words"]
        assert [step["tie"] for step in reason["steps"]] == ["PERSON", "CONTROLS"]
        assert reason["steps"][0]["other"] == {"id": f"org_{middle}"}


async def test_what_a_reviewer_disclosed_is_told_to_their_own_organization_alone(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        await service.note_interest(tx, new_id(), here.employer_id, here.version)
    async with served(db, signer, make) as api:
        assert [(await check(api, here, actor))["outcome"] for actor in (None, here.school, here.employer)] == [
            *("CLEAR", "CLEAR", "DISCLOSE")
        ]


async def test_a_version_that_one_may_not_see_is_as_one_that_is_not_there(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make)
    async with served(db, signer, make) as api:
        assert await check(api, here) is None
        assert await check(api, here, here.employer) is None
        assert await check(api, here, here.school) is not None
        for who, what in ((f"org_{new_id()}", f"version_{here.version}"), ("org_x", "version_x")):
            assert (await api.ask(ASKED, here.school, who=who, what=what))["conflictCheck"] is None


@pytest.mark.parametrize(
    ("platform", "schools", "outcome"),
    [
        ({}, {}, "EXCLUDE"),
        ({"supplier": "block"}, {}, "BLOCK"),
        ({"sponsor": "disclose"}, {}, "DISCLOSE"),
        ({"sponsor": "disclose"}, {"sponsor": "exclude"}, "EXCLUDE"),
        ({"sponsor": "disclose"}, {"supplier": "block"}, "BLOCK"),
    ],
)
async def test_the_answer_is_what_the_rule_finds_by_the_policies_in_effect(
    db: Database, signer: Signer, make: Factory, platform: dict[str, str], schools: dict[str, str], outcome: str
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        taught = await tx.fetchval(
            "select content->'toolchain'->0->>'name' from spec_versions where id = $1", here.version
        )
        await interests.declare_tool(tx, SYSTEM, taught, maker_id=here.employer_id)
        await interests.record_sponsorship(tx, SYSTEM, here.employer_id, here.school_id, date(2026, 1, 1))
        await interests.record_sponsorship(
            tx, SYSTEM, here.school_id, here.employer_id, date(2025, 1, 1), date(2026, 6, 30)
        )
        admin = await make.member(tx, here.school_id, OrganizationKind.SCHOOL, Role.ORG_ADMIN)
        for actor, outcomes in ((SYSTEM, platform), (admin, schools)):
            await policies.publish(tx, actor, policies.Publish(QuorumPolicy(outcomes=outcomes), note="As it is now."))
    async with db.writer() as tx:
        rule = await service.judge(tx, here.employer_id, here.school_id, version_id=here.version)
    async with served(db, signer, make) as api:
        found = await check(api, here)
    assert found["outcome"] == rule.outcome.name == outcome
    assert found["counts"] is rule.counts is (outcome == "DISCLOSE")
    assert [(r["outcome"], r["words"]) for r in found["reasons"]] == [
        (reason.outcome.name, reason.words(None)) for reason in rule.reasons
    ]
    assert len(found["reasons"]) == 3
    paid = next(r for r in found["reasons"] if r["steps"][0]["until"])
    assert paid["steps"][0]["since"] == "2025-01-01"
    assert paid["steps"][0]["until"] == "2026-06-30"


async def test_ties_are_declared_and_ended_by_their_own_admins(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        admin, school = await make.employer(tx, Role.ORG_ADMIN), await make.organization(tx, OrganizationKind.SCHOOL)
        other = await make.employer(tx, Role.ORG_ADMIN)
    async with served(db, signer, make) as api:
        tool = await api.do("declareTool", "toolMaker { id name endedAt organization { id } }", admin, name=" Figma  X")
        made = tool["toolMaker"]
        assert (made["name"], made["endedAt"]) == ("Figma X", None)
        again = await api.do("declareTool", "toolMaker { id }", admin, name="ＦＩＧＭＡ x")
        assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
        listed = "query ($name: String!) { toolMakers(first: 5, filter: {name: $name}) { nodes { id } } }"
        assert (await api.ask(listed, name="figma X"))["toolMakers"]["nodes"] == [{"id": made["id"]}]
        paid = await api.do(
            *("declareSponsorship", "sponsorship { id since until sponsor { id } sponsored { id } byOperator }", admin),
            organizationId=f"org_{school}",
            payment="PAYS",
            since="2026-01-01",
        )
        assert paid["sponsorship"] == {
            "id": paid["sponsorship"]["id"],
            "since": "2026-01-01",
            "until": None,
            "sponsor": {"id": f"org_{admin.organization_id}"},
            "sponsored": {"id": f"org_{school}"},
            "byOperator": False,
        }
        for name, given in (
            ("withdrawTool", {"toolMakerId": made["id"]}),
            ("endSponsorship", {"sponsorshipId": paid["sponsorship"]["id"]}),
        ):
            shown = "toolMaker { endedAt }" if name == "withdrawTool" else "sponsorship { until }"
            refused = await api.do(name, shown, other, **given)
            assert [error["code"] for error in refused["errors"]] == ["NOT_ALLOWED"]
        past = await api.do(
            *("endSponsorship", "sponsorship { until }", admin),
            sponsorshipId=paid["sponsorship"]["id"],
            until="2026-11-21",
        )
        assert [error["path"] for error in past["errors"]] == [["until"]]
        ended = await api.do("endSponsorship", "sponsorship { until }", admin, sponsorshipId=paid["sponsorship"]["id"])
        assert ended["sponsorship"] == {"until": "2026-11-22"}
        twice = await api.do("endSponsorship", "sponsorship { until }", admin, sponsorshipId=paid["sponsorship"]["id"])
        assert [error["code"] for error in twice["errors"]] == ["INVALID_STATE"]
        gone = await api.do("withdrawTool", "toolMaker { endedAt }", admin, toolMakerId=made["id"])
        assert gone["toolMaker"]["endedAt"] is not None


async def test_what_cannot_be_declared_changes_nothing(tx: Tx, make: Factory) -> None:
    admin, reader = await make.employer(tx, Role.ORG_ADMIN), await make.employer(tx)
    other = await make.organization(tx)
    assert admin.organization_id is not None
    day = date(2026, 11, 22)
    bad = interests.DeclareSponsorship
    for actor, deed in (
        (admin, bad(admin.organization_id, paying=True, since=day)),
        (admin, bad(new_id(), paying=True, since=day)),
        (admin, bad(other, paying=False, since=date(2029, 1, 1))),
        (admin, bad(other, paying=False, since=day, until=date(2026, 11, 21))),
        (reader, bad(other, paying=True, since=day)),
        (replace(admin, organization_id=None, roles=frozenset()), bad(other, paying=True, since=day)),
    ):
        with pytest.raises(Refusal):
            await interests.declare_sponsorship(tx, actor, deed)
    for actor, name in ((admin, "  "), (admin, ""), (admin, "x" * 201), (reader, "Figma")):
        with pytest.raises(Refusal):
            await interests.declare_tool(tx, actor, name)
    assert await tx.fetchval("select (select count(*) from sponsorships) + (select count(*) from tool_makers)") == 0
