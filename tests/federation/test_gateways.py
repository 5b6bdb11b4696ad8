"""Public composers accept our subgraph, and public gateways answer with our things, beside a second subgraph."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from countersign.schema import federation
from countersign.schema.contents import the_schema
from tests import node
from tests.serving import Demo

pytestmark = pytest.mark.node

HERE: Final = Path(__file__).parent / "js"
GATEWAYS: Final = ("apollo", "hive")
COMPOSERS: Final = ("apollo", "guild")
VACANCIES: Final = (
    "{ vacancies(first: 3) { title employer { displayName } asks { name uri } wants { title school { handle } } } }"
)


def our_sdl() -> str:
    """The SDL of our subgraph."""
    return federation.sdl_of(the_schema()._schema)


def their_sdl() -> str:
    """The SDL of the job board."""
    found = re.search(r"export const SDL = `(.*?)`", (HERE / "jobs.mjs").read_text(), re.DOTALL)
    assert found
    return found[1]


async def composed(**subgraphs: str) -> dict[str, Any]:
    """What each composer says."""
    said: dict[str, Any] = await node.ask(node.install(HERE) / "compose.mjs", {"subgraphs": subgraphs})
    return said


@pytest_asyncio.fixture(scope="module")
async def alone() -> dict[str, Any]:
    return await composed(countersign=our_sdl())


@pytest_asyncio.fixture(scope="module")
async def together() -> dict[str, Any]:
    return await composed(countersign=our_sdl(), jobs=their_sdl())


@pytest.mark.parametrize("composer", COMPOSERS)
def test_a_composer_accepts_our_subgraph_alone(alone: dict[str, Any], composer: str) -> None:
    assert alone[composer]["errors"] == []
    assert alone[composer]["hints"] == []
    assert "type SpecVersion" in alone[composer]["supergraph"]


@pytest.mark.parametrize("composer", COMPOSERS)
def test_a_composer_accepts_it_beside_another(together: dict[str, Any], composer: str) -> None:
    assert together[composer]["errors"] == []
    assert together[composer]["hints"] == []
    supergraph = together[composer]["supergraph"]
    assert "vacancies" in supergraph
    assert "@authorized(scope:" in supergraph, "who may do what is told in the supergraph too"
    assert "@seenBy(who:" in supergraph
    assert "_entities" not in supergraph


@pytest.mark.parametrize("composer", COMPOSERS)
async def test_a_composer_refuses_a_key_that_is_no_field(composer: str) -> None:
    broken = our_sdl().replace('@key(fields: "uri")', '@key(fields: "address")')
    assert any("address" in error for error in (await composed(countersign=broken))[composer]["errors"])


@dataclass(frozen=True)
class Facts:
    """Things of the demo, as the job board knows them."""

    skills: list[dict[str, Any]]
    specs: list[dict[str, Any]]
    organizations: list[dict[str, Any]]
    vacancies: list[dict[str, Any]]


@pytest.fixture(scope="module")
def facts(demo: Demo) -> Facts:
    found = demo.ask(
        "{ organizations(first: 3, filter: {kind: EMPLOYER}) { nodes { id handle displayName } }"
        " credentialSpecs(first: 3, filter: {state: PUBLISHED}) { nodes { id slug title school { handle } } }"
        ' skills(first: 6, filter: {framework: "esco"}) { nodes { id uri name } } }'
    )
    skills, specs, organizations = (found[name]["nodes"] for name in ("skills", "credentialSpecs", "organizations"))
    uris, slugs = [skill["uri"] for skill in skills], [spec["slug"] for spec in specs]
    employers = [organization["id"] for organization in organizations]
    vacancies = [
        {"title": "Analyst", "asks": [uris[3], uris[0], uris[2]], "wants": slugs, "employer": employers[1]},
        {"title": "Tester", "asks": [uris[0], uris[5]], "wants": [slugs[1]], "employer": employers[0]},
        {"title": "Designer", "asks": [], "wants": [], "employer": employers[1]},
        {"title": "Gone", "asks": [uris[1]], "wants": [slugs[1], "no-such-spec"], "employer": "org_nonsense"},
    ]
    return Facts(skills, specs, organizations, [{"id": str(n), **v} for n, v in enumerate(vacancies)])


def questions(demo: Demo, facts: Facts) -> dict[str, dict[str, Any]]:
    """What is asked of each gateway, by name."""
    skill, spec, organization = facts.skills[0], facts.specs[1], facts.organizations[1]
    search = "query ($spec: ID!) { searchCandidates(specs: [$spec], first: 1) { nodes { region } } }"
    recruiter, reviewer = demo.token("recruiter"), demo.token("reviewer")
    consent = {"idempotencyKey": "federation", "purpose": "TALENT_SEARCH", "granted": True, "clientMutationId": "m"}
    return {
        "roots": {"query": ROOTS},
        "vacancies": {"query": VACANCIES},
        "unknown": {"query": '{ vacancy(id: "3") { asks { name } wants { title } employer { displayName } } }'},
        "theirs": {
            "query": "query ($uri: String!) { skill(by: {uri: $uri}) { name vacancies { title wants { title } } } }",
            "variables": {"uri": skill["uri"]},
        },
        "allowed": {"query": search, "variables": {"spec": spec["id"]}, "token": recruiter},
        "forbidden": {"query": search, "variables": {"spec": spec["id"]}, "token": reviewer},
        "anonymous": {"query": search, "variables": {"spec": spec["id"]}},
        "aliases": {
            "query": "query ($a: ID!, $b: String!, $n: Int = 2) {"
            " one: organization(by: {id: $a}) { called: displayName }"
            " two: organization(by: {handle: $b}) { called: displayName } few: skills(first: $n) { nodes { id } } }",
            "variables": {"a": organization["id"], "b": facts.organizations[0]["handle"]},
        },
        "node": {
            "query": "query ($ids: [ID!]!) { nodes(ids: $ids) {"
            " __typename id ...Named ... on Organization { displayName } } }"
            " fragment Named on Skill { name uri vacancies { title } }",
            "variables": {"ids": [skill["id"], organization["id"], "nonsense"]},
        },
        "mutation": {
            "query": "mutation ($input: SetConsentInput!) { setConsent(input: $input) { clientMutationId"
            " learner { consents { purpose stands } } errors { __typename ... on UserError { code message } } } }",
            "variables": {"input": consent},
            "token": demo.token("learner"),
        },
        "page too long": {"query": "{ skills(first: 101) { nodes { id } } }"},
    }


ROOTS: Final = (
    "{ skillFrameworks { handle name attribution } organizations(first: 2) { nodes { id handle did } totalCount } }"
)


@pytest_asyncio.fixture(scope="module")
async def said(demo: Demo, facts: Facts) -> dict[str, dict[str, Any]]:
    """What each gateway answered, by gateway and question."""
    await asyncio.to_thread(node.install, HERE)
    asked = questions(demo, facts)
    request = {"countersign": demo.said["graphql"], "vacancies": facts.vacancies, "asked": asked}
    ask = partial(node.ask, HERE / "gateways.mjs")
    answers = [await ask(request | {"gateway": gateway}) for gateway in GATEWAYS]
    return dict(zip(GATEWAYS, answers, strict=True))


@pytest.fixture(params=GATEWAYS)
def answered(request: pytest.FixtureRequest, said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The answers of one gateway by question."""
    return said[request.param]


