"""Specifications through the API: from a draft to a published version, and every refusal without a trace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import rfc8785

from countersign.kit.access import ANONYMOUS, Actor, Role
from countersign.kit.db import Database
from countersign.specs.freezing import DIGESTED_KEYS
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.specs.samples import COMPLETE
from tests.specs.support import everything, ground

Owner = asyncpg.Connection


def content(**fields: Any) -> dict[str, Any]:
    """The complete specification as an input, but for `fields` (`...` leaves one out)."""
    given = deepcopy(COMPLETE) | fields
    given = {name: value for name, value in given.items() if value is not ...}
    for holder, name in ((given, "participation"), (given, "integration")):
        if name in holder:
            holder[name] = holder[name].upper()
    if "qualityAssurance" in given:
        given["qualityAssurance"]["type"] = given["qualityAssurance"]["type"].upper()
    if "assessment" in given:
        given["assessment"]["types"] = [kind.upper() for kind in given["assessment"]["types"]]
        given["assessment"]["supervision"] = given["assessment"]["supervision"].upper()
    return given


MADE = "2026-11-22T12:00:00Z"  # when drafts are made by the tests' clock
NEXT = "2026-11-22T12:00:00.001Z"  # and, though it stands, changed: a change is always later than the one before


@dataclass
class World:
    """The application, a school's author, and others who may not do what the author may."""

    api: Api
    author: Actor
    others: dict[str, Actor]

    async def draft(self, slug: str = "ab-testing-python", **fields: Any) -> str:
        """The id of a complete draft, but for `fields`."""
        made = await self.api.do(
            "createSpec", "spec { id } draft { id }", self.author, slug=slug, content=content(**fields)
        )
        assert made["errors"] == [], made
        return str(made["draft"]["id"])

    async def version(self, slug: str = "ab-testing-python", semver: str = "1.0.0", **fields: Any) -> str:
        """The id of a submitted version."""
        draft = await self.draft(slug, **fields)
        made = await self.api.do(
            "submitSpec", "version { id }", self.author, draftId=draft, semver=semver, ifUnmodifiedSince=MADE
        )
        assert made["errors"] == [], made
        return str(made["version"]["id"])


@pytest_asyncio.fixture
async def world(db: Database, signer: Signer, make: Factory) -> AsyncIterator[World]:
    async with db.writer() as tx:
        await ground(tx)
        author = await make.school(tx, Role.AUTHOR)
        others = {
            "nobody": ANONYMOUS,
            "registrar of the school": await make.member(
                tx, author.organization_id or make_nothing(), author.organization_kind or make_nothing(), Role.REGISTRAR
            ),
            "author of another school": await make.school(tx, Role.AUTHOR),
            "employer": await make.employer(tx),
        }
    async with served(db, signer, make) as api:
        yield World(api, author, others)


def make_nothing() -> Any:
    raise AssertionError("a school's author acts for a school")


