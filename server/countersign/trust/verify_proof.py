"""Proofs against the issuer's published keys (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from countersign.trust.canonical import NotJsonLd, UndefinedTerms
from countersign.trust.canonical_contexts import UnknownContext
from countersign.trust.canonical_proof import (
    CRYPTOSUITE,
    ECDSA,
    ECDSA_JCS,
    JCS,
    PROOF_TYPE,
    signature_of,
    signing_input,
    signing_input_jcs,
)
from countersign.trust.canonical_schema import parse_date_time
from countersign.trust.verify_findings import Finding, Outcome, Verdict, failed, not_checked, passed
from countersign.trust.verify_keys import Key, Kind, key_of
from countersign.trust.verify_reading import MOST_BLANK_NODES, as_list

_SUITES: Final = {CRYPTOSUITE: Kind.ED25519, ECDSA: Kind.P256, JCS: Kind.ED25519, ECDSA_JCS: Kind.P256}
_SUITES_2020: Final = {"Ed25519Signature2020": Kind.ED25519}
"""Proofs that are a suite by their type: what is signed is as with `eddsa-rdfc-2022`."""
_BY_JSON: Final = frozenset({JCS, ECDSA_JCS})


def issuer_of(document: Mapping[str, Any]) -> str | None:
    """Give the issuer's id; None when there is none to read."""
    issuer = document.get("issuer")
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    return named if isinstance(named, str) else None


def proof_findings(
    document: Mapping[str, Any], did_document: Mapping[str, Any] | None, path: str, now: datetime | None = None
) -> Iterator[Finding]:
    """Check every proof; one good proof suffices, and then the others are only listed.

    Without a DID document nothing can be said of the key, since nothing is fetched. A proof that has expired at `now`
    is none.
    """
    proofs = as_list(document.get("proof"))
    if not proofs:
        yield failed("proof", Verdict.BAD_PROOF, "It carries no proof.", path)
        return
    if did_document is None:
        detail = f"The keys of {issuer_of(document)} are not published here, and nothing is fetched."
        yield not_checked("proof", detail, f"{path}.proof", Verdict.UNTRUSTED_ISSUER)
        return
    found = [
        _proof(document, proof, did_document, now, f"{path}.proof[{number}]" if len(proofs) > 1 else f"{path}.proof")
        for number, proof in enumerate(proofs)
    ]
    if any(finding.outcome is Outcome.PASSED for finding in found):
        for finding in found:
            good = finding.outcome is Outcome.PASSED
            yield finding if good else not_checked("proof", f"Not needed: {finding.detail}", finding.path)
    else:
        for finding in found:
            yield failed("proof", Verdict.BAD_PROOF, finding.detail, finding.path)


def parse_object(text: str | None) -> Mapping[str, Any] | None:
    """Read given material: a JSON object, or None."""
    if text is None:
        return None
    value = json.loads(text)
    return value if isinstance(value, dict) else None


def _proof(
    document: Mapping[str, Any], proof: Any, did_document: Mapping[str, Any], now: datetime | None, path: str
) -> Finding:
    suite = _suite(proof)
    if suite is None:
        said = (proof.get("cryptosuite") or proof.get("type")) if isinstance(proof, dict) else type(proof).__name__
        return not_checked("proof", f"A proof of the kind {said!r} is not read here.", path)
    try:
        key = _key(proof, issuer_of(document), did_document, suite)
        _in_time(proof, now)
        if proof.get("cryptosuite") in _BY_JSON:
            data = signing_input_jcs(document, proof)
        else:
            data = signing_input(document, proof, blank_nodes=MOST_BLANK_NODES)
    except (NotJsonLd, UndefinedTerms, UnknownContext, ValueError) as error:
        return failed("proof", Verdict.BAD_PROOF, str(error), path)
    if not key.holds(signature_of(proof.get("proofValue")), data):
        return failed("proof", Verdict.BAD_PROOF, "The signature does not fit the document and the key.", path)
    return passed("proof", f"Signed with {proof['verificationMethod']}.", path)


def _suite(proof: Any) -> Kind | None:
    """The kind of key that a proof asks for; None for proofs that are not read."""
    kind, suite = (proof.get("type"), proof.get("cryptosuite")) if isinstance(proof, dict) else (None, None)
    if kind == PROOF_TYPE:
        return _SUITES.get(suite) if isinstance(suite, str) else None
    return _SUITES_2020.get(kind) if isinstance(kind, str) and suite is None else None


def _key(proof: Mapping[str, Any], issuer: str | None, did_document: Mapping[str, Any], kind: Kind) -> Key:
    """Give the public key that may assert for the issuer; ValueError says what is wrong with the binding."""
    if proof.get("proofPurpose") != "assertionMethod":
        raise ValueError("The proof's purpose is not assertionMethod.")
    if "previousProof" in proof or ("@context" in proof and proof.get("cryptosuite") not in _BY_JSON):
        raise ValueError("Chains of proofs, and proofs with a context of their own, are not read here.")
    if issuer is None:
        raise ValueError("The DID document is not that of the issuer.")
    key = key_of(did_document, issuer, proof.get("verificationMethod"))
    if key.kind is not kind:
        suite = proof.get("cryptosuite", proof["type"])
        raise ValueError(f"The key of the proof is one for {key.kind}, and {suite} asks for {kind}.")
    return key


def _in_time(proof: Mapping[str, Any], now: datetime | None) -> None:
    """ValueError for a proof that is over, or says no readable time (Data Integrity 1.0, section 2.1)."""
    for member in ("created", "expires"):
        if member in proof and parse_date_time(proof[member]) is None:
            raise ValueError(f"The proof does not say readably when it was {member.replace('expires', 'over')}.")
    ends = parse_date_time(proof.get("expires"))
    if ends is not None and now is not None and now >= ends:
        raise ValueError(f"The proof was good until {proof['expires']}.")
