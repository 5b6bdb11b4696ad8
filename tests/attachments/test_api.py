"""Attachments from the announcement to the signed endorsement and the download."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from countersign.attachments import rules, service
from countersign.kit.access import Actor, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.attachments.test_sniffing import PDF, archive, picture
from tests.factories import Factory
from tests.reviews.support import Scene, everything, scene, somebody_waits

FIELDS = "id filename received name mediaType size sha256 width height url uploadUrl"


@dataclass
class Desk:
    """An employer at the API, and a version that can be endorsed."""

    api: Api
    db: Database
    here: Scene

    async def announce(self, data: bytes, filename: str = "badge.png", actor: Actor | None = None) -> dict[str, Any]:
        """The payload of announceAttachment."""
        given = {"filename": filename, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return await self.api.do(
            "announceAttachment", f"attachment {{ {FIELDS} }}", actor or self.here.employer, **given
        )

    async def announce_as_nobody(self) -> dict[str, Any]:
        """The payload of announceAttachment without a token."""
        given = {"filename": "a.pdf", "size": 1, "sha256": "0" * 64}
        return await self.api.do("announceAttachment", "attachment { id }", None, **given)

    async def put(self, url: str, data: bytes, actor: Actor | None = None) -> httpx.Response:
        """Send bytes to an address."""
        headers = await self.api.authorization(actor or self.here.employer)
        return await self.api.client.put(httpx.URL(url).path, content=data, headers=headers)

    async def attach(self, data: bytes, filename: str = "badge.png") -> str:
        """The id of an attachment whose bytes were taken."""
        made = (await self.announce(data, filename))["attachment"]
        sent = await self.put(made["uploadUrl"], data)
        assert sent.status_code == 200, sent.text
        return str(made["id"])

    async def endorse(self, ids: list[str]) -> dict[str, Any]:
        """The payload of endorseSpec with these attachments."""
        selection = f"endorsement {{ credential attachments {{ {FIELDS} }} }}"
        return await self.api.do(
            *("endorseSpec", selection, self.here.employer),
            specVersionId=f"version_{self.here.version}",
            expectedDigest=self.here.digest,
            statement="See the letter.",
            attachmentIds=ids,
        )

    async def get(self, url: str, actor: Actor | None = None) -> httpx.Response:
        """Fetch an address."""
        return await self.api.client.get(httpx.URL(url).path, headers=await self.api.authorization(actor))


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield Desk(api, db, here)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


async def test_a_picture_and_a_letter_are_signed_with_and_downloaded_by_anyone(desk: Desk) -> None:
    ids = [await desk.attach(picture() + b"CANARY", "badge.exe"), await desk.attach(PDF, "Письмо о найме.pdf")]
    payload = await desk.endorse(ids)
    assert payload["errors"] == []
    files = payload["endorsement"]["attachments"]
    assert [f["id"] for f in files] == ids
    assert [(f["name"], f["mediaType"]) for f in files] == [
        ("badge.png", "image/png"),
        ("Письмо о найме.pdf", "application/pdf"),
    ]
    said = [e["narrative"] for e in json.loads(payload["endorsement"]["credential"])["evidence"]]
    for file, sentence in zip(files, said, strict=True):
        assert sentence == f"{file['name']} ({file['mediaType']}, {file['size']} bytes), SHA-256 {file['sha256']}."
        fetched = await desk.get(file["url"])
        assert fetched.status_code == 200
        assert hashlib.sha256(fetched.content).hexdigest() == file["sha256"]
        assert fetched.headers["content-type"] == file["mediaType"]
        assert fetched.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert fetched.headers["x-content-type-options"] == "nosniff"
        assert fetched.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert b"CANARY" not in fetched.content


async def test_what_is_not_signed_with_is_for_its_organization_alone(desk: Desk, make: Factory) -> None:
    identity = await desk.attach(PDF, "letter.pdf")
    async with desk.db.writer() as tx:
        other = await make.employer(tx)
    query = f"query ($id: ID!) {{ attachment(id: $id) {{ {FIELDS} }} }}"
    own = (await desk.api.ask(query, desk.here.employer, id=identity))["attachment"]
    assert own["received"] is True
    assert (await desk.get(own["url"], desk.here.employer)).content == PDF
    for stranger in (None, other, desk.here.school):
        assert (await desk.api.ask(query, stranger, id=identity))["attachment"] is None
        assert code(await desk.get(own["url"], stranger)) == (404, "NOT_FOUND")
    assert code(await desk.put(own["uploadUrl"], PDF, other)) == (404, "NOT_FOUND")
    assert (
        await desk.get(f"/attachments/{identity}", desk.here.employer)
    ).content == PDF  # by the id that the API tells
    tail = identity.partition("_")[2]
    for name in ("0192f1d4-0000-7000-8000-000000000000", "nothing", "attachment_x", f"org_{tail}", f"{identity}0"):
        assert code(await desk.get(f"/attachments/{name}", desk.here.employer)) == (404, "NOT_FOUND")


async def test_bytes_that_are_not_taken_say_why_and_nothing_is_kept(desk: Desk) -> None:
    data = archive()
    made = (await desk.announce(data, "letter.pdf"))["attachment"]
    refused = await desk.put(made["uploadUrl"], data)
    assert code(refused) == (422, "UNFIT_CONTENT")
    assert "archive" in refused.json()["errors"][0]["message"]
    assert code(await desk.put(made["uploadUrl"], b"x" * len(data))) == (422, "DIGEST_MISMATCH")
    payload = await desk.endorse([made["id"]])
    assert [(e["code"], e["path"]) for e in payload["errors"]] == [("INVALID_STATE", ["attachmentIds", "0"])]
    async with desk.db.reader() as reader:
        assert await reader.fetchval("select count(*) from attachment_files") == 0
        assert await reader.fetchval("select count(*) from endorsements") == 0


async def test_the_same_bytes_again_change_nothing(desk: Desk) -> None:
    made = (await desk.announce(PDF, "letter.pdf"))["attachment"]
    assert (await desk.put(made["uploadUrl"], PDF)).json() == (await desk.put(made["uploadUrl"], PDF)).json()
    async with desk.db.reader() as reader:
        assert await reader.fetchval("select count(*) from attachment_files") == 1


async def test_foreign_missing_repeated_and_too_many_are_refused(desk: Desk, make: Factory) -> None:
    async with desk.db.writer() as tx:
        other = await make.employer(tx)
    foreign = (await desk.announce(PDF, "letter.pdf", other))["attachment"]["id"]
    own = await desk.attach(PDF, "letter.pdf")
    for ids, expected in (
        ([own, foreign], ("NOT_FOUND", ["attachmentIds", "1"])),
        (["attachment_x"], ("NOT_FOUND", ["attachmentIds", "0"])),
        ([own, own], ("INVALID", ["attachmentIds"])),
        ([own] * 6, ("INVALID", ["attachmentIds"])),
    ):
        payload = await desk.endorse(ids)
        assert [(e["code"], e["path"]) for e in payload["errors"]] == [expected]
        assert payload["endorsement"] is None
    async with desk.db.reader() as reader:
        assert await reader.fetchval("select count(*) from attachments where used_at is not null") == 0


async def test_what_is_never_signed_with_goes_after_its_time(desk: Desk, clock: FrozenClock) -> None:
    unused, used = await desk.attach(PDF, "letter.pdf"), await desk.attach(PDF, "other.pdf")
    assert (await desk.endorse([used]))["errors"] == []
    clock.move(rules.LIFE + timedelta(seconds=1))
    payload = await desk.endorse([unused])
    assert [e["code"] for e in payload["errors"]] == ["NOT_FOUND"]
    await desk.announce(PDF, "third.pdf")
    async with desk.db.reader() as reader:
        left = {r["filename"] for r in await reader.fetch("select filename from attachments")}
    assert left == {"other.pdf", "third.pdf"}


async def test_there_is_an_end_to_announcing(desk: Desk) -> None:
    for _ in range(rules.MOST_UNUSED):
        assert (await desk.announce(PDF))["errors"] == []
    assert [e["code"] for e in (await desk.announce(PDF))["errors"]] == ["QUOTA_EXCEEDED"]


@pytest.mark.parametrize("name", ["nobody", "author", "registrar", "reviewer", "recruiter", "no scope"])
async def test_nobody_but_a_signatory_attaches(desk: Desk, make: Factory, name: str) -> None:
    async with desk.db.writer() as tx:
        actors = {
            "nobody": None,
            "author": await make.school(tx, Role.AUTHOR),
            "registrar": await make.school(tx, Role.REGISTRAR),
            "reviewer": await make.employer(tx, Role.REVIEWER),
            "recruiter": await make.employer(tx, Role.RECRUITER),
            "no scope": replace(await make.employer(tx, Role.SIGNATORY), scopes=frozenset({Scope.SEARCH_READ})),
        }
    actor = actors[name]
    headers = await desk.api.authorization(actor)  # makes the token now, so that it is there before and after
    assert bool(headers) == (actor is not None)
    before = await everything(desk.db)
    payload = await desk.announce(PDF, "a.pdf", actor) if actor else await desk.announce_as_nobody()
    assert payload.get("refused") or [e["code"] for e in payload["errors"]] == ["NOT_ALLOWED"]
    after = await everything(desk.db)
    assert after["attachments"] == before["attachments"] == []


async def test_files_are_locked_in_the_order_of_their_ids_in_whatever_order_they_are_named(
    desk: Desk, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    ids = [await desk.attach(picture(), f"{number}.png") for number in range(2)]
    low, high = sorted(UUID(identity.partition("_")[2]) for identity in ids)
    free = "select id from attachments where id = $1 for update nowait"

    async def named_backwards() -> None:
        async with desk.db.writer() as tx:
            await service.hold(tx, desk.here.employer, [high, low])
            await service.use(tx, desk.here.employer, [high, low])

    async with desk.db.writer() as tx:
        await tx.execute("select from attachments where id = $1 for update", low)
        using = asyncio.create_task(named_backwards())
        await somebody_waits(owner)
        # Whoever waits for the lower one has not taken the higher one before.
        assert await tx.fetchval(free, high) == high
    await using
    async with desk.db.writer() as tx:
        assert [kept.id for kept in await service.use(tx, desk.here.employer, [high, low])] == [high, low]