async def test_school_goes_from_a_draft_to_a_published_version(world: World) -> None:
    made = await world.api.do(
        "createSpec",
        "spec { id slug kind title school { kind } currentVersion { id } }"
        " draft { id revision submitted gaps title content { ects } }",
        world.author,
        slug="ab-testing-python",
        content=content(eqfLevel=...),
    )
    assert made["errors"] == []
    assert made["spec"]["slug"] == "ab-testing-python"
    assert (made["spec"]["kind"], made["spec"]["title"], made["spec"]["currentVersion"]) == ("BLOCK", None, None)
    assert made["draft"] | {"id": ""} == {
        "id": "",
        "revision": 1,
        "submitted": False,
        "gaps": ["LEVEL"],
        "title": COMPLETE["title"],
        "content": {"ects": "3"},
    }
    draft = made["draft"]["id"]
    edited = await world.api.do(
        "editDraft",
        "draft { revision gaps updatedAt }",
        world.author,
        draftId=draft,
        content=content(),
        ifUnmodifiedSince=MADE,
    )
    assert edited["draft"] == {"revision": 2, "gaps": [], "updatedAt": NEXT}
    frozen = await world.api.do(
        "submitSpec",
        "version { id state semver digest endorsable }",
        world.author,
        draftId=draft,
        semver="1.0.0",
        ifUnmodifiedSince=NEXT,
    )
    version = frozen["version"]
    assert (version["state"], version["semver"], version["endorsable"]) == ("SUBMITTED", "1.0.0", True)
    published = await world.api.do(
        "publishSpec", "version { state publishedAt spec { title } }", world.author, versionId=version["id"]
    )
    assert published["version"] == {
        "state": "PUBLISHED",
        "publishedAt": "2026-11-22T12:00:00Z",
        "spec": {"title": COMPLETE["title"]},
    }
    for field, state in (("deprecateSpec", "DEPRECATED"), ("retireSpec", "RETIRED")):
        moved = await world.api.do(field, "version { state }", world.author, versionId=version["id"])
        assert moved["version"] == {"state": state}


async def test_served_stored_and_recomputed_digest_are_equal(world: World, owner: Owner[Any]) -> None:
    version = await world.version()
    query = "query ($id: ID!) { specVersion(by: {id: $id}) { digest specJson achievement url } }"
    served_version = (await world.api.ask(query, world.author, id=version))["specVersion"]
    stored = await owner.fetchrow("select digest, spec_json, achievement from spec_versions")
    assert stored is not None
    assert served_version["specJson"].encode() == stored["spec_json"]
    assert served_version["achievement"].encode() == stored["achievement"]
    document = json.loads(served_version["specJson"])
    recomputed = hashlib.sha256(rfc8785.dumps(document)).hexdigest()
    assert recomputed == served_version["digest"] == stored["digest"]
    assert set(document) == DIGESTED_KEYS
    assert document["achievementSha256"] == hashlib.sha256(served_version["achievement"].encode()).hexdigest()
    assert served_version["url"] == document["id"] == json.loads(served_version["achievement"])["id"]


async def test_everything_that_was_written_is_read_again(world: World) -> None:
    version = await world.version(reviewOn="2027-06-01")
    data = await world.api.ask(
        """query ($id: ID!) { specVersion(by: {id: $id}) { title gaps changeClass changed skills { name } content {
             title language summary description workloadHours ects eqfLevel levelApplicable cycle participation
             languages duration prerequisites integration stackableTowards reviewOn audience fieldOfStudy tags
             furtherInformation price { amount currency } qualityAssurance { type body description url }
             outcomes { key statement primary criterion threshold conditions measurable skills { name } }
             primaryOutcome { key }
             assessment { types description passMark supervision duration externalAssessor
               rubric { key name description requiredLevel levels { key name level points description } } }
             toolchain { name version checkedOn purpose skill { name } }
             alignments { uri name framework matched skill { name framework { handle } } } } } }""",
        world.author,
        id=version,
    )
    found = data["specVersion"]["content"]
    assert {
        name: found[name] for name in ("title", "description", "duration", "tags", "languages", "prerequisites")
    } == {name: COMPLETE[name] for name in ("title", "description", "duration", "tags", "languages", "prerequisites")}
    assert (found["workloadHours"], found["ects"], found["eqfLevel"], found["reviewOn"]) == ("75", "3", 6, "2027-06-01")
    assert (found["participation"], found["integration"], found["cycle"]) == ("ONLINE", "STACKABLE", None)
    assert found["price"] == {"amount": "480", "currency": "EUR"}
    assert found["qualityAssurance"]["type"] == "INTERNAL"
    assert [outcome["key"] for outcome in found["outcomes"]] == ["report", "power"]
    assert [outcome["measurable"] for outcome in found["outcomes"]] == [True, False]
    assert found["primaryOutcome"] == {"key": "report"}
    assert found["outcomes"][0]["skills"] == [{"name": "conduct quantitative research"}]
    assert found["assessment"]["types"] == ["APPLICATION_OF_A_SKILL"]
    assert found["assessment"]["supervision"] == "SUPERVISED_WITH_IDENTITY_VERIFICATION"
    assert found["assessment"]["rubric"][0]["levels"][0]["name"] == "Ready for work"
    assert found["toolchain"] == [
        {"name": "Python", "version": "3.13", "checkedOn": "2026-09-20", "purpose": None, "skill": None}
    ]
    (aligned,) = found["alignments"]
    assert (aligned["name"], aligned["framework"], aligned["skill"]["framework"]["handle"]) == (
        "conduct quantitative research",
        "ESCO",
        "esco",
    )
    assert data["specVersion"]["skills"] == [{"name": "conduct quantitative research"}]


