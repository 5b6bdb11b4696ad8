"""Whose key it is, and what a signed Open Badges 2.0 endorsement is worth: rules alone, over answers as they come."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from countersign.endorsements import rules_foreign_asked as asked
from countersign.endorsements import rules_foreign_hosted as hosted
from countersign.endorsements.rules_foreign import Claimed, Format, claimed, verified
from countersign.endorsements.rules_foreign_asked import Answer, Need, Purpose, answered, unanswered
from countersign.endorsements.rules_foreign_keys import own_document
from countersign.kit.errors import Refusal
from countersign.trust.documents import CONTEXTS
from countersign.trust.verify_findings import Finding
from countersign.trust.verify_proof import proof_findings
from tests.endorsements.abroad import HOST, Guild
from tests.trust.others import RSA, jwk, multibase, pem

ISSUER = f"https://{HOST}/issuers/7"
VERSION = "https://here.example/specs/x/versions/1.0.0"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
KEY, ANOTHER = ec.derive_private_key(7, ec.SECP256R1()), ec.derive_private_key(8, ec.SECP256R1())
NAME = f"https://{HOST}/keys#one"
CREDENTIAL = {
    "@context": list(CONTEXTS),
    "id": "https://guild.example/endorsements/7",
    "type": ["VerifiableCredential", "EndorsementCredential"],
    "issuer": {"id": ISSUER},
    "validFrom": "2026-11-01T00:00:00Z",
    "credentialSubject": {"id": VERSION},
}


def got(purpose: Purpose, url: str, body: object) -> Answer:
    """What an address answered; why not for None."""
    need = Need(purpose, url)
    return unanswered(need, "nothing stands there") if body is None else answered(need, json.dumps(body).encode())


def both(kid: str, *answers: Answer) -> set[str]:
    """How the proof ends, as a token and as a document with a proof of its own."""
    guild = Guild(ISSUER, KEY, kid, "ecdsa-rdfc-2019")
    token = claimed(guild.token(CREDENTIAL))
    signed = claimed(guild.proven(CREDENTIAL, NOW))
    keys = asked.controller(signed, answers)
    found = [asked.signature(token, answers), *proof_findings(signed.document, keys, "$")]
    told = [*asked.with_answers(token, found[:1], answers), *asked.with_answers(signed, found[1:], answers)]
    return {finding.outcome.name for finding in told}


OWN = jwk(KEY)
MULTIKEY = {"id": NAME, "type": "Multikey", "controller": ISSUER, "publicKeyMultibase": multibase(KEY)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (OWN, "PASSED"),
        ({**OWN, "alg": "ES256", "use": "sig", "kid": "anything"}, "PASSED"),
        ({"keys": [{**jwk(ANOTHER), "kid": "two"}, {**OWN, "kid": "one"}]}, "PASSED"),
        ({"keys": [OWN]}, "PASSED"),
        ({"keys": [{**jwk(ANOTHER), "kid": ["two"]}, {**OWN, "kid": "one"}]}, "PASSED"),
        ({"keys": [jwk(ANOTHER), OWN]}, "FAILED"),
        ({"keys": [{**jwk(ANOTHER), "kid": "one"}, {**OWN, "kid": "two"}]}, "FAILED"),
        (MULTIKEY, "PASSED"),
        ({"id": f"https://{HOST}/keys", "verificationMethod": [{**MULTIKEY, "id": "#one"}]}, "PASSED"),
        ({"id": f"https://{HOST}/keys", "verificationMethod": [7, {"id": 7}, {**MULTIKEY, "id": "#two"}]}, "FAILED"),
        ({**MULTIKEY, "controller": "https://other.example/"}, "FAILED"),
        ({**MULTIKEY, "revoked": "2026-01-01T00:00:00Z"}, "FAILED"),
        (jwk(ANOTHER), "FAILED"),
        ({**OWN, "d": "AA"}, "FAILED"),
        ({"keys": "x"}, "FAILED"),
        ({}, "FAILED"),
        (None, "NOT_REACHED"),
    ],
)
def test_a_key_at_an_address_of_its_own_counts_where_its_issuer_names_it(body: object, expected: str) -> None:
    named = got(Purpose.KEYS, ISSUER, {"id": ISSUER, "assertionMethod": [NAME]})
    key = got(Purpose.KEY, f"https://{HOST}/keys", body)
    assert both(NAME, named, key) == {expected}
    for silent in ({"id": ISSUER}, {"id": ISSUER, "assertionMethod": [f"https://{HOST}/keys"]}, {"id": f"{ISSUER}/"}):
        said = {"assertionMethod": [NAME]} if silent["id"] != ISSUER else {}
        assert both(NAME, got(Purpose.KEYS, ISSUER, {**silent, **said})) == {"FAILED"}, "bound to nobody by its host"


def test_the_address_of_a_key_is_asked_for_only_after_its_issuer_named_it() -> None:
    token = claimed(Guild(ISSUER, KEY, NAME).token(CREDENTIAL))
    assert [need.purpose for need in asked.needs(token)] == [Purpose.KEYS]
    for names, wanted in (
        ([NAME], [f"https://{HOST}/keys"]),
        ([], []),
        ([{**MULTIKEY}], []),
        (NAME, [f"https://{HOST}/keys"]),
    ):
        named = got(Purpose.KEYS, ISSUER, {"id": ISSUER, "assertionMethod": names})
        assert [need.url for need in asked.needs(token, [named])][1:] == wanted
    assert both(NAME, got(Purpose.KEYS, ISSUER, {"id": ISSUER, "assertionMethod": [MULTIKEY]})) == {"PASSED"}
    under = f"{ISSUER}#k"
    own = {"id": ISSUER, "verificationMethod": [{**MULTIKEY, "id": "#k"}], "assertionMethod": [under]}
    assert both(under, got(Purpose.KEYS, ISSUER, own)) == {"PASSED"}
    assert both(under) == {"NOT_CHECKED"}
    assert both(NAME, got(Purpose.KEYS, ISSUER, None)) == {"NOT_REACHED"}


def test_a_did_that_is_its_own_key_names_it_and_another_none() -> None:
    for wrong in ("did:jwk:", "did:jwk:=", "did:jwk:e30=", "did:jwk:W10", "did:key:z", "did:web:x.example", ISSUER):
        assert own_document(wrong) is None, wrong


PROFILE = f"https://{HOST}/issuer.json"
KEYS = f"https://{HOST}/key.json"
REVOKED = f"https://{HOST}/revoked.json"
CRYPTOGRAPHIC = {"id": KEYS, "type": "CryptographicKey", "owner": PROFILE, "publicKeyPem": pem(RSA)}
SAID = {"id": PROFILE, "type": "Issuer", "publicKey": KEYS, "revocationList": REVOKED}
NOBODY = {"id": REVOKED, "type": "RevocationList", "issuer": PROFILE, "revokedAssertions": []}
ENDORSEMENT = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Endorsement",
    "id": "urn:uuid:6d0c6a5e-5d2b-4d1c-8f0e-6a0b3c1d2e3f",
    "claim": {"id": VERSION, "endorsementComment": "Great."},
    "issuer": PROFILE,
    "issuedOn": "2026-10-01T00:00:00Z",
    "verification": {"type": "SignedBadge", "creator": KEYS},
}


def signed(key: Any = RSA, header: dict[str, Any] | None = None, **more: Any) -> Claimed:
    """The endorsement as a JWS; without a kid, as 2.0 has it."""
    plain = {"kid": None, "typ": None, **(header or {})}
    return claimed(Guild(PROFILE, key, KEYS).token({**ENDORSEMENT, **more}, **plain))


def judged(
    found: Claimed, profile: object = SAID, key: object = CRYPTOGRAPHIC, listed: object = NOBODY
) -> list[Finding]:
    """What is found, when its issuer's addresses answer in two rounds what they are asked."""
    bodies = {Purpose.ISSUER: profile, Purpose.KEY: key, Purpose.STATUS: listed}
    answers: list[Answer] = []
    for _ in range(2):
        had = {answer.purpose for answer in answers}
        answers += [
            got(need.purpose, need.url, bodies[need.purpose])
            for need in hosted.needs(found, answers)
            if need.purpose not in had
        ]
    return hosted.findings(found, VERSION, NOW, answers, known=True)


