"""The history that did:web has not: every version of every DID document, and every key, in the log.

The caller has authorized; these functions run in its transaction.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from countersign.kit.db import Reader, Tx
from countersign.log.sources import Source, enter
from countersign.trust import documents_keys
from countersign.trust.addresses import Addresses
from countersign.trust.documents_keys import PublicKey

KEYS: Final = Source(
    kind="key",
    subject="key:{0}",
    sql="""
        select 'key:' || k.id as subject, k.organization_id, k.public as content,
               row(k.id, k.organization_id, k.name, k.algorithm, k.public, k.created_at, k.retired_at,
                   k.compromised_at)::text as facts
        from signing_keys k where true""",
    key="k.id = $1",
)
"""What the log covers of signing keys: everything public."""

DIDS: Final = Source(
    kind="did",
    subject="did:{0}/{1}",
    sql="""
        select 'did:' || d.organization_id || '/' || d.number as subject, d.organization_id, d.body as content,
               row(d.organization_id, d.number, d.made_at, sha256(d.body))::text as facts
        from did_versions d where true""",
    key="d.organization_id = $1 and d.number = $2",
)
"""What the log covers of DID documents: every version that was served."""


async def current(reader: Reader, addresses: Addresses, handle: str) -> bytes | None:
    """The DID document of an organization, with every key that was never compromised; None without a key."""
    rows = await reader.fetch(
        """
        select k.name, k.public from signing_keys k join organizations o on o.id = k.organization_id
        where o.handle = $1 and k.compromised_at is null
        order by k.created_at desc, k.name desc
        """,
        handle,
    )
    if not rows:
        return None
    return documents_keys.did_document(addresses, handle, [PublicKey(row["name"], row["public"]) for row in rows])


async def keep(tx: Tx, addresses: Addresses, organization_id: UUID, key_id: UUID) -> None:
    """After a key was made, retired or marked: log what it is now, and keep the DID document if it has changed."""
    await enter(tx, KEYS, key_id)
    handle = await tx.fetchval("select handle from organizations where id = $1", organization_id)
    body = await current(tx, addresses, handle)
    last = await tx.fetchrow(
        "select number, body from did_versions where organization_id = $1 order by number desc limit 1", organization_id
    )
    if body is None or (last is not None and last["body"] == body):
        return
    number = last["number"] + 1 if last else 1
    await tx.execute(
        "insert into did_versions (organization_id, number, body, made_at) values ($1, $2, $3, $4)",
        organization_id,
        number,
        body,
        await tx.now(),
    )
    await enter(tx, DIDS, organization_id, number)