async def test_empty_content_reads_as_nothing_said(world: World) -> None:
    made = await world.api.do(
        "createSpec",
        "draft { gaps content { title outcomes { key } primaryOutcome { key } assessment { types } price { amount }"
        " qualityAssurance { type } toolchain { name } alignments { uri } languages tags } }",
        world.author,
        slug="nothing-yet",
        content={},
    )
    assert len(made["draft"]["gaps"]) == 11
    assert made["draft"]["content"] == {
        "title": None,
        "outcomes": [],
        "primaryOutcome": None,
        "assessment": None,
        "price": None,
        "qualityAssurance": None,
        "toolchain": [],
        "alignments": [],
        "languages": [],
        "tags": [],
    }


async def test_version_is_found_by_id_digest_and_address_alike(world: World) -> None:
    version = await world.version()
    found = await world.api.ask("query ($id: ID!) { specVersion(by: {id: $id}) { digest } }", world.author, id=version)
    query = """query ($id: ID!, $digest: String!, $slug: String!) {
      a: specVersion(by: {id: $id}) { id } b: specVersion(by: {digest: $digest}) { id } n: node(id: $id) { id }
      c: specVersion(by: {at: {slug: $slug, semver: "1.0.0"}}) { id }
      d: specVersion(by: {at: {slug: $slug, semver: "9.0.0"}}) { id } }"""
    digest = found["specVersion"]["digest"]
    data = await world.api.ask(query, world.author, id=version, digest=digest, slug="ab-testing-python")
    assert data["a"]["id"] == data["b"]["id"] == data["c"]["id"] == data["n"]["id"] == version
    assert data["d"] is None


SEEN = """query ($slug: String, $version: ID!, $draft: ID!) {
  credentialSpec(by: {slug: $slug}) { slug versions(first: 5) { totalCount } drafts(first: 5) { totalCount } }
  credentialSpecs(first: 5) { totalCount } specVersion(by: {id: $version}) { id }
  v: node(id: $version) { id } d: node(id: $draft) { id } }"""
UNSEEN = {
    "credentialSpec": None,
    "credentialSpecs": {"totalCount": 0},
    "specVersion": None,
    "v": None,
    "d": None,
}


async def test_drafts_and_submitted_versions_are_seen_by_their_school_alone(world: World) -> None:
    draft = await world.draft()
    made = await world.api.do(
        "submitSpec", "version { id }", world.author, draftId=draft, semver="1.0.0", ifUnmodifiedSince=MADE
    )
    version = made["version"]["id"]
    ids = {"slug": "ab-testing-python", "version": version, "draft": draft}
    for who in ("nobody", "author of another school", "employer"):
        assert await world.api.ask(SEEN, world.others[who], **ids) == UNSEEN, who
    seen = await world.api.ask(SEEN, world.author, **ids)
    assert seen["credentialSpec"]["versions"] == seen["credentialSpec"]["drafts"] == {"totalCount": 1}
    assert seen["d"] == {"id": draft}
    await world.api.do("publishSpec", "version { id }", world.author, versionId=version)
    for who in ("nobody", "author of another school", "employer"):
        found = await world.api.ask(SEEN, world.others[who], **ids)
        assert found["specVersion"] == found["v"] == {"id": version}
        assert found["credentialSpec"]["drafts"] == {"totalCount": 0}
        assert found["d"] is None


