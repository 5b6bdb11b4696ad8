"""What other people's libraries sign is read: tokens of jose, proofs and status lists of Digital Bazaar's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.endorsements import rules_foreign_asked, rules_foreign_signed
from countersign.endorsements.rules_foreign import claimed
from countersign.endorsements.rules_foreign_asked import Need, Purpose, answered
from countersign.trust.canonical_codes import base64url_encode
from countersign.trust.canonical_contexts import CONTEXTS as BUNDLED
from countersign.trust.documents import CONTEXTS
from countersign.trust.verify import Material, verify
from countersign.trust.verify_findings import Outcome, Verdict
from tests.endorsements.test_foreign_rules import CRYPTOGRAPHIC, ENDORSEMENT, SAID
from tests.node import ask, install
from tests.trust.others import RSA, Private, jwk, number

SCRIPT = Path(__file__).parents[1] / "js" / "sign.mjs"
ISSUER = "did:web:guild.example"
LIST = "https://guild.example/status/1"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS: dict[str, Private] = {
    "rsa": RSA,
    "p256": ec.derive_private_key(7, ec.SECP256R1()),
    "ed25519": Ed25519PrivateKey.from_private_bytes(b"e" * 32),
}
STATEMENT = "Our members ask for it — غالباً, 1e3 times."
CREDENTIAL = {
    "@context": list(CONTEXTS),
    "id": "https://guild.example/endorsements/7",
    "type": ["VerifiableCredential", "EndorsementCredential"],
    "name": "The guild endorses it",
    "issuer": {"id": ISSUER, "type": ["Profile"]},
    "validFrom": "2026-11-01T00:00:00Z",
    "credentialSubject": {
        "id": "https://here.example/specs/x/versions/1.0.0",
        "type": ["EndorsementSubject"],
        "endorsementComment": STATEMENT,
    },
}


def private(key: Private) -> dict[str, str]:
    """Both halves as JSON Web Key."""
    if isinstance(key, rsa.RSAPrivateKey):
        own = key.private_numbers()
        parts = {"d": own.d, "p": own.p, "q": own.q, "dp": own.dmp1, "dq": own.dmq1, "qi": own.iqmp}
        return jwk(key) | {name: number(value) for name, value in parts.items()}
    if isinstance(key, Ed25519PrivateKey):
        return jwk(key) | {"d": base64url_encode(key.private_bytes_raw())}
    return jwk(key) | {"d": base64url_encode(key.private_numbers().private_value.to_bytes(32, "big"))}


def keys() -> dict[str, Any]:
    """The DID document of the guild."""
    methods = [
        {"id": f"{ISSUER}#{name}", "type": "JsonWebKey", "controller": ISSUER, "publicKeyJwk": jwk(key)}
        for name, key in KEYS.items()
    ]
    return {"id": ISSUER, "verificationMethod": methods, "assertionMethod": [method["id"] for method in methods]}


@pytest_asyncio.fixture(scope="module")
async def made() -> dict[str, str]:
    """Everything that the script makes, by name."""
    data = resources.files("countersign.trust").joinpath("data")
    install(SCRIPT.parent)
    found: dict[str, str] = await ask(
        SCRIPT,
        {
            "credential": CREDENTIAL,
            "names": {name: {"id": f"{ISSUER}#{name}", "controller": ISSUER} for name in KEYS},
            "private": {name: private(key) for name, key in KEYS.items()},
            "list": {"url": LIST, "places": [5]},
            "badge": ENDORSEMENT,
            "contexts": {url: str(data.joinpath(file)) for url, (file, _) in BUNDLED.items()},
        },
    )
    return found


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "Ed25519"])
def test_a_token_of_another_library_holds_and_a_changed_one_does_not(made: dict[str, str], alg: str) -> None:
    answers = [answered(Need(Purpose.KEYS, "https://guild.example/.well-known/did.json"), json.dumps(keys()).encode())]
    found = claimed(made[alg])
    assert found.statement == STATEMENT
    finding = rules_foreign_asked.signature(found, answers)
    assert finding.outcome is Outcome.PASSED, finding
    head, body, signature = made[alg].split(".")
    changed = claimed(f"{head}.{body}.{signature[::-1]}")
    assert rules_foreign_asked.signature(changed, answers).outcome is Outcome.FAILED


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "ecdsa-jcs-2019"])
def test_a_proof_over_the_json_of_another_library_holds_and_a_changed_one_does_not(
    made: dict[str, str], suite: str
) -> None:
    material = Material(did_documents={ISSUER: json.dumps(keys())})
    changed = json.dumps({**json.loads(made[suite]), "name": "The guild endorses her"})
    for text, expected in ((made[suite], Outcome.PASSED), (changed, Outcome.FAILED)):
        (judged,) = verify(text, material, NOW).credentials
        outcomes = {finding.check: finding.outcome for finding in judged.findings}
        assert (outcomes["terms"], outcomes["schema"], outcomes["proof"]) == (Outcome.PASSED, Outcome.PASSED, expected)


@pytest.mark.parametrize(("place", "verdict"), [(5, Verdict.REVOKED), (6, Verdict.VALID)])
def test_a_status_list_2021_of_another_library_tells_what_is_revoked(
    made: dict[str, str], place: int, verdict: Verdict
) -> None:
    status = {"type": "StatusList2021Entry", "statusPurpose": "revocation", "statusListIndex": str(place)}
    document = {**CREDENTIAL, "credentialStatus": {**status, "id": f"{LIST}#{place}", "statusListCredential": LIST}}
    document["@context"] = [*CONTEXTS, "https://w3id.org/vc/status-list/2021/v1"]
    material = Material(did_documents={ISSUER: json.dumps(keys())}, status_lists={LIST: made["StatusList2021"]})
    (judged,) = verify(json.dumps(document), material, NOW).credentials
    found = {finding.check: finding for finding in judged.findings}
    assert found["terms"].outcome is Outcome.PASSED, found
    assert found["status"].verdict is verdict, found["status"]


def test_a_signed_open_badges_2_endorsement_of_another_library_holds(made: dict[str, str]) -> None:
    found = claimed(made["badge"])
    assert found.token is not None
    issuer = answered(Need(Purpose.ISSUER, SAID["id"]), json.dumps(SAID).encode())
    key = answered(Need(Purpose.KEY, CRYPTOGRAPHIC["id"]), json.dumps(CRYPTOGRAPHIC).encode())
    assert rules_foreign_signed.proof(found, found.token, [issuer, key]).outcome is Outcome.PASSED
