"""Status lists and DID documents: places given away, revocations, what is published.

The caller has authorized; these functions run in its transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from countersign.kit.db import Reader, Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import Source, enter, enter_many
from countersign.trust import documents, documents_keys, history, rules
from countersign.trust.addresses import Addresses
from countersign.trust.canonical_status import CAPACITY, place_of
from countersign.trust.signer import Signer

REVOCATION = "revocation"
SUSPENSION = "suspension"
_SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class Slot:
    """A place given away in a status list: what a document's `credentialStatus` says and a row remembers."""

    list_id: UUID
    index: int
    url: str

    @property
    def status(self) -> documents.Status:
        """The same place, as documents want it."""
        return documents.Status(self.url, self.index)


@dataclass(frozen=True, slots=True)
class Published:
    """Bytes to serve as they are, and their entity tag (with its quotes)."""

    body: bytes
    etag: str


def published(body: bytes) -> Published:
    """Give bytes their entity tag: half a SHA-256 of them."""
    return Published(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


async def allocate(
    tx: Tx, addresses: Addresses, organization_id: UUID, n: int = 1, purpose: str = REVOCATION
) -> list[Slot]:
    """Give away `n` places of an organization's status lists; no place is ever given twice.

    One UPDATE for each list touched; a batch that a list has no room for goes to the next list. Make it the first
    write of the transaction: the list's row stays locked until it ends. Raises NotFound for an unknown organization,
    ValueError for n < 1.
    """
    if n < 1:
        raise ValueError("at least one place is given away")
    handle = await tx.fetchval("select handle from organizations where id = $1", organization_id)
    if handle is None:
        raise NotFound(what="organization")
    slots: list[Slot] = []
    while len(slots) < n:
        wanted = min(n - len(slots), CAPACITY)
        last = await tx.fetchval(
            "select max(number) from status_lists where organization_id = $1 and purpose = $2", organization_id, purpose
        )
        row = await _take(tx, organization_id, purpose, last, wanted)
        if row is None:
            await _open_list(tx, organization_id, purpose, (last or 0) + 1)
            continue
        url = addresses.status_list(handle, purpose, row["number"])
        places = [place_of(slot, row["secret"]) for slot in range(row["first"], row["first"] + wanted)]
        await tx.copy("status_entries", ("list_id", "idx"), [(row["id"], place) for place in places])
        slots += [Slot(row["id"], place, url) for place in places]
    return slots


STATUS: Final = Source(
    kind="status",
    subject="status:{0}/{1}",
    sql="""
        select 'status:' || e.list_id || '/' || e.idx as subject, l.organization_id, null::bytea as content,
               row(e.list_id, e.idx, e.revoked_at, l.organization_id, l.purpose, l.number)::text as facts
        from status_entries e left join status_lists l on l.id = e.list_id where e.revoked_at is not null""",
    key="e.list_id = $1 and e.idx = $2",
    types=("uuid", "int"),
)
"""What the log covers of status lists: every bit that is set, and of which list, by which its address is made."""


async def revoke(tx: Tx, list_id: UUID, index: int) -> None:
    """Set the bit of a place, in the transaction that revokes; for good, and a second time changes nothing.

    Raises NoSuchPlace for a place that was never given away.
    """
    await revoke_many(tx, [(list_id, index)])


async def revoke_many(tx: Tx, places: Sequence[tuple[UUID, int]]) -> None:
    """Set the bits of many places: all, or NoSuchPlace and none."""
    asked = sorted(set(places))
    lists = sorted({list_id for list_id, _ in asked})
    await tx.fetch("select id from status_lists where id = any($1::uuid[]) order by id for update", lists)
    found = await tx.fetch(
        """
        select e.list_id, e.idx, e.revoked_at is null as open
        from status_entries e
        join unnest($1::uuid[], $2::int[]) as asked(list_id, idx) using (list_id, idx)
        """,
        [list_id for list_id, _ in asked],
        [index for _, index in asked],
    )
    if len(found) != len(asked):
        raise rules.NoSuchPlace
    fresh = [row for row in found if row["open"]]
    if not fresh:
        return
    await tx.execute(
        """
        update status_entries e set revoked_at = $3
        from unnest($1::uuid[], $2::int[]) as asked(list_id, idx)
        where e.list_id = asked.list_id and e.idx = asked.idx
        """,
        [row["list_id"] for row in fresh],
        [row["idx"] for row in fresh],
        await tx.now(),
    )
    await tx.execute(
        "update status_lists set revision = revision + 1 where id = any($1::uuid[])",
        sorted({row["list_id"] for row in fresh}),
    )
    await enter_many(tx, STATUS, [(row["list_id"], row["idx"]) for row in fresh], action="status.set")


async def suspend(tx: Tx, list_id: UUID, index: int) -> None:
    """Set the bit of a place in the list of suspensions, in the transaction that suspends.

    A credential names one status list, that of revocations; the list of suspensions stands beside it with the same
    number and places. Raises NoSuchPlace for a place that was never given away.
    """
    await suspend_many(tx, [(list_id, index)])


async def suspend_many(tx: Tx, places: Iterable[tuple[UUID, int]]) -> None:
    """Set the bits of many places in the lists of suspensions: all, or NoSuchPlace and none."""
    by_list: dict[UUID, list[int]] = {}
    for list_id, index in sorted(set(places)):
        by_list.setdefault(list_id, []).append(index)
    for list_id, several in by_list.items():
        beside = await _suspensions(tx, list_id, several)
        await tx.execute(
            "insert into status_entries (list_id, idx, revoked_at) select $1, i, $3 from unnest($2::int[]) i"
            " on conflict (list_id, idx) do update set revoked_at = $3",
            *(beside, several, await tx.now()),
        )
        await tx.execute("update status_lists set revision = revision + 1 where id = $1", beside)
        await enter_many(tx, STATUS, [(beside, index) for index in several], action="status.set")


async def resume(tx: Tx, list_id: UUID, index: int) -> None:
    """Clear the bit of a place in the list of suspensions. Raises NoSuchPlace."""
    beside = await _suspensions(tx, list_id, [index])
    await tx.execute("update status_entries set revoked_at = null where list_id = $1 and idx = $2", beside, index)
    await tx.execute("update status_lists set revision = revision + 1 where id = $1", beside)
    await enter(tx, STATUS, beside, index, action="status.cleared")


async def _suspensions(tx: Tx, list_id: UUID, places: Sequence[int]) -> UUID:
    """The list of suspensions beside a list of revocations, locked; made when it is first needed."""
    row = await tx.fetchrow(
        "select l.organization_id, l.number, (select count(*) from status_entries e where e.list_id = l.id"
        " and e.idx = any($3::int[])) as given from status_lists l where l.id = $1 and l.purpose = $2",
        *(list_id, REVOCATION, list(places)),
    )
    if row is None or row["given"] != len(places):
        raise rules.NoSuchPlace
    await _open_list(tx, row["organization_id"], SUSPENSION, row["number"])
    beside: UUID = await tx.fetchval(
        "select id from status_lists where organization_id = $1 and purpose = $2 and number = $3 for update",
        *(row["organization_id"], SUSPENSION, row["number"]),
    )
    return beside


async def status_list(tx: Tx, signer: Signer, handle: str, purpose: str, number: int) -> Published | None:
    """Give the signed status list that shows every revocation committed so far; None when there is none such.

    The signed form is kept; it is made again when a bit was set since, and once a day (its own validity is a week).
    """
    row = await _list_row(tx, handle, purpose, number)
    if row is None:
        return None
    now = await tx.now()
    if rules.is_fresh(row["revision"], row["published_revision"], row["published_at"], now):
        return published(row["published"])
    # Nothing is locked while it is signed. The bits are read after the revision, so the list never shows less than it.
    places = await tx.fetch("select idx from status_entries where list_id = $1 and revoked_at is not null", row["id"])
    unsigned = documents_keys.status_list_credential(
        signer.addresses, handle, purpose, number, [place["idx"] for place in places], now
    )
    signed = await signer.sign_list(tx, row["organization_id"], unsigned)
    await tx.execute(
        "update status_lists set published = $2, published_revision = $3, published_at = $4"
        " where id = $1 and coalesce(published_revision, 0) <= $3",
        row["id"],
        signed,
        row["revision"],
        now,
    )
    return published(signed)


async def did_document(reader: Reader, addresses: Addresses, handle: str) -> Published | None:
    """Give the did:web document of an organization, with every key that was never compromised; None without a key."""
    body = await history.current(reader, addresses, handle)
    return published(body) if body else None


async def standing(reader: Reader, handle: str) -> str | None:
    """Give the verification state of an organization; None when there is none of that handle."""
    state: str | None = await reader.fetchval("select verification from organizations where handle = $1", handle)
    return state


async def _take(tx: Tx, organization_id: UUID, purpose: str, number: int | None, n: int) -> asyncpg.Record | None:
    return await tx.fetchrow(
        """
        update status_lists set next_slot = next_slot + $4
        where organization_id = $1 and purpose = $2 and number = $3 and next_slot + $4 <= $5
        returning id, number, secret, next_slot - $4 as first
        """,
        organization_id,
        purpose,
        number,
        n,
        CAPACITY,
    )


async def _open_list(tx: Tx, organization_id: UUID, purpose: str, number: int) -> None:
    """Open a list; nothing happens when another transaction has opened it meanwhile."""
    await tx.execute(
        """
        insert into status_lists (id, organization_id, purpose, number, next_slot, secret, revision)
        values ($1, $2, $3, $4, 0, $5, 0)
        on conflict (organization_id, purpose, number) do nothing
        """,
        new_id(),
        organization_id,
        purpose,
        number,
        secrets.token_bytes(_SECRET_BYTES),
    )


async def _list_row(tx: Tx, handle: str, purpose: str, number: int) -> asyncpg.Record | None:
    return await tx.fetchrow(
        """
        select l.id, l.organization_id, l.revision, l.published, l.published_revision, l.published_at
        from status_lists l join organizations o on o.id = l.organization_id
        where o.handle = $1 and l.purpose = $2 and l.number = $3
        """,
        handle,
        purpose,
        number,
    )
