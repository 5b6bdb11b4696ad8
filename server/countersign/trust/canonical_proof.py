"""`eddsa-rdfc-2022` of VC Data Integrity EdDSA Cryptosuites 1.0: what is signed, and the proof around it (pure).

`ecdsa-rdfc-2019` over P-256 (VC Data Integrity ECDSA Cryptosuites 1.0) signs the same bytes; `eddsa-jcs-2022` and
`ecdsa-jcs-2019` those of the JSON itself (RFC 8785). These three are read, never made.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.trust.canonical import canonical_json, canonical_rdf
from countersign.trust.canonical_codes import multibase_decode, multibase_encode

CRYPTOSUITE = "eddsa-rdfc-2022"
PROOF_TYPE = "DataIntegrityProof"
ECDSA = "ecdsa-rdfc-2019"
JCS = "eddsa-jcs-2022"
ECDSA_JCS = "ecdsa-jcs-2019"


def date_time(moment: datetime) -> str:
    """Whole seconds in UTC with `Z`, as every document of ours writes time; a naive moment raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone says no time")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def proof_options(verification_method: str, created: datetime) -> dict[str, str]:
    """Give the members of a proof but its value: one key of the issuer asserts the document at `created`."""
    return {
        "type": PROOF_TYPE,
        "cryptosuite": CRYPTOSUITE,
        "created": date_time(created),
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
    }


def signing_input(document: Mapping[str, Any], options: Mapping[str, Any], *, blank_nodes: int | None = None) -> bytes:
    """64 bytes to sign: SHA-256(RDFC-1.0(proof options)) and SHA-256(RDFC-1.0(document without proof)).

    Refused as `canonical_rdf` refuses; terms that no context defines are found in the document and in the options.
    """
    bare = {key: value for key, value in document.items() if key != "proof"}
    configuration = {"@context": document.get("@context", [])} | {
        key: value for key, value in options.items() if key != "proofValue"
    }
    return (
        hashlib.sha256(canonical_rdf(configuration)).digest()
        + hashlib.sha256(canonical_rdf(bare, blank_nodes=blank_nodes)).digest()
    )


def signing_input_jcs(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    """64 bytes to sign: SHA-256(JCS(proof options)) and SHA-256(JCS(document without proof)).

    VC Data Integrity EdDSA Cryptosuites 1.0, section 3.3: a `@context` of the proof says under which contexts it was
    signed. The section lets a document add more behind them; here that is refused with ValueError, since contexts that
    nobody signed could change what the words mean. Numbers that JSON cannot keep are refused as `canonical_json` does.
    """
    if "@context" in options and options["@context"] != document.get("@context"):
        raise ValueError("The document has other contexts than those that were signed.")
    bare = {key: value for key, value in document.items() if key != "proof"}
    configuration = {key: value for key, value in options.items() if key != "proofValue"}
    return hashlib.sha256(canonical_json(configuration)).digest() + hashlib.sha256(canonical_json(bare)).digest()


def proof_value(signature: bytes) -> str:
    """Multibase base58-btc of the 64 bytes of an Ed25519 signature."""
    return multibase_encode(signature)


def signature_of(value: object) -> bytes:
    """The bytes of a `proofValue` (multibase base58-btc); none at all for what cannot be read as one."""
    if not isinstance(value, str) or not value.startswith("z"):
        return b""
    try:
        return multibase_decode(value)
    except ValueError:
        return b""


def signature_holds(public_key: bytes, data: bytes, value: object) -> bool:
    """Whether a `proofValue` is this Ed25519 key's signature of these 64 bytes; an unreadable value is not."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature_of(value), data)
    except (ValueError, InvalidSignature):
        return False
    return True
