"""Judge a credential over given material: no network, no clock, no database (pure).

Order of checks: size and syntax, contexts, JSON Schema, strict expansion, proof and key binding, dates, status,
subject, digests, standing of the issuer; then every embedded credential in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign.trust import canonical_codes, canonical_contexts
from countersign.trust.addresses import suspensions_beside
from countersign.trust.canonical import NotJsonLd, UndefinedTerms, expand_strictly
from countersign.trust.canonical_contexts import UnknownContext
from countersign.trust.canonical_schema import parse_date_time, schema_problems, schema_url_of
from countersign.trust.verify_findings import (
    Finding,
    Judged,
    Outcome,
    Report,
    Verdict,
    failed,
    not_checked,
    passed,
    report,
    unreadable,
    worst,
)
from countersign.trust.verify_proof import issuer_of, parse_object, proof_findings
from countersign.trust.verify_reading import (
    Found,
    Unreadable,
    achievement_of,
    as_list,
    contexts,
    credentials,
    frozen_achievement_of,
    jwt_endorsements,
    read,
    status_list_of,
)
from countersign.trust.verify_status import status_findings, suspension_findings

_TRUSTED = frozenset({"domain_verified", "verified"})


@dataclass(frozen=True)
class Material:
    """What is at hand, as served text: DID documents by DID, status lists and resources by URL, standing by DID."""

    did_documents: Mapping[str, str] = field(default_factory=dict)
    status_lists: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)
    proven: tuple[str, ...] = ()
    """The URLs of status lists whose signature was checked before, since it is not in them (they came as tokens)."""


def verify(text: str, material: Material, now: datetime) -> Report:
    """Judge a pasted text at `now` (aware). Never raises for what the text holds: that is in the report."""
    try:
        document = read(text)
    except Unreadable as error:
        return unreadable(error.verdict, error.check, str(error))
    return report(_judge(found, material, now) for found in credentials(document))


def _judge(found: Found, material: Material, now: datetime) -> Judged:
    findings = tuple(_findings(found, material, now))
    document = found.document
    kind = next((t for t in as_list(document.get("type")) if isinstance(t, str) and t != "VerifiableCredential"), None)
    identifier = document.get("id")
    return Judged(
        found.path,
        identifier if isinstance(identifier, str) else None,
        kind,
        worst(finding.verdict for finding in findings),
        findings,
    )


def _findings(found: Found, material: Material, now: datetime) -> Iterator[Finding]:
    for check in (_contexts, _schema, _expansion):
        finding = check(found.document, found.path)
        yield finding
        if finding.outcome is Outcome.FAILED:
            return  # it cannot be judged further
    document, path = found.document, found.path
    issuer = issuer_of(document) or ""
    did_document = parse_object(material.did_documents.get(issuer))
    yield from proof_findings(document, did_document, path, now)
    yield from _dates(document, now, path)
    list_url = status_list_of(document)
    listed = parse_object(material.status_lists.get(list_url)) if list_url is not None else None
    proven = list_url in material.proven
    yield from status_findings(document, listed, did_document, now, path, proven=proven)
    if list_url is not None and (beside := suspensions_beside(list_url)) is not None:
        paused = parse_object(material.status_lists.get(beside))
        yield from suspension_findings(document, paused, did_document, now, path)
    yield from _subject(found)
    yield from _digests(document, material, path)
    yield _standing(issuer, material, path)
    if not found.steps:
        for place in jwt_endorsements(document):
            yield not_checked("embedded", "Endorsements in JWT form are not read here.", place)


def _contexts(document: Mapping[str, Any], path: str) -> Finding:
    where = f"{path}.@context"
    for entry in contexts(document):
        if not isinstance(entry, str) or entry not in canonical_contexts.CONTEXTS:
            named = repr(entry) if isinstance(entry, str) else "written inside the document"
            return failed("contexts", Verdict.UNKNOWN_CONTEXT, f"The context {named} is not known here.", where)
    entries = as_list(document.get("@context"))
    if not entries or entries[0] != canonical_contexts.CREDENTIALS_V2:
        detail = "The first context is not that of the Verifiable Credentials Data Model 2.0."
        return failed("contexts", Verdict.UNKNOWN_CONTEXT, detail, where)
    return passed("contexts", "Every context is known by its hash.", where)


def _schema(document: Mapping[str, Any], path: str) -> Finding:
    if schema_url_of(document) is None:
        return not_checked("schema", "There is no schema here for this type of credential.", f"{path}.type")
    problems = schema_problems(document)
    if problems:
        detail = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
        return failed("schema", Verdict.SCHEMA_INVALID, detail, path + problems[0].path.removeprefix("$"))
    return passed("schema", "It fits the JSON Schema of its type.", path)


def _expansion(document: Mapping[str, Any], path: str) -> Finding:
    try:
        expand_strictly(document)
    except UndefinedTerms as error:
        places = ", ".join(path + place.removeprefix("$") for place in error.paths)
        detail = f"Not covered by any signature: {places}."
        return failed("terms", Verdict.UNDEFINED_TERMS, detail, path + error.paths[0].removeprefix("$"))
    except UnknownContext as error:
        return failed("terms", Verdict.UNKNOWN_CONTEXT, str(error), path)
    except NotJsonLd as error:
        return failed("terms", Verdict.SCHEMA_INVALID, str(error), path)
    return passed("terms", "Every member is defined by a context.", path)


def _dates(document: Mapping[str, Any], now: datetime, path: str) -> Iterator[Finding]:
    read_dates: dict[str, datetime] = {}
    for member in ("validFrom", "validUntil"):
        if member in document:
            moment = parse_date_time(document[member])
            if moment is None:
                detail = f"{member} is no date and time with an offset."
                yield failed("dates", Verdict.SCHEMA_INVALID, detail, f"{path}.{member}")
                return
            read_dates[member] = moment
    start, end = read_dates.get("validFrom"), read_dates.get("validUntil")
    if start is not None and end is not None and end < start:
        yield failed("dates", Verdict.SCHEMA_INVALID, "It ends before it begins.", f"{path}.validUntil")
    elif start is not None and now < start:
        yield failed("dates", Verdict.NOT_YET_VALID, f"It is valid from {document['validFrom']}.", f"{path}.validFrom")
    elif end is not None and now > end:
        yield failed("dates", Verdict.EXPIRED, f"It was valid until {document['validUntil']}.", f"{path}.validUntil")
    else:
        yield passed("dates", "It is within its dates.", path)


def _subject(found: Found) -> Iterator[Finding]:
    if not found.endorses:
        return
    subject = found.document.get("credentialSubject")
    about = subject.get("id") if isinstance(subject, dict) else None
    where = f"{found.path}.credentialSubject"
    if about is not None and about == found.carrier:
        yield passed("subject", "It endorses what carries it.", where)
    else:
        detail = f"It endorses {about}, and is carried by {found.carrier}."
        yield failed("subject", Verdict.SUBJECT_MISMATCH, detail, where)


def _digests(document: Mapping[str, Any], material: Material, path: str) -> Iterator[Finding]:
    for number, resource in enumerate(as_list(document.get("relatedResource"))):
        where = f"{path}.relatedResource[{number}]"
        url = resource.get("id") if isinstance(resource, dict) else None
        served = material.resources.get(url) if isinstance(url, str) else None
        if served is None:
            yield not_checked("digest", f"{url} is not published here, and nothing is fetched.", where)
            continue
        data = served.encode()
        multibase, sri = resource.get("digestMultibase"), resource.get("digestSRI")
        claims = [
            *([canonical_codes.matches_multibase(data, str(multibase))] if multibase is not None else []),
            *([canonical_codes.matches_sri(data, str(sri))] if sri is not None else []),
        ]
        if claims and all(claims):
            yield passed("digest", f"{url} is served with exactly the bytes that were signed.", where)
        else:
            detail = f"{url} is served with other bytes than those that were signed."
            yield failed("digest", Verdict.DIGEST_MISMATCH, detail, where)
    achievement = achievement_of(document)
    identifier = achievement.get("id") if achievement is not None else None
    frozen = material.resources.get(identifier) if isinstance(identifier, str) else None
    if frozen is not None:
        where = f"{path}.credentialSubject.achievement"
        if frozen_achievement_of(document) == frozen.encode():
            yield passed("digest", "The achievement is the frozen one, byte for byte.", where)
        else:
            yield failed("digest", Verdict.DIGEST_MISMATCH, "The achievement is not the frozen one.", where)


def _standing(issuer: str, material: Material, path: str) -> Finding:
    where = f"{path}.issuer"
    state = material.standing.get(issuer)
    if state is None:
        detail = f"{issuer or 'The issuer'} is not an organization of this installation."
        return not_checked("issuer", detail, where, Verdict.UNTRUSTED_ISSUER)
    if state not in _TRUSTED:
        return failed("issuer", Verdict.UNTRUSTED_ISSUER, f"The organization is {state}.", where)
    return passed("issuer", "The organization is verified.", where)