def ends(findings: list[Finding]) -> tuple[str, str]:
    """How proof and status end."""
    by_check = {finding.check: finding.outcome.name for finding in findings}
    return by_check["proof"], by_check["status"]


def test_a_signed_endorsement_of_open_badges_2_holds_by_a_key_of_its_issuers_profile() -> None:
    found = signed()
    assert (found.format, found.statement, found.valid_until) == (Format.OPEN_BADGES_2, "Great.", None)
    goods: list[tuple[Claimed, dict[str, Any]]] = [
        (found, {}),
        (signed(header={"typ": "JWT", "kid": KEYS}), {}),
        (signed(verification={"type": "signed"}), {}),
        (signed(issuer={"id": PROFILE, "publicKey": "https://other.example/"}), {}),
        (found, {"profile": {**SAID, "publicKey": [CRYPTOGRAPHIC, "https://other.example/"]}}),
        (found, {"profile": {**SAID, "publicKey": {"id": KEYS, "publicKeyPem": pem(RSA)}}}),
        (found, {"profile": {**SAID, "revocationList": None}}),
        (signed(ANOTHER), {"key": {**CRYPTOGRAPHIC, "publicKeyPem": pem(ANOTHER)}}),
        (
            found,
            {"listed": {**NOBODY, "issuer": {"id": PROFILE}, "revokedAssertions": ["urn:uuid:1", {"uid": "1"}, 7]}},
        ),
    ]
    for given, answers in goods:
        findings = judged(given, **answers)
        assert verified(given.format, findings), (answers, findings)