@pytest.mark.parametrize(
    "who", ["nobody", "registrar of the school", "author of another school", "employer", "nobody with a malformed id"]
)
async def test_refused_actors_change_nothing(world: World, owner: Owner[Any], who: str) -> None:
    draft, version = await world.draft("one-draft"), await world.version("one-version")
    actor = world.others["author of another school" if "malformed" in who else who]
    if "malformed" in who:
        draft = version = "draft_nonsense"
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("editDraft", "draft { id }", {"draftId": draft, "ifUnmodifiedSince": MADE, "content": content()}),
        ("submitSpec", "version { id }", {"draftId": draft, "ifUnmodifiedSince": MADE, "semver": "1.0.0"}),
        ("publishSpec", "version { id }", {"versionId": version}),
        ("deprecateSpec", "version { id }", {"versionId": version}),
        ("retireSpec", "version { id }", {"versionId": version}),
        ("withdrawSpec", "version { id }", {"versionId": version}),
        ("createSpecVersion", "draft { id }", {"versionId": version}),
        ("completeListing", "draft { id }", {"listingId": "listing_01a2010a-d0f0-7172-ab74-57447007cfb2"}),
    ]
    if who != "author of another school" and "malformed" not in who:
        attempts.append(("createSpec", "spec { id }", {"slug": "another", "content": content()}))
    before = await everything(owner)
    for field, selection, given in attempts:
        answer = await world.api.do(field, selection, actor, **given)
        entity = selection.split()[0]
        if "refused" in answer:
            assert answer["refused"] in {"UNAUTHENTICATED", "FORBIDDEN"}, (field, answer)
        else:
            assert answer[entity] is None, (field, answer)
            (error,) = answer["errors"]
            assert error["code"] in {"NOT_ALLOWED", "NOT_FOUND"}, (field, answer)
    assert await everything(owner) == before


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"ects": "61"}, ["content", "ects"], "at most 60"),
        ({"duration": "P60M"}, ["content", "duration"], "PT60H"),
        ({"eqfLevel": 9}, ["content", "eqfLevel"], "at most 8"),
        (
            {"skills": [{"id": "skill_01a2010a-d0f0-7172-ab74-57447007cfb2"}]},
            ["content", "skills", "0", "id"],
            "no such skill",
        ),
    ],
)
async def test_wrong_field_is_named_by_its_path_in_the_input(
    world: World, owner: Owner[Any], fields: dict[str, Any], path: list[str], says: str
) -> None:
    before = await everything(owner)
    answer = await world.api.do(
        "createSpec", "spec { id }", world.author, slug="wrong", content=content(**fields, outcomes=...)
    )
    errors = [error for error in answer["errors"] if error["path"] == path]
    assert errors, answer
    assert says in errors[0]["message"]
    assert await everything(owner) == before


async def test_publication_names_each_missing_element(world: World, owner: Owner[Any]) -> None:
    version = await world.version(participation=..., qualityAssurance=..., skills=..., outcomes=...)
    before = await everything(owner)
    answer = await world.api.do("publishSpec", "version { id }", world.author, versionId=version)
    assert answer["version"] is None
    assert {error["code"] for error in answer["errors"]} == {"REQUIRED"}
    assert {error["path"][0] for error in answer["errors"]} == {
        *("outcomes", "participation", "qualityAssurance", "skills"),
    }
    assert await everything(owner) == before