def data(answered: dict[str, Any], name: str) -> Any:
    """The data of an answer without errors."""
    body = answered[name]["answer"]
    assert not body.get("errors"), body
    return body["data"]


def codes(answered: dict[str, Any], name: str) -> list[str]:
    """The codes of an answer's errors, as far in as the gateway puts them."""
    return [error["extensions"]["code"] for error in answered[name]["answer"]["errors"]]


def test_root_fields_answer_as_without_a_gateway(answered: dict[str, Any], demo: Demo) -> None:
    assert data(answered, "roots") == demo.ask(ROOTS)


def test_entities_that_another_subgraph_names_have_our_names(answered: dict[str, Any], facts: Facts) -> None:
    analyst = data(answered, "vacancies")["vacancies"][0]
    names = {skill["uri"]: skill["name"] for skill in facts.skills}
    assert {skill["uri"]: skill["name"] for skill in analyst["asks"]} == {
        uri: names[uri] for uri in facts.vacancies[0]["asks"]
    }
    assert analyst["employer"] == {"displayName": facts.organizations[1]["displayName"]}
    assert analyst["wants"] == [{"title": s["title"], "school": s["school"]} for s in facts.specs]


def test_entities_keep_the_order_of_the_other_subgraph(answered: dict[str, Any], facts: Facts) -> None:
    shown = [[skill["uri"] for skill in v["asks"]] for v in data(answered, "vacancies")["vacancies"]]
    assert shown == [v["asks"] for v in facts.vacancies[:3]]


