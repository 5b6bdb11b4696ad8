"""Things as other subgraphs of a federation name them: `_entities` and `_service`."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from graphql import GraphQLUnionType, build_ast_schema, parse, print_ast

from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.organizations.views import ORGANIZATION
from countersign.reads import entities
from countersign.reads.bind import bound
from countersign.reads.bindings import bound_of, entity_types, node_types
from countersign.reads.errors import BadInput, BindingMistake
from countersign.reads.identity import Public, Sealed
from countersign.schema import federation
from countersign.schema.base import Tools
from countersign.schema.contents import export, the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.conftest import VAULT
from tests.factories import Factory
from tests.patience import WAIT
from tests.reads.counted import CountedDatabase
from tests.reads.world import SEALER, World, make_world
from tests.specs import support

SCHEMA = the_schema()
CORE = SCHEMA._schema
ENTITIES = """
query ($them: [_Any!]!) { _entities(representations: $them) {
  __typename
  ... on Organization { id handle displayName }
  ... on Skill { id uri name framework { name } }
  ... on SkillFramework { handle name }
  ... on CredentialSpec { id slug school { handle } }
  ... on SpecVersion { id digest semver title coValidated }
  ... on Listing { id title }
  ... on Endorsement { id live endorser { handle } }
  ... on Stack { id handle blocks { slug } }
} }
"""


@dataclass
class Place:
    """A world, an engine over it, and how to ask."""

    engine: Engine
    db: CountedDatabase
    world: World
    facts: dict[str, Any]

    async def post(self, query: str, actor: Actor, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer = await self.engine.answer(Request(query, variables), actor, "federation")
        body: dict[str, Any] = json.loads(answer.render())
        return body

    async def entities(self, them: list[Any], actor: Actor = ANONYMOUS) -> list[Any]:
        """What is answered for representations; there must be no errors."""
        body = await self.post(ENTITIES, actor, them=them)
        assert "errors" not in body, body
        found: list[Any] = body["data"]["_entities"]
        return found


@pytest_asyncio.fixture
async def place(
    db: Database, database_dsn: str, clock: FrozenClock, make: Factory, signer: Signer
) -> AsyncIterator[Place]:
    world = await make_world(db, make)
    counted = await CountedDatabase.open(database_dsn, clock=clock, pool_size=2, vault=VAULT, wait_seconds=WAIT)
    assert isinstance(counted, CountedDatabase)
    counted.statements, counted.transactions = [], 0
    async with counted.reader() as connection:
        facts = dict(
            await connection.fetchrow(
                "select 'skill_' || k.id as skill, k.uri, 'framework_' || f.id as framework, f.handle as vocabulary,"
                " 'spec_' || s.id as spec, s.slug, 'version_' || v.id as version, v.digest,"
                " 'version_' || w.id as waiting, w.digest as waiting_digest, 'org_' || s.organization_id as school,"
                " 'listing_' || l.id as listing, 'end_' || e.id as endorsement, 'stk_' || t.id as stack,"
                " t.handle as stack_handle, o.handle as school_handle"
                " from skills k join skill_frameworks f on f.id = k.framework_id, specs s"
                " join spec_versions v on v.spec_id = s.id and v.state = 'published'"
                " join spec_versions w on w.spec_id = s.id and w.state <> 'published'"
                " join organizations o on o.id = s.organization_id, listings l, endorsements e, stacks t"
            )
            or {}
        )
    counted.statements.clear()
    yield Place(Engine(the_schema(), Tools(counted, SEALER, signer)), counted, world, facts)
    await counted.close()


def named(type_: str, **key: Any) -> dict[str, Any]:
    """A representation."""
    return {"__typename": type_, **key}


async def test_every_key_of_every_entity_leads_to_it(place: Place) -> None:
    f = place.facts
    them = [
        named("Organization", id=f["school"]),
        named("Organization", handle=f["school_handle"]),
        named("SkillFramework", id=f["framework"]),
        named("SkillFramework", handle=f["vocabulary"]),
        named("Skill", id=f["skill"]),
        named("Skill", uri=f["uri"]),
        named("CredentialSpec", id=f["spec"]),
        named("CredentialSpec", slug=f["slug"]),
        named("SpecVersion", id=f["version"]),
        named("SpecVersion", digest=f["digest"]),
        named("Listing", id=f["listing"]),
        named("Endorsement", id=f["endorsement"]),
        named("Stack", id=f["stack"]),
        named("Stack", handle=f["stack_handle"]),
    ]
    asked = {(it["__typename"], key) for it in them for key in it if key != "__typename"}
    assert asked == {(name, key) for name, keys in federation.keys_of(CORE).items() for key in keys}
    found = await place.entities(them)
    assert [it["__typename"] for it in found] == [it["__typename"] for it in them]
    for representation, it in zip(them, found, strict=True):
        for key, value in representation.items():
            assert it.get(key, value) == value
    by_type: dict[str, list[Any]] = {}
    for it in found:
        by_type.setdefault(it["__typename"], []).append(it)
    assert all(it == them[0] for them in by_type.values() for it in them)


async def test_order_and_repetition_are_kept(place: Place) -> None:
    f = place.facts
    skill, org = named("Skill", uri=f["uri"]), named("Organization", handle="top")
    nobody = named("Organization", handle="nobody")
    found = await place.entities([skill, nobody, org, skill, org])
    assert [it and it["__typename"] for it in found] == ["Skill", None, "Organization", "Skill", "Organization"]
    assert found[0] == found[3]
    assert await place.entities([]) == []


async def test_unknown_malformed_foreign_and_invisible_are_null_alike(place: Place) -> None:
    f = place.facts
    them = [
        named("SpecVersion", id=f"version_{new_id()}"),
        named("SpecVersion", id="nonsense"),
        named("SpecVersion", id=f["skill"]),
        named("SpecVersion", id=f["waiting"]),
        named("SpecVersion", digest="0" * 64),
        named("SpecVersion", digest=f["waiting_digest"]),
        named("SpecVersion", digest=""),
    ]
    assert await place.entities(them) == [None] * len(them)


async def test_who_may_see_a_thing_sees_it_as_an_entity(place: Place) -> None:
    f = place.facts
    employer, _, school, learner, _ = place.world.actors
    waiting = [named("SpecVersion", id=f["waiting"]), named("SpecVersion", digest=f["waiting_digest"])]
    for actor, sees in ((employer, True), (school, True), (learner, False), (ANONYMOUS, False)):
        found = await place.entities(waiting, actor)
        assert [it is not None for it in found] == [sees, sees]


SAY_NOTHING: list[Any] = [
    "Skill",
    7,
    [],
    {},
    {"uri": support.SKILL_URI},
    {"__typename": None, "uri": support.SKILL_URI},
    {"__typename": 7, "uri": support.SKILL_URI},
    {"__typename": "Skill"},
    {"__typename": "Skill", "uri": None},
    {"__typename": "Skill", "uri": 7},
    {"__typename": "Skill", "id": {"a": "b"}},
    {"__typename": "Skill", "handle": "esco"},
    {"__typename": "Unheard", "id": "x"},
    {"__typename": "Query", "id": "x"},
    {"__typename": "PageInfo", "id": "x"},
    {"__typename": "Candidate", "id": "x"},
    {"__typename": "Award", "id": "x"},
    {"__typename": "Learner", "id": "x"},
    {"__typename": "ReviewRequest", "id": "x"},
    {"__typename": "SpecDraft", "id": "x"},
]


@pytest.mark.parametrize("representation", SAY_NOTHING, ids=json.dumps)
def test_a_representation_that_says_nothing_is_the_askers_mistake(representation: Any) -> None:
    with pytest.raises(BadInput, match=r"^representations\[3\]: "):
        entities.read(representation, entity_types(CORE), ("_entities",), 3)


async def test_such_a_mistake_is_coded_and_asks_the_database_nothing(place: Place) -> None:
    for representation in SAY_NOTHING:
        body = await place.post(ENTITIES, ANONYMOUS, them=[named("Skill", uri=support.SKILL_URI), representation])
        assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]
        assert body.get("data") is None
    assert place.db.statements == []


async def test_a_hundred_at_once_and_no_more(place: Place) -> None:
    skill = named("Skill", uri=place.facts["uri"])
    assert len(await place.entities([skill] * 100)) == 100
    place.db.statements.clear()
    body = await place.post(ENTITIES, ANONYMOUS, them=[skill] * 101)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_USER_INPUT"]
    assert "100" in body["errors"][0]["message"]
    assert place.db.statements == []


async def test_a_request_is_one_statement_whatever_it_names(place: Place) -> None:
    f = place.facts
    them = [
        named("Organization", id=f["school"]),
        named("Skill", uri=f["uri"]),
        named("CredentialSpec", slug=f["slug"]),
        named("SpecVersion", digest=f["digest"]),
        named("Endorsement", id=f["endorsement"]),
    ] * 20
    await place.entities(them)
    place.db.statements.clear()
    assert None not in await place.entities(them)
    assert len(place.db.statements) == 1
    assert place.db.transactions == 0
    more = "skills(first: 1) { totalCount } again: _entities(representations: $them) { __typename }"
    both = f"{ENTITIES.strip()[:-1]} {more} }}"
    place.db.statements.clear()
    body = await place.post(both, ANONYMOUS, them=them)
    assert len(body["data"]["again"]) == 100
    assert len(place.db.statements) == 1


async def test_the_price_grows_with_the_representations_whatever_is_found(place: Place) -> None:
    asked = {}
    for number in (1, 10, 100):
        body = await place.post(ENTITIES, ANONYMOUS, them=[named("Skill", uri="unknown")] * number)
        asked[number] = body["extensions"]["cost"]["requested"]
    one = (asked[10] - asked[1]) / 9
    assert one >= 1
    assert asked[100] - asked[10] == 90 * one
    dear = "query ($them: [_Any!]!) { _entities(representations: $them) { ... on SpecVersion {"
    dear += " endorsements(first: 60) { nodes { id } } } } }"
    body = await place.post(dear, ANONYMOUS, them=[named("SpecVersion", id="x")] * 100)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["OPERATION_TOO_COMPLEX"]


async def test_a_schema_that_strangers_may_not_read_is_told_to_who_signed_in(place: Place, signer: Signer) -> None:
    tools = Tools(place.db, SEALER, signer)
    place.engine = Engine(the_schema(), tools, tells_strangers=False)
    asked = "{ again: _service { sdl } }"
    body = await place.post(asked, ANONYMOUS)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"]
    assert "sdl" not in json.dumps(body.get("data"))
    body = await place.post(asked, place.world.actors[0])
    assert body["data"]["again"]["sdl"] == federation.sdl_of(CORE)
    assert len(await place.entities([named("Skill", uri=place.facts["uri"])])) == 1


async def test_representations_may_stand_in_the_document(place: Place) -> None:
    query = (
        "query ($slug: String!) { mine: _entities(representations: ["
        '{__typename: "CredentialSpec", slug: $slug, more: [1, {a: null}]}, {__typename: "Skill", uri: "x"}'
        "]) { ...Slug } } fragment Slug on CredentialSpec { short: slug }"
    )
    body = await place.post(query, ANONYMOUS, slug=place.facts["slug"])
    assert body["data"] == {"mine": [{"short": place.facts["slug"]}, None]}
    assert "errors" not in body


async def test_a_text_of_another_key_is_a_value_and_never_sql(place: Place) -> None:
    them = [named("Skill", uri=text) for text in ("' or true --", "{t}.id", "\\", "%", "\u0000"[:0])]
    assert await place.entities(them) == [None] * len(them)


async def test_other_keys_are_unique_in_the_database_and_found_by_index(
    place: Place, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    unique = {
        (row["name"], row["column"])
        for row in await owner.fetch(
            "select t.relname as name, a.attname as column from pg_index i join pg_class t on t.oid = i.indrelid"
            " join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]"
            " where i.indisunique and i.indnkeyatts = 1 and i.indpred is null"
        )
    }
    natural = []
    for _, entity in entity_types(CORE).values():
        assert entity.keys[0] == "id"
        table = entity.view.source.removesuffix(" {t}")
        for key in entity.keys[1:]:
            assert entity.view.column(key) == f"{{t}}.{key}"
            assert (table, key) in unique
            natural.append((table, key))
    await place.entities([named("Skill", uri=place.facts["uri"])])
    statement = place.db.statements[-1]
    plain = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort")
    await owner.execute("".join(f"set {way} = off; " for way in plain) + "set plan_cache_mode = force_generic_plan")
    await owner.execute(f"prepare entities as {statement}")
    try:
        row = await owner.fetchrow(
            "select cardinality(parameter_types) as n from pg_prepared_statements where name = 'entities'"
        )
        given = ", ".join(["null"] * (row["n"] if row is not None else 0))
        plan = "\n".join(r[0] for r in await owner.fetch(f"explain execute entities({given})"))
    finally:
        await owner.execute("".join(f"reset {way}; " for way in plain) + "reset plan_cache_mode; deallocate entities")
    for table, key in natural:
        assert f"using {table}_{key}_key" in plan, plan


def test_what_belongs_to_somebody_is_no_entity() -> None:
    entity = CORE.type_map["_Entity"]
    assert isinstance(entity, GraphQLUnionType)
    members = {type_.name for type_ in entity.types}
    assert members == set(entity_types(CORE)) == set(federation.keys_of(CORE))
    assert members == {
        *("Organization", "SkillFramework", "Skill", "CredentialSpec", "SpecVersion", "Listing", "Endorsement", "Stack")
    }, "the catalogue, and nothing that a school, a reviewer or a learner has for itself"
    assert {"Award", "Learner", "Review", "ReviewRequest"} <= {t.name for t, _ in node_types(CORE).values()} - members
    assert all(isinstance(entity.identity, Public) for _, entity in entity_types(CORE).values())
    candidate = bound_of(CORE.type_map["Candidate"])
    assert candidate is None or not candidate.keys


def test_a_sealed_thing_cannot_become_an_entity() -> None:
    with pytest.raises(BindingMistake, match="public ids"):
        bound(ORGANIZATION, description="A thing.", identity=Sealed(), keys=("id",))


async def test_the_subgraph_tells_its_sdl(place: Place) -> None:
    body = await place.post("{ _service { sdl __typename } service: _service { sdl } }", ANONYMOUS)
    assert body["data"]["_service"] == {"sdl": federation.sdl_of(CORE), "__typename": "_Service"}
    assert body["data"]["service"] == {"sdl": federation.sdl_of(CORE)}


def test_the_sdl_is_the_published_schema_with_keys() -> None:
    sdl = federation.sdl_of(CORE)
    assert sdl.startswith(f'extend schema @link(url: "{federation.LINK}", import: ["@key", "@shareable", "@composeDir')
    assert federation.LINK.endswith("/v2.9")
    assert sdl == federation.subgraph(export(SCHEMA), federation.keys_of(CORE))
    for name, keys in federation.keys_of(CORE).items():
        written = " ".join(f'@key(fields: "{key}")' for key in keys)
        assert re.search(
            rf"^type {name} implements Node @seenBy\(who: [^{{]*\) {re.escape(written)} {{", sdl, re.MULTILINE
        )
    assert "type PageInfo @shareable {" in sdl
    assert "directive @oneOf on INPUT_OBJECT" in sdl
    assert sdl.count("@key(") == sum(len(keys) for keys in federation.keys_of(CORE).values())
    without = sdl.partition("\n\n")[2]
    for added in (*(f' @key(fields: "{key}")' for key in ("id", "handle", "uri", "slug", "digest")), " @shareable"):
        without = without.replace(added, "")
    published = [print_ast(d) for d in parse(export(SCHEMA)).definitions]
    declared = [text for text in published if not re.search(r"^directive @(cost|listSize)\b", text, re.MULTILINE)]
    assert [print_ast(d) for d in parse(without).definitions] == declared


def test_what_stands_in_a_description_is_no_definition() -> None:
    first, described = "type A {\n  a: Int\n}", '"""\nOne.\n\ntype B {\n"""\ntype B @c'
    told = federation.subgraph(f"{first}\n\n{described} {{\n  a: Int\n}}", {"B": ("a",)})
    assert told.endswith(f'\n\n{first}\n\n{described} @key(fields: "a") {{\n  a: Int\n}}\n')


def test_what_gateways_ask_is_served_and_in_neither_text() -> None:
    served = set(CORE.type_map) | set(CORE.query_type.fields if CORE.query_type else ())
    assert served >= federation.MACHINERY
    for text in (export(SCHEMA), federation.sdl_of(CORE)):
        assert not [name for name in federation.MACHINERY if f"{name}:" in text or f" {name} " in text]
    published = build_ast_schema(parse(export(SCHEMA)))
    left_out = {name for name in CORE.type_map if not name.startswith("__")} - set(published.type_map)
    assert left_out == {"_Any", "_Entity", "_Service"}


def test_a_key_of_a_type_that_is_not_there_is_found() -> None:
    with pytest.raises(BindingMistake, match="Nothing"):
        federation.subgraph(export(SCHEMA), {"Nothing": ("id",)})