async def test_used_numbers_and_slugs_are_conflicts(world: World) -> None:
    draft = await world.draft()
    freeze = {"semver": "1.0.0", "ifUnmodifiedSince": MADE}
    first = await world.api.do("submitSpec", "version { id }", world.author, draftId=draft, **freeze)
    next_draft = await world.api.do(
        "createSpecVersion", "draft { id baseVersion { semver } }", world.author, versionId=first["version"]["id"]
    )
    assert next_draft["draft"]["baseVersion"] == {"semver": "1.0.0"}
    used = await world.api.do("submitSpec", "version { id }", world.author, draftId=next_draft["draft"]["id"], **freeze)
    assert [(error["code"], error["path"]) for error in used["errors"]] == [("CONFLICT", ["semver"])]
    taken = await world.api.do("createSpec", "spec { id }", world.author, slug="ab-testing-python", content=content())
    assert [(error["__typename"], error["path"]) for error in taken["errors"]] == [("ConflictError", ["slug"])]


async def test_repeated_key_answers_the_first_outcome_and_makes_nothing_new(world: World, owner: Owner[Any]) -> None:
    given = {"slug": "once-only", "content": content(), "idempotencyKey": "the-same"}
    first = await world.api.do("createSpec", "spec { id slug }", world.author, **given)
    before = await everything(owner)
    assert (await world.api.do("createSpec", "spec { id slug }", world.author, **given))["spec"] == first["spec"]
    other = await world.api.do("createSpec", "spec { id }", world.author, **(given | {"slug": "other-input"}))
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert await everything(owner) == before


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["a-block", "b-capstone"]),
        ({"kind": "CAPSTONE"}, ["b-capstone"]),
        ({"search": "METRICS IN"}, ["a-block"]),
        ({"search": "%"}, []),
        ({"state": "PUBLISHED"}, ["a-block"]),
        ({"state": "WITHDRAWN"}, []),
    ],
)
async def test_specifications_are_chosen_by_filters(world: World, chosen: dict[str, Any], expected: list[str]) -> None:
    version = await world.version("a-block")
    await world.api.do("publishSpec", "version { id }", world.author, versionId=version)
    capstone = content(title="Capstone", skills=..., outcomes=...)
    made = await world.api.do(
        "createSpec", "draft { id }", world.author, slug="b-capstone", kind="CAPSTONE", content=capstone
    )
    freeze = {"draftId": made["draft"]["id"], "semver": "1.0.0", "ifUnmodifiedSince": MADE}
    await world.api.do("submitSpec", "version { id }", world.author, **freeze)
    query = "query ($f: CredentialSpecFilter) { credentialSpecs(first: 9, filter: $f) { nodes { slug } } }"
    found = (await world.api.ask(query, world.author, f=chosen))["credentialSpecs"]["nodes"]
    assert [spec["slug"] for spec in found] == expected


async def test_specifications_are_chosen_by_skill(world: World) -> None:
    await world.version()
    skill = (await world.api.ask('{ skills(first: 1, search: "quantitative research") { nodes { id } } }'))["skills"]
    key = skill["nodes"][0]["id"]
    query = "query ($ids: [ID!]) { credentialSpecs(first: 9, filter: {skillIds: $ids}) { totalCount } }"
    assert (await world.api.ask(query, world.author, ids=[key]))["credentialSpecs"]["totalCount"] == 1
    assert (await world.api.ask(query, world.author, ids=[]))["credentialSpecs"]["totalCount"] == 0
    assert (await world.api.ask(query, world.others["employer"], ids=[key]))["credentialSpecs"]["totalCount"] == 0


async def test_drafts_are_listed_for_their_school_alone(world: World) -> None:
    await world.draft()
    query = "{ specDrafts(first: 5, submitted: false) { totalCount nodes { title spec { slug } } } }"
    for reader in (world.author, world.others["registrar of the school"]):
        found = (await world.api.ask(query, reader))["specDrafts"]
        assert found["nodes"] == [{"title": COMPLETE["title"], "spec": {"slug": "ab-testing-python"}}]
    for who in ("nobody", "employer", "author of another school"):
        assert (await world.api.ask(query, world.others[who]))["specDrafts"] == {"totalCount": 0, "nodes": []}