@pytest.mark.parametrize(
    ("given", "answers", "expected"),
    [
        ({"key": ANOTHER}, {}, ("FAILED", "PASSED")),
        ({"header": {"alg": "none"}}, {}, ("FAILED", "PASSED")),
        ({"header": {"alg": "ES256"}}, {}, ("FAILED", "PASSED")),
        ({"header": {"jwk": jwk(ANOTHER)}}, {}, ("FAILED", "PASSED")),
        ({"header": {"crit": ["b64"]}}, {}, ("FAILED", "PASSED")),
        ({"verification": {"type": "signed", "creator": "https://other.example/key"}}, {}, ("FAILED", "PASSED")),
        (
            {"verification": {"type": "signed"}},
            {"profile": {**SAID, "publicKey": [KEYS, REVOKED]}},
            ("FAILED", "PASSED"),
        ),
        ({}, {"profile": {**SAID, "publicKey": None}}, ("FAILED", "PASSED")),
        ({}, {"profile": {**SAID, "id": "https://other.example/"}}, ("FAILED", "FAILED")),
        ({}, {"profile": {**SAID, "publicKey": "http://guild.example/key"}}, ("FAILED", "PASSED")),
        ({}, {"key": {**CRYPTOGRAPHIC, "owner": "https://other.example/"}}, ("FAILED", "PASSED")),
        ({}, {"key": {**CRYPTOGRAPHIC, "owner": None}}, ("FAILED", "PASSED")),
        ({}, {"key": {**CRYPTOGRAPHIC, "id": PROFILE}}, ("FAILED", "PASSED")),
        ({}, {"key": {**CRYPTOGRAPHIC, "publicKeyPem": pem(ANOTHER)}}, ("FAILED", "PASSED")),
        ({}, {"key": {**CRYPTOGRAPHIC, "publicKeyPem": ["x"]}}, ("FAILED", "PASSED")),
        ({}, {"key": None}, ("NOT_REACHED", "PASSED")),
        ({}, {"profile": None}, ("NOT_REACHED", "NOT_REACHED")),
        ({"issuer": "urn:x"}, {}, ("NOT_CHECKED", "NOT_CHECKED")),
        ({}, {"listed": {**NOBODY, "revokedAssertions": [ENDORSEMENT["id"]]}}, ("PASSED", "FAILED")),
        ({}, {"listed": {**NOBODY, "revokedAssertions": [{"id": ENDORSEMENT["id"]}]}}, ("PASSED", "FAILED")),
        ({"uid": "u7"}, {"listed": {**NOBODY, "revokedAssertions": [{"uid": "u7"}]}}, ("PASSED", "FAILED")),
        ({"id": ["x"], "uid": {}}, {}, ("PASSED", "PASSED")),
        ({}, {"listed": {**NOBODY, "revokedAssertions": "x"}}, ("PASSED", "FAILED")),
        ({}, {"listed": {**NOBODY, "issuer": "https://other.example/"}}, ("PASSED", "FAILED")),
        ({}, {"listed": {**NOBODY, "id": PROFILE}}, ("PASSED", "FAILED")),
        ({}, {"listed": None}, ("PASSED", "NOT_REACHED")),
        ({}, {"profile": {**SAID, "revocationList": "http://guild.example/r"}}, ("PASSED", "FAILED")),
    ],
)
def test_a_signed_endorsement_of_open_badges_2_is_worth_nothing_by_another_key_or_when_revoked(
    given: dict[str, Any], answers: dict[str, Any], expected: tuple[str, str]
) -> None:
    found = signed(**given)
    findings = judged(found, **answers)
    assert ends(findings) == expected, findings
    assert verified(found.format, findings) is (expected == ("PASSED", "PASSED"))


