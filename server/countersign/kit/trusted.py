"""Trusted documents: GraphQL texts that the operator registered, found by their SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import DateTime
from sqlmodel import Field

from countersign.kit.db import Database, Reader, Tx
from countersign.kit.placement import Placement, Table

KEPT: Final = 1_000
BELIEVED_SECONDS: Final = 0.5
"""How long a process believes that a document is registered: one that is removed is gone everywhere within a second."""
LONGEST: Final = 100_000

_ID: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class TrustedDocument(Table, table=True):
    """A registered document; its id is the SHA-256 of its text."""

    __tablename__ = "trusted_documents"
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __deletable__: ClassVar[bool] = True

    id: str = Field(primary_key=True)
    text: str
    name: str
    """Its operations' names, for people."""
    added_at: datetime = Field(sa_type=DateTime(timezone=True))


def digest(text: str) -> str:
    """The id of a document: the SHA-256 of its UTF-8 text in lower-case hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_id(text: str) -> str | None:
    """An id as clients write it, with or without `sha256:` in front; None for anything else."""
    found = _ID.fullmatch(text)
    return found[1] if found else None


async def add(tx: Tx, text: str, name: str) -> bool:
    """Register a text; whether it is new. The caller has validated it."""
    return bool(
        await tx.fetchval(
            "insert into trusted_documents (id, text, name, added_at) values ($1, $2, $3, $4)"
            " on conflict (id) do nothing returning true",
            digest(text),
            text,
            name,
            await tx.now(),
        )
    )


async def is_registered(tx: Tx, text: str) -> bool:
    """Whether this very text is registered now."""
    return bool(await tx.fetchval("select true from trusted_documents where id = $1", digest(text)))


async def remove(tx: Tx, identity: str) -> bool:
    """Take a document out; whether it was there. Processes stop running it within a second."""
    return bool(await tx.fetchval("delete from trusted_documents where id = $1 returning true", identity))


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered document as it is listed."""

    id: str
    name: str
    added_at: datetime
    size: int


async def listed(reader: Reader) -> list[Listed]:
    """Every registered document, by name."""
    rows = await reader.fetch(
        "select id, name, added_at, octet_length(text) as size from trusted_documents order by name, id"
    )
    return [Listed(**dict(row)) for row in rows]


@dataclass(slots=True)
class _Kept:
    text: str
    until: float


class TrustedDocuments:
    """Finds documents by id, from memory while it may believe that they are still registered.

    What is unknown is never remembered, so a document that is added is found at once.
    """

    def __init__(self, db: Database, *, seconds: Callable[[], float] = time.monotonic, kept: int = KEPT) -> None:
        self._db = db
        self._seconds = seconds
        self._most = kept
        self._known: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[str, asyncio.Future[str | None]] = {}

    async def text(self, identity: str) -> str | None:
        """The registered text of an id (see `read_id`), or None. One look-up at a time for each id."""
        known = self._known.get(identity)
        if known is not None and known.until > self._seconds():
            self._known.move_to_end(identity)
            return known.text
        asked = self._asking.get(identity)
        if asked is None:
            asked = self._asking[identity] = asyncio.ensure_future(self._ask(identity))
            asked.add_done_callback(lambda _: self._asking.pop(identity, None))
        # Whoever leaves early must not end the look-up of the others.
        return await asyncio.shield(asked)

    async def _ask(self, identity: str) -> str | None:
        asked_at = self._seconds()
        known = self._known.get(identity)
        async with self._db.fresh_reader() as reader:
            # A text that is known already need not travel again.
            row = await reader.fetchrow(
                "select case when $2 then null else text end as text from trusted_documents where id = $1",
                identity,
                known is not None,
            )
        if row is None:
            self._known.pop(identity, None)
            return None
        text: str = known.text if known is not None else row["text"]
        self._known[identity] = _Kept(text, asked_at + BELIEVED_SECONDS)
        self._known.move_to_end(identity)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return text
