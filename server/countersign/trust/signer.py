"""The signer: the only reader of the key table.

Documents go in and signed documents come out; a private key is decrypted for one signature and goes nowhere. What is
heavy (schema, strict expansion, canonicalising) runs in worker processes, which see no key.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.kit.placement import SIGNER_ROLE
from countersign.kit.walls import as_role
from countersign.trust import history, keys, rules
from countersign.trust.addresses import Addresses
from countersign.trust.canonical import canonical_json
from countersign.trust.canonical_proof import proof_options, proof_value, signature_holds
from countersign.trust.keys import KeyEncryption, WrappedKey
from countersign.trust.workers import Workers

IN_USE: Final = "k.retired_at is null and k.compromised_at is null"
RETIRED_TOO: Final = "k.compromised_at is null"


@dataclass(frozen=True, slots=True)
class _Issuer:
    organization_id: UUID
    did: str
    verification: str
    key_id: UUID
    key_name: str
    stored: WrappedKey

    @property
    def verification_method(self) -> str:
        return f"{self.did}#{self.key_name}"


class Signer:
    """Signs for organizations with keys that it alone can read."""

    def __init__(self, encryption: KeyEncryption, addresses: Addresses, workers: Workers) -> None:
        self.addresses = addresses
        self.workers = workers
        self._encryption = encryption

    async def ensure_key(self, tx: Tx, organization_id: UUID) -> str:
        """Make the organization's Ed25519 key when it has none in use; answers the verification method (a DID URL).

        Raises NotFound for an organization that is not there.
        """
        return (await self._issuer(tx, organization_id)).verification_method

    async def add_key(self, tx: Tx, organization_id: UUID) -> None:
        """Make a key that signs from now on; the one in use before is retired, and what it signed stays good.

        Whoever asks for it has the word of two persons. Raises NotFound.
        """
        before = await tx.fetchval(
            "update signing_keys set retired_at = $2 where organization_id = $1 and retired_at is null returning id",
            *(organization_id, await tx.now()),
        )
        if before is not None:
            await history.keep(tx, self.addresses, organization_id, before)
        await self._make_key(tx, organization_id)

    async def sign(self, tx: Tx, organization_id: UUID, document: bytes) -> bytes:
        """Sign a credential (`eddsa-rdfc-2022`) at the transaction's time; answers the RFC 8785 bytes to keep.

        The result has been verified with the public key that the DID document shows. Raises MayNotSign for an
        organization that is not verified; ForeignIssuer for a document of another; CannotSign for one that breaks its
        schema, holds undefined terms or a proof; NotFound.
        """
        return (await self.sign_many(tx, [(organization_id, document)]))[0]

    async def sign_many(self, tx: Tx, documents: Sequence[tuple[UUID, bytes]]) -> list[bytes]:
        """Sign a batch, side by side in the workers; all or none. Raises as `sign`.

        A transaction may idle ten seconds at most, so give a few hundred documents at a time.
        """
        issuers = {identity: await self._issuer(tx, identity) for identity in sorted({i for i, _ in documents})}
        for issuer in issuers.values():
            rules.check_standing(issuer.verification)
        return await self._sign(tx, [(issuers[identity], document) for identity, document in documents])

    async def sign_list(self, tx: Tx, organization_id: UUID, document: bytes) -> bytes:
        """Sign a status list: as `sign`, and for a suspended organization too, whose revocations must stay known.

        An organization that has retired its key signs its lists with that one still.
        """
        issuer = await self._find(tx, organization_id) or await self._find(tx, organization_id, RETIRED_TOO)
        return (await self._sign(tx, [(issuer or await self._issuer(tx, organization_id), document)]))[0]

    async def _sign(self, tx: Tx, documents: Sequence[tuple[_Issuer, bytes]]) -> list[bytes]:
        now = await tx.now()
        parsed: list[dict[str, Any]] = [json.loads(document) for _, document in documents]
        for (issuer, _), document in zip(documents, parsed, strict=True):
            rules.check_issuer(document, issuer.did)
        options = [proof_options(issuer.verification_method, now) for issuer, _ in documents]
        inputs = await asyncio.gather(
            *(self._signing_input(document, given) for (_, document), given in zip(documents, options, strict=True))
        )
        return [
            self._with_proof(issuer, document, given, data)
            for (issuer, _), document, given, data in zip(documents, parsed, options, inputs, strict=True)
        ]

    async def _signing_input(self, document: bytes, options: dict[str, str]) -> bytes:
        answer = await self.workers.signing.do({"do": "prepare", "document": document.decode(), "options": options})
        if "refused" in answer:
            raise rules.CannotSign(problem=answer["refused"])
        return bytes.fromhex(answer["signing_input"])

    def _with_proof(self, issuer: _Issuer, document: dict[str, Any], options: dict[str, str], data: bytes) -> bytes:
        private = keys.unlock(self._encryption, issuer.organization_id, issuer.key_id, issuer.stored)
        value = proof_value(private.sign(data))
        if not signature_holds(issuer.stored.public, data, value):
            raise keys.KeyNotReadable("a fresh signature does not hold with the published key")
        return canonical_json(document | {"proof": options | {"proofValue": value}})

    async def _issuer(self, tx: Tx, organization_id: UUID) -> _Issuer:
        issuer = await self._find(tx, organization_id)
        if issuer is not None:
            return issuer
        # The first key is made by itself; who has taken all of theirs out of use wants no signature.
        had = await tx.fetchval("select true from signing_keys where organization_id = $1 limit 1", organization_id)
        if not had:
            await self._make_key(tx, organization_id)
        issuer = await self._find(tx, organization_id)
        if issuer is None:
            raise rules.NoKeyInUse if had else NotFound(what="organization")
        return issuer

    async def _find(self, tx: Tx, organization_id: UUID, which: str = IN_USE) -> _Issuer | None:
        row = await tx.fetchrow(
            f"""
            select o.handle, o.verification, k.id, k.name, k.public
            from organizations o
            join signing_keys k on k.organization_id = o.id and k.algorithm = 'ed25519'
              and {which}
            where o.id = $1 order by k.created_at desc, k.name desc limit 1
            """,
            organization_id,
        )
        if row is None:
            return None
        async with as_role(tx.connection, SIGNER_ROLE):
            sealed = await tx.fetchrow(
                "select wrapped_private, wrapped_data_key, wrapped_by from signing_keys where id = $1", row["id"]
            )
        if sealed is None:
            return None
        return _Issuer(
            organization_id=organization_id,
            did=self.addresses.did(row["handle"]),
            verification=row["verification"],
            key_id=row["id"],
            key_name=row["name"],
            stored=WrappedKey(row["public"], *sealed),
        )

    async def _make_key(self, tx: Tx, organization_id: UUID) -> None:
        if await tx.fetchval("select id from organizations where id = $1", organization_id) is None:
            raise NotFound(what="organization")
        taken = await tx.fetch("select name from signing_keys where organization_id = $1", organization_id)
        now = await tx.now()
        key_id = new_id()
        made = keys.generate(self._encryption, organization_id, key_id)
        # Two first signatures at once make one key: the later insert waits, then does nothing.
        inserted = await tx.execute(
            """
            insert into signing_keys
              (id, organization_id, name, algorithm, public, wrapped_private, wrapped_data_key, wrapped_by, created_at)
            values ($1, $2, $3, 'ed25519', $4, $5, $6, $7, $8)
            on conflict do nothing
            """,
            key_id,
            organization_id,
            rules.key_name(now, frozenset(row["name"] for row in taken)),
            made.public,
            made.wrapped_private,
            made.wrapped_data_key,
            made.wrapped_by,
            now,
        )
        if inserted:
            await history.keep(tx, self.addresses, organization_id, key_id)
            await tx.emit("key.made", f"org_{organization_id}")
