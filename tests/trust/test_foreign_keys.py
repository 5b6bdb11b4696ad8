"""Keys and tokens of others: what their DID documents may say, and what must not pass for a signature."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.trust.canonical_codes import base64url_encode, multibase_encode
from countersign.trust.canonical_proof import proof_options, proof_value, signing_input
from countersign.trust.verify_findings import Outcome
from countersign.trust.verify_jwt import read_token, signature_finding
from countersign.trust.verify_keys import Kind, from_jwk, from_multibase, key_of, of_did
from countersign.trust.verify_proof import proof_findings
from tests.trust.material import NOW
from tests.trust.others import jwk, multibase, sign
from tests.trust.samples import sample, without_proof

ISSUER = "did:web:guild.example"
ED = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
P256 = ec.derive_private_key(7, ec.SECP256R1())
OTHER = ec.derive_private_key(8, ec.SECP256R1())
SUITES = {Kind.ED25519: "eddsa-rdfc-2022", Kind.P256: "ecdsa-rdfc-2019"}


def document(method: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A DID document with one method that may assert."""
    full = {"id": f"{ISSUER}#k", "controller": ISSUER, **method}
    return {"id": ISSUER, "verificationMethod": [full], "assertionMethod": [full["id"]], **more}


METHODS: list[tuple[Any, dict[str, Any]]] = [
    (ED, {"type": "Multikey", "publicKeyMultibase": multibase(ED)}),
    (ED, {"type": "Ed25519VerificationKey2020", "publicKeyMultibase": multibase(ED)}),
    (ED, {"type": "JsonWebKey", "publicKeyJwk": jwk(ED)}),
    (P256, {"type": "Multikey", "publicKeyMultibase": multibase(P256)}),
    (P256, {"type": "JsonWebKey2020", "publicKeyJwk": jwk(P256)}),
    (P256, {"type": "JsonWebKey", "publicKeyJwk": jwk(P256), "id": "#k"}),
]


def endorsed(key: Any, suite: str | None = None) -> dict[str, Any]:
    """The golden endorsement as the guild signs it."""
    kind = Kind.ED25519 if isinstance(key, Ed25519PrivateKey) else Kind.P256
    bare = without_proof(sample("endorsement"))
    bare["issuer"] = {**bare["issuer"], "id": ISSUER}
    options = proof_options(f"{ISSUER}#k", NOW) | {"cryptosuite": suite or SUITES[kind]}
    return {**bare, "proof": {**options, "proofValue": proof_value(sign(key, signing_input(bare, options)))}}


def outcome(signed: dict[str, Any], keys: dict[str, Any]) -> Outcome:
    (finding,) = proof_findings(signed, keys, "$")
    return finding.outcome


@pytest.mark.parametrize(("key", "method"), METHODS)
def test_a_proof_holds_by_each_way_of_writing_its_key(key: Any, method: dict[str, Any]) -> None:
    assert outcome(endorsed(key), document(method)) is Outcome.PASSED
    embedded = {**method, "id": f"{ISSUER}#k", "controller": ISSUER}
    assert outcome(endorsed(key), {"id": ISSUER, "assertionMethod": [embedded]}) is Outcome.PASSED


def test_a_proof_fails_by_a_key_that_is_not_the_issuers_or_not_for_asserting() -> None:
    method = {"type": "Multikey", "publicKeyMultibase": multibase(P256)}
    wrong = [
        document({**method, "publicKeyMultibase": multibase(OTHER)}),
        document({**method, "controller": "did:web:other.example"}),
        document({**method, "id": f"{ISSUER}#another"}),
        document({**method, "type": "JsonWebKey"}),
        document({**method, "revoked": "2026-01-01T00:00:00Z"}),
        document(method, id="did:web:other.example"),
        document(method, assertionMethod=[]),
        document(method, assertionMethod=None, authentication=[f"{ISSUER}#k"]),
        document(method, assertionMethod=7, verificationMethod="x"),
        document({"type": "JsonWebKey", "publicKeyJwk": {**jwk(P256), "d": "AA"}}),
        document({**method, "type": ["Multikey"]}),
    ]
    for keys in wrong:
        assert outcome(endorsed(P256), keys) is Outcome.FAILED, keys
    assert outcome(endorsed(ED, "ecdsa-rdfc-2019"), document(METHODS[0][1])) is Outcome.FAILED
    assert outcome(endorsed(P256, "eddsa-rdfc-2022"), document(method)) is Outcome.FAILED
    changed = endorsed(P256)
    changed["credentialSubject"]["endorsementComment"] = "Other"
    assert outcome(changed, document(method)) is Outcome.FAILED


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, "x", {}, {"kty": "RSA"}, {"kty": "OKP", "crv": "Ed25519"}),
        {**jwk(P256), "x": jwk(P256)["y"]},
        {**jwk(P256), "x": "="},
        {**jwk(ED), "x": "AA"},
        {**jwk(ED), "d": "AA"},
        {**jwk(ED), "crv": "X25519"},
    ],
)
def test_what_is_no_public_key_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_jwk(wrong)


