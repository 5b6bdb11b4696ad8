"""The documents that verifiers ask for beside a credential: the issuer's DID document and its status list (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from countersign.trust.addresses import Addresses
from countersign.trust.canonical import canonical_json
from countersign.trust.canonical_codes import ed25519_multibase
from countersign.trust.canonical_contexts import CREDENTIALS_V2, DID_V1, MULTIKEY_V1
from countersign.trust.canonical_proof import date_time
from countersign.trust.canonical_status import encode

LIST_VALIDITY = timedelta(days=7)
"""How far ahead a status list is good; verifiers compare it with their own clock."""


@dataclass(frozen=True)
class PublicKey:
    """A public Ed25519 key of an organization: its name (`key-2026`) and 32 raw bytes."""

    name: str
    raw: bytes


def did_document(addresses: Addresses, handle: str, keys: Sequence[PublicKey]) -> bytes:
    """Write the did:web document of an organization; every key given may assert, retired ones too.

    `assertionMethod` lists DID URLs as text: embedded objects break a resolver in wide use.
    """
    did = addresses.did(handle)
    return canonical_json(
        {
            "@context": [DID_V1, MULTIKEY_V1],
            "id": did,
            "verificationMethod": [
                {
                    "id": f"{did}#{key.name}",
                    "type": "Multikey",
                    "controller": did,
                    "publicKeyMultibase": ed25519_multibase(key.raw),
                }
                for key in keys
            ],
            "assertionMethod": [f"{did}#{key.name}" for key in keys],
        }
    )


def status_list_credential(
    addresses: Addresses, handle: str, purpose: str, number: int, set_places: Iterable[int], now: datetime
) -> bytes:
    """Write a BitstringStatusListCredential without its proof, good from `now` for seven days."""
    url = addresses.status_list(handle, purpose, number)
    return canonical_json(
        {
            "@context": [CREDENTIALS_V2],
            "id": url,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": addresses.did(handle),
            "validFrom": date_time(now),
            "validUntil": date_time(now + LIST_VALIDITY),
            "credentialSubject": {
                "id": f"{url}#list",
                "type": "BitstringStatusList",
                "statusPurpose": purpose,
                "encodedList": encode(set_places),
            },
        }
    )
