"""The JSON-LD contexts and JSON Schemas that ship with Countersign, each pinned by SHA-256 (pure).

Two texts called `context-3.0.3.json` are in circulation, so a URL alone says too little: what is loaded is compared
with its pin, and a URL that is not listed here is never fetched. Sources and licences: `data/README.md`.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
"""Of the Verifiable Credentials Data Model 1.1: read in status lists of others alone, never in what they endorse."""
STATUS_LIST_2021 = "https://w3id.org/vc/status-list/2021/v1"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CLR = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"
DID_V1 = "https://www.w3.org/ns/did/v1"
MULTIKEY_V1 = "https://w3id.org/security/multikey/v1"

ENDORSEMENT_SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_endorsementcredential_schema.json"
ACHIEVEMENT_SCHEMA = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
CLR_SCHEMA = "https://purl.imsglobal.org/spec/clr/v2p0/schema/json/clr_v2p0_clrcredential_schema.json"

# URL → (file in data/, SHA-256 of its bytes)
CONTEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        CREDENTIALS_V2: (
            "contexts/credentials-v2.json",
            "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
        ),
        OPEN_BADGES: (
            "contexts/ob-v3p0-3.0.3.json",
            "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
        ),
        "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json": (
            "contexts/ob-v3p0-extensions.json",
            "146f85aa16effd7ca1da8056eb443f53ce1eca8a34186cb062832c0a97d889c3",
        ),
        CLR: (
            "contexts/clr-v2p0-2.0.1.json",
            "880f1902d4158f2f33ce06af41b90719977cd1ea337a9de2e41edb3ff5e543d6",
        ),
        "https://w3id.org/security/data-integrity/v2": (
            "contexts/security-data-integrity-v2.json",
            "0f77743daf5b4e8fc067fc5ba5b21044283053aa717fc6b0219843bed3b00363",
        ),
        MULTIKEY_V1: (
            "contexts/security-multikey-v1.json",
            "c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6",
        ),
        CREDENTIALS_V1: (
            "contexts/credentials-v1.json",
            "00d7dd6d3ad8b920e3e550dd3a3d9090bffcac84cdbf943da6924b3e0a5c8bb8",
        ),
        STATUS_LIST_2021: (
            "contexts/vc-status-list-2021-v1.json",
            "634d71c159289f068c96012e4511c657fdf82ac4231900081bda3ba24e2e1160",
        ),
        "https://w3id.org/security/suites/ed25519-2020/v1": (
            "contexts/security-ed25519-2020-v1.json",
            "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
        ),
        DID_V1: (
            "contexts/did-v1.json",
            "adefa50311393eb1bd788a38ac9fe2696c65367928f6996812cd54577394f4da",
        ),
    }
)

SCHEMAS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        ACHIEVEMENT_SCHEMA: (
            "schemas/ob_v3p0_achievementcredential_schema.json",
            "b7358e895f492e74055dc6bfc7ffc420d0e497f90c4579fb83d9519b86d393ea",
        ),
        ENDORSEMENT_SCHEMA: (
            "schemas/ob_v3p0_endorsementcredential_schema.json",
            "786b1190ea97e7e339d8057f02414603c0e2b8b1cbe46fd72165c73f39a256c6",
        ),
        CLR_SCHEMA: (
            "schemas/clr_v2p0_clrcredential_schema.json",
            "59d778659204b0bd593e9e2ab1683fb6f688e339885c44019f606ed6feb4caee",
        ),
    }
)


class UnknownContext(ValueError):
    """A document names a JSON-LD context that does not ship with Countersign; it is never fetched."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The context {url!r} does not ship with Countersign; it cannot be judged.")
        self.url = url


def _pinned(listing: Mapping[str, tuple[str, str]], url: str) -> dict[str, Any]:
    name, pin = listing[url]
    data = resources.files(__package__).joinpath("data", name).read_bytes()
    if hashlib.sha256(data).hexdigest() != pin:
        raise RuntimeError(f"data/{name} does not have the pinned SHA-256; restore the file as published")
    loaded: dict[str, Any] = json.loads(data)
    return loaded


@cache
def context(url: str) -> dict[str, Any]:
    """Give the parsed context behind a URL; raise `UnknownContext` when it does not ship with the package."""
    if url not in CONTEXTS:
        raise UnknownContext(url)
    return _pinned(CONTEXTS, url)


@cache
def schema(url: str) -> dict[str, Any]:
    """Give the parsed JSON Schema (2019-09) behind its `$id`; KeyError when it does not ship with the package."""
    return _pinned(SCHEMAS, url)
