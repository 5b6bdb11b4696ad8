"""Imports in the background: every row or none, every fault by its line, once however often it is begun."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from countersign.awards import service
from countersign.awards.importing import import_award_file
from countersign.bulk import jobs, queue, rules
from countersign.bulk.importing import run_import
from countersign.bulk.queue import LeaseLost, Watch
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.table_files import TableFile
from countersign.organizations import service as organizations
from countersign.search.service import Drift
from tests.awards.support import facts
from tests.bulk.support import House, key_of, lines, objects, row
from tests.factories import Factory

BOM = b"\xef\xbb\xbf"


async def world(house: House) -> tuple[int, ...]:
    """Counts of all that an import could change, without the queue's own events."""
    async with house.db.writer() as tx:
        told = await tx.fetchval("select count(*) from outbox where topic = $1", queue.TOPIC)
        *counts, events = await facts(tx)
        return (*counts, events - told)


def as_csv(rows: list[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def test_a_csv_with_byte_order_mark_is_as_good_as_json_lines(house: House) -> None:
    done = await house.imported(BOM + as_csv([row(1), row(2)]), written="CSV")
    assert (done["state"], done["rowsCreated"]) == ("COMPLETED", 2)
    again = await house.imported(BOM + lines([row(1), row(2)]).replace(b"\n", b"\r\n"))
    assert (again["rowsCreated"], again["rowsUnchanged"]) == (0, 2)
    assert await house.awards() == 2


async def test_the_operation_says_when_and_what(house: House) -> None:
    started = await house.start_import(lines([row(1)]))
    assert (started["state"], started["kind"], started["subject"], started["query"]) == (
        "QUEUED", "IMPORT", "awards", None,
    )  # fmt: skip
    assert started["startedAt"] is None
    assert await house.work() == 1
    done = await house.look(started["id"])
    assert done is not None
    assert (done["rowsDone"], done["rowsTotal"], done["dryRun"]) == (1, 1, False)
    assert None not in (done["startedAt"], done["finishedAt"], done["expiresAt"])
    assert (done["resultUrl"], done["errorFileUrl"]) == (None, None)
    async with house.db.writer() as tx:
        assert await service.check_index(tx) == Drift(0, 0, 0, 0, 0)
        told = await tx.fetch("select payload->>'state' as s from outbox where topic = $1 order by id", queue.TOPIC)
        assert [r["s"] for r in told] == ["queued", "running", "completed"]


async def test_a_dry_run_finds_what_would_happen_and_changes_nothing(house: House) -> None:
    before = await world(house)
    done = await house.imported(lines([row(1), row(2)]), dry_run=True)
    assert (done["state"], done["rowsCreated"], done["rowErrorCount"]) == ("COMPLETED", 2, 0)
    assert await world(house) == before
    bad = await house.imported(lines([row(1), row(2, country="xx")]), dry_run=True)
    assert (bad["state"], bad["rowErrorCount"], bad["failureCode"]) == ("COMPLETED", 1, None)
    assert await world(house) == before


BAD_ROWS: list[tuple[dict[str, object], str | None, str]] = [
    (row(2, email="nobody"), "email", "INVALID"),
    (row(2, fullName=""), "fullName", "REQUIRED"),
    (row(2, country="Germany"), "country", "TOO_LONG"),
    (row(2, region="FR-75"), "region", "INVALID"),
    (row(2, spec="sculpture"), "spec", "NOT_FOUND"),
    (row(2, version="9.9.9"), "version", "NOT_FOUND"),
    (row(2, earnedOn="1.10.2026"), "earnedOn", "INVALID"),
    (row(2, mode="gift"), "mode", "INVALID"),
    (row(2, email=7), "email", "INVALID"),
    (row(2, email=None), "email", "REQUIRED"),
    (row(2, email=["a@example.com"]), "email", "INVALID"),
    (row(2, salary="9"), "salary", "INVALID"),
    ({"anna@example.com": "\x00"}, None, "INVALID"),
    (row(2, full_name="Twice"), "full_name", "INVALID"),
    (row(2, fullName="\x00"), "fullName", "INVALID"),
    (row(1), "email", "CONFLICT"),
]


@pytest.mark.parametrize(
    ("bad", "field", "code"), BAD_ROWS, ids=[f"{f}-{c}-{n}" for n, (_, f, c) in enumerate(BAD_ROWS)]
)
async def test_a_bad_row_stops_the_whole_file_and_is_named(
    house: House, bad: dict[str, object], field: str | None, code: str
) -> None:
    before = await world(house)
    done = await house.imported(lines([row(1), bad, row(3)]))
    assert (done["state"], done["failureCode"], done["rowErrorCount"]) == ("FAILED", "ROWS_REFUSED", 1)
    (error,) = done["firstRowErrors"]
    assert (error["row"], error["path"], error["code"]) == (2, [field] if field else [], code)
    fetched = await house.get(done["errorFileUrl"])
    assert objects(fetched.content) == [error]
    assert fetched.headers["content-type"] == "application/jsonl; charset=utf-8"
    assert await world(house) == before


HOSTILE: list[tuple[bytes, int, str]] = [
    (b"\xff\xfe" + "{}".encode("utf-16-le"), 0, "UTF-16"),
    (b"  \n \n", 0, "empty"),
    (BOM, 0, "empty"),
    (BOM + b"\n", 0, "empty"),
    (b"\x80", 1, "not UTF-8"),
    (b'{"email": "\xff"}', 1, "not UTF-8"),
    (b"[1]", 1, "not a JSON object"),
    (b"7", 1, "not a JSON object"),
    (b"{", 1, "not JSON"),
    (b"\x00", 1, "not JSON"),
    (b"[" * 100_000, 1, "not JSON"),
    (b'{"email":' + b"1" * 200_000 + b"}", 1, "not a text"),
    (b'{"email": NaN}', 1, "not a text"),
    (rb'{"email": "\ud800"}', 1, "half a character"),
    (rb'{"\ud800": "x"}', 1, "half a character"),
    (b'{"email": "' + b"x" * rules.MIB + b'"}', 1, "longer than 256 KiB"),
    (b'{"email": "a@b.c", "email": "d@e.f"}', 1, "stands twice"),
]


@pytest.mark.parametrize(("data", "line", "says"), HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
async def test_what_is_no_row_is_refused_by_its_line(house: House, data: bytes, line: int, says: str) -> None:
    before = await world(house)
    done = await house.imported(data)
    assert (done["state"], done["failureCode"]) == ("FAILED", "ROWS_REFUSED")
    error = done["firstRowErrors"][0]
    assert error["row"] == line
    assert says in error["message"]
    assert len(done["firstRowErrors"]) <= rules.SHOWN_ROW_ERRORS
    assert await world(house) == before


async def test_every_fault_is_in_the_file_and_the_first_are_shown(house: House) -> None:
    done = await house.imported(lines([row(n, spec=f"no-{n}") for n in range(1_500)]))
    assert (done["rowErrorCount"], len(done["firstRowErrors"])) == (1_500, rules.SHOWN_ROW_ERRORS)
    errors = objects((await house.get(done["errorFileUrl"])).content)
    assert [e["row"] for e in errors] == list(range(1, 1_501))
    assert not any("example.com" in json.dumps(e) for e in errors), "an error file is about rows, not about people"


async def test_only_the_own_organization_sees_it_and_fetches_its_files(house: House, make: Factory) -> None:
    done = await house.imported(lines([row(1, spec="none")]))
    async with house.db.writer() as tx:
        foreign = await make.school(tx)
        recruiter = await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.AUTHOR)
    assert await house.look(done["id"], foreign) is None
    page = await house.api.ask("{ bulkOperations(first: 5) { totalCount } }", foreign)
    assert page["bulkOperations"]["totalCount"] == 0
    node = await house.api.ask("query ($id: ID!) { node(id: $id) { id } }", foreign, id=done["id"])
    assert node["node"] is None
    cancelled = await house.api.do("cancelBulkOperation", "bulkOperation { id }", foreign, bulkOperationId=done["id"])
    assert cancelled["errors"][0]["code"] == "NOT_FOUND"
    assert (await house.get(done["errorFileUrl"], foreign)).status_code == 404
    assert (await house.get(done["errorFileUrl"], recruiter)).status_code == 404, "who may not award sees no award file"
    nobody = await house.api.client.get(done["errorFileUrl"])
    assert nobody.status_code == 401
    assert (await house.get(done["errorFileUrl"])).status_code == 200


async def test_only_who_may_award_starts_an_import_and_only_of_an_own_upload(house: House, make: Factory) -> None:
    upload = await house.upload(lines([row(1)]))
    async with house.db.writer() as tx:
        foreign = await make.school(tx)
        author = await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.AUTHOR)
    given = {"uploadId": upload, "kind": "AWARDS"}
    refusals: list[tuple[Actor, str]] = [
        (foreign, "NOT_FOUND"),
        (author, "NOT_ALLOWED"),
        (replace(house.registrar, scopes=frozenset({Scope.SPEC_READ})), "NOT_ALLOWED"),
    ]
    for actor, code in refusals:
        refused = await house.api.do("startBulkImport", "bulkOperation { id }", actor, **given)
        assert [e["code"] for e in refused["errors"]] == [code]
    for nonsense in ("upload_x", "bulk_x", upload.replace("upload", "bulk")):
        refused = await house.api.do(
            "startBulkImport", "bulkOperation { id }", house.registrar, **{**given, "uploadId": nonsense}
        )
        assert [e["code"] for e in refused["errors"]] == ["NOT_FOUND"]
    empty = (await house.announce(b"x"))["upload"]["id"]
    refused = await house.api.do(
        "startBulkImport", "bulkOperation { id }", house.registrar, **{**given, "uploadId": empty}
    )
    assert [e["code"] for e in refused["errors"]] == ["INVALID_STATE"]
    assert await house.work() == 0


async def test_an_upload_goes_with_its_import_and_stays_after_a_trial(house: House) -> None:
    upload = await house.upload(lines([row(1, spec="none")]))

    async def start(*, trial: bool) -> list[str]:
        given = {"uploadId": upload, "kind": "AWARDS", "dryRun": trial}
        answer = await house.api.do("startBulkImport", "bulkOperation { id }", house.registrar, **given)
        return [error["code"] for error in answer["errors"]]

    assert await start(trial=True) == []
    assert (await house.work(), (await house.chunks())[0]) == (1, 1)
    # Of two that wait the first leaves it to the second.
    assert (await start(trial=False), await start(trial=False)) == ([], [])
    assert await jobs.take(house.db, house.engine.exporter)
    assert (await house.chunks())[0] == 1
    assert (await house.work(), (await house.chunks())[0]) == (1, 0)
    assert await start(trial=False) == ["INVALID_STATE"]
    assert await house.work() == 0


async def test_an_organization_has_few_operations_in_the_queue(house: House) -> None:
    upload = await house.upload(lines([row(1)]))
    codes = []
    for _ in range(rules.MOST_UNFINISHED + 1):
        answer = await house.api.do(
            "startBulkImport", "bulkOperation { id }", house.registrar, uploadId=upload, kind="AWARDS"
        )
        codes.append([e["code"] for e in answer["errors"]])
    assert codes == [[]] * rules.MOST_UNFINISHED + [["QUOTA_EXCEEDED"]]
    assert await house.work() == rules.MOST_UNFINISHED
    assert await house.awards() == 1


async def test_what_is_cancelled_while_it_waits_never_happens(house: House) -> None:
    started = await house.start_import(lines([row(1)]))
    answer = await house.api.do(
        "cancelBulkOperation", "bulkOperation { id state }", house.registrar, bulkOperationId=started["id"]
    )
    assert answer["bulkOperation"]["state"] == "CANCELED"
    assert (await house.chunks())[0] == 0  # what was sent goes at once
    assert await house.work() == 0
    assert await house.awards() == 0


async def test_of_two_that_are_cancelled_at_once_the_last_takes_the_upload_along(house: House) -> None:
    upload = await house.upload(lines([row(1)]))
    started = [
        await house.api.do("startBulkImport", "bulkOperation { id }", house.registrar, uploadId=upload, kind="AWARDS")
        for _ in range(2)
    ]
    given = [answer["bulkOperation"]["id"] for answer in started]
    ended = await asyncio.gather(
        *(
            house.api.do("cancelBulkOperation", "bulkOperation { state }", house.registrar, bulkOperationId=identity)
            for identity in given
        )
    )
    assert [answer["bulkOperation"]["state"] for answer in ended] == ["CANCELED"] * 2
    assert (await house.chunks())[0] == 0


async def test_what_is_cancelled_while_it_runs_is_undone(house: House) -> None:
    started = await house.start_import(lines([row(n) for n in range(50)]))
    job = await queue.claim(house.db)
    assert job is not None
    answer = await house.api.do(
        "cancelBulkOperation", "bulkOperation { state }", house.registrar, bulkOperationId=started["id"]
    )
    assert answer["bulkOperation"]["state"] == "CANCELING"
    watch = Watch(house.db, job)
    with pytest.raises(queue.StopWanted):
        await run_import(house.db, job, watch)
    await queue.stop(house.db, job)
    found = await house.look(started["id"])
    assert found is not None
    assert found["state"] == "CANCELED"
    assert ((await house.chunks())[0], await house.awards()) == (0, 0)


async def test_a_worker_whose_lease_was_taken_over_changes_nothing(house: House, clock: FrozenClock) -> None:
    started = await house.start_import(lines([row(n) for n in range(5)]))
    slow = await queue.claim(house.db)
    assert slow is not None
    assert await queue.claim(house.db) is None, "nobody takes what is worked on"
    clock.move(rules.LEASE + timedelta(seconds=1))
    quick = await queue.claim(house.db)
    assert quick is not None
    assert (quick.id, quick.lease != slow.lease) == (slow.id, True)
    with pytest.raises(LeaseLost):
        await run_import(house.db, slow, Watch(house.db, slow))
    assert await house.awards() == 0
    await run_import(house.db, quick, Watch(house.db, quick))
    found = await house.look(started["id"])
    assert found is not None
    assert (found["state"], found["rowsCreated"]) == ("COMPLETED", 5)


async def test_what_was_begun_too_often_is_given_up(house: House, clock: FrozenClock) -> None:
    started = await house.start_import(lines([row(1)]))
    for _ in range(rules.MOST_ATTEMPTS):
        assert await queue.claim(house.db) is not None
        clock.move(rules.LEASE + timedelta(seconds=1))
    assert await house.work() == 0
    found = await house.look(started["id"])
    assert found is not None
    assert (found["state"], found["failureCode"]) == ("FAILED", "GIVEN_UP")
    assert await house.awards() == 0


async def test_a_worker_that_is_told_to_leave_gives_its_work_back(house: House) -> None:
    started = await house.start_import(lines([row(n) for n in range(3_000)]))
    stop = asyncio.Event()
    running = asyncio.ensure_future(jobs.run(house.db, house.engine.exporter, stop))
    while (found := await house.look(started["id"])) is not None and found["state"] == "QUEUED":
        assert not running.done()
    stop.set()
    await running
    found = await house.look(started["id"])
    assert found is not None
    assert (found["state"], await house.awards()) in {("QUEUED", 0), ("COMPLETED", 3_000)}
    await house.work()
    found = await house.look(started["id"])
    assert found is not None
    assert (found["state"], found["rowsCreated"]) == ("COMPLETED", 3_000)


async def _end_token(house: House) -> None:
    async with house.db.writer() as tx:
        for row_ in await tx.fetch("select id from api_tokens"):
            await organizations.revoke_token(tx, SYSTEM, row_["id"])


async def _end_membership(house: House) -> None:
    async with house.db.writer() as tx:
        await tx.execute("update memberships set roles = '{author}'")


@pytest.mark.parametrize("lose", [_end_token, _end_membership], ids=["token", "role"])
async def test_authority_that_ends_before_the_turn_comes_ends_the_import(
    house: House, lose: Callable[[House], Any]
) -> None:
    started = await house.start_import(lines([row(1)]))
    await lose(house)
    assert await house.work() == 1
    async with house.db.reader() as reader:
        found = await reader.fetchrow("select state, failure_code from bulk_operations")
    assert started["state"] == "QUEUED"
    assert found is not None
    assert tuple(found) == ("failed", "authority_lost")
    assert await house.awards() == 0


async def test_authority_that_ends_while_a_file_is_imported_undoes_it(
    house: House, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await house.start_import(lines([row(n) for n in range(5)]))
    async with owner.transaction():
        await owner.execute("lock table learner_directory in access exclusive mode")
        working = asyncio.ensure_future(jobs.take(house.db, house.engine.exporter))
        waiting = "select count(*) from pg_locks where not granted and relation = 'learner_directory'::regclass"
        while not await owner.fetchval(waiting):
            assert not working.done()
            await asyncio.sleep(0.01)
        await _end_token(house)
    assert await working
    async with house.db.reader() as reader:
        found = await reader.fetchrow("select state, failure_code from bulk_operations")
    assert found is not None
    assert tuple(found) == ("failed", "authority_lost")
    assert await house.awards() == 0


async def test_an_upload_that_went_before_its_turn_came_fails_the_import(house: House, clock: FrozenClock) -> None:
    started = await house.start_import(lines([row(1)]))
    clock.move(rules.UPLOAD_LIFE + timedelta(seconds=1))
    await jobs.expire(house.db)
    assert await house.work() == 1
    found = await house.look(started["id"])
    assert found is not None
    assert (found["state"], found["failureCode"]) == ("FAILED", "UPLOAD_GONE")


async def test_files_and_faults_go_after_their_time(house: House, clock: FrozenClock) -> None:
    done = await house.imported(lines([row(1, spec="none")]))
    clock.move(rules.RESULT_LIFE + timedelta(seconds=1))
    assert (await house.get(done["errorFileUrl"])).status_code == 404, "before the job has come by"
    assert await jobs.expire(house.db) == (1, 1)
    assert await house.chunks() == (0, 0)
    async with house.db.reader() as reader:
        found = await reader.fetchrow("select id, state, first_row_errors from bulk_operations")
    assert found is not None
    assert (found["id"], found["state"], found["first_row_errors"]) == (key_of(done["id"]), "expired", [])


async def test_others_have_their_turn_while_rows_are_read(house: House) -> None:
    turns = 0
    at_reports: list[int] = []

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(others())
    file = TableFile("awards", lines([row(n) for n in range(5_000)]), json_lines=True)
    await import_award_file(house.db, house.registrar, file, progress=lambda *_: at_reports.append(turns))
    waiting.cancel()
    assert len(at_reports) == 6
    assert len(set(at_reports)) == 6, "between two reports of progress the loop ran"
