"""Canonical bytes, digests and proofs, against the golden samples."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.trust import canonical_codes as codes
from countersign.trust import canonical_contexts as contexts
from countersign.trust import canonical_proof as proof
from countersign.trust.canonical import NotJsonLd, UndefinedTerms, canonical_json, canonical_rdf, expand_strictly
from tests.trust import samples

SIGNED = [
    ("endorsement", "orbita ed25519 2026"),
    ("award", "northgate ed25519 2026"),
    ("status_list", "orbita ed25519 2026"),
]


def test_frozen_achievement_is_its_own_canonical_form() -> None:
    frozen = samples.sample_bytes("achievement")
    assert canonical_json(samples.sample("achievement")) == frozen
    assert codes.sha256_hex(frozen) == "075c9e259e7220d93a3dfe7284a029534c03d16305ed8e3a347447ffd5277d77"


def test_digests_of_the_achievement_are_those_of_the_endorsement() -> None:
    frozen = samples.sample_bytes("achievement")
    bound = samples.sample("endorsement")["relatedResource"][0]
    assert codes.digest_multibase(frozen) == bound["digestMultibase"]
    assert codes.digest_sri(frozen) == bound["digestSRI"]
    assert codes.matches_multibase(frozen, bound["digestMultibase"])
    assert codes.matches_sri(frozen, bound["digestSRI"])
    assert not codes.matches_multibase(frozen + b" ", bound["digestMultibase"])
    assert not codes.matches_sri(frozen + b" ", bound["digestSRI"])


def test_digest_is_read_in_the_base64url_form_too() -> None:
    multihash = b"\x12\x20" + hashlib.sha256(b"x").digest()
    assert codes.matches_multibase(b"x", "u" + codes.base64url_encode(multihash))
    assert not codes.matches_multibase(b"x", "u" + codes.base64url_encode(multihash) + "=")


@pytest.mark.parametrize(("name", "signer"), SIGNED)
def test_signing_a_golden_sample_gives_its_proof_value(name: str, signer: str) -> None:
    document = samples.sample(name)
    options = {k: v for k, v in document["proof"].items() if k != "proofValue"}
    data = proof.signing_input(samples.without_proof(document), options)
    value = proof.proof_value(samples.key(signer).sign(data))
    assert value == document["proof"]["proofValue"]
    assert proof.signature_holds(samples.public(signer), data, value)
    assert not proof.signature_holds(samples.public("orbita ed25519 2025"), data, value)


def test_one_changed_letter_breaks_the_signature() -> None:
    document = samples.sample("endorsement")
    document["credentialSubject"]["endorsementComment"] += "!"
    data = proof.signing_input(document, document["proof"])
    assert not proof.signature_holds(samples.public("orbita ed25519 2026"), data, document["proof"]["proofValue"])


@pytest.mark.parametrize("value", [None, 7, "", "z", "u" + "A" * 86, "z0OIl", "z" + codes.base58_encode(b"\1" * 63)])
def test_unreadable_proof_value_is_no_signature(value: object) -> None:
    assert not proof.signature_holds(samples.public("orbita ed25519 2026"), b"\0" * 64, value)


@given(st.binary(max_size=80))
def test_codes_read_what_they_wrote(data: bytes) -> None:
    assert codes.base58_decode(codes.base58_encode(data)) == data
    assert codes.base64url_decode(codes.base64url_encode(data)) == data
    assert codes.multibase_decode(codes.multibase_encode(data)) == data


def test_base58_of_a_stranger_is_read_no_longer_than_a_key_or_a_signature_is() -> None:
    for read in (codes.multibase_decode, codes.ed25519_from_multibase):
        with pytest.raises(ValueError, match="more than 1000 characters"):
            read("z" + "2" * 2_000)
    assert codes.base58_decode("1" * codes.LONGEST_BASE58) == bytes(codes.LONGEST_BASE58)


def test_ed25519_multikey_of_the_golden_did_document() -> None:
    methods = samples.sample("did")["verificationMethod"]
    assert codes.ed25519_multibase(samples.public("orbita ed25519 2026")) == methods[0]["publicKeyMultibase"]
    assert codes.ed25519_from_multibase(methods[1]["publicKeyMultibase"]) == samples.public("orbita ed25519 2025")


@pytest.mark.parametrize("text", ["z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", "zx", "Q6Mk", ""])
def test_other_keys_are_no_ed25519_multikey(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codes.ed25519_from_multibase(text)


@pytest.mark.parametrize("listing", [contexts.CONTEXTS, contexts.SCHEMAS])
def test_bundled_files_have_their_pinned_digests(listing: dict[str, tuple[str, str]]) -> None:
    for name, pin in listing.values():
        data = resources.files("countersign.trust").joinpath("data", name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == pin, name


def test_every_bundled_file_is_listed_and_credited() -> None:
    folder = resources.files("countersign.trust").joinpath("data")
    found = {f"{part}/{f.name}" for part in ("contexts", "schemas") for f in folder.joinpath(part).iterdir()}
    assert found == {name for name, _ in (*contexts.CONTEXTS.values(), *contexts.SCHEMAS.values())}
    credits_text = folder.joinpath("README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(found) if f"`{name}`" not in credits_text] == []


def test_unknown_context_is_refused_and_not_fetched() -> None:
    document = samples.sample("endorsement")
    document["@context"].append("https://contexts.example/v1")
    with pytest.raises(contexts.UnknownContext, match=r"contexts\.example"):
        expand_strictly(document)


def change(where: list[str | int], value: Any) -> dict[str, Any]:
    document = samples.without_proof(samples.sample("award"))
    holder: Any = document
    for step in where[:-1]:
        holder = holder[step]
    holder[where[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (change(["stray"], 1), "$.stray"),
        (change(["credentialSubject", "stray"], {"a": 1}), "$.credentialSubject.stray"),
        (change(["evidence", 0, "stray"], None), "$.evidence[0].stray"),
        (change(["type"], ["VerifiableCredential", "Stray"]), "$.type[1]"),
        (change(["id"], "awards/1"), "$.id"),
        (change(["id"], "//host/awards/1"), "$.id"),
        (change(["credentialSubject", "id"], "_:b0"), "$.credentialSubject.id"),
        (change(["credentialSubject", "achievement", "id"], "a b"), "$.credentialSubject.achievement.id"),
        (change(["issuer", "id"], "relative:x"), "$.issuer.id"),
        (
            change(["credentialSubject", "achievement", "endorsement", 0, "credentialSubject", "stray"], "x"),
            "$.credentialSubject.achievement.endorsement[0].credentialSubject.stray",
        ),
    ],
)
def test_what_no_context_defines_is_refused_with_its_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(UndefinedTerms) as refused:
        expand_strictly(document)
    assert refused.value.paths == (path,)


def test_every_undefined_term_is_named() -> None:
    document = change(["stray"], 1)
    document["credentialSubject"]["other"] = 2
    with pytest.raises(UndefinedTerms) as refused:
        canonical_rdf(document)
    assert set(refused.value.paths) == {"$.credentialSubject.other", "$.stray"}


def test_undefined_term_in_the_proof_is_refused() -> None:
    document = samples.sample("endorsement")
    with pytest.raises(UndefinedTerms):
        proof.signing_input(document, document["proof"] | {"stray": "x"})


def test_keyword_like_id_is_refused() -> None:
    with pytest.raises(UndefinedTerms):
        expand_strictly(change(["credentialSubject", "id"], "@secret"))


def test_protected_terms_cannot_be_redefined() -> None:
    document = samples.without_proof(samples.sample("endorsement"))
    document["@context"].append({"name": "https://other.example/name"})
    with pytest.raises(NotJsonLd, match="protected"):
        expand_strictly(document)


def test_too_many_blank_nodes_are_refused_before_canonicalising() -> None:
    document = samples.without_proof(samples.sample("endorsement"))
    document["evidence"] = [{"type": ["Evidence"], "name": f"n{n}"} for n in range(30)]
    with pytest.raises(NotJsonLd, match="at most 20"):
        canonical_rdf(document, blank_nodes=20)
    assert canonical_rdf(document, blank_nodes=200)


def test_numbers_are_written_as_javascript_writes_them() -> None:
    assert canonical_json({"b": 3.0, "a": 1e-7, "c": 2.5}) == b'{"a":1e-7,"b":3,"c":2.5}'
    for value in (float("nan"), float("inf"), 2**53):
        with pytest.raises(ValueError, match=r"."):
            canonical_json(value)