def test_an_unknown_entity_is_null_and_spoils_nothing(answered: dict[str, Any], facts: Facts) -> None:
    body = answered["unknown"]["answer"]
    shown = body["data"]["vacancy"]
    assert shown["employer"] is None
    assert shown["wants"][0] == {"title": facts.specs[1]["title"]}
    assert not (shown["wants"][1] or {}).get("title")
    assert shown["asks"] == [{"name": facts.skills[1]["name"]}]
    # One gateway says nothing of it, the other that a field which is never null was.
    assert all(error["path"][:2] in (["vacancy", "employer"], ["vacancy", "wants"]) for error in body.get("errors", ()))


def test_another_subgraph_extends_our_things(answered: dict[str, Any], facts: Facts) -> None:
    skill = data(answered, "theirs")["skill"]
    assert skill["name"] == facts.skills[0]["name"]
    assert [v["title"] for v in skill["vacancies"]] == ["Analyst", "Tester"]
    assert [spec["title"] for spec in skill["vacancies"][0]["wants"]] == [s["title"] for s in facts.specs]


def test_who_asks_is_passed_on_and_decides(answered: dict[str, Any]) -> None:
    assert data(answered, "allowed")["searchCandidates"]["nodes"]
    assert codes(answered, "forbidden") == ["FORBIDDEN"]
    assert codes(answered, "anonymous") == ["UNAUTHENTICATED"]
    for name, authorized in (("allowed", True), ("forbidden", True), ("anonymous", False)):
        assert [sent["authorized"] for sent in answered[name]["sent"]] == [authorized]
        assert not (answered[name]["answer"].get("data") or {}).get("searchCandidates") or authorized


def test_variables_defaults_and_aliases_arrive(answered: dict[str, Any], facts: Facts) -> None:
    found = data(answered, "aliases")
    assert found["one"] == {"called": facts.organizations[1]["displayName"]}
    assert found["two"] == {"called": facts.organizations[0]["displayName"]}
    assert len(found["few"]["nodes"]) == 2


def test_fragments_on_nodes_meet_both_subgraphs(answered: dict[str, Any], facts: Facts) -> None:
    skill, organization, nothing = data(answered, "node")["nodes"]
    assert skill == {
        "__typename": "Skill",
        "id": facts.skills[0]["id"],
        "name": facts.skills[0]["name"],
        "uri": facts.skills[0]["uri"],
        "vacancies": [{"title": "Analyst"}, {"title": "Tester"}],
    }
    assert (organization["__typename"], organization["displayName"]) == (
        "Organization",
        facts.organizations[1]["displayName"],
    )
    assert nothing is None


def test_changes_happen_through_a_gateway(answered: dict[str, Any], demo: Demo) -> None:
    payload = data(answered, "mutation")["setConsent"]
    assert (payload["errors"], payload["clientMutationId"]) == ([], "m")
    assert {"purpose": "TALENT_SEARCH", "stands": True} in payload["learner"]["consents"]
    consents = demo.ask("{ viewer { learner { consents { purpose stands } } } }", role="learner")
    assert consents["viewer"]["learner"]["consents"] == payload["learner"]["consents"]


def test_our_codes_arrive(answered: dict[str, Any]) -> None:
    assert codes(answered, "page too long") == ["BAD_USER_INPUT"]
    assert "100" in answered["page too long"]["answer"]["errors"][0]["message"]


def test_all_entities_of_a_kind_are_one_request_to_us(answered: dict[str, Any], facts: Facts) -> None:
    asked = answered["vacancies"]["sent"]
    named = [it for sent in asked for value in sent["variables"].values() for it in value]
    assert len(asked) <= len({it["__typename"] for it in named}) == 3
    asked_uris = {it["uri"] for it in named if it["__typename"] == "Skill"}
    assert asked_uris == {uri for vacancy in facts.vacancies[:3] for uri in vacancy["asks"]}


async def test_one_of_must_be_declared() -> None:
    silent = our_sdl().replace("directive @oneOf on INPUT_OBJECT", "directive @another on INPUT_OBJECT")
    assert '[countersign] Unknown directive "@oneOf".' in (await composed(countersign=silent))["apollo"]["errors"]