def test_a_signed_text_of_open_badges_2_that_was_changed_fails() -> None:
    found = signed()
    assert found.token is not None
    changed = replace(found, token=replace(found.token, signed=found.token.signed + b"A"))
    assert ends(judged(changed)) == ("FAILED", "PASSED")


def test_a_revocation_of_open_badges_2_tells_its_reason() -> None:
    entry = {"id": ENDORSEMENT["id"], "revocationReason": "Withdrawn."}
    findings = judged(signed(), listed={**NOBODY, "revokedAssertions": [entry]})
    assert "The issuer has revoked it. Its reason: Withdrawn." in {finding.detail for finding in findings}


def test_an_assertion_as_a_jws_is_no_endorsement() -> None:
    with pytest.raises(Refusal):
        signed(type="Assertion")


def test_what_is_hosted_where_an_issuers_prefix_only_begins_another_host_is_not_its_own() -> None:
    profile = json.dumps({"id": ISSUER, "verification": {"startsWith": f"https://{HOST}"}}).encode()
    for url, outcome in (
        (f"https://{HOST}/e/1", "passed"),
        (f"https://{HOST}.other.example/e/1", "failed"),
        (f"https://{HOST}@other.example/e/1", "failed"),
        (f"https://{HOST}:8443/e/1", "failed"),
    ):
        said = {"@context": "https://w3id.org/openbadges/v2", "type": "Endorsement", "id": url, "issuer": ISSUER}
        text = json.dumps({**said, "claim": {"id": VERSION}, "verification": {"type": "hosted"}})
        answers = [
            answered(Need(Purpose.HOSTED, url), text.encode()),
            answered(Need(Purpose.ISSUER, ISSUER), profile),
        ]
        found = hosted.findings(claimed(text), VERSION, NOW, answers, known=True)
        assert [one.outcome for one in found if one.check == "proof"] == [outcome], url
