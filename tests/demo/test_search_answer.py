"""The recruiter's answer over the demo, compared with one computed from the imported files in plain Python."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.demo import learners, market
from tests.demo import plain
from tests.serving import LEARNERS, SEED, Demo

SEARCH = """
query Search($skills: [ID!], $specs: [ID!], $stack: ID, $endorsedBy: [ID!], $regions: [String!], $after: Cursor) {
  searchCandidates(
    first: 50, after: $after
    skills: $skills, specs: $specs, stack: $stack, endorsedBy: $endorsedBy, regions: $regions
  ) {
    totalCount
    facets { regions { region count } endorsers { count endorser { handle } } }
    pageInfo { hasNextPage endCursor }
    nodes {
      region
      match { score recent }
      awards { earnedOn specVersion { semver spec { slug } } liveEndorsements { endorser { handle } } }
    }
  }
}
"""
IDS = """
query Ids {
  credentialSpecs(first: 100) { nodes { id slug } }
  stacks(first: 100) { nodes { id handle } }
  organizations(first: 100) { nodes { id handle } }
}
"""
SKILL = """
query Skill($label: String!, $framework: String!) {
  skills(first: 5, search: $label, filter: { framework: $framework }) { nodes { id name } }
}
"""
DEPTH = 200


@pytest.fixture(scope="module")
def whole() -> market.Market:
    return market.load(datetime.now(tz=UTC).date())


@pytest.fixture(scope="module")
def people(whole: market.Market, tmp_path_factory: pytest.TempPathFactory) -> list[plain.Person]:
    folder: Path = tmp_path_factory.mktemp("files")
    return plain.consenting(learners.write_files(folder, whole, learners.make(whole, LEARNERS, SEED)))


@pytest.fixture(scope="module")
def ids(demo: Demo) -> dict[str, str]:
    given = demo.ask(IDS)
    named = {node["slug"]: node["id"] for node in given["credentialSpecs"]["nodes"]}
    for list_name in ("stacks", "organizations"):
        named |= {node["handle"]: node["id"] for node in given[list_name]["nodes"]}
    return named


def found(demo: Demo, **variables: Any) -> dict[str, Any]:
    """The whole answer: every page's nodes, and the counts and facets of the first."""
    answer: dict[str, Any] = demo.ask(SEARCH, variables, "recruiter")["searchCandidates"]
    nodes, page = list(answer["nodes"]), answer["pageInfo"]
    while page["hasNextPage"]:
        more = demo.ask(SEARCH, {**variables, "after": page["endCursor"]}, "recruiter")["searchCandidates"]
        assert {k: more[k] for k in ("totalCount", "facets")} == {k: answer[k] for k in ("totalCount", "facets")}
        nodes += more["nodes"]
        page = more["pageInfo"]
    return {**answer, "nodes": nodes}


def same(answer: dict[str, Any], expected: plain.Answer, stands: dict[tuple[str, str], set[str]]) -> None:
    """Page, count and facets are the expected ones; equal candidates may stand in any order among themselves."""
    assert answer["totalCount"] == expected.count
    assert [(f["region"], f["count"]) for f in answer["facets"]["regions"]] == list(expected.regions)
    endorsers = {f["endorser"]["handle"]: f["count"] for f in answer["facets"]["endorsers"]}
    assert endorsers == dict(expected.endorsers)
    counts = [f["count"] for f in answer["facets"]["endorsers"]]
    assert counts == sorted(counts, reverse=True)
    order = [(node["match"]["score"], node["match"]["recent"]) for node in answer["nodes"]]
    assert order == [(f.score, f.recent.isoformat()) for f in expected.candidates[:DEPTH]]
    shown, wanted = Counter(map(_shown, answer["nodes"])), Counter(map(_wanted, expected.candidates))
    assert not shown - wanted if len(expected.candidates) > DEPTH else shown == wanted
    for node in answer["nodes"]:
        for award in node["awards"]:
            version = award["specVersion"]
            behind = {e["endorser"]["handle"] for e in award["liveEndorsements"]}
            assert behind == stands[version["spec"]["slug"], version["semver"]]


def _shown(node: dict[str, Any]) -> tuple[Any, ...]:
    held = frozenset((a["specVersion"]["spec"]["slug"], a["specVersion"]["semver"]) for a in node["awards"])
    return node["match"]["score"], node["match"]["recent"], node["region"], held


def _wanted(candidate: plain.Found) -> tuple[Any, ...]:
    return candidate.score, candidate.recent.isoformat(), candidate.region, candidate.held


def test_every_stack_finds_the_people_that_the_files_say(
    demo: Demo, whole: market.Market, people: list[plain.Person], ids: dict[str, str]
) -> None:
    stands = plain.endorsers(whole)
    seen = 0
    for stack in whole.stacks:
        expected = plain.search(whole, people, specs=[*stack.blocks, stack.capstone])
        same(found(demo, stack=ids[stack.handle]), expected, stands)
        seen += len(expected.candidates)
    assert seen >= 10, "the comparison is not of nothing"


@pytest.mark.parametrize(
    ("specs", "endorsed_by", "regions"),
    [
        (["ab-testing-python"], None, None),
        (["ab-testing-python", "sql-for-analysts"], None, None),
        (["ab-testing-python"], ["zenda"], None),
        (["sql-for-analysts"], ["brobdingnag", "lukomorye"], ["DE-BE", "DE-HH", "KZ-75"]),
        (["dashboards-decisions"], ["rocinante"], None),
        (["data-models"], None, None),
        (["demand-forecasting"], None, None),
        (["shop-events-kafka", "sql-for-analysts"], None, ["DE-BE"]),
    ],
)
def test_blocks_endorsers_and_regions_together(
    demo: Demo,
    whole: market.Market,
    people: list[plain.Person],
    ids: dict[str, str],
    specs: list[str],
    endorsed_by: list[str] | None,
    regions: list[str] | None,
) -> None:
    expected = plain.search(whole, people, specs=specs, endorsed_by=endorsed_by, regions=regions)
    answer = found(
        demo,
        specs=[ids[slug] for slug in specs],
        endorsedBy=None if endorsed_by is None else [ids[handle] for handle in endorsed_by],
        regions=regions,
    )
    same(answer, expected, plain.endorsers(whole))


@pytest.mark.parametrize(
    "skills",
    [
        ["esco: SQL"],
        ["esco: SQL", "onet: Python"],
        ["esco: graphic design", "onet: Figma"],
        ["onet: Python", "onet: PostgreSQL", "esco: report analysis results", "esco: SQL"],
    ],
)
def test_skills_count_through_the_versions_that_are_aligned_with_them(
    demo: Demo, whole: market.Market, people: list[plain.Person], skills: list[str]
) -> None:
    expected = plain.search(whole, people, skills=skills)
    asked = []
    for skill in skills:
        framework, _, label = skill.partition(": ")
        nodes = demo.ask(SKILL, {"label": label, "framework": framework})["skills"]["nodes"]
        asked.append(next(node["id"] for node in nodes if node["name"] == label))
    same(found(demo, skills=asked), expected, plain.endorsers(whole))
