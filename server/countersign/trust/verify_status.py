"""What a credential's status list says of it: bitstrings, signed by its issuer, and lists of revocations (pure).

Bitstring Status List 1.0, its forerunner StatusList2021, and 1EdTechRevocationList of Open Badges 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from countersign.trust import canonical_status
from countersign.trust.canonical_schema import parse_date_time
from countersign.trust.verify_findings import Finding, Outcome, Verdict, failed, not_checked, passed
from countersign.trust.verify_proof import issuer_of, proof_findings
from countersign.trust.verify_reading import REVOCATION_LIST, as_list

_LISTS: Final = {"BitstringStatusListEntry": "BitstringStatusList", "StatusList2021Entry": "StatusList2021"}

_ENDS: Final = frozenset({"revocation", "suspension"})


def status_findings(
    document: Mapping[str, Any],
    listed: Mapping[str, Any] | None,
    did_document: Mapping[str, Any] | None,
    now: datetime,
    path: str,
    *,
    proven: bool = False,
) -> Iterator[Finding]:
    """Check `credentialStatus` against the list it names, which must be the same issuer's.

    A bitstring must be signed; `proven` says that its signature was checked before.
    """
    status = document.get("credentialStatus")
    if status is None:
        yield passed("status", "It names no status list: it cannot be revoked.", path)
        return
    where = f"{path}.credentialStatus"
    try:
        if isinstance(status, dict) and status.get("type") == REVOCATION_LIST:
            yield _revocation(document, listed, where)
            return
        purpose, is_set = _bit(document, status, listed, did_document, now, proven=proven)
    except ValueError as error:
        yield failed("status", Verdict.STATUS_UNAVAILABLE, str(error), where)
        return
    if purpose not in _ENDS:
        detail = f"A list of the purpose {purpose!r} does not say whether it was revoked."
        yield not_checked("status", detail, where, Verdict.STATUS_UNAVAILABLE)
    elif not is_set:
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


def _revocation(document: Mapping[str, Any], listed: Mapping[str, Any] | None, where: str) -> Finding:
    """What a list of revocations says (Open Badges 3.0, 1EdTechRevocationList): it is unsigned, and complete.

    The credential itself, which is signed, names its address; whose it is it says itself. A revocation without the
    member `revoked` is one.
    """
    if listed is None:
        raise ValueError("The list of revocations is not published here, and nothing is fetched.")
    if listed.get("id") != document["credentialStatus"].get("id"):
        raise ValueError("The list of revocations has another id.")
    if issuer_of(listed) != issuer_of(document):
        raise ValueError("The list of revocations is somebody else's.")
    entries = listed.get("revokedCredential", [])
    if "revokedCredential" not in listed or not all(isinstance(entry, dict) for entry in as_list(entries)):
        raise ValueError("What the status names is no list of revocations.")
    for entry in as_list(entries):
        if entry.get("id") == document.get("id") and entry.get("revoked", True) is not False:
            reason = entry.get("revocationReason")
            said = f" Its reason: {reason[:500]}" if isinstance(reason, str) and reason else ""
            return failed("status", Verdict.REVOKED, f"The issuer has revoked it.{said}", where)
    return passed("status", "The issuer's list of revocations does not name it.", where)


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
    kind = _LISTS.get(str(status.get("type"))) if isinstance(status, dict) else None
    if kind is None or _is_wide(status):
        raise ValueError("Only one status of one bit is read: BitstringStatusListEntry or StatusList2021Entry.")
    if listed is None or (did_document is None and not proven):
        raise ValueError("The status list is not published here, and nothing is fetched.")
    subject = listed.get("credentialSubject")
    if not isinstance(subject, dict) or subject.get("type") != kind:
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
    if not _is_current(listed, now):
        raise ValueError("The status list is not valid at this time.")
    index = str(status.get("statusListIndex"))
    if not index.isascii() or not index.isdecimal():
        raise ValueError("The status list index is no number.")
    decode = canonical_status.decode_2021 if kind == "StatusList2021" else canonical_status.decode
    return purpose, canonical_status.is_set(decode(str(subject.get("encodedList"))), int(index))


def _is_current(listed: Mapping[str, Any], now: datetime) -> bool:
    """Whether a list is within its dates, in the words of the data model 2.0 or of 1.1."""
    begins = parse_date_time(listed.get("validFrom", listed.get("issuanceDate")))
    ends = parse_date_time(listed.get("validUntil", listed.get("expirationDate")))
    return (begins is None or now >= begins) and (ends is None or now <= ends)


def _is_wide(status: Mapping[str, Any]) -> bool:
    return bool(status.get("statusSize", 1) != 1)
