"""Keys and tokens of others: what their DID documents may say, and what must not pass for a signature."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.trust.canonical import canonical_json
from countersign.trust.canonical_codes import base64url_encode, multibase_encode
from countersign.trust.canonical_proof import date_time, proof_options, proof_value, signing_input, signing_input_jcs
from countersign.trust.verify_findings import Outcome
from countersign.trust.verify_jwt import read_token, signature_finding
from countersign.trust.verify_keys import Kind, from_jwk, from_multibase, from_pem, key_of, of_did
from countersign.trust.verify_proof import proof_findings
from tests.trust.material import NOW
from tests.trust.others import RSA, alg, jwk, multibase, number, pem, sign
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


TOO_SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 # what must be refused
BY_RSA: tuple[Any, dict[str, Any]] = (RSA, {"type": "JsonWebKey", "publicKeyJwk": jwk(RSA)})
METHODS: list[tuple[Any, dict[str, Any]]] = [
    (ED, {"type": "Multikey", "publicKeyMultibase": multibase(ED)}),
    (ED, {"type": "Ed25519VerificationKey2020", "publicKeyMultibase": multibase(ED)}),
    (ED, {"type": "JsonWebKey", "publicKeyJwk": jwk(ED)}),
    (P256, {"type": "Multikey", "publicKeyMultibase": multibase(P256)}),
    (P256, {"type": "JsonWebKey2020", "publicKeyJwk": jwk(P256)}),
    (P256, {"type": "JsonWebKey", "publicKeyJwk": jwk(P256), "id": "#k"}),
]


def endorsed(key: Any, suite: str | None = None, **more: Any) -> dict[str, Any]:
    """The golden endorsement as the guild signs it; a member of the proof that is None is left out."""
    kind = Kind.ED25519 if isinstance(key, Ed25519PrivateKey) else Kind.P256
    bare = without_proof(sample("endorsement"))
    bare["issuer"] = {**bare["issuer"], "id": ISSUER}
    said = proof_options(f"{ISSUER}#k", NOW) | {"cryptosuite": suite or SUITES[kind], **more}
    options = {name: value for name, value in said.items() if value is not None}
    data = (signing_input_jcs if "jcs" in options["cryptosuite"] else signing_input)(bare, options)
    return {**bare, "proof": {**options, "proofValue": proof_value(sign(key, data))}}


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


@pytest.mark.parametrize(("key", "suite"), [(ED, "eddsa-jcs-2022"), (P256, "ecdsa-jcs-2019")])
def test_a_proof_over_the_json_itself_holds_and_each_change_breaks_it(key: Any, suite: str) -> None:
    keys = document({"type": "Multikey", "publicKeyMultibase": multibase(key)})
    plain = endorsed(key, suite)
    within = endorsed(key, suite, **{"@context": plain["@context"]})
    for signed in (plain, within):
        assert outcome(signed, keys) is Outcome.PASSED
        reordered = dict(reversed(signed.items()))
        assert outcome(reordered, keys) is Outcome.PASSED
    other = {"ecdsa-jcs-2019": "eddsa-jcs-2022", "eddsa-jcs-2022": "ecdsa-jcs-2019"}[suite]
    for more in ({"name": "Another"}, {"name": "x" * 9}, {"unsigned": 1}):
        assert outcome({**plain, **more}, keys) is Outcome.FAILED
    options = {**within["proof"], "@context": plain["@context"][:1]}
    del options["proofValue"]
    data = b"".join(hashlib.sha256(canonical_json(part)).digest() for part in (options, without_proof(plain)))
    fewer = {**plain, "proof": {**options, "proofValue": proof_value(sign(key, data))}}
    assert outcome(fewer, keys) is Outcome.FAILED, "the proof says other contexts than the document"
    for signed in (plain, within):
        more_contexts = {**signed, "@context": [*signed["@context"], "https://w3id.org/security/data-integrity/v2"]}
        assert outcome(more_contexts, keys) is Outcome.FAILED, "contexts that nobody signed change what words mean"
        for said in ({"created": "2026-10-02T00:00:00Z"}, {"cryptosuite": other}, {"proofPurpose": "authentication"}):
            assert outcome({**signed, "proof": {**signed["proof"], **said}}, keys) is Outcome.FAILED, said
        for name in ("cryptosuite", "proofValue", "verificationMethod"):
            bare = {each: value for each, value in signed["proof"].items() if each != name}
            assert outcome({**signed, "proof": bare}, keys) is Outcome.FAILED, name


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_a_proof_says_when_it_was_made_or_not_at_all_and_is_over_when_it_says_so(suite: str) -> None:
    keys = document(METHODS[0][1])
    cases: list[tuple[dict[str, Any], Outcome]] = [
        ({"created": None}, Outcome.PASSED),
        ({"created": "yesterday"}, Outcome.FAILED),
        ({"expires": date_time(NOW + timedelta(seconds=1))}, Outcome.PASSED),
        ({"expires": date_time(NOW)}, Outcome.FAILED),
        ({"expires": "soon"}, Outcome.FAILED),
    ]
    for more, expected in cases:
        (finding,) = proof_findings(endorsed(ED, suite, **more), keys, "$", NOW)
        assert finding.outcome is expected, (more, finding)


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, "x", {}, {"kty": "RSA"}, {"kty": "OKP", "crv": "Ed25519"}),
        {**jwk(RSA), "n": number(TOO_SHORT.public_key().public_numbers().n)},
        {**jwk(RSA), "n": number(2**9000 + 1)},
        {**jwk(RSA), "n": ""},
        {**jwk(RSA), "e": number(2**33 + 1)},
        {**jwk(RSA), "e": number(4)},
        {**jwk(RSA), "e": 65537},
        {**jwk(RSA), "d": "AA"},
        {**jwk(RSA), "alg": "RS512"},
        {**jwk(RSA), "alg": ["RS256"]},
        {**jwk(RSA), "use": "enc"},
        {**jwk(ED), "alg": "ES256"},
        {**jwk(P256), "key_ops": ["sign"]},
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


def test_keys_in_pem_are_read_or_refused() -> None:
    for key in (ED, P256, RSA):
        assert from_pem(pem(key)) == from_jwk({**jwk(key), "use": "sig", "key_ops": ["verify"], "alg": alg(key)})
    assert from_jwk({**jwk(ED), "alg": "Ed25519"}) == from_jwk(jwk(ED))
    others = (pem(ec.derive_private_key(7, ec.SECP384R1())), pem(TOO_SHORT))
    for text in ("", "x", "\ud800", pem(RSA)[:-40], pem(RSA).replace("PUBLIC", "PRIVATE"), *others):
        with pytest.raises(ValueError, match=r".+"):
            from_pem(text)


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


def signed_by(text: str, keys: dict[str, Any] | None) -> Outcome:
    return signature_finding(read_token(text), ISSUER, keys).outcome


NO_ENDS: list[Any] = ["1893456000", True, None, [], -1, -(10**15)]
REPEATED = {"iss": ISSUER, "sub": "https://here.example/1", "jti": "https://guild.example/7", "nbf": 1793491200}


@pytest.mark.parametrize(("key", "method"), [*METHODS, BY_RSA])
def test_a_token_holds_by_a_key_that_its_issuer_publishes(key: Any, method: dict[str, Any]) -> None:
    name = alg(key)
    keys = document(method)
    headers: list[dict[str, Any]] = [
        {"alg": name, "typ": "JWT", "kid": f"{ISSUER}#k"},
        {"alg": name, "typ": "vc+jwt", "cty": "vc", "kid": f"{ISSUER}#k"},
        {"alg": name, "typ": "application/vc+jwt", "kid": f"{ISSUER}#k"},
        {"alg": name, "kid": "#k"},
        {"alg": name},
        {"alg": name, "jwk": jwk(key)},
        {"alg": name, "kid": f"{ISSUER}#k", "jwk": jwk(key)},
        *([{"alg": "Ed25519", "kid": f"{ISSUER}#k"}] if name == "EdDSA" else []),
    ]
    for header in headers:
        assert signed_by(token(key, header, **REPEATED), keys) is Outcome.PASSED, header
    by_name = document({"type": "JsonWebKey", "publicKeyJwk": {**jwk(key), "kid": "2026"}})
    assert signed_by(token(key, {"alg": name, "kid": "2026"}), by_name) is Outcome.PASSED
    assert signed_by(token(key, {"alg": name, "kid": "2025"}), by_name) is Outcome.FAILED
    address = "https://guild.example/keys/1"
    elsewhere = document({**method, "id": address})
    assert signed_by(token(key, {"alg": name, "kid": address}), elsewhere) is Outcome.PASSED
    elsewhere["assertionMethod"] = []
    assert signed_by(token(key, {"alg": name, "kid": address}), elsewhere) is Outcome.FAILED


def test_a_token_fails_that_another_key_signed_or_that_contradicts_itself() -> None:
    keys = document({"type": "JsonWebKey", "publicKeyJwk": jwk(P256)})
    good = {"alg": "ES256", "kid": f"{ISSUER}#k"}
    wrong = [
        token(OTHER, good),
        token(P256, {**good, "alg": "none"}),
        token(P256, {**good, "alg": ["ES256"]}),
        token(P256, {**good, "alg": "HS256"}),
        token(P256, {**good, "alg": "EdDSA"}),
        token(P256, {**good, "alg": "RS256"}),
        token(P256, {**good, "alg": "PS256"}),
        token(P256, {**good, "crit": ["b64"], "b64": False}),
        token(P256, {**good, "x5c": ["MIIB"]}),
        token(P256, {**good, "x5u": "https://guild.example/c"}),
        token(P256, {**good, "typ": "at+jwt"}),
        token(P256, {**good, "typ": ["JWT"]}),
        token(P256, {**good, "kid": "did:web:other.example#k"}),
        token(P256, {**good, "kid": 7}),
        token(P256, {**good, "kid": "https://guild.example/keys/1"}),
        token(OTHER, {"alg": "ES256", "jwk": jwk(OTHER)}),  # whoever signs brings the key along
        token(P256, {**good, "jwk": jwk(OTHER)}),
        token(P256, {**good, "jwk": {**jwk(P256), "d": "AA"}}),
        *(token(P256, good, **{name: "x"}) for name in REPEATED),
        token(P256, good, nbf=1793491201),
        token(P256, good, nbf=1793491200, validFrom=None),
        *(token(P256, good, exp=end) for end in NO_ENDS),
    ]
    for text in wrong:
        assert signed_by(text, keys) is Outcome.FAILED, read_token(text)
        assert signed_by(text, None) is Outcome.FAILED
    assert signed_by(token(P256, good), keys) is Outcome.PASSED
    certified = signature_finding(read_token(token(P256, {**good, "x5c": ["MIIB"]})), ISSUER, keys)
    assert "which Open Badges 3.0 does not allow" in certified.detail
    by_rsa = {"alg": "RS256", "kid": f"{ISSUER}#k"}
    assert signed_by(token(TOO_SHORT, by_rsa), document(BY_RSA[1])) is Outcome.FAILED, "another's RSA key"
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
