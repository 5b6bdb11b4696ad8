"""A selection compiles to one statement whose answer is what GraphQL prescribes."""

import pytest
from graphql import get_introspection_query

from countersign.kit.access import OrganizationKind
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask, ask_code, ask_data, revealed, toy_engine


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return toy_engine(db, signer)


async def make_family(db: Database, make: Factory, children: int = 5) -> list[str]:
    """One organization with children: their public ids, the parent's first."""
    async with db.writer() as tx:
        top = await make.organization(tx, OrganizationKind.EMPLOYER, handle="top")
        below = [
            await make.organization(tx, OrganizationKind.AGENCY, handle=f"child-{n}", parent_id=top)
            for n in range(children)
        ]
    return [f"org_{i}" for i in (top, *below)]


async def test_objects_relations_and_pages_answer_in_member_order(engine: Engine, db: Database, make: Factory) -> None:
    ids = await make_family(db, make)
    data = await ask_data(
        engine,
        """query ($h: String) { o: organization(by: {handle: $h}) { kind __typename id handle domains createdAt
             subsidiaries(first: 2, orderBy: {field: NAME, direction: DESC}) {
               totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
               edges { cursor node { handle parent { handle } } } nodes { handle } } }
             missing: organization(by: {handle: "nobody"}) { id } }""",
        h="top",
    )
    assert list(data) == ["o", "missing"]
    found = data["o"]
    assert list(found)[:6] == ["kind", "__typename", "id", "handle", "domains", "createdAt"]
    assert (found["kind"], found["id"], found["createdAt"]) == ("EMPLOYER", ids[0], "2026-11-22T12:00:00Z")
    page = found["subsidiaries"]
    assert [n["handle"] for n in page["nodes"]] == ["child-4", "child-3"]
    assert page["totalCount"] == 5
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, False)
    assert page["pageInfo"]["endCursor"] == page["edges"][1]["cursor"]
    assert page["edges"][1]["node"] == {"handle": "child-3", "parent": {"handle": "top"}}
    assert data["missing"] is None


