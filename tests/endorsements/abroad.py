"""Guilds elsewhere that endorse a version: by their own keys, in their own formats, brought here by its school."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.trust.canonical_codes import base64url_encode
from countersign.trust.canonical_proof import proof_options, proof_value, signing_input
from countersign.trust.canonical_status import encode
from countersign.trust.documents import CONTEXTS
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.kit.outside_world import World
from tests.reviews.support import Scene, scene
from tests.trust.others import Private, alg, jwk, multibase, sign

SHOWN = """foreignEndorsement { id format issuerId issuerName statement source sha256 size verified validUntil
  importedAt checkedAt provedAt checkDueAt fetched { purpose url sha256 size problem }
  checks { checkedAt verified wanted findings { check outcome } fetched { url } }
  findings { check outcome verdict detail checkedAt passedAt } }"""
APART = """query ($id: ID!) { specVersion(by: {id: $id}) { coValidated liveEndorsementCount
  endorsements(first: 5) { totalCount } foreignEndorsements { id verified }
  coValidation { have { groups } counted { endorsement { id } foreignEndorsement { id } } } } }"""


@dataclass(frozen=True)
class Guild:
    """Who endorses elsewhere: its id, and the key with the name under which it publishes it."""

    id: str
    key: Private
    method: str
    suite: str = "eddsa-rdfc-2022"

    def proven(self, document: Mapping[str, Any], at: Any) -> str:
        """A document with the guild's proof, as text."""
        options = proof_options(self.method, at) | {"cryptosuite": self.suite}
        value = proof_value(sign(self.key, signing_input(document, options)))
        return json.dumps({**document, "proof": [{**options, "proofValue": value}]}, ensure_ascii=False)

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Claims as the guild's JWT; a header of None is left out."""
        said = {"alg": alg(self.key), "typ": "JWT", "kid": self.method, **header}
        head = {name: value for name, value in said.items() if value is not None}
        text = ".".join(base64url_encode(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{base64url_encode(sign(self.key, text.encode()))}"

    def keys(self, **more: Any) -> bytes:
        """Its DID document."""
        method = {"id": self.method, "controller": self.id, "type": "JsonWebKey", "publicKeyJwk": jwk(self.key)}
        return json.dumps(
            {"id": self.id, "verificationMethod": [method], "assertionMethod": [self.method], **more}
        ).encode()

    def listed(
        self, url: str, purpose: str = "revocation", places: tuple[int, ...] = (), **more: Any
    ) -> dict[str, Any]:
        """A status list of the guild without a proof; `places` are set."""
        subject = {"id": f"{url}#list", "type": "BitstringStatusList", "statusPurpose": purpose}
        return {
            "@context": [CONTEXTS[0]],
            "id": url,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": self.id,
            "validFrom": "2026-11-01T00:00:00Z",
            "credentialSubject": {**subject, "encodedList": encode(places)},
            **more,
        }


KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
DID = f"did:key:{multibase(KEY)}"
BY_KEY = Guild(DID, KEY, f"{DID}#{multibase(KEY)}")
HOST = "guild.example"
WEB = Guild(
    f"did:web:{HOST}:design", ec.derive_private_key(7, ec.SECP256R1()), f"did:web:{HOST}:design#1", "ecdsa-rdfc-2019"
)
WEB_KEYS = f"https://{HOST}/design/did.json"
LIST = f"https://{HOST}/status/design/revocation/1"
STATUS = {
    "id": f"{LIST}#5",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "5",
    "statusListCredential": LIST,
}


@dataclass
class Post:
    """The API over a published version, and endorsements of it that somebody elsewhere made."""

    api: Api
    here: Scene
    url: str
    outside: World
    guild: Guild = field(default=BY_KEY)

    def credential(self, **more: Any) -> dict[str, Any]:
        """An EndorsementCredential of the version, unsigned."""
        return {
            "@context": list(CONTEXTS),
            "id": "https://guild.example/endorsements/7",
            "type": ["VerifiableCredential", "EndorsementCredential"],
            "name": "The guild endorses it",
            "issuer": {"id": self.guild.id, "type": ["Profile"], "name": "A guild elsewhere"},
            "validFrom": "2026-11-01T00:00:00Z",
            "validUntil": "2027-11-01T00:00:00Z",
            "credentialSubject": {
                "id": self.url,
                "type": ["EndorsementSubject"],
                "endorsementComment": "Our members ask for it — غالباً.",
            },
            **more,
        }

    def signed(self, **more: Any) -> str:
        """The same with a proof of the guild."""
        return self.guild.proven(self.credential(**more), self.now())

    def jwt(self, **more: Any) -> str:
        """The same as a JWT."""
        return self.guild.token({**self.credential(**more), "iss": self.guild.id})

    def now(self) -> Any:
        """The instant at which the clock stands."""
        return self.api.db.clock.now()

    def publishes(self, *places: int) -> None:
        """The guild publishes its keys, and its list with these places set."""
        self.outside.stands(WEB_KEYS, WEB.keys())
        self.outside.stands(LIST, WEB.proven(WEB.listed(LIST, places=places), self.now()).encode())

    async def bring(self, document: str, actor: Actor | None = None, **more: Any) -> dict[str, Any]:
        """Import it as the school."""
        given = {"specVersionId": f"version_{self.here.version}", "document": document, "source": "Their letter"}
        return await self.api.do("importForeignEndorsement", SHOWN, actor or self.here.school, **given | more)

    async def again(self, made: Mapping[str, Any], actor: Actor | None = None) -> dict[str, Any]:
        """Have an imported one judged anew."""
        given = {"foreignEndorsementId": made["foreignEndorsement"]["id"]}
        return await self.api.do("recheckForeignEndorsement", SHOWN, actor or self.here.school, **given)

    async def apart(self) -> Any:
        """What anybody sees of the version."""
        return (await self.api.ask(APART, None, id=f"version_{self.here.version}"))["specVersion"]

    async def kept(self, table: str = "foreign_endorsements") -> int:
        """How many are kept."""
        async with self.api.db.writer() as tx:
            return int(await tx.fetchval(f"select count(*) from {table}"))


@asynccontextmanager
async def posted(db: Database, signer: Signer, make: Factory, outside: World) -> AsyncIterator[Post]:
    """The API with an outside world that says nothing yet."""
    outside.pages.clear()
    outside.requests.clear()
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        url = await tx.fetchval(
            "select i.value || '/specs/' || s.slug || '/versions/' || v.semver from installation i, spec_versions v"
            " join specs s on s.id = v.spec_id where i.key = 'public_origin' and v.id = $1",
            here.version,
        )
    async with served(db, signer, make, fetcher=outside.fetcher()) as api:
        yield Post(api, here, url, outside)


def outcomes(made: Mapping[str, Any]) -> dict[str, str]:
    """Each check with how it ended."""
    return {finding["check"]: finding["outcome"] for finding in made["foreignEndorsement"]["findings"]}
