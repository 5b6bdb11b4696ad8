"""Exports: a list's every row once, as its asker may see it at that moment, in a file that runs nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from countersign.bulk import jobs, queue, rules
from countersign.bulk.exporting import ExportPage, ExportPlan, run_export
from countersign.bulk.queue import Failed, Watch
from countersign.bulk.rules import Failure
from countersign.kit import trusted
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.organizations import service as organizations
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.schema.exporting import Page
from tests.awards.support import award, campus
from tests.bulk.support import House, lines, objects, row
from tests.factories import Factory

AWARDS = "{ awards { nodes { id holderName earnedOn state school { handle } specVersion { title semver } } } }"


async def filled(house: House, count: int) -> None:
    done = await house.imported(lines([row(n) for n in range(count)]))
    assert done["rowsCreated"] == count


async def test_every_row_is_there_once_over_many_pages(house: House) -> None:
    await filled(house, 250)
    out = await house.exported(AWARDS)
    assert (out["state"], out["rowsDone"], out["rowsTotal"]) == ("COMPLETED", 250, 250)
    fetched = await house.get(out["resultUrl"])
    rows = objects(fetched.content)
    assert sorted(r["holderName"] for r in rows) == sorted(f"Learner {n}" for n in range(250))
    assert len({r["id"] for r in rows}) == 250
    assert list(rows[0]) == ["id", "holderName", "earnedOn", "state", "school", "specVersion"], "in the query's order"
    assert rows[0]["specVersion"]["semver"] == "1.0.0"
    assert len(fetched.content) == out["resultBytes"]
    assert hashlib.sha256(fetched.content).hexdigest() == out["resultSha256"]


async def test_a_file_is_an_attachment_that_nobody_sniffs_or_keeps(house: House) -> None:
    await filled(house, 1)
    out = await house.exported(AWARDS)
    fetched = await house.get(out["resultUrl"])
    headers = fetched.headers
    assert headers["content-disposition"] == 'attachment; filename="awards-2026-11-22.jsonl"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert int(headers["content-length"]) == len(fetched.content)
    authorization = await house.api.authorization(house.registrar)
    head = await house.api.client.head(out["resultUrl"], headers=authorization)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", headers["content-length"])


async def test_edges_fragments_aliases_variables_and_filters_are_taken_as_they_are(house: House) -> None:
    await filled(house, 3)
    query = """
        query Mine($state: AwardState!, $n: Int = 7, $unused: Int) {
          awards(first: $n, filter: {state: $state}) {
            edges { cursor node { ...who at: earnedOn ... on Award { state } __typename } }
            pageInfo { hasNextPage }
          }
        }
        fragment who on Award { name: holderName ...more }
        fragment more on Award { school { kind } }
    """
    # A variable that nothing uses is refused by validation, as in any request.
    refused = await house.start_export(query, variables='{"state": "ISSUED"}')
    assert "$unused" in refused["errors"][0]["message"]
    out = await house.exported(query.replace(", $unused: Int", ""), variables='{"state": "ISSUED"}')
    rows = objects((await house.get(out["resultUrl"])).content)
    assert [r["name"] for r in rows] == ["Learner 0", "Learner 1", "Learner 2"]
    assert list(rows[0]) == ["name", "school", "at", "state", "__typename"]
    assert "ISSUED" not in str(out["query"]), "the values of variables are not shown"
    none = await house.exported(query.replace(", $unused: Int", ""), variables='{"state": "REVOKED"}')
    assert (none["rowsDone"], none["resultBytes"]) == (0, 0)
    assert (await house.get(none["resultUrl"])).content == b""


NAMES = ["=1+1", "+7", "-2", "@sum", " =1", '"=1"', "plain", 'comma, quote " and ; rest', "Анна", "'quoted", "x=1"]


async def test_a_csv_is_read_back_and_holds_no_formula(house: House) -> None:
    await house.imported(lines([row(n, fullName=name) for n, name in enumerate(NAMES)]))
    out = await house.exported("{ awards { nodes { holderName earnedOn school { handle kind } } } }", format="CSV")
    fetched = await house.get(out["resultUrl"])
    assert fetched.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert fetched.headers["content-disposition"].endswith('.csv"')
    assert fetched.content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(fetched.content.decode("utf-8-sig"), newline=""))
    assert header == ["holderName", "earnedOn", "school.handle", "school.kind"]
    assert fetched.content.endswith(b"\r\n")
    found = sorted(r[0] for r in rows)
    assert found == sorted(
        [
            "'=1+1",
            "'+7",
            "'-2",
            "'@sum",
            "'=1",
            '\'"=1"',
            "plain",
            'comma, quote " and ; rest',
            "Анна",
            "'quoted",
            "x=1",
        ]
    )
    assert not any(cell.lstrip(' "\t\r\n')[:1] in set("=+-@") for r in rows for cell in r if cell)


async def test_lists_in_a_row_are_one_cell_of_json(house: House) -> None:
    out = await house.exported("{ organizations { nodes { handle domains parent { handle } } } }", format="CSV")
    text = (await house.get(out["resultUrl"])).content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["handle", "domains", "parent.handle"]
    assert rows
    assert all(isinstance(json.loads(r[1]), list) and r[2] == "" for r in rows)


REFUSED: list[tuple[str, str]] = [
    ("{ awards { nodes { id } } skills { nodes { id } } }", "exactly one list"),
    ("{ ...all } fragment all on Query { awards { nodes { id } } }", "exactly one list"),
    ("{ awards @include(if: true) { nodes { id } } }", "exactly one list"),
    ("{ awards(last: 5) { nodes { id } } }", "leave out last"),
    ('{ awards(after: "x") { nodes { id } } }', "leave out after"),
    ("{ awards { totalCount } }", "totalCount is not a part of a row"),
    ("{ awards { pageInfo { hasNextPage } } }", "selects its rows once"),
    ("{ awards { nodes { id } edges { node { id } } } }", "selects its rows once"),
    ("{ awards { ... { nodes { id } } } }", "neither fragments nor directives"),
    ('{ award(id: "x") { id } }', "not a list with pages"),
    ("{ viewer { __typename } }", "not a list with pages"),
    ("{ __schema { types { name } } }", "cannot be exported"),
    ("{ __typename }", "cannot be exported"),
    ("{ organizations { nodes { subsidiaries(first: 1) { nodes { id } } } } }", "list with pages inside a row"),
    (
        'mutation { revokeAward(input: {awardId: "x", reason: "", idempotencyKey: "k"}) { clientMutationId } }',
        "Only a query",
    ),
    ("{ nothing }", "Cannot query field"),
    ("{", "Syntax Error"),
    ("", "Syntax Error"),
    ("query A { awards { nodes { id } } } query B { awards { nodes { id } } }", "several operations"),
    ("query ($s: AwardState!) { awards(filter: {state: $s}) { nodes { id } } }", "$s"),
]


@pytest.mark.parametrize(("query", "says"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
async def test_what_cannot_be_exported_is_refused_in_words(house: House, query: str, says: str) -> None:
    refused = await house.start_export(query)
    assert refused["bulkOperation"] is None
    (error,) = refused["errors"]
    assert (error["code"], error["path"]) == ("INVALID", ["query"])
    assert says in error["message"]
    assert await house.work() == 0


@pytest.mark.parametrize(
    "variables",
    ["[]", "7", "{", "", '{"a": NaN}', rb'{"a": "\ud800"}'.decode(), rb'{"a": "\u0000"}'.decode(), "[" * 20_000],
)
async def test_variables_that_are_no_object_are_refused(house: House, variables: str) -> None:
    refused = await house.start_export(AWARDS, variables=variables)
    if variables == "":
        assert refused["errors"] == [], "none are given"
        return
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("INVALID", ["variables"])]


async def test_only_who_may_export_and_may_see_the_fields_starts_one(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        employer = await make.employer(tx)
        author = await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.AUTHOR)
    no_scope = replace(house.registrar, scopes=frozenset(Scope) - {Scope.EXPORT_READ})
    learner = Actor(learner_id=1, token_id=house.registrar.token_id, scopes=frozenset({Scope.LEARNER_SELF}))
    for actor in (employer, author, no_scope, learner):
        refused = await house.start_export(AWARDS, actor=actor)
        assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"], actor
    assert await house.work() == 0
    public = await house.exported("{ organizations { nodes { handle } } }", actor=employer)
    assert public["state"] == "COMPLETED"


async def test_an_export_shows_its_asker_and_nobody_elses_things(house: House, make: Factory) -> None:
    await filled(house, 2)
    async with house.db.writer() as tx:
        other = await campus(tx, make, "elsewhere")
        await award(tx, other)
    out = await house.exported(AWARDS, actor=other.registrar)
    rows = objects((await house.get(out["resultUrl"], other.registrar)).content)
    assert [r["holderName"] for r in rows] == ["Anna Example"]
    assert (await house.get(out["resultUrl"])).status_code == 404, "another organization's file"
    async with house.db.writer() as tx:
        author = await make.member(tx, other.school, OrganizationKind.SCHOOL, Role.AUTHOR)
    assert (await house.get(out["resultUrl"], author)).status_code == 404, "who may not see awards gets no file of them"
    assert (await house.api.client.get(out["resultUrl"])).status_code == 401
    for nonsense in ("/bulk-files/x", "/bulk-files/file_" + "A" * 60, out["resultUrl"][:-2]):
        assert (await house.get(nonsense, other.registrar)).status_code == 404


class Walking:
    """The real exporter, with something that happens after the first page."""

    def __init__(self, house: House, happens: Any) -> None:
        self.inner = house.engine.exporter
        self.happens = happens
        self.pages = 0

    def plan(self, document: str, variables: Mapping[str, Any], actor: Actor) -> ExportPlan:
        """As the real one."""
        return self.inner.plan(document, variables, actor)

    async def page(self, document: str, variables: Mapping[str, Any], after: str | None, actor: Actor) -> ExportPage:
        """As the real one, and then something happens."""
        page = await self.inner.page(document, variables, after, actor)
        self.pages += 1
        if self.pages == 1:
            await self.happens()
        return page


@pytest.mark.parametrize("loss", ["token", "role", "scope", "suspended"])
async def test_authority_lost_in_the_middle_stops_the_export_and_leaves_nothing(
    house: House, owner: asyncpg.Connection[asyncpg.Record], loss: str
) -> None:
    await filled(house, 250)
    started = await house.start_export(AWARDS)

    async def lose() -> None:
        async with house.db.writer() as tx:
            match loss:
                case "token":
                    for token in await tx.fetch("select id from api_tokens"):
                        await organizations.revoke_token(tx, SYSTEM, token["id"])
                case "role":
                    await tx.execute("update memberships set roles = '{author}'")
                case "scope":
                    # No page would notice: it is asked for the export alone.
                    await owner.execute("update api_tokens set scopes = array_remove(scopes, 'export:read')")
                case _:
                    await tx.execute("update organizations set verification = 'suspended'")

    walking = Walking(house, lose)
    assert await jobs.take(house.db, walking)
    assert walking.pages == 1, "the second page is never read"
    async with house.db.reader() as reader:
        found = await reader.fetchrow(
            "select state, failure_code, result_bytes from bulk_operations where kind = 'export'"
        )
    assert found is not None
    assert tuple(found) == ("failed", "authority_lost", None)
    assert (await house.chunks())[1] == 0
    assert started["errors"] == []


async def test_an_export_that_is_cancelled_in_the_middle_leaves_nothing(house: House) -> None:
    await filled(house, 250)
    started = await house.start_export(AWARDS)
    identity = started["bulkOperation"]["id"]

    async def cancel() -> None:
        done = await house.api.do(
            "cancelBulkOperation", "bulkOperation { state }", house.registrar, bulkOperationId=identity
        )
        assert done["bulkOperation"]["state"] == "CANCELING"

    assert await jobs.take(house.db, Walking(house, cancel))
    found = await house.look(identity)
    assert found is not None
    assert (found["state"], found["resultUrl"]) == ("CANCELED", None)
    assert (await house.chunks())[1] == 0


async def test_a_database_that_goes_in_the_middle_makes_the_export_begin_again(
    house: House, clock: FrozenClock
) -> None:
    await filled(house, 150)
    started = await house.start_export(AWARDS)

    async def break_off() -> None:
        raise ConnectionError("gone")

    assert await jobs.take(house.db, Walking(house, break_off))
    assert await house.work() == 0, "not at once"
    clock.move(queue.RETRY_AFTER + timedelta(seconds=1))
    assert await house.work() == 1
    found = await house.look(started["bulkOperation"]["id"])
    assert found is not None
    assert (found["state"], found["rowsDone"]) == ("COMPLETED", 150)
    assert len(objects((await house.get(found["resultUrl"])).content)) == 150


async def test_a_worker_that_died_leaves_no_pieces_in_the_file_of_the_next(house: House, clock: FrozenClock) -> None:
    await filled(house, 120)
    started = await house.start_export(AWARDS)
    dead = await queue.claim(house.db)
    assert dead is not None
    async with house.db.writer() as tx:
        await queue.hold(tx, dead)
        await queue.keep_chunk(tx, dead, "result", 0, b"half a file")
    clock.move(rules.LEASE + timedelta(seconds=1))
    assert await house.work() == 1
    found = await house.look(started["bulkOperation"]["id"])
    assert found is not None
    assert len(objects((await house.get(found["resultUrl"])).content)) == 120


class Endless:
    """An exporter of rows without end."""

    def plan(self, _document: str, _variables: Mapping[str, Any], _actor: Actor) -> ExportPlan:
        """One column."""
        return ExportPlan("awards", (), [("a",)])

    async def page(
        self, _document: str, _variables: Mapping[str, Any], _after: str | None, _actor: Actor
    ) -> ExportPage:
        """A page, and another one after it."""
        return ExportPage([{"a": "x" * rules.MIB}], "more")


async def test_a_result_has_a_largest_size(house: House) -> None:
    await house.start_export(AWARDS)
    job = await queue.claim(house.db)
    assert job is not None
    with pytest.raises(Failed) as caught:
        await run_export(house.db, Endless(), job, Watch(house.db, job), largest=3 * rules.MIB)
    assert (await house.chunks())[1] > 0
    assert caught.value.failure is Failure.RESULT_TOO_LARGE
    await jobs._failed(house.db, job, caught.value)
    assert (await house.chunks())[1] == 0


async def test_who_took_what_is_in_the_audit_log(house: House) -> None:
    await filled(house, 2)
    out = await house.exported(AWARDS)
    await house.get(out["resultUrl"])
    async with house.db.reader() as reader:
        rows = await reader.fetch(
            "select action, object, reason, organization_id, token_id from audit_events"
            " where action in ('exported', 'fetchedBulkFile') order by id"
        )
    assert [(r["action"], r["object"]) for r in rows] == [("exported", out["id"]), ("fetchedBulkFile", out["id"])]
    query = hashlib.sha256(AWARDS.encode()).hexdigest()
    assert rows[0]["reason"] == f"2 rows of awards, {out['resultBytes']} bytes; query sha256 {query}"
    assert all(r["organization_id"] == house.here.school and r["token_id"] is not None for r in rows)


async def test_a_result_goes_after_its_time(house: House, clock: FrozenClock) -> None:
    await filled(house, 1)
    out = await house.exported(AWARDS)
    clock.move(rules.RESULT_LIFE + timedelta(seconds=1))
    assert (await house.get(out["resultUrl"])).status_code == 404
    await jobs.expire(house.db)
    found = await house.look(out["id"])
    assert found is not None
    assert (found["state"], found["resultUrl"]) == ("EXPIRED", None)
    assert await house.chunks() == (0, 0)


async def test_a_dear_row_makes_smaller_pages_and_not_a_refusal(house: House) -> None:
    await filled(house, 60)
    wide = " ".join(f"a{n}: school {{ parent {{ handle }} }}" for n in range(28))
    out = await house.exported(f"{{ awards {{ nodes {{ {wide} }} }} }}")
    assert (out["state"], out["rowsDone"]) == ("COMPLETED", 60)
    assert len(objects((await house.get(out["resultUrl"])).content)) == 60


async def test_operations_are_listed_newest_first_when_asked(house: House, clock: FrozenClock) -> None:
    first = await house.imported(lines([row(1)]))
    clock.move(timedelta(minutes=1))
    second = await house.exported(AWARDS)
    listed = await house.api.ask(
        "{ all: bulkOperations(first: 5, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { id } }"
        " exports: bulkOperations(first: 5, filter: {kind: EXPORT}) { nodes { id } }"
        " failed: bulkOperations(first: 5, filter: {state: FAILED}) { totalCount } }",
        house.registrar,
    )
    assert [n["id"] for n in listed["all"]["nodes"]] == [second["id"], first["id"]]
    assert [n["id"] for n in listed["exports"]["nodes"]] == [second["id"]]
    assert listed["failed"]["totalCount"] == 0


async def test_where_only_trusted_documents_run_an_export_runs_no_other(house: House) -> None:
    engine = Engine(the_schema(), replace(house.tools, trusted_only=True))
    text = (
        "mutation ($q: String!, $k: IdempotencyKey!) { startBulkExport(input: {query: $q, idempotencyKey: $k})"
        " { bulkOperation { id } errors { __typename } } }"
    )

    async def start(key: str) -> Any:
        answer = await engine.answer(Page(text, {"q": AWARDS, "k": key}), house.registrar, "r")
        return json.loads(answer.data or b"null")["startBulkExport"]

    refused = await start("before-it-is-registered")
    assert refused == {"bulkOperation": None, "errors": [{"__typename": "NotAllowedError"}]}
    assert await house.work() == 0
    async with house.db.writer() as tx:
        await trusted.add(tx, AWARDS, "Awards")
    allowed = await start("after-it-is-registered")
    assert allowed["errors"] == []
    await house.approve(allowed["bulkOperation"]["id"])
    assert await house.work() == 1