PAGE = """query ($first: Int, $after: Cursor, $last: Int, $before: Cursor, $way: OrderDirection! = ASC,
                 $k: OrganizationKind) {
  organizations(first: $first, after: $after, last: $last, before: $before, filter: {kind: $k},
                orderBy: {field: NAME, direction: $way}) {
    nodes { handle } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""


@pytest.mark.parametrize("way", ["ASC", "DESC"])
async def test_walking_pages_both_ways_sees_each_row_once(
    engine: Engine, db: Database, make: Factory, way: str
) -> None:
    await make_family(db, make)
    handles = sorted(f"child-{n}" for n in range(5))
    expected = handles if way == "ASC" else handles[::-1]
    seen: list[str] = []
    cursor = None
    for page_number in range(3):
        page = (await ask_data(engine, PAGE, first=2, after=cursor, way=way, k="AGENCY"))["organizations"]
        seen += [n["handle"] for n in page["nodes"]]
        assert page["pageInfo"]["hasNextPage"] is (page_number < 2)
        assert page["pageInfo"]["hasPreviousPage"] is (page_number > 0)
        assert page["totalCount"] == 5
        cursor = page["pageInfo"]["endCursor"]
    assert seen == expected
    seen, cursor = [], None
    for page_number in range(3):
        page = (await ask_data(engine, PAGE, last=2, before=cursor, way=way, k="AGENCY"))["organizations"]
        seen = [n["handle"] for n in page["nodes"]] + seen
        assert page["pageInfo"]["hasPreviousPage"] is (page_number < 2)
        assert page["pageInfo"]["hasNextPage"] is (page_number > 0)
        cursor = page["pageInfo"]["startCursor"]
    assert seen == expected


async def test_page_sizes_are_refused_and_not_clamped(engine: Engine) -> None:
    for first, last in ((None, None), (1, 1), (0, None), (101, None), (None, -1)):
        assert await ask_code(engine, PAGE, first=first, last=last) == "BAD_USER_INPUT"


async def test_a_cursor_is_good_only_for_its_list(engine: Engine, db: Database, make: Factory) -> None:
    await make_family(db, make)
    page = (await ask_data(engine, PAGE, first=2))["organizations"]
    cursor = page["pageInfo"]["endCursor"]
    assert (await ask_data(engine, PAGE, first=2, after=cursor))["organizations"]["nodes"]
    assert await ask_code(engine, PAGE, first=2, after=cursor, k="AGENCY") == "BAD_USER_INPUT"
    assert await ask_code(engine, PAGE, first=2, after=cursor[:-2] + "xx") == "BAD_USER_INPUT"
    assert await ask_code(engine, PAGE, first=2, after="nonsense") == "BAD_USER_INPUT"


async def test_nodes_keep_order_and_hide_what_is_malformed_or_unknown(
    engine: Engine, db: Database, make: Factory
) -> None:
    ids = await make_family(db, make, 1)
    asked = [ids[1], "nonsense", f"org_{new_id()}", f"spec_{new_id()}", ids[0], ids[0].upper()]
    data = await ask_data(
        engine,
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on Organization { handle } } "
        'node(id: "x") { id } }',
        ids=asked,
    )
    assert data["nodes"] == [
        {"id": ids[1], "__typename": "Organization", "handle": "child-0"},
        None,
        None,
        None,
        {"id": ids[0], "__typename": "Organization", "handle": "top"},
        None,
    ]
    assert data["node"] is None
    assert (
        await ask_code(engine, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101) == "BAD_USER_INPUT"
    )


async def test_fragments_merge_and_directives_choose(engine: Engine, db: Database, make: Factory) -> None:
    await make_family(db, make, 1)
    query = """query ($yes: Boolean!) { organization(by: {handle: "top"}) {
                 ...A handle @skip(if: $yes) ... @include(if: $yes) { kind }
                 subsidiaries(first: 1) { nodes { id @skip(if: true) kind } } ...B } }
               fragment A on Organization { subsidiaries(first: 1) { nodes { handle } } }
               fragment B on Node { ... on Organization { legalName } id @include(if: false) }"""
    with_yes = (await ask_data(engine, query, yes=True))["organization"]
    assert with_yes == {
        "subsidiaries": {"nodes": [{"handle": "child-0", "kind": "AGENCY"}]},
        "kind": "EMPLOYER",
        "legalName": "Top Ltd",
    }
    assert list(with_yes) == ["subsidiaries", "kind", "legalName"]
    assert "handle" in (await ask_data(engine, query, yes=False))["organization"]


RENAME = """mutation ($id: ID!, $name: String!, $key: IdempotencyKey! = "k1") {
  rename(input: {organizationId: $id, name: $name, idempotencyKey: $key, clientMutationId: "mine"}) {
    clientMutationId organization { displayName id }
    errors { __typename ... on UserError { code path } ... on NotFoundError { message } } } }"""


async def test_a_command_answers_its_entity_or_its_errors_once(engine: Engine, db: Database, make: Factory) -> None:
    ids = await make_family(db, make, 1)
    async with db.writer() as tx:
        school = await make.school(tx)
        employer = await make.employer(tx)
    done = await ask(engine, RENAME, school, id=ids[0], name="New")
    assert done["data"] == {
        "rename": {"clientMutationId": "mine", "organization": {"displayName": "New", "id": ids[0]}, "errors": []}
    }
    assert "errors" not in done
    again = await ask(engine, RENAME, school, id=ids[0], name="New")
    assert again == {**done, "extensions": {"idempotency": "replayed", **done["extensions"]}}
    reused = await ask_data(engine, RENAME, school, id=ids[0], name="Other")
    assert reused["rename"]["organization"] is None
    assert reused["rename"]["errors"] == [
        {"__typename": "IdempotencyKeyReusedError", "code": "IDEMPOTENCY_KEY_REUSED", "path": ["idempotencyKey"]}
    ]
    missing = (await ask_data(engine, RENAME, school, id="org_x", name="X", key="k2"))["rename"]
    assert [e["__typename"] for e in missing["errors"]] == ["NotFoundError"]
    assert missing["errors"][0]["path"] == ["organizationId"]
    denied = (await ask_data(engine, RENAME, employer, id=ids[0], name="X"))["rename"]
    assert [e["code"] for e in denied["errors"]] == ["NOT_ALLOWED"]
    assert await ask_code(engine, RENAME, id=ids[0], name="X") == "UNAUTHENTICATED"
    name = await ask_data(
        engine, "query ($id: ID!) { node(id: $id) { ... on Organization { displayName } } }", id=ids[0]
    )
    assert name["node"]["displayName"] == "New"


async def test_a_guarded_field_is_refused_before_it_runs(engine: Engine, db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        school = await make.school(tx)
        employer = await make.employer(tx)
    query = "{ guarded(first: 1) { totalCount } }"
    assert await ask_code(engine, query) == "UNAUTHENTICATED"
    assert await ask_code(engine, query, school) == "FORBIDDEN"
    assert (await ask_data(engine, query, employer))["guarded"]["totalCount"] == 2


async def test_requests_that_cannot_run_say_why(engine: Engine) -> None:
    assert await ask_code(engine, "{ organization") == "GRAPHQL_PARSE_FAILED"
    assert await ask_code(engine, "{ nothing }") == "GRAPHQL_VALIDATION_FAILED"
    assert await ask_code(engine, "query A { __typename } query B { __typename }") == "OPERATION_RESOLUTION_FAILURE"
    assert await ask_code(engine, "fragment A on Query { __typename }") == "GRAPHQL_VALIDATION_FAILED"
    assert await ask_code(engine, "{ " + "a " * 3000 + "}") == "DOCUMENT_LIMIT_EXCEEDED"
    assert await ask_code(engine, "{ a" * 500 + "}" * 500) == "DOCUMENT_LIMIT_EXCEEDED"
    assert await ask_code(engine, PAGE, first="many") == "BAD_USER_INPUT"
    links = "".join(
        f"fragment F{n} on Organization {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }} "
        for n in range(25)
    )
    doubling = '{ organization(by: {handle: "x"}) { ...F0 } } ' + links + "fragment F25 on Organization { id }"
    assert await ask_code(engine, doubling) == "DOCUMENT_LIMIT_EXCEEDED"


MATCHES = """query ($first: Int!, $after: Cursor, $k: OrganizationKind) {
  matches(first: $first, after: $after, kind: $k) {
    nodes { handle rank organization { kind } } totalCount longest
    shares { kind n } pageInfo { endCursor hasNextPage } }
  other: matches(first: 1, kind: EMPLOYER) { totalCount nodes { handle } } }"""


async def test_a_source_is_shared_by_page_count_and_facets_and_reveals_what_it_shows(
    engine: Engine, db: Database, make: Factory
) -> None:
    await make_family(db, make)
    revealed.clear()
    data = await ask_data(engine, MATCHES, first=2)
    page = data["matches"]
    assert page["nodes"][0] == {"handle": "top", "rank": [3, 6], "organization": {"kind": "EMPLOYER"}}
    assert page["shares"] == [{"kind": "AGENCY", "n": 5}, {"kind": "EMPLOYER", "n": 1}]
    assert (page["totalCount"], page["longest"]) == (6, 7)
    assert data["other"] == {"totalCount": 0, "nodes": [{"handle": "top"}]}
    # The first reveal said that something had changed, so the answer was made again.
    assert revealed == [[[6, 3], [1, 7]], [[1, 3]], [[6, 3], [1, 7]], [[1, 3]]]
    rest = await ask_data(engine, MATCHES, first=5, after=page["pageInfo"]["endCursor"])
    assert [n["handle"] for n in rest["matches"]["nodes"]] == [f"child-{n}" for n in range(1, 5)]
    assert (await ask_data(engine, MATCHES, first=5, k="AGENCY"))["matches"]["totalCount"] == 4


async def test_introspection_stands_beside_data_and_long_names_are_kept(
    engine: Engine, db: Database, make: Factory
) -> None:
    await make_family(db, make, 0)
    long = "a" * 200
    query = (
        "query Q($t: String!) { first: __typename __type(name: $t) { name fields { name } } "
        f'{long}: organization(by: {{handle: "top"}}) {{ {long}: handle }} __schema {{ queryType {{ name }} }} }}'
    )
    data = await ask_data(engine, query, t="PageInfo")
    assert list(data) == ["first", "__type", long, "__schema"]
    assert data["__type"]["fields"][0] == {"name": "hasNextPage"}
    assert data[long] == {long: "top"}
    assert (await ask_data(engine, get_introspection_query()))["__schema"]["queryType"]["name"] == "Query"
