"""Material for judging the golden samples, and means to sign again what a test changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from countersign.trust.canonical_proof import proof_options, proof_value, signing_input
from countersign.trust.documents_keys import PublicKey, did_document, status_list_credential
from countersign.trust.verify import Material
from tests.trust import samples
from tests.trust.samples import ADDRESSES

ORBITA, NORTHGATE = ADDRESSES.did("orbita"), ADDRESSES.did("northgate")
VERSION = ADDRESSES.version("ab-testing-python", "2.1.0")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def signed(document: dict[str, Any], key: str, method: str) -> dict[str, Any]:
    """The document with a fresh proof; undefined terms must not be in it."""
    bare = samples.without_proof(document)
    options = proof_options(method, NOW)
    value = proof_value(samples.key(key).sign(signing_input(bare, options)))
    return bare | {"proof": options | {"proofValue": value}}


def by_orbita(document: dict[str, Any]) -> dict[str, Any]:
    """Signed by the endorser's key."""
    return signed(document, "orbita ed25519 2026", f"{ORBITA}#key-2026")


def by_northgate(document: dict[str, Any]) -> dict[str, Any]:
    """Signed by the school's key."""
    return signed(document, "northgate ed25519 2026", f"{NORTHGATE}#key-2026")


def status_list(handle: str, places: Iterable[int] = ()) -> dict[str, Any]:
    """A signed list of the school or of the endorser."""
    unsigned = json.loads(status_list_credential(ADDRESSES, handle, "revocation", 1, places, NOW))
    return by_orbita(unsigned) if handle == "orbita" else by_northgate(unsigned)


def material(**changes: Any) -> Material:
    """All that the golden samples need, with nothing revoked and both organizations verified."""
    keys = [PublicKey("key-2026", samples.public("northgate ed25519 2026"))]
    whole = Material(
        did_documents={
            ORBITA: samples.sample_bytes("did").decode(),
            NORTHGATE: did_document(ADDRESSES, "northgate", keys).decode(),
        },
        status_lists=lists(),
        resources={VERSION: samples.sample_bytes("achievement").decode()},
        standing={ORBITA: "verified", NORTHGATE: "domain_verified"},
    )
    return replace(whole, **changes)


def lists(**revoked: Iterable[int]) -> dict[str, str]:
    """Both status lists by URL, with the places revoked of `orbita` and of `northgate`."""
    return {
        ADDRESSES.status_list(handle, "revocation", 1): json.dumps(status_list(handle, revoked.get(handle, ())))
        for handle in ("orbita", "northgate")
    }