@pytest.mark.parametrize("suite", [None, [], {}, 7])
def test_a_proof_whose_suite_is_no_text_holds_for_nobody(suite: object) -> None:
    signed = endorsed(P256)
    signed["proof"]["cryptosuite"] = suite
    assert outcome(signed, document({"type": "JsonWebKey", "publicKeyJwk": jwk(P256)})) is Outcome.FAILED


def test_keys_in_multibase_are_read_or_refused() -> None:
    assert from_multibase(multibase(P256)) == from_jwk(jwk(P256))
    assert of_did(f"did:key:{multibase(P256)}") == from_jwk(jwk(P256))
    assert of_did(f"did:key:{multibase(ED)}") == from_jwk(jwk(ED))
    for text in (
        "did:key:z",
        "did:key:",
        "did:web:guild.example",
        "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",
    ):
        assert of_did(text) is None
    for text in ("", "z", multibase_encode(b"\x80\x24" + b"\x05" * 33), multibase_encode(b"\x80\x24")):
        with pytest.raises(ValueError, match=r".+"):
            from_multibase(text)
    with pytest.raises(ValueError, match="somebody other"):
        key_of(document(METHODS[0][1]), ISSUER, "did:web:guild.example.evil#k")


CLAIMS = {
    "id": "https://guild.example/7",
    "issuer": {"id": ISSUER},
    "validFrom": "2026-11-01T00:00:00Z",
    "credentialSubject": {"id": "https://here.example/1"},
}


def token(key: Any, header: dict[str, Any], **claims: Any) -> str:
    """A compact JWS."""
    parts = (json.dumps(part).encode() for part in (header, {**CLAIMS, **claims}))
    text = ".".join(base64url_encode(part) for part in parts)
    return f"{text}.{base64url_encode(sign(key, text.encode()))}"


def signed_by(text: str, keys: dict[str, Any] | None, own: Any = None) -> Outcome:
    return signature_finding(read_token(text), ISSUER, keys, own).outcome


REPEATED = {"iss": ISSUER, "sub": "https://here.example/1", "jti": "https://guild.example/7", "nbf": 1793491200}


@pytest.mark.parametrize(("key", "method"), METHODS)
def test_a_token_holds_by_a_key_that_its_issuer_publishes(key: Any, method: dict[str, Any]) -> None:
    alg = "EdDSA" if key is ED else "ES256"
    keys = document(method)
    for header in (
        {"alg": alg, "typ": "JWT", "kid": f"{ISSUER}#k"},
        {"alg": alg, "kid": "#k"},
        {"alg": alg},
        {"alg": alg, "jwk": jwk(key)},
        {"alg": alg, "kid": f"{ISSUER}#k", "jwk": jwk(key)},
    ):
        assert signed_by(token(key, header, **REPEATED), keys) is Outcome.PASSED, header
    address = "https://guild.example/keys/1"
    assert signed_by(token(key, {"alg": alg, "kid": address}), None, {address: from_jwk(jwk(key))}) is Outcome.PASSED


def test_a_token_fails_that_another_key_signed_or_that_contradicts_itself() -> None:
    keys = document({"type": "JsonWebKey", "publicKeyJwk": jwk(P256)})
    good = {"alg": "ES256", "kid": f"{ISSUER}#k"}
    wrong = [
        token(OTHER, good),
        token(P256, {**good, "alg": "none"}),
        token(P256, {**good, "alg": ["ES256"]}),
        token(P256, {**good, "alg": "HS256"}),
        token(P256, {**good, "alg": "EdDSA"}),
        token(P256, {**good, "crit": ["b64"], "b64": False}),
        token(P256, {**good, "kid": "did:web:other.example#k"}),
        token(P256, {**good, "kid": 7}),
        token(P256, {**good, "kid": "https://guild.example/keys/1"}),
        token(OTHER, {"alg": "ES256", "jwk": jwk(OTHER)}),  # whoever signs brings the key along
        token(P256, {**good, "jwk": jwk(OTHER)}),
        token(P256, {**good, "jwk": {**jwk(P256), "d": "AA"}}),
        *(token(P256, good, **{name: "x"}) for name in REPEATED),
        token(P256, good, nbf=1793491201),
        token(P256, good, nbf=1793491200, validFrom=None),
    ]
    for text in wrong:
        assert signed_by(text, keys) is Outcome.FAILED, read_token(text)
        assert signed_by(text, None) is Outcome.FAILED
    assert signed_by(token(P256, good), keys) is Outcome.PASSED
    two = document({"type": "JsonWebKey", "publicKeyJwk": jwk(P256)})
    two["verificationMethod"].append(
        {"id": f"{ISSUER}#2", "type": "JsonWebKey", "controller": ISSUER, "publicKeyJwk": jwk(OTHER)}
    )
    two["assertionMethod"].append(f"{ISSUER}#2")
    assert signed_by(token(P256, {"alg": "ES256"}), two) is Outcome.FAILED, "which of the two is not said"
    far = {"validFrom": "0001-01-01T00:00:00+14:00", "nbf": 0}
    assert signed_by(token(P256, good, **far), keys) is Outcome.FAILED


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "e30.e30.", "e30.W10.AA", "e30.e30.=", "\ud800.e30.AA"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_token(text)
