"""`PUT /uploads/<sealed>`, `PUT /attachments/<sealed>`: announced bytes, streamed; kept only when they are those."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import IO, Any, Final, Protocol
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from structlog.contextvars import get_contextvars

from countersign.attachments.sniffing import Unfit
from countersign.bulk import uploads
from countersign.edge import identity, responses
from countersign.edge.negotiation import JSON
from countersign.edge.responses import refuse, respond
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, public_id

IDLE_SECONDS: Final = 15.0
WHOLE_SECONDS: Final = 600.0
IN_MEMORY: Final = 1024 * 1024
AT_ONCE: Final = 16
"""Uploads that one process receives at a time; each may lie on the disk of this machine until it is checked."""
EACH: Final = 4
"""Of these, for one organization: whoever sends slowly keeps nobody else waiting."""


class Refused(Exception):
    """An upload that is not taken: its HTTP status, a code, a sentence."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, headers
        super().__init__(message)


class Announced(Protocol):
    """Bytes that are to come."""

    @property
    def id(self) -> UUID:
        """Of what was announced."""

    @property
    def organization_id(self) -> UUID:
        """Who announced it."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def sha256(self) -> str:
        """In lower-case hex."""

    @property
    def received(self) -> bool:
        """Whether they have come."""

    @property
    def expired(self) -> bool:
        """Whether it is too late."""


class Keeper(Protocol):
    """The part of a room that takes bytes: `bulk.uploads`, `attachments.service`."""

    TAG: str

    def open_upload(self, sealer: Sealer, organization_id: UUID, text: str, /) -> UUID | None:
        """What a sealed name means."""

    async def look_up(self, reader: Any, organization: UUID, upload: UUID, now: datetime | None, /) -> Any:
        """What was announced, or None."""

    async def keep(self, db: Database, upload: Any, file: IO[bytes], /) -> bool:
        """Keep the bytes; False when it is too late. Raises Unfit for bytes that are not taken."""


class Uploads:
    """Receives what was announced: those very bytes or nothing."""

    def __init__(
        self,
        path: str = "uploads",
        keeper: Keeper = uploads,
        *,
        idle_seconds: float = IDLE_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
    ) -> None:
        self._path = path
        self._keeper = keeper
        self._idle = idle_seconds
        self._whole = whole_seconds
        self._receiving: Counter[UUID] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The one address."""
        return [Route(f"/{self._path}/{{name}}", self.put, methods=["PUT"])]

    async def put(self, request: Request) -> Response:
        """200 with the upload's id when its bytes are here, also when they were before; else a coded error."""
        request_id = str(get_contextvars().get("request_id", ""))
        try:
            upload = await _announced(request, self._keeper)
            await self._receive(request, upload)
        except Refused as refused:
            # What was not read of the body would be taken for the next request.
            headers = {"connection": "close", **refused.headers}
            return refuse(refused.message, refused.code, refused.status, JSON, request_id, **headers)
        said = {"uploadId": public_id(self._keeper.TAG, upload.id), "size": upload.size, "sha256": upload.sha256}
        return respond(json.dumps(said).encode(), JSON, 200)

    async def _receive(self, request: Request, upload: Announced) -> None:
        whose = upload.organization_id
        if self._receiving[whose] >= EACH or self._receiving.total() >= AT_ONCE:
            raise Refused(503, "UNAVAILABLE", "Other uploads are being received; try again", retry_after="5")
        self._receiving[whose] += 1
        try:
            db: Database = request.app.state.tools.db
            with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
                await self._check(request, upload, file)
                try:
                    if not upload.received and not await self._keeper.keep(db, upload, file):
                        raise Refused(410, "UPLOAD_EXPIRED", "The upload has expired; announce it again")
                except Unfit as unfit:
                    raise Refused(422, "UNFIT_CONTENT", unfit.why) from None
        finally:
            self._receiving[whose] -= 1
            self._receiving += Counter()  # forgets organizations that send nothing

    async def _check(self, request: Request, upload: Announced, file: IO[bytes]) -> None:
        """Take the body; its size and digest must be the announced ones."""
        digest = hashlib.sha256()
        size = 0
        async for chunk in self._chunks(request):
            size += len(chunk)
            if size > upload.size:
                raise Refused(413, "SIZE_MISMATCH", f"The body has more than the announced {upload.size} bytes")
            digest.update(chunk)
            if not upload.received:
                file.write(chunk)
        if size != upload.size:
            raise Refused(400, "SIZE_MISMATCH", f"The body has {size} bytes, announced were {upload.size}")
        if digest.hexdigest() != upload.sha256:
            raise Refused(422, "DIGEST_MISMATCH", "The SHA-256 of the body is not the announced one")

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        """The body piece by piece; whoever sends nothing for too long, or too long in all, is sent away."""
        stream = aiter(request.stream())
        ends = time.monotonic() + self._whole
        while True:
            patience = min(self._idle, ends - time.monotonic())
            try:
                async with asyncio.timeout(patience):
                    chunk = await anext(stream, None)
            except TimeoutError:
                raise Refused(408, "TIMEOUT", "The body did not come in time; send it again") from None
            except ClientDisconnect:
                raise Refused(400, "SIZE_MISMATCH", "The body ended too early") from None
            if chunk is None:
                return
            yield chunk


async def _announced(request: Request, keeper: Keeper) -> Announced:
    """The upload that the address and the token agree on. Raises Refused before a byte of the body is read."""
    tools = request.app.state.tools
    headers = request.headers
    try:
        given = identity.of_request(request)
        actor = await identity.actor(tools.db, given)
        request.app.state.pipeline.uses.note(actor.token_id)
    except identity.NotSignedIn:
        actor = None
    except responses.Refused as refused:
        raise Refused(refused.status, refused.code, refused.message) from None
    if actor is None or not actor.known:
        raise Refused(401, "UNAUTHENTICATED", "Send your token: Authorization: Bearer …", www_authenticate="Bearer")
    found: Announced | None = None
    if actor.organization_id is not None:
        key = keeper.open_upload(tools.sealer, actor.organization_id, request.path_params["name"])
        if key is not None:
            async with tools.db.fresh_reader() as reader:
                found = await keeper.look_up(reader, actor.organization_id, key, tools.db.clock.now())
    if found is None:
        raise Refused(404, "NOT_FOUND", "There is no such upload, or it is not yours")
    if found.expired:
        raise Refused(410, "UPLOAD_EXPIRED", "The upload has expired; announce it again")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "BAD_REQUEST", "Send the body without compression")
    declared = headers.get("content-length")
    if declared is not None and declared != str(found.size):
        raise Refused(400, "SIZE_MISMATCH", f"Content-Length is {declared[:20]}, announced were {found.size} bytes")
    return found
