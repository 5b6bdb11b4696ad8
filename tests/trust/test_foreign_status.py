"""Status lists as others keep them: StatusList2021, lists of revocations, and purposes that say nothing of an end."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.trust.canonical_codes import base64url_decode
from countersign.trust.canonical_contexts import CREDENTIALS_V1, STATUS_LIST_2021
from countersign.trust.canonical_proof import proof_options, proof_value, signing_input, signing_input_jcs
from countersign.trust.canonical_status import CAPACITY, decode_2021, encode, is_set
from countersign.trust.verify_findings import Outcome, Verdict
from countersign.trust.verify_jwt import read_token, signature_finding
from countersign.trust.verify_keys import Kind
from countersign.trust.verify_proof import proof_findings
from countersign.trust.verify_reading import needs, status_list_of
from countersign.trust.verify_status import status_findings
from tests.trust.material import NOW
from tests.trust.others import jwk, multibase, sign
from tests.trust.test_foreign_keys import CLAIMS, ISSUER, document, token

KEY = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
KEYS = document({"type": "Multikey", "publicKeyMultibase": multibase(KEY)})
LIST = "https://guild.example/status/1"
ENTRY = {
    "id": f"{LIST}#5",
    "type": "StatusList2021Entry",
    "statusPurpose": "revocation",
    "statusListIndex": "5",
    "statusListCredential": LIST,
}
CREDENTIAL = {**CLAIMS, "credentialStatus": ENTRY}
SUITE_2020 = "https://w3id.org/security/suites/ed25519-2020/v1"


def listed(*places: int, **more: Any) -> dict[str, Any]:
    """A list of StatusList2021 as its own libraries write it: in the data model 1.1, its bits without a prefix."""
    subject = {"id": f"{LIST}#list", "type": "StatusList2021", "statusPurpose": "revocation"}
    return {
        "@context": [CREDENTIALS_V1, STATUS_LIST_2021, SUITE_2020],
        "id": LIST,
        "type": ["VerifiableCredential", "StatusList2021Credential"],
        "issuer": ISSUER,
        "issuanceDate": "2026-11-01T00:00:00Z",
        "credentialSubject": {**subject, "encodedList": encode(places)[1:]},
        **more,
    }


def proven(bare: dict[str, Any], key: Ed25519PrivateKey = KEY) -> dict[str, Any]:
    """With an Ed25519Signature2020, the proof of that time."""
    options = proof_options(f"{ISSUER}#k", NOW) | {"type": "Ed25519Signature2020"}
    del options["cryptosuite"]
    return {**bare, "proof": {**options, "proofValue": proof_value(sign(key, signing_input(bare, options)))}}


def status(given: dict[str, Any] | None, entry: Any = None, *, proven: bool = False) -> tuple[Outcome, Verdict]:
    held = {**CREDENTIAL, "credentialStatus": entry or ENTRY}
    (finding,) = status_findings(held, given, KEYS, NOW, "$", proven=proven)
    return finding.outcome, finding.verdict


GOOD = (Outcome.PASSED, Verdict.VALID)
UNKNOWN = (Outcome.FAILED, Verdict.STATUS_UNAVAILABLE)


def test_a_status_list_2021_says_what_a_bitstring_says() -> None:
    assert status(proven(listed(4, 6))) == GOOD
    assert status(proven(listed(5))) == (Outcome.FAILED, Verdict.REVOKED)
    paused = {**listed(5)["credentialSubject"], "statusPurpose": "suspension"}
    suspended = proven(listed(5, credentialSubject=paused))
    assert status(suspended, {**ENTRY, "statusPurpose": "suspension"}) == (Outcome.FAILED, Verdict.SUSPENDED)
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    for unreliable in (
        proven(listed(), other),
        listed(),
        {**proven(listed()), "issuanceDate": "2026-11-02T00:00:00Z"},
        proven(listed(issuer="did:web:other.example")),
        proven(listed(id=f"{LIST}0")),
        proven(listed(issuanceDate="2026-12-01T00:00:00Z")),
        proven(listed(expirationDate="2026-11-19T00:00:00Z")),
        suspended,
        None,
    ):
        assert status(unreliable) == UNKNOWN, unreliable
    bitstring = {**ENTRY, "type": "BitstringStatusListEntry"}
    prefixed = {**listed()["credentialSubject"], "encodedList": encode([])}
    assert status(proven(listed(credentialSubject=prefixed)), bitstring) == UNKNOWN, (
        "a list of one kind answers for no entry of the other"
    )
    for index in ("-1", "x", str(CAPACITY)):
        assert status(proven(listed()), {**ENTRY, "statusListIndex": index}) == UNKNOWN


def test_a_list_says_nothing_of_an_end_when_its_purpose_is_another() -> None:
    for purpose in ("refresh", "message"):
        subject = {**listed(5)["credentialSubject"], "statusPurpose": purpose}
        told = status(proven(listed(5, credentialSubject=subject)), {**ENTRY, "statusPurpose": purpose})
        assert told == (Outcome.NOT_CHECKED, Verdict.STATUS_UNAVAILABLE)


def test_bits_of_2021_are_read_in_each_alphabet_and_within_bounds() -> None:
    packed = base64url_decode(encode([5, 77])[1:])
    for written in (base64.b64encode(packed), base64.urlsafe_b64encode(packed), base64.b64encode(packed).rstrip(b"=")):
        bits = decode_2021(written.decode())
        assert (is_set(bits, 5), is_set(bits, 77), is_set(bits, 6)) == (True, True, False)
    for text in ("", "x", "ä", "AAAA", encode([5])):
        with pytest.raises(ValueError, match=r".+"):
            decode_2021(text)


def test_a_list_as_a_token_of_the_data_model_1_1_is_read_from_its_claim_vc() -> None:
    said = {name: value for name, value in listed(5).items() if name not in {"id", "issuer"}}
    head = {"alg": Kind.ED25519.value, "kid": f"{ISSUER}#k"}
    claims = dict.fromkeys(CLAIMS)
    claims |= {"vc": said, "iss": ISSUER, "jti": LIST, "sub": f"{LIST}#list", "nbf": 1793491200}
    made = read_token(token(KEY, head, **claims))
    assert signature_finding(made, ISSUER, KEYS).outcome is Outcome.PASSED
    assert status(made.credential, proven=True) == (Outcome.FAILED, Verdict.REVOKED)
    for wrong in ({"nbf": 1}, {"iss": "did:web:other.example", "vc": {**said, "issuer": ISSUER}}, {"sub": "x"}):
        text = token(KEY, head, **{**claims, **wrong})
        assert signature_finding(read_token(text), ISSUER, KEYS).outcome is Outcome.FAILED, wrong


REVOCATIONS = {"id": f"{LIST}.json", "type": "1EdTechRevocationList"}
OWN = CLAIMS["id"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], GOOD),
        ([{"id": "https://guild.example/8"}], GOOD),
        ([{"id": OWN}], (Outcome.FAILED, Verdict.REVOKED)),
        ([{"id": OWN, "revoked": True, "revocationReason": "Withdrawn."}], (Outcome.FAILED, Verdict.REVOKED)),
        ([{"id": OWN, "revoked": False}], GOOD),
        ([{"id": OWN, "revoked": False}, {"id": OWN}], (Outcome.FAILED, Verdict.REVOKED)),
        ({"id": OWN}, (Outcome.FAILED, Verdict.REVOKED)),
        ([OWN], UNKNOWN),
        ("x", UNKNOWN),
        (None, GOOD),
    ],
)
def test_a_list_of_revocations_names_what_is_revoked(entries: Any, expected: tuple[Outcome, Verdict]) -> None:
    given = {"id": f"{LIST}.json", "issuer": {"id": ISSUER}, "revokedCredential": entries}
    assert status(given, REVOCATIONS) == expected
    for wrong in ({"id": LIST}, {"issuer": "did:web:other.example"}, {"issuer": None}):
        assert status({**given, **wrong}, REVOCATIONS) == UNKNOWN
    del given["revokedCredential"]
    assert status(given, REVOCATIONS) == UNKNOWN, "what names nothing at all is no list"
    assert status(None, REVOCATIONS) == UNKNOWN


def test_a_revocation_tells_its_reason() -> None:
    given = {"id": f"{LIST}.json", "issuer": ISSUER, "revokedCredential": [{"id": OWN, "revocationReason": "Closed."}]}
    (finding,) = status_findings({**CREDENTIAL, "credentialStatus": REVOCATIONS}, given, KEYS, NOW, "$")
    assert finding.detail == "The issuer has revoked it. Its reason: Closed."


def test_the_address_of_a_list_is_where_its_kind_has_it() -> None:
    assert status_list_of(CREDENTIAL) == LIST
    assert status_list_of({"credentialStatus": REVOCATIONS}) == f"{LIST}.json"
    assert status_list_of({}) is None
    others: list[Any] = [[], {"id": LIST}, "x", {"type": [REVOCATIONS["type"]], "id": LIST}]
    for other in others:
        assert status_list_of({"credentialStatus": other}) is None
    assert needs({"credentialStatus": REVOCATIONS}).status_lists == (f"{LIST}.json",)


def test_a_proof_of_2020_is_one_by_its_type_alone() -> None:
    signed = proven(listed())
    cases = [
        (signed, Outcome.PASSED),
        ({**signed, "issuer": "did:web:other.example"}, Outcome.FAILED),
        ({**signed, "proof": {**signed["proof"], "cryptosuite": "eddsa-rdfc-2022"}}, Outcome.FAILED),
        ({**signed, "proof": {**signed["proof"], "type": "DataIntegrityProof"}}, Outcome.FAILED),
        ({**signed, "proof": {**signed["proof"], "type": ["Ed25519Signature2020"]}}, Outcome.FAILED),
        ({**signed, "proof": {**signed["proof"], "@context": signed["@context"]}}, Outcome.FAILED),
    ]
    bare = {name: value for name, value in signed.items() if name != "proof"}
    mixed = {name: value for name, value in signed["proof"].items() if name != "proofValue"}
    mixed["cryptosuite"] = "eddsa-jcs-2022"
    by_json = proof_value(sign(KEY, signing_input_jcs(bare, mixed)))
    cases.append(({**bare, "proof": {**mixed, "proofValue": by_json}}, Outcome.FAILED))
    for given, expected in cases:
        (finding,) = proof_findings(given, KEYS, "$")
        assert finding.outcome is expected, given["proof"]
    by_jwk = document({"type": "JsonWebKey", "publicKeyJwk": jwk(KEY)})
    assert [finding.outcome for finding in proof_findings(signed, by_jwk, "$")] == [Outcome.PASSED]
