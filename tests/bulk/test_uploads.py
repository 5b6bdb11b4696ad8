"""Uploads: the announced bytes or nothing, from the announcing organization alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from countersign.bulk import jobs, rules, uploads
from countersign.edge.gates import Gates
from countersign.edge.uploads import EACH, Uploads
from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from tests.bulk.support import House, path_of
from tests.factories import Factory

BYTES = b'{"email": "a@example.com"}\n' * 50_000  # 1.35 MB, more than one piece


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


async def nothing_kept(house: House) -> bool:
    async with house.db.reader() as reader:
        received = await reader.fetchval("select count(*) from uploads where received_at is not null")
    return received == 0 and await house.chunks() == (0, 0)


async def test_bytes_are_kept_in_pieces_and_are_the_same_again(house: House) -> None:
    made = (await house.announce(BYTES, filename="awards.jsonl"))["upload"]
    assert made["received"] is False
    sent = await house.put(made["url"], BYTES)
    assert sent.status_code == 200
    assert sent.json() == {"uploadId": made["id"], "size": len(BYTES), "sha256": hashlib.sha256(BYTES).hexdigest()}
    assert (await house.chunks())[0] == 2
    async with house.db.reader() as reader:
        upload = await reader.fetchval("select id from uploads")
        sealed = await reader.fetchval("select string_agg(data, '' order by number) from upload_chunks")
        assert await uploads.read_whole(reader, house.db.vault, upload) == BYTES
    assert BYTES[:20] not in sealed
    seen = await house.api.ask(
        "query ($id: ID!) { node(id: $id) { ... on Upload { received filename size } } }",
        house.registrar,
        id=made["id"],
    )
    assert seen["node"] == {"received": True, "filename": "awards.jsonl", "size": len(BYTES)}


async def test_the_same_put_again_answers_the_same_and_another_is_refused(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    first = await house.put(made["url"], BYTES)
    again = await house.put(made["url"], BYTES)
    assert (again.status_code, again.json()) == (200, first.json())
    assert code(await house.put(made["url"], b"x" * len(BYTES))) == (422, "DIGEST_MISMATCH")
    assert (await house.chunks())[0] == 2, "what came first stays"


async def test_of_several_at_once_one_writes_and_all_are_answered(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    answers = await asyncio.gather(*(house.put(made["url"], BYTES) for _ in range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    assert (await house.chunks())[0] == 2


async def test_more_at_once_than_a_process_takes_are_asked_to_come_again(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    answers = await asyncio.gather(*(house.put(made["url"], BYTES) for _ in range(12)))
    statuses = sorted(a.status_code for a in answers)
    assert statuses[0] == 200
    assert set(statuses) <= {200, 503}
    assert all(a.headers["retry-after"] == "5" for a in answers if a.status_code == 503)
    assert (await house.chunks())[0] == 2


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (BYTES[:-1], (400, "SIZE_MISMATCH")),
        (BYTES + b"x", (400, "SIZE_MISMATCH")),
        (b"", (400, "SIZE_MISMATCH")),
        (b"x" * len(BYTES), (422, "DIGEST_MISMATCH")),
    ],
    ids=["short", "long", "empty", "other"],
)
async def test_other_bytes_than_the_announced_are_refused_and_nothing_is_kept(
    house: House, body: bytes, refusal: tuple[int, str]
) -> None:
    made = (await house.announce(BYTES))["upload"]
    assert code(await house.put(made["url"], body)) == refusal
    assert await nothing_kept(house)
    assert (await house.put(made["url"], BYTES)).status_code == 200, "repeating with the right bytes resumes"


@pytest.mark.parametrize(
    ("pieces", "refusal"),
    [([BYTES, b"more"], (413, "SIZE_MISMATCH")), ([BYTES[:100]], (400, "SIZE_MISMATCH"))],
    ids=["long", "short"],
)
async def test_a_body_without_length_is_counted(house: House, pieces: list[bytes], refusal: tuple[int, str]) -> None:
    made = (await house.announce(BYTES))["upload"]

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    headers = await house.api.authorization(house.registrar)
    answer = await house.api.client.put(path_of(made["url"]), content=body(), headers=headers)
    assert code(answer) == refusal
    assert answer.headers["connection"] == "close", "the rest of the body is not the next request"
    assert await nothing_kept(house)


async def test_who_is_not_the_announcing_organization_finds_no_upload(house: House, make: Factory) -> None:
    made = (await house.announce(BYTES))["upload"]
    async with house.db.writer() as tx:
        foreign = await make.school(tx)
    learner = Actor(learner_id=7, token_id=foreign.token_id, scopes=frozenset({Scope.LEARNER_SELF}))
    assert code(await house.put(made["url"], BYTES, foreign)) == (404, "NOT_FOUND")
    assert code(await house.put(made["url"], BYTES, learner)) == (404, "NOT_FOUND")
    nobody = await house.api.client.put(path_of(made["url"]), content=BYTES)
    assert code(nobody) == (401, "UNAUTHENTICATED")
    bad = await house.api.client.put(path_of(made["url"]), content=BYTES, headers={"authorization": "Bearer ctsd_x"})
    assert code(bad) == (401, "UNAUTHENTICATED")
    assert await nothing_kept(house)
    seen = await house.api.ask("query ($id: ID!) { node(id: $id) { id } }", foreign, id=made["id"])
    assert seen["node"] is None


@pytest.mark.parametrize("name", ["nonsense", "upload_", "upload_" + "A" * 43, "%2500", "%2e%2e", "file_AAAA"])
async def test_an_address_that_was_never_given_leads_nowhere(house: House, name: str) -> None:
    answer = await house.put(f"http://localhost/uploads/{name}", b"x")
    assert answer.status_code in {404, 405}
    assert await nothing_kept(house)


async def test_a_compressed_body_is_refused(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    answer = await house.put(made["url"], BYTES, headers={"content-encoding": "gzip"})
    assert code(answer) == (415, "BAD_REQUEST")
    assert await nothing_kept(house)


async def test_other_methods_are_refused_with_what_is_allowed(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    for method in ("GET", "POST", "DELETE"):
        answer = await house.api.client.request(method, path_of(made["url"]))
        assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")


async def test_an_upload_goes_after_its_time(house: House, clock: FrozenClock) -> None:
    kept = await house.upload(BYTES)
    made = (await house.announce(BYTES))["upload"]
    clock.move(rules.UPLOAD_LIFE + timedelta(seconds=1))
    assert code(await house.put(made["url"], BYTES)) == (410, "UPLOAD_EXPIRED")
    answer = await house.api.do(
        "startBulkImport", "bulkOperation { id }", house.registrar, uploadId=kept, kind="AWARDS"
    )
    assert answer["errors"][0]["code"] == "NOT_FOUND"
    assert await jobs.expire(house.db) == (2, 0)
    assert await house.chunks() == (0, 0)
    async with house.db.reader() as reader:
        assert await reader.fetchval("select count(*) from uploads") == 0


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": rules.LARGEST_UPLOAD + 1}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"filename": "a\nb"}, "filename"),
        ({"filename": "x" * 201}, "filename"),
    ],
)
async def test_an_announcement_that_cannot_be_is_refused(house: House, given: dict[str, Any], path: str) -> None:
    answer = await house.announce(BYTES, **given)
    assert answer["upload"] is None
    assert [(e["code"], e["path"]) for e in answer["errors"]] == [("INVALID", [path])]


async def test_an_organization_announces_no_more_than_its_quota(house: House) -> None:
    whole = rules.UPLOAD_QUOTA // rules.LARGEST_UPLOAD
    for _ in range(whole):
        assert (await house.announce(BYTES, size=rules.LARGEST_UPLOAD))["errors"] == []
    answer = await house.announce(BYTES, size=1)
    assert [(e["__typename"], e["code"]) for e in answer["errors"]] == [("QuotaExceededError", "QUOTA_EXCEEDED")]


async def test_announcements_at_once_do_not_pass_the_quota_together(house: House) -> None:
    await house.api.authorization(house.registrar)
    answers = await asyncio.gather(*(house.announce(BYTES, size=rules.LARGEST_UPLOAD) for _ in range(8)))
    assert sum(a["upload"] is not None for a in answers) == rules.UPLOAD_QUOTA // rules.LARGEST_UPLOAD


async def test_only_who_may_award_announces(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        employer = await make.employer(tx)
        author = await make.member(tx, house.here.school, OrganizationKind.SCHOOL, Role.AUTHOR)
    scopeless = replace(house.registrar, scopes=frozenset(Scope) - {Scope.AWARD_WRITE})
    unskilled = await house.api.do("createUpload", "upload { id }", ANONYMOUS, format="CSV", size=1, sha256="0" * 64)
    assert unskilled["refused"] == "UNAUTHENTICATED"
    for actor in (employer, scopeless, author):
        refused = await house.announce(BYTES, actor=actor)
        assert refused["errors"][0]["code"] == "NOT_ALLOWED", actor
    async with house.db.reader() as reader:
        assert await reader.fetchval("select count(*) from uploads") == 0


async def test_a_body_that_stops_coming_is_sent_away(house: House) -> None:
    made = (await house.announce(BYTES))["upload"]
    application = Starlette(routes=Uploads(idle_seconds=0.05).routes())
    application.state.tools = house.tools
    application.state.gates = Gates()
    application.state.pipeline = house.api.door.state.pipeline

    async def slow() -> AsyncIterator[bytes]:
        yield BYTES[:100]
        await asyncio.Event().wait()

    transport = httpx.ASGITransport(app=application)
    headers = await house.api.authorization(house.registrar)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.put(path_of(made["url"]), content=slow(), headers=headers)
    assert code(answer) == (408, "TIMEOUT")
    assert await nothing_kept(house)


async def test_a_school_that_sends_slowly_keeps_no_other_waiting(house: House, make: Factory) -> None:
    async with house.db.writer() as tx:
        school = (await make.school(tx)).organization_id
        assert school is not None
        other = await make.member(tx, school, OrganizationKind.SCHOOL, Role.REGISTRAR)
    slow = [(await house.announce(BYTES, actor=other))["upload"]["url"] for _ in range(EACH + 1)]
    mine = (await house.announce(BYTES))["upload"]["url"]
    application = Starlette(routes=Uploads().routes())
    application.state.tools = house.tools
    application.state.gates = Gates()
    application.state.pipeline = house.api.door.state.pipeline
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield BYTES[:100]
        begun.release()
        await go_on.wait()
        yield BYTES[100:]

    transport = httpx.ASGITransport(app=application)
    theirs = await house.api.authorization(other)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        sending = [asyncio.create_task(client.put(path_of(url), content=slowly(), headers=theirs)) for url in slow[:-1]]
        for _ in sending:
            await begun.acquire()
        assert code(await client.put(path_of(slow[-1]), content=BYTES, headers=theirs)) == (503, "UNAVAILABLE")
        ours = await house.api.authorization(house.registrar)
        assert (await client.put(path_of(mine), content=BYTES, headers=ours)).status_code == 200
        go_on.set()
        assert [(await each).status_code for each in sending] == [200] * EACH
        assert (await client.put(path_of(slow[-1]), content=BYTES, headers=theirs)).status_code == 200
