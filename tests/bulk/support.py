"""A school that brings files and takes them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from countersign.bulk import jobs
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.db import Database
from countersign.kit.ids import parse_public_id
from countersign.organizations import approvals
from countersign.schema.base import Tools
from countersign.schema.engine import Engine
from tests.api import Api
from tests.awards.support import Campus

SLUG = "ab-testing-python"
OPERATION = (
    "id kind subject state dryRun format query rowsDone rowsTotal rowsCreated rowsUnchanged rowErrorCount"
    " firstRowErrors { row path code message } errorFileUrl resultUrl resultBytes resultSha256 failureCode failure"
    " createdAt startedAt finishedAt expiresAt"
)


def row(number: int, **more: object) -> dict[str, object]:
    """A learner's award as an object."""
    return {
        "email": f"learner{number}@example.com",
        "fullName": f"Learner {number}",
        "country": "DE",
        "region": "DE-BE",
        "spec": SLUG,
        "version": "1.0.0",
        "earnedOn": "2026-10-01",
        **more,
    }


def lines(rows: Iterable[object]) -> bytes:
    """JSON Lines."""
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()


def path_of(url: str) -> str:
    """The path of one of our addresses."""
    return httpx.URL(url).path


@dataclass
class House:
    """A school's registrar at the API, and the worker."""

    api: Api
    db: Database
    here: Campus
    tools: Tools

    @property
    def engine(self) -> Engine:
        """What the application answers with."""
        return self.api.engine

    @property
    def registrar(self) -> Actor:
        """Who brings and takes."""
        return self.here.registrar

    async def announce(self, data: bytes, *, actor: Actor | None = None, **given: Any) -> dict[str, Any]:
        """The payload of `createUpload` for these bytes."""
        wanted = {"format": "JSON_LINES", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **given}
        return await self.api.do(
            "createUpload", "upload { id url received expiresAt }", actor or self.registrar, **wanted
        )

    async def put(
        self, url: str, data: bytes, actor: Actor | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send bytes."""
        authorization = await self.api.authorization(actor or self.registrar)
        return await self.api.client.put(path_of(url), content=data, headers={**authorization, **(headers or {})})

    async def get(self, url: str, actor: Actor | None = None) -> httpx.Response:
        """Fetch a file."""
        return await self.api.client.get(path_of(url), headers=await self.api.authorization(actor or self.registrar))

    async def upload(self, data: bytes, **given: Any) -> str:
        """A received upload's id."""
        made = (await self.announce(data, **given))["upload"]
        sent = await self.put(made["url"], data)
        assert sent.status_code == 200, sent.text
        return str(made["id"])

    async def start_import(self, data: bytes, *, written: str = "JSON_LINES", dry_run: bool = False) -> dict[str, Any]:
        """An import in the queue."""
        upload = await self.upload(data, format=written)
        started = await self.api.do(
            "startBulkImport",
            f"bulkOperation {{ {OPERATION} }}",
            self.registrar,
            uploadId=upload,
            kind="AWARDS",
            dryRun=dry_run,
        )
        assert started["errors"] == []
        operation: dict[str, Any] = started["bulkOperation"]
        return operation

    async def start_export(self, query: str, *, actor: Actor | None = None, **given: Any) -> dict[str, Any]:
        """The payload of an export, which a second person has approved where it takes two."""
        payload = await self.api.do(
            "startBulkExport", f"bulkOperation {{ {OPERATION} }}", actor or self.registrar, query=query, **given
        )
        operation = payload.get("bulkOperation")
        if operation and operation["state"] == "AWAITING_APPROVAL":
            await self.approve(operation["id"])
            operation["state"] = "QUEUED"
        return payload

    async def approve(self, operation: str) -> None:
        """The operator is the second person."""
        async with self.db.writer() as tx:
            waiting = await tx.fetchval("select id from approvals where object = $1 and state = 'proposed'", operation)
            await approvals.approve(tx, SYSTEM, waiting)

    async def work(self) -> int:
        """Work until nothing waits; on how many operations."""
        done = 0
        while await jobs.take(self.db, self.engine.exporter):
            done += 1
        return done

    async def look(self, identity: str, actor: Actor | None = None) -> dict[str, Any] | None:
        """An operation as it is now."""
        answer = await self.api.ask(
            f"query ($id: ID!) {{ bulkOperation(id: $id) {{ {OPERATION} }} }}", actor or self.registrar, id=identity
        )
        found: dict[str, Any] | None = answer["bulkOperation"]
        return found

    async def imported(self, data: bytes, *, written: str = "JSON_LINES", dry_run: bool = False) -> dict[str, Any]:
        """An import that is over."""
        started = await self.start_import(data, written=written, dry_run=dry_run)
        assert await self.work() == 1
        found = await self.look(started["id"])
        assert found is not None
        return found

    async def exported(self, query: str, *, actor: Actor | None = None, **given: Any) -> dict[str, Any]:
        """An export that is over."""
        started = await self.start_export(query, actor=actor, **given)
        assert started.get("errors") == [], started
        assert await self.work() == 1
        found = await self.look(started["bulkOperation"]["id"], actor)
        assert found is not None
        return found

    async def awards(self) -> int:
        """How many awards there are."""
        async with self.db.reader() as reader:
            return int(await reader.fetchval("select count(*) from awards"))

    async def chunks(self) -> tuple[int, int]:
        """Kept pieces of uploads and of results."""
        async with self.db.reader() as reader:
            return (
                int(await reader.fetchval("select count(*) from upload_chunks")),
                int(await reader.fetchval("select count(*) from bulk_chunks")),
            )


def key_of(public: str) -> UUID:
    """The key in a public id."""
    found = parse_public_id(public)
    assert found is not None
    return found[1]


def objects(data: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in io.BytesIO(data)]
