"""Proofs and status lists against the issuer's published key (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from countersign.trust import canonical_status
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


def status_findings(
    document: Mapping[str, Any],
    listed: Mapping[str, Any] | None,
    did_document: Mapping[str, Any] | None,
    now: datetime,
    path: str,
    *,
    proven: bool = False,
) -> Iterator[Finding]:
    """Check `credentialStatus` against the list it names, which the same issuer must have signed.

    `proven` says that the signature of the list was checked before.
    """
    status = document.get("credentialStatus")
    if status is None:
        yield passed("status", "It names no status list: it cannot be revoked.", path)
        return
    where = f"{path}.credentialStatus"
    try:
        purpose, is_set = _bit(document, status, listed, did_document, now, proven=proven)
    except ValueError as error:
        yield failed("status", Verdict.STATUS_UNAVAILABLE, str(error), where)
        return
    if not is_set:
        yield passed("status", "The issuer's status list shows it as not revoked.", where)
    elif purpose == "suspension":
        yield failed("status", Verdict.SUSPENDED, "The issuer has suspended it.", where)
    else:
        yield failed("status", Verdict.REVOKED, "The issuer has revoked it.", where)


def suspension_findings(
    document: Mapping[str, Any],
    listed: Mapping[str, Any] | None,
    did_document: Mapping[str, Any] | None,
    now: datetime,
    path: str,
) -> Iterator[Finding]:
    """Check the list of suspensions that stands beside the list of revocations, where the issuer keeps one.

    `credentialStatus` is one object, so the credential cannot name both; without such a list nothing is found.
    """
    status = document.get("credentialStatus")
    if listed is None or not isinstance(status, dict):
        return
    beside = {**status, "statusPurpose": "suspension", "statusListCredential": listed.get("id")}
    where = f"{path}.credentialStatus"
    try:
        _, is_set = _bit(document, beside, listed, did_document, now)
    except ValueError as error:
        yield failed("status", Verdict.STATUS_UNAVAILABLE, f"The list of suspensions: {error}", where)
        return
    if is_set:
        yield failed("status", Verdict.SUSPENDED, "The issuer has suspended it.", where)


def parse_object(text: str | None) -> Mapping[str, Any] | None:
    """Read given material: a JSON object, or None."""
    if text is None:
        return None
    value = json.loads(text)
    return value if isinstance(value, dict) else None


def _proof(
    document: Mapping[str, Any], proof: Any, did_document: Mapping[str, Any], now: datetime | None, path: str
) -> Finding:
    suite = proof.get("cryptosuite") if isinstance(proof, dict) else None
    if not isinstance(suite, str) or suite not in _SUITES or proof.get("type") != PROOF_TYPE:
        kind = suite or proof.get("type") if isinstance(proof, dict) else type(proof).__name__
        return not_checked("proof", f"A proof of the kind {kind!r} is not read here.", path)
    try:
        key = _key(proof, issuer_of(document), did_document, _SUITES[suite])
        _in_time(proof, now)
        if suite in _BY_JSON:
            data = signing_input_jcs(document, proof)
        else:
            data = signing_input(document, proof, blank_nodes=MOST_BLANK_NODES)
    except (NotJsonLd, UndefinedTerms, UnknownContext, ValueError) as error:
        return failed("proof", Verdict.BAD_PROOF, str(error), path)
    if not key.holds(signature_of(proof.get("proofValue")), data):
        return failed("proof", Verdict.BAD_PROOF, "The signature does not fit the document and the key.", path)
    return passed("proof", f"Signed with {proof['verificationMethod']}.", path)


def _key(proof: Mapping[str, Any], issuer: str | None, did_document: Mapping[str, Any], kind: Kind) -> Key:
    """Give the public key that may assert for the issuer; ValueError says what is wrong with the binding."""
    if proof.get("proofPurpose") != "assertionMethod":
        raise ValueError("The proof's purpose is not assertionMethod.")
    if "previousProof" in proof or ("@context" in proof and proof["cryptosuite"] not in _BY_JSON):
        raise ValueError("Chains of proofs, and proofs with a context of their own, are not read here.")
    if issuer is None:
        raise ValueError("The DID document is not that of the issuer.")
    key = key_of(did_document, issuer, proof.get("verificationMethod"))
    if key.kind is not kind:
        raise ValueError(f"The key of the proof is one for {key.kind}, and {proof['cryptosuite']} asks for {kind}.")
    return key


def _in_time(proof: Mapping[str, Any], now: datetime | None) -> None:
    """ValueError for a proof that is over, or says no readable time (Data Integrity 1.0, section 2.1)."""
    for member in ("created", "expires"):
        if member in proof and parse_date_time(proof[member]) is None:
            raise ValueError(f"The proof does not say readably when it was {member.replace('expires', 'over')}.")
    ends = parse_date_time(proof.get("expires"))
    if ends is not None and now is not None and now >= ends:
        raise ValueError(f"The proof was good until {proof['expires']}.")


def _bit(
    document: Mapping[str, Any],
    status: Any,
    listed: Mapping[str, Any] | None,
    did_document: Mapping[str, Any] | None,
    now: datetime,
    *,
    proven: bool = False,
) -> tuple[str, bool]:
    """Give the purpose and the bit of a status entry; ValueError when no answer can be relied on."""
    if not isinstance(status, dict) or status.get("type") != "BitstringStatusListEntry" or _is_wide(status):
        raise ValueError("Only one BitstringStatusListEntry of one bit is read as status.")
    if listed is None or (did_document is None and not proven):
        raise ValueError("The status list is not published here, and nothing is fetched.")
    subject = listed.get("credentialSubject")
    if not isinstance(subject, dict) or subject.get("type") != "BitstringStatusList":
        raise ValueError("What the status names is no status list.")
    purpose = subject.get("statusPurpose")
    if not isinstance(purpose, str) or purpose != status.get("statusPurpose"):
        raise ValueError("The status list has another purpose.")
    if listed.get("id") != status.get("statusListCredential"):
        raise ValueError("The status list has another id.")
    if issuer_of(listed) != issuer_of(document):
        raise ValueError("The status list is signed by somebody other than the issuer.")
    if not proven and not any(f.outcome is Outcome.PASSED for f in proof_findings(listed, did_document, "$", now)):
        raise ValueError("The signature of the status list does not hold.")
    valid_from, valid_until = parse_date_time(listed.get("validFrom")), parse_date_time(listed.get("validUntil"))
    if (valid_from is not None and now < valid_from) or (valid_until is not None and now > valid_until):
        raise ValueError("The status list is not valid at this time.")
    index = str(status.get("statusListIndex"))
    if not index.isascii() or not index.isdecimal():
        raise ValueError("The status list index is no number.")
    return purpose, canonical_status.is_set(canonical_status.decode(str(subject.get("encodedList"))), int(index))


def _is_wide(status: Mapping[str, Any]) -> bool:
    return bool(status.get("statusSize", 1) != 1)
